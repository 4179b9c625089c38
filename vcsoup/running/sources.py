"""From a `data:` entry of a project file to stored pairs, and whether they are stored already.

A local file or folder is known again by its content, a data set of the hub by its commit and the
part of it that was taken. Everything else is `vcsoup.intake`'s and `vcsoup.hub`'s business.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from vcsoup.errors import NotFoundError, PreferenceFormatError, ProjectFileError
from vcsoup.hub.dataset_id import HubData, as_hub_id
from vcsoup.hub.fetching import FIRST_ROWS, fetched
from vcsoup.intake import Preview, content_hash, lengths_of, preview_file, store_pairs
from vcsoup.monitor import Monitor
from vcsoup.preferences.column_map import ColumnMap
from vcsoup.preferences.look import look_at
from vcsoup.preferences.readers import Reading, form_of, rows_for
from vcsoup.preferences.rows import readable
from vcsoup.project_entries import DataEntry
from vcsoup.workspace import DatasetInfo, Project

_COMMIT = re.compile("[0-9a-f]{40}")
_OF_THE_HUB = ("config", "split", "folder", "revision", "limit")


def check_source(entry: DataEntry) -> None:
    """Refuse an entry that names no file, or what only the hub has beside one.

    Raises:
        NotFoundError: a file that does not exist.
        ProjectFileError: a path together with a configuration, split, folder, revision or limit.
    """
    if as_hub_id(entry.source):
        return
    if not Path(entry.source).exists():
        raise NotFoundError(
            f"data {entry.source} does not exist; correct the path, which starts at the project "
            "file, or give a hub id such as org/name"
        )
    if given := [name for name in _OF_THE_HUB if getattr(entry, name) not in ("", None)]:
        raise ProjectFileError(
            f"{', '.join(given)} is about a data set of the hub, and data {entry.source} is a "
            "path; leave it out, or give an id such as org/name"
        )


def check_reading(entry: DataEntry) -> None:
    """Refuse an entry whose file has other columns or preferences; of the hub nothing is asked.

    The beginning of a file says yes; before it is refused the whole is read.

    Raises:
        NotFoundError, ProjectFileError: as `check_source`.
        PreferenceFormatError: as `vcsoup.preferences.readers.form_of`.
    """
    check_source(entry)
    if as_hub_id(entry.source):
        return
    path, how = Path(entry.source), _reading(entry)
    name = readable(path.name)
    try:
        form_of(look_at(path).file, how, name)
    except PreferenceFormatError:
        form_of(rows_for(path, how, name), how, name)


def is_stored(present: DatasetInfo, entry: DataEntry) -> bool:
    """Tell whether a data set was read from what an entry names, in the way it asks for."""
    report = present.report
    read = dict(report.get("read") or {})
    asked = {"columns": entry.columns, "longest": entry.longest}
    if any(read.get(name, type(wanted)()) != wanted for name, wanted in asked.items()):
        return False
    if entry.aspect and report.get("aspect") != entry.aspect:
        return False
    repo = as_hub_id(entry.source)
    if repo:
        return _same_part(report.get("origin") or {}, repo, entry)
    check_source(entry)
    return bool(read.get("sha256") == content_hash(Path(entry.source)))


def read_source(project: Project, value: str, entry: DataEntry, *, monitor: Monitor) -> Preview:
    """Read an entry's pairs, and store nothing.

    Raises:
        NotFoundError, PreferenceFormatError: as `preview_file`.
        HubError: the hub refused.
    """
    how = _reading(entry)
    how = replace(how, unit=lengths_of(project)) if entry.longest else how
    with _file(entry, monitor) as path:
        return preview_file(value, path, how, monitor=monitor)


def store_source(project: Project, value: str, entry: DataEntry, read: Preview) -> None:
    """Store what was read as the data set of a value; the former one goes to the bin."""
    store_pairs(project, value, read, title=entry.title)


def _reading(entry: DataEntry) -> Reading:
    columns = ColumnMap.parse(entry.columns) if entry.columns else None
    return Reading(entry.aspect, columns, entry.longest)


@contextmanager
def _file(entry: DataEntry, monitor: Monitor) -> Iterator[Path]:
    check_source(entry)
    repo = as_hub_id(entry.source)
    if not repo:
        yield Path(entry.source)
        return
    asked = entry.model_dump(include=set(_OF_THE_HUB))
    with fetched(HubData(repo, **asked), monitor=monitor) as (path, _):
        yield path


def _same_part(origin: Mapping[str, Any], repo: str, entry: DataEntry) -> bool:
    named = {"config": entry.config, "split": entry.split, "folder": entry.folder}
    if origin.get("repo") != repo or any(w and origin.get(n) != w for n, w in named.items()):
        return False
    if _COMMIT.fullmatch(entry.revision) and origin.get("revision") != entry.revision:
        return False
    rows, total = origin.get("rows", 0), origin.get("of")
    if entry.limit:
        return bool(rows == entry.limit or (rows < entry.limit and rows == total))
    return rows == total or (entry.limit is None and (total is None or rows == FIRST_ROWS))
