"""`data look | fetch | add | list | show | rename | remove | restore | export`, and `score`."""

from typing import Annotated, Any

import typer

from vcsoup.cli.data_add import add
from vcsoup.cli.data_export import export
from vcsoup.cli.data_look import fetch, look
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
from vcsoup.cli.score_estimate import estimate_scoring
from vcsoup.errors import NotFoundError
from vcsoup.numbers import plural
from vcsoup.workspace import DatasetInfo, Project

app = typer.Typer(help="Add, list, rename, remove and export pairs.", no_args_is_help=True)
app.command("look")(look)
app.command("fetch")(fetch)
app.command("add")(add)
app.command("export")(export)

ValueArgument = Annotated[str, typer.Argument(help="Whose data set.")]


@app.command("list")
def list_datasets(
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the data sets, and those in the bin."""
    opened = open_workspace(workspace).project(project)
    current = [_figures(opened, info) for info in opened.datasets().values()]
    binned = [
        {"token": entry.token, "removed": entry.removed, **_known(entry.dataset)}
        for entry in opened.removed_datasets()
    ]
    if as_json:
        show_json({"project": project, "datasets": current, "removed": binned})
        return
    columns = ["value", "title", "pairs", "scored", "reported", "set_aside"]
    show_table(columns, [[entry[name] for name in columns] for entry in current])
    if binned:
        show("\nRemoved or replaced; bring one back with `data restore TOKEN`")
        columns = ["token", "value", "title", "pairs", "removed"]
        show_table(columns, [[entry[name] for name in columns] for entry in binned])


@app.command("show")
def show_dataset(
    value: ValueArgument,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one data set: where it comes from, its lengths, and what was reported."""
    opened = open_workspace(workspace).project(project)
    opened.pair_file(value)  # a value without pairs is named as such
    info = opened.datasets()[value]
    lengths = opened.lengths(value).mean(axis=0)
    names = ("prompt", "chosen", "rejected")
    figures = _figures(opened, info) | {
        "source": info.source,
        "created": info.created,
        "mean_characters": dict(zip(names, lengths.tolist(), strict=True)),
        "report": dict(info.report),
    }
    if as_json:
        show_json(figures)
        return
    show(f"{value}: {info.title}, {plural(info.n, 'pair')} from {info.source}")
    counts = {kind: count for kind, count in info.report.get("counts", {}).items() if count}
    show_table(
        ["prompt", "chosen", "rejected", *counts],
        [[*lengths.tolist(), *counts.values()]],
        title="Mean characters; rows reported by kind",
    )


@app.command("rename")
def rename(
    value: ValueArgument,
    title: Annotated[str, typer.Argument(help="Its name for people, up to 60 characters.")],
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
) -> None:
    """Give a data set another name."""
    opened = open_workspace(workspace).project(project)
    opened.rename_dataset(value, title)
    show(f"{value}: {opened.datasets()[value].title}")


@app.command("remove")
def remove(
    value: ValueArgument,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a data set into the bin; its rewards go with it."""
    token = open_workspace(workspace).project(project).remove_dataset(value)
    if as_json:
        show_json({"value": value, "token": token})
    else:
        show(
            f"{value}: removed; `python -m vcsoup data restore {token} --project {project}` undoes"
        )


@app.command("restore")
def restore(
    token: Annotated[int, typer.Argument(help="Which entry of the bin; see `data list`.")],
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring a data set back from the bin; the present one of that value goes there."""
    opened = open_workspace(workspace).project(project)
    value = opened.restore_dataset(token)
    if as_json:
        show_json(_figures(opened, opened.datasets()[value]))
    else:
        show(f"{value}: {opened.datasets()[value].title} is back")


def score(
    value: ValuesOption = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what it would cost; score nothing.")
    ] = False,
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
    if estimate:
        estimate_scoring(opened, target, values, as_json=as_json)
        return
    from vcsoup.pipeline import score_project

    title = f"Scoring {', '.join(values)}"
    with as_job(opened, "score", title, project=project) as worker:
        counts = score_project(opened, target, values, monitor=worker)
        aside = {name: len(target.set_aside(name)) for name in counts}
        worker.finish({"scored": counts, "set_aside": aside})
    if as_json:
        show_json({"scored": counts, "set_aside": aside})
    else:
        rows = [(name, count, aside[name]) for name, count in counts.items()]
        show_table(["value", "pairs scored", "set aside"], rows)


def _figures(project: Project, info: DatasetInfo) -> dict[str, Any]:
    return {
        **_known(info),
        "scored": bool(project.rewards_stamp(info.value)),
        "reported": sum(info.report.get("counts", {}).values()),
        "set_aside": len(project.set_aside(info.value)),
    }


def _known(info: DatasetInfo) -> dict[str, Any]:
    return {"value": info.value, "title": info.title, "pairs": info.n}
