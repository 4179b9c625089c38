"""Make what a project file says, headless: read, score, filter, train, measure, export.

`run` goes through the steps; each looks whether its result is there and made from the present
inputs, so a run that was killed goes on, and a second run of the same file does nothing. What a
long step costs is told before it begins. `python -m vcsoup run` and a user's script call it.
"""

from vcsoup.running.plan import STAGES, Stage, planned
from vcsoup.running.run import StepReport, dry_run, run

__all__ = ["STAGES", "Stage", "StepReport", "dry_run", "planned", "run"]
