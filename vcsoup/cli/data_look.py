"""`data look` says what a source of preferences holds; `data fetch` brings rows of the hub here."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vcsoup.cli import data_source
from vcsoup.cli.options import JsonOption, WorkspaceOption, as_job, open_workspace
from vcsoup.cli.output import show, show_json, show_table
from vcsoup.errors import HubError
from vcsoup.numbers import memory

if TYPE_CHECKING:
    from vcsoup.hub.dataset_id import HubData
    from vcsoup.hub.looking import HubLook
    from vcsoup.preferences.look import FileLook
    from vcsoup.preferences.readers import Reading

_CUT = 80


def look(
    source: data_source.SourceArgument,
    aspect: data_source.AspectOption = "",
    columns: data_source.ColumnsOption = "",
    config: data_source.ConfigOption = "",
    split: data_source.SplitOption = "",
    folder: data_source.FolderOption = "",
    revision: data_source.RevisionOption = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a source holds: format, preferences, columns, first rows; of the hub, its parts."""
    from vcsoup.preferences.look import look_at

    how = data_source.reading(aspect, columns)
    hub = data_source.hub_data(source, config=config, split=split, folder=folder, revision=revision)
    if hub is not None:
        _look_at_hub(hub, how, workspace, as_json=as_json)
        return
    found = look_at(Path(source))
    if as_json:
        show_json(_figures(found, how))
    else:
        _show(found, how)


def fetch(
    source: data_source.SourceArgument,
    out: Annotated[Path, typer.Argument(help="The parquet file to write.")],
    config: data_source.ConfigOption = "",
    split: data_source.SplitOption = "",
    folder: data_source.FolderOption = "",
    revision: data_source.RevisionOption = "",
    limit: data_source.LimitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring rows of a data set of the hub into a file, which knows where they came from."""
    from vcsoup.hub.fetching import fetch as fetch_rows

    part = {"config": config, "split": split, "folder": folder, "revision": revision}
    hub = data_source.hub_data(source, **part, limit=limit)
    if hub is None:
        raise HubError(f"{source} is a path; give the id of a data set of the hub, as org/name")
    if out.is_dir():
        raise HubError(f"{out} is a folder; name a file to write the rows to")
    opened = open_workspace(workspace)
    with as_job(opened, "data", f"Fetching {hub.repo}", slot=False) as worker:
        origin = fetch_rows(hub, out, monitor=worker)
        figures = {**origin.to_dict(), "path": str(out)}
        worker.finish(figures)
    if as_json:
        show_json(figures)
        return
    if origin.cached:
        data_source.say_cached(origin.repo, origin.revision)
    show(f"{out}: {origin.rows:,} rows of {origin.words}")


def _look_at_hub(hub: "HubData", how: "Reading", root: Path | None, *, as_json: bool) -> None:
    from vcsoup.hub.looking import look_at_hub

    with as_job(open_workspace(root), "data", f"Looking at {hub.repo}", slot=False) as worker:
        worker.report("asking the hub", 0, 1)
        found = look_at_hub(hub)
        inside = _figures(found.file, how) if found.file else {}
        figures = {"hub": found.to_dict(), **inside}
        worker.finish(figures)
    if as_json:
        show_json(figures)
        return
    _show_hub(found)
    if found.file:
        show(f"\nThe first rows of {found.config}, {found.split}:")
        _show(found.file, how)
    else:
        show(found.problem)


def _show_hub(look: "HubLook") -> None:
    found = look.found
    if found.cached:
        data_source.say_cached(found.data.repo, found.revision)
    show(f"{found.data.repo}, commit {found.revision[:8]}, {memory(found.bytes)}")
    rows = [
        [config, split, count]
        for config, known in look.configs.items()
        for split, count in known.items()
    ]
    show_table(["config", "split", "rows"], rows)
    if found.folders:
        show(f"folders, one for each `--folder`: {', '.join(found.folders)}")


def _figures(found: "FileLook", how: "Reading") -> dict[str, Any]:
    from vcsoup.preferences.look import first_rows
    from vcsoup.preferences.rows import readable

    return {
        "format": found.format,
        "aspects": list(found.aspects),
        "columns": [readable(str(column)) for column in found.columns],
        "first": [dict(vars(row)) for row in first_rows(found, how)],
    }


def _show(found: "FileLook", how: "Reading") -> None:
    from vcsoup.preferences.refusals import why_no_pairs
    from vcsoup.preferences.rows import readable

    figures = _figures(found, how)
    show(f"format: {found.format or 'none that is known; name the columns with --columns'}")
    if found.aspects:
        show(f"preferences, one for each `--aspect`: {', '.join(map(readable, found.aspects))}")
    show(f"columns: {', '.join(figures['columns'])}")
    if not found.format and (why := why_no_pairs(found.file)):
        show(f"it {why}")
    if figures["first"]:
        rows = [_first(row) for row in figures["first"]]
        show_table(["row", "prompt", "chosen", "rejected"], rows)


def _first(row: dict[str, Any]) -> list[str]:
    """One of the first rows for a table: a pair, or why it is none."""
    from vcsoup.preferences.pairs import prompt_text
    from vcsoup.preferences.rows import readable

    if row["pair"] is None:
        return [str(row["row"]), row["problem"], "", ""]
    pair = row["pair"]
    texts = map(readable, (prompt_text(pair["prompt"]), pair["chosen"], pair["rejected"]))
    return [str(row["row"]), *(" ".join(text.split())[:_CUT] for text in texts)]
