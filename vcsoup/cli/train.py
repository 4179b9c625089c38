"""`train`: LoRA DPO, one adapter per value."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vcsoup.cli.filters import changed_filter
from vcsoup.cli.options import (
    JsonOption,
    ProjectOption,
    ValuesOption,
    WorkspaceOption,
    as_job,
    chosen_values,
    open_workspace,
)
from vcsoup.cli.output import show_json, show_table
from vcsoup.errors import NotFoundError, TrainingError
from vcsoup.filtering import PairFilter
from vcsoup.training.config import PRESETS, TrainConfig, train_config
from vcsoup.workspace import AdapterInfo, Project, Workspace


def _help(field: str) -> Any:
    described = TrainConfig.model_fields[field].description
    return typer.Option(help=f"{described} The preset's by default.", show_default=False)


def train(
    value: ValuesOption = None,
    group: Annotated[
        str | None, typer.Option(help="Adapter set; 'filtered' or 'unfiltered' by default.")
    ] = None,
    unfiltered: Annotated[bool, typer.Option("--unfiltered", help="Train on all pairs.")] = False,
    threshold: Annotated[
        float | None, typer.Option(help="Use this threshold instead of the stored filters'.")
    ] = None,
    preset: Annotated[
        str, typer.Option(help="paper, demo, or auto: demo for the embedded world.")
    ] = "auto",
    steps: Annotated[int | None, _help("steps")] = None,
    seed: Annotated[int | None, _help("seed")] = None,
    lr: Annotated[float | None, _help("learning_rate")] = None,
    batch_size: Annotated[int | None, _help("batch_size")] = None,
    rank: Annotated[int | None, _help("rank")] = None,
    alpha: Annotated[float | None, _help("alpha")] = None,
    beta: Annotated[float | None, _help("beta")] = None,
    max_length: Annotated[int | None, _help("max_length")] = None,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train an adapter per value; Ctrl-C stops and keeps it."""
    opened = open_workspace(workspace)
    target = opened.project(project)
    values = chosen_values(target, value)
    changes = {"steps": steps, "seed": seed, "learning_rate": lr, "batch_size": batch_size}
    changes |= {"rank": rank, "alpha": alpha, "beta": beta, "max_length": max_length}
    config = train_config(_preset(opened, target, preset), **changes)
    filters = _filters(target, values, unfiltered=unfiltered, threshold=threshold)
    group = group or ("unfiltered" if unfiltered else "filtered")
    adapters = _train_all(opened, target, filters, config=config, group=group)
    figures = [_figures(info) for info in adapters]
    if as_json:
        show_json({"group": group, "adapters": figures})
        return
    columns = ["name", "pairs", "threshold", "steps", "seconds", "stopped"]
    rows = [[entry[column] for column in columns] for entry in figures]
    show_table(columns, rows)


def _train_all(
    workspace: Workspace,
    project: Project,
    filters: dict[str, PairFilter | None],
    *,
    config: TrainConfig,
    group: str,
) -> list[AdapterInfo]:
    from vcsoup.pipeline import train_project

    title = f"Training {', '.join(filters)} ({group})"
    adapters: list[AdapterInfo] = []
    with as_job(workspace, "train", title, project=project.name) as worker:
        for value, kept in filters.items():
            if worker.stop_requested:
                break
            choices = {"group": group, "pair_filter": kept}
            adapters.append(train_project(project, value, config, **choices, monitor=worker))
            worker.finish({"group": group, "adapters": [_figures(info) for info in adapters]})
    return adapters


def _filters(
    project: Project, values: list[str], *, unfiltered: bool, threshold: float | None
) -> dict[str, PairFilter | None]:
    """Return the filter per value, None for all pairs; refuse early what cannot be trained."""
    if unfiltered and threshold is not None:
        raise TrainingError("--unfiltered and --threshold exclude each other; give one of them")
    if threshold is not None and not -1 <= threshold <= 1:
        raise TrainingError(f"threshold {threshold} is outside -1 to 1; choose one inside")
    for value in values:
        project.pair_file(value)
        if not unfiltered and not project.rewards_stamp(value):
            raise NotFoundError(
                f"the pairs of {value} have no current rewards to filter by; run "
                f"`python -m vcsoup score --project {project.name}` or train with --unfiltered"
            )
    if unfiltered:
        return dict.fromkeys(values)
    stored = project.filters()
    return {value: changed_filter(stored[value], threshold=threshold) for value in values}


def _preset(workspace: Workspace, project: Project, preset: str) -> str:
    """Return the preset's name; "auto" is the light one for a base inside the workspace."""
    if preset != "auto":
        if preset not in PRESETS:
            raise TrainingError(f"preset {preset!r} is unknown; choose auto, {', '.join(PRESETS)}")
        return preset
    return "demo" if Path(project.config.base).is_relative_to(workspace.root) else "paper"


def _figures(info: AdapterInfo) -> dict[str, Any]:
    manifest = info.manifest
    return {
        "name": info.name,
        "value": info.value,
        "path": str(info.path),
        "pairs": manifest.get("n_pairs"),
        "threshold": manifest.get("threshold"),
        "steps": manifest.get("steps", manifest.get("config", {}).get("steps")),
        "seconds": manifest.get("seconds"),
        "stopped": bool(manifest.get("stopped")),
        "metrics": manifest.get("metrics"),
    }
