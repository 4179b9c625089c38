"""The method's long steps on a project: score, train, measure.

Each function reads what it needs from the workspace, calls the room that does the work, and stores
the result. The command line's verbs, the demo run, `run project.yaml` and a user's script call the
same ones; nothing here decides anything that a user cannot set. Imports torch only when called.
"""

from vcsoup.pipeline.measuring import (
    Measuring,
    judging_key,
    load_measuring,
    measure_project,
    not_measured,
    outdated,
    points_of,
)
from vcsoup.pipeline.scoring import reward_specs, score_project, with_scores
from vcsoup.pipeline.training import finished_adapter, kept_pairs, train_project

__all__ = [
    "Measuring",
    "finished_adapter",
    "judging_key",
    "kept_pairs",
    "load_measuring",
    "measure_project",
    "not_measured",
    "outdated",
    "points_of",
    "reward_specs",
    "score_project",
    "train_project",
    "with_scores",
]
