"""`data add`: a preference file becomes the data set of a value; `--preview` only reads it."""

from pathlib import Path
from typing import Annotated

import typer

from vcsoup.cli.options import (
    JsonOption,
    ProjectOption,
    WorkspaceOption,
    as_job,
    chosen_values,
    open_workspace,
)
from vcsoup.cli.output import show, show_json

_SHOWN_PROBLEMS = 5


def add(
    value: Annotated[str, typer.Argument(help="The value that these preferences are about.")],
    file: Annotated[Path, typer.Argument(help="JSON, JSON Lines, CSV or parquet.")],
    title: Annotated[str, typer.Option(help="Name of the data set for people.")] = "",
    source: Annotated[str, typer.Option(help="Where it comes from; the file by default.")] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="Read and report; store nothing.")
    ] = False,
    sha256: Annotated[
        str, typer.Option("--sha256", help="Refuse the file unless its content has this hash.")
    ] = "",
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a preference file as the data set of a value, in place of the former one."""
    from vcsoup.intake import preview_file, store_pairs
    from vcsoup.workspace.problems import keep_problems

    opened = open_workspace(workspace)
    target = opened.project(project)
    chosen_values(target, [value])
    doing = "Looking through" if preview else "Storing"
    with as_job(opened, "data", f"{doing} pairs of {value}", project=project, slot=False) as worker:
        read = preview_file(value, file, sha256=sha256, source=source, monitor=worker)
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
        outcome = f"{figures['held_out_prompts']} prompts held out for measuring"
    show(f"{value}: {read.report.summary}; {outcome}")
    for problem in read.report.problems[:_SHOWN_PROBLEMS]:
        show(f"  row {problem.row}, {problem.column or 'whole row'}: {problem.reason}")
    if (more := len(read.report.problems) - _SHOWN_PROBLEMS) > 0:
        show(f"  and {more:,} more; --json lists them all")
