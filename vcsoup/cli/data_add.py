"""`data look` says what a preference file holds; `data add` makes it the data set of a value."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vcsoup.cli.options import (
    JsonOption,
    ProjectOption,
    WorkspaceOption,
    as_job,
    chosen_values,
    open_workspace,
)
from vcsoup.cli.output import show, show_json, show_table

_SHOWN_PROBLEMS = 5
_CUT = 80

FileArgument = Annotated[
    Path,
    typer.Argument(help="JSON, JSON Lines, CSV, parquet or Arrow, also compressed."),
]
AspectOption = Annotated[
    str, typer.Option(help="Which preference, where a file holds several; see `data look`.")
]
ColumnsOption = Annotated[
    str,
    typer.Option(
        help="Which columns hold what, where no format fits: prompt=question,chosen=good,"
        "rejected=bad, or first=a,second=b,label=winner,first_if=A,second_if=B.",
    ),
]
LongestOption = Annotated[
    int, typer.Option(min=0, help="Report pairs with more characters than this; 0 keeps all.")
]


def look(
    file: FileArgument,
    aspect: AspectOption = "",
    columns: ColumnsOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say what a preference file holds: format, preferences, columns, the first rows."""
    from vcsoup.preferences.look import first_rows, look_at
    from vcsoup.preferences.rows import readable

    found = look_at(file)
    first = [vars(row) for row in first_rows(found, _reading(aspect, columns, 0))]
    names = [readable(str(column)) for column in found.columns]
    if as_json:
        figures = {"format": found.format, "aspects": found.aspects, "columns": names}
        show_json({**figures, "first": first})
        return
    show(f"format: {found.format or 'none that is known; name the columns with --columns'}")
    if found.aspects:
        show(f"preferences, one for each `--aspect`: {', '.join(map(readable, found.aspects))}")
    show(f"columns: {', '.join(names)}")
    if first:
        show_table(["row", "prompt", "chosen", "rejected"], [_first(row) for row in first])


def add(
    value: Annotated[str, typer.Argument(help="The value that these preferences are about.")],
    file: FileArgument,
    title: Annotated[str, typer.Option(help="Name of the data set for people.")] = "",
    source: Annotated[str, typer.Option(help="Where it comes from; the file by default.")] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="Read and report; store nothing.")
    ] = False,
    sha256: Annotated[
        str, typer.Option("--sha256", help="Refuse the file unless its content has this hash.")
    ] = "",
    aspect: AspectOption = "",
    columns: ColumnsOption = "",
    longest: LongestOption = 0,
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
    how = _reading(aspect, columns, longest)
    doing = "Looking through" if preview else "Storing"
    with as_job(opened, "data", f"{doing} pairs of {value}", project=project, slot=False) as worker:
        read = preview_file(value, file, how, sha256=sha256, source=source, monitor=worker)
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


def _reading(aspect: str, columns: str, longest: int) -> Any:
    from vcsoup.preferences.column_map import ColumnMap
    from vcsoup.preferences.readers import Reading

    return Reading(aspect, ColumnMap.parse(columns) if columns else None, longest)


def _first(row: dict[str, Any]) -> list[str]:
    """One of the first rows for a table: a pair, or why it is none."""
    from vcsoup.preferences.pairs import prompt_text
    from vcsoup.preferences.rows import readable

    if row["pair"] is None:
        return [str(row["row"]), row["problem"], "", ""]
    pair = row["pair"]
    texts = map(readable, (prompt_text(pair["prompt"]), pair["chosen"], pair["rejected"]))
    return [str(row["row"]), *(" ".join(text.split())[:_CUT] for text in texts)]
