"""`train`: LoRA DPO, one adapter per value."""

from collections.abc import Iterator
from contextlib import contextmanager
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
from vcsoup.cli.train_calibrate import calibrate_all
from vcsoup.cli.train_config import chosen_config, chosen_preset
from vcsoup.errors import NotFoundError, TrainingError
from vcsoup.filtering import PairFilter
from vcsoup.jobs import Worker
from vcsoup.machine import keep_memory
from vcsoup.monitor import SILENT, StopRequested
from vcsoup.training.config import TrainConfig
from vcsoup.training.config_file import dump_train_config
from vcsoup.training.processes import is_main, told_by_main
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
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any field, as FIELD=VALUE; repeatable. See --print-config."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML file of a configuration; flags go before it.")
    ] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the configuration as YAML, train nothing.")
    ] = False,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Time a few steps of the first value, keep nothing.")
    ] = False,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train an adapter per value; Ctrl-C stops and keeps it, and the exit status is then 130."""
    keep_memory()
    opened = open_workspace(workspace)
    target = opened.project(project)
    changes = {"steps": steps, "seed": seed, "learning_rate": lr, "batch_size": batch_size}
    changes |= {"rank": rank, "alpha": alpha, "beta": beta, "max_length": max_length}
    preset = chosen_preset(opened, target, preset)
    chosen = chosen_config(preset, config, settings=settings or (), changes=changes)
    if print_config:
        typer.echo(dump_train_config(chosen), nl=False)
        return
    values = chosen_values(target, value)
    filters = _filters(target, values, unfiltered=unfiltered, threshold=threshold)
    group = group or ("unfiltered" if unfiltered else "filtered")
    if calibrate:
        calibrate_all(opened, target, filters, config=chosen, as_json=as_json)
        return
    adapters = _train_all(opened, target, filters, config=chosen, group=group)
    figures = [_figures(info) for info in adapters]
    if not is_main():
        return
    if as_json:
        show_json({"group": group, "adapters": figures})
    else:
        columns = ["name", "pairs", "threshold", "steps", "seconds", "stopped"]
        rows = [[entry[column] for column in columns] for entry in figures]
        show_table(columns, rows)
    whole = sum(not entry["stopped"] for entry in figures)
    if whole < len(values):
        raise StopRequested(
            f"stopped with {whole} of {len(values)} adapters trained to the end; what there is is "
            "kept, and `python -m vcsoup jobs list` shows the job to resume"
        )


def _train_all(
    workspace: Workspace,
    project: Project,
    filters: dict[str, PairFilter | None],
    *,
    config: TrainConfig,
    group: str,
) -> list[AdapterInfo]:
    """Train value by value; several processes take part, the main one is the job."""
    from vcsoup.pipeline import train_project

    title = f"Training {', '.join(filters)} ({group})"
    adapters: list[AdapterInfo] = []
    with _job_of_main(workspace, title, project) as worker:
        for value, kept in filters.items():
            if told_by_main(worker and worker.stop_requested):
                break
            info = train_project(
                project,
                value,
                config,
                group=group,
                pair_filter=kept,
                monitor=worker or SILENT,
                job=worker.path.name if worker else None,
                checkpoints=told_by_main(worker and worker.checkpoints),
                references=workspace.reference_cache_root,
            )
            adapters.append(info)
            if worker:
                worker.finish({"group": group, "adapters": [_figures(info) for info in adapters]})
    return adapters


@contextmanager
def _job_of_main(workspace: Workspace, title: str, project: Project) -> Iterator[Worker | None]:
    """Be the job, or, beside a main process, nothing but a helping hand."""
    if not is_main():
        yield None
        return
    with as_job(workspace, "train", title, project=project.name) as worker:
        yield worker


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


def _figures(info: AdapterInfo) -> dict[str, Any]:
    manifest = info.manifest
    return {
        "name": info.name,
        "value": info.value,
        "path": str(info.path),
        "pairs": manifest.get("n_pairs"),
        "threshold": manifest.get("threshold"),
        "steps": manifest.get("steps_done", manifest.get("config", {}).get("steps")),
        "seconds": manifest.get("seconds"),
        "stopped": bool(manifest.get("stopped")),
        "metrics": manifest.get("metrics"),
    }
