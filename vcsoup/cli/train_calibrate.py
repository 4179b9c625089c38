"""`train --calibrate`: times a few real steps, so that a run's cost is told before it starts."""

from dataclasses import asdict
from typing import Any

from vcsoup.cli.options import as_job
from vcsoup.cli.output import show_json, show_table
from vcsoup.filtering import PairFilter
from vcsoup.training.config import TrainConfig
from vcsoup.workspace import Project, Workspace


def calibrate_all(
    workspace: Workspace,
    project: Project,
    filters: dict[str, PairFilter | None],
    *,
    config: TrainConfig,
    as_json: bool,
) -> None:
    """Calibrate on the first value's pairs, as a job whose result the page reads."""
    from vcsoup.pipeline import kept_pairs
    from vcsoup.training.calibration import calibrate

    value, kept = next(iter(filters.items()))
    with as_job(workspace, "calibrate", f"Timing {value}", project=project.name) as worker:
        pairs = kept_pairs(project, value, kept)
        chosen = project.config
        found = calibrate(pairs, config, base=chosen.base, loading=chosen.loading, monitor=worker)
        result: dict[str, Any] = {
            "value": value,
            "base": project.config.base,
            "config": config.model_dump(mode="json"),
            **asdict(found),
        }
        worker.finish(result)
    if as_json:
        show_json(result)
        return
    show_table(["figure", "measured"], [[name, told] for name, told in asdict(found).items()])
