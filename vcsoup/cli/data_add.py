"""`data add`: a file, a folder or rows of the hub become the data set of a value."""

from typing import TYPE_CHECKING, Annotated

import typer

from vcsoup.cli import data_source
from vcsoup.cli.options import (
    JsonOption,
    ProjectOption,
    WorkspaceOption,
    as_job,
    chosen_values,
    open_workspace,
)
from vcsoup.cli.output import show, show_json
from vcsoup.numbers import plural

if TYPE_CHECKING:
    from vcsoup.intake import Preview

_SHOWN_PROBLEMS = 5

LongestOption = Annotated[
    int,
    typer.Option(
        min=0,
        help="Report pairs (prompt and longer answer) with more tokens of the project's base than "
        "this, or more words where its tokenizer is not at hand; 0 keeps all.",
    ),
]


def add(
    value: Annotated[str, typer.Argument(help="The value that these preferences are about.")],
    source: data_source.SourceArgument,
    title: Annotated[str, typer.Option(help="Name of the data set for people.")] = "",
    origin: Annotated[
        str, typer.Option("--source", help="Where it comes from; the file by default.")
    ] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="Read and report; store nothing.")
    ] = False,
    sha256: Annotated[
        str, typer.Option("--sha256", help="Refuse the file unless its content has this hash.")
    ] = "",
    aspect: data_source.AspectOption = "",
    columns: data_source.ColumnsOption = "",
    longest: LongestOption = 0,
    config: data_source.ConfigOption = "",
    split: data_source.SplitOption = "",
    folder: data_source.FolderOption = "",
    revision: data_source.RevisionOption = "",
    limit: data_source.LimitOption = None,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read preferences as the data set of a value, in place of the former one."""
    from dataclasses import replace

    from vcsoup.intake import lengths_of, preview_file, store_pairs
    from vcsoup.workspace.problems import keep_problems

    opened = open_workspace(workspace)
    target = opened.project(project)
    chosen_values(target, [value])
    part = {"config": config, "split": split, "folder": folder, "revision": revision}
    hub = data_source.hub_data(source, **part, limit=limit)
    how = data_source.reading(aspect, columns)
    if longest:
        how = replace(how, longest=longest, unit=lengths_of(target))
    doing = "Looking through" if preview else "Storing"
    with as_job(opened, "data", f"{doing} pairs of {value}", project=project, slot=False) as worker:
        with data_source.opened_source(source, hub, worker) as file:
            read = preview_file(value, file, how, sha256=sha256, source=origin, monitor=worker)
        figures = read.to_dict()
        if not preview:
            worker.report("storing pairs", 0, 1)
            figures |= store_pairs(target, value, read, title=title)
        # The page looks at results often; a long list of problems lies beside them.
        short = keep_problems(worker.path, figures["report"])
        worker.finish({**figures, "report": short})
    if as_json:
        show_json(figures)
        return
    outcome = "nothing stored"
    if not preview:
        outcome = f"{plural(figures['held_out_prompts'], 'prompt')} held out for measuring"
    _show(read, outcome)


def _show(read: "Preview", outcome: str) -> None:
    if read.origin.get("cached"):
        data_source.say_cached(read.origin["repo"], read.origin["revision"])
    show(f"{read.value}: {read.report.summary}; {outcome}")
    for problem in read.report.problems[:_SHOWN_PROBLEMS]:
        where = f"{problem.file}, " if problem.file else ""
        show(f"  {where}row {problem.row}, {problem.column or 'whole row'}: {problem.reason}")
    if (more := len(read.report.problems) - _SHOWN_PROBLEMS) > 0:
        show(f"  and {more:,} more; --json lists them all")
    if read.report.left_out:
        show(f"  files that are no tables were left out: {', '.join(read.report.left_out)}")
