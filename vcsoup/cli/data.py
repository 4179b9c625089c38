"""`data add`, `score` and `filter`: from preference files to the pairs worth training on."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from vcsoup.cli.options import (
    JsonOption,
    ProjectOption,
    ValuesOption,
    WorkspaceOption,
    as_job,
    chosen_values,
    open_workspace,
)
from vcsoup.cli.output import show, show_json, show_table
from vcsoup.errors import NotFoundError, WorkspaceError
from vcsoup.workspace import Project

app = typer.Typer(help="Add preference data.", no_args_is_help=True)

_SHOWN_PROBLEMS = 5


@app.callback()
def _data() -> None:
    """Add preference data."""


@app.command("add")
def add(
    value: Annotated[str, typer.Argument(help="The value that these preferences are about.")],
    file: Annotated[Path, typer.Argument(help="JSON, JSON Lines, CSV or parquet.")],
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a preference file as the data set of a value, in place of the former one."""
    from vcsoup.preferences.readers import read_preferences

    opened = open_workspace(workspace).project(project)
    chosen_values(opened, [value])
    result = read_preferences(file)
    report = result.report.to_dict()
    info = opened.save_pairs(value, result.pairs, source=str(file), report=report)
    held_out = opened.top_up_held_out(value)
    if as_json:
        show_json({"value": value, "n": info.n, "held_out_prompts": held_out, "report": report})
        return
    show(f"{value}: {result.report.summary}; {held_out} prompts held out for measuring")
    for problem in result.report.problems[:_SHOWN_PROBLEMS]:
        show(f"  row {problem.row}, {problem.column or 'whole row'}: {problem.reason}")
    if (more := len(result.report.problems) - _SHOWN_PROBLEMS) > 0:
        show(f"  and {more:,} more; --json lists them all")


def score(
    value: ValuesOption = None,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score the pairs with every reward model; a killed run goes on where it stopped."""
    opened = open_workspace(workspace)
    target = opened.project(project)
    values = chosen_values(target, value) if value else list(target.datasets())
    if not values:
        raise NotFoundError(
            f"project {project} has no pairs to score; add some with "
            f"`python -m vcsoup data add VALUE FILE --project {project}`"
        )
    from vcsoup.pipeline import score_project

    title = f"Scoring {', '.join(values)}"
    with as_job(opened, "score", title, project=project) as worker:
        counts = score_project(opened, target, values, monitor=worker)
        worker.finish({"scored": counts})
    if as_json:
        show_json({"scored": counts})
    else:
        show_table(["value", "pairs scored"], list(counts.items()))


def filter_pairs(
    value: ValuesOption = None,
    threshold: Annotated[
        float | None, typer.Option(help="Store this threshold (-1 to 1) for the values.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write one value's kept pairs here, as JSON Lines.")
    ] = None,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set thresholds, and show what they keep."""
    opened = open_workspace(workspace).project(project)
    values = chosen_values(opened, value)
    if export is not None and len(values) != 1:
        raise WorkspaceError("--export writes the pairs of one value; name it with --value")
    figures = [_retention(opened, name, threshold) for name in values]
    if threshold is not None:
        for name in values:
            opened.set_threshold(name, threshold)
    if export is not None:
        _export(opened, values[0], export)
    if as_json:
        show_json({"project": project, "filters": figures})
        return
    columns = ["value", "threshold", "pairs", "kept", "share", "chance"]
    rows = [[*(entry[name] for name in columns), *entry["mean_gap"].values()] for entry in figures]
    show_table([*columns, *(f"gap {name}" for name in opened.values)], rows)


def _retention(project: Project, value: str, threshold: float | None) -> dict[str, Any]:
    from vcsoup.consistency import retention_table

    tau = project.thresholds()[value] if threshold is None else threshold
    gaps = project.gaps(value)
    table = retention_table(project.consistency(value), gaps, [tau])
    return {
        "value": value,
        "threshold": tau,
        "pairs": len(gaps),
        "kept": int(table.kept[0]),
        "share": float(table.share[0]),
        "chance": float(table.chance[0]),
        "mean_gap": dict(zip(project.values, table.mean_gap[0].tolist(), strict=True)),
    }


def _export(project: Project, value: str, path: Path) -> None:
    from vcsoup.consistency import keep_mask
    from vcsoup.workspace.files import replacing

    pairs = project.pairs(value)
    kept = pairs.loc[keep_mask(project.consistency(value), project.thresholds()[value])]
    with replacing(path.resolve()) as aside, aside.open("w", encoding="utf-8") as file:
        for pair in kept[["prompt", "chosen", "rejected"]].to_dict("records"):
            sides = {
                side: [{"role": "assistant", "content": pair[side]}]
                for side in ("chosen", "rejected")
            }
            file.write(json.dumps({"prompt": pair["prompt"], **sides}, ensure_ascii=False) + "\n")
