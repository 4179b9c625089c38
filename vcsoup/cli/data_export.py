"""`data export`: pairs as files, by the project's filter, a named one, or one given here."""

from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from vcsoup.cli.filters import changed_filter
from vcsoup.cli.options import (
    FlipOption,
    JsonOption,
    MinNormOption,
    ProjectOption,
    ScaleOption,
    WorkspaceOption,
    as_job,
    chosen_values,
    open_workspace,
)
from vcsoup.cli.output import show, show_json
from vcsoup.errors import NotFoundError, WorkspaceError
from vcsoup.export_layouts import LAYOUTS
from vcsoup.filtering import PairFilter
from vcsoup.numbers import plural
from vcsoup.pair_export import TRL_EXPLICIT, ExportPlan, Format, Side, export_pairs
from vcsoup.workspace import Project, Scale

_SIDES, _FORMATS, _SCALES = get_args(Side), get_args(Format), get_args(Scale)


def export(
    value: Annotated[str, typer.Argument(help="Whose data set.")],
    out: Annotated[Path, typer.Argument(help="The file; one that exists is replaced.")],
    side: Annotated[
        str, typer.Option(help="kept, dropped (with reasons), flips (likely label flips) or all.")
    ] = "kept",
    file_format: Annotated[
        str | None, typer.Option("--format", help="jsonl, parquet or csv; by the file's name.")
    ] = None,
    layout: Annotated[
        str, typer.Option(help=f"Format of kept pairs: {', '.join(LAYOUTS)}.")
    ] = TRL_EXPLICIT,
    threshold: Annotated[
        float | None, typer.Option(help="Instead of the stored threshold (-1 to 1).")
    ] = None,
    min_norm: MinNormOption = None,
    flip: FlipOption = None,
    named: Annotated[
        str | None, typer.Option("--filter", help="Start from this named filter.")
    ] = None,
    scale: ScaleOption = None,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write pairs as JSON Lines, parquet or CSV; kept ones for any trainer."""
    opened = open_workspace(workspace)
    target = opened.project(project)
    chosen_values(target, [value])
    stored, stored_scale = _stored(target, value, named)
    plan = ExportPlan(
        side=cast(Side, _one_of("--side", side, _SIDES)),
        format=cast(Format, _one_of("--format", file_format or _format_of(out), _FORMATS)),
        layout=_one_of("--layout", layout, tuple(LAYOUTS)),
        pair_filter=changed_filter(stored, threshold=threshold, min_norm=min_norm, flip=flip),
        scale=cast(Scale, _one_of("--scale", scale or stored_scale, _SCALES)),
    )
    title = f"Exporting {side} pairs of {value}"
    with as_job(opened, "export", title, project=project, slot=False) as worker:
        made = export_pairs(target, value, plan, out, monitor=worker)
        figures = {**vars(made), "path": str(made.path), **plan.model_dump()}
        worker.finish(figures)
    if as_json:
        show_json(figures)
    else:
        size = f"{plural(made.pairs, 'pair')}, {made.bytes:,} bytes"
        show(f"{made.path}: {size}, sha256 {made.sha256[:16]}")
        for reason, pairs in made.unsaid.items():
            show(f"  {plural(pairs, 'pair')} left out, which {layout} cannot say: {reason}")


def _stored(project: Project, value: str, named: str | None) -> tuple[PairFilter, Scale]:
    if named is None:
        return project.filters()[value], project.config.scale
    found = project.named_filter(named)
    if value not in found.filters:
        raise NotFoundError(
            f"filter {named!r} says nothing about {value} (it covers {', '.join(found.filters)}); "
            "choose one of those, or another filter"
        )
    return found.filters[value], found.scale


def _format_of(out: Path) -> str:
    ending = out.suffix.removeprefix(".")
    return ending if ending in _FORMATS else "jsonl"


def _one_of(option: str, came: str, known: tuple[str, ...]) -> str:
    if came not in known:
        raise WorkspaceError(f"{option} {came!r} is unknown; choose {', '.join(known)}")
    return came
