"""Bring rows of a data set of the hub into a parquet file, which is read like any other.

A small set is downloaded as a whole into the cache of `huggingface_hub`, so that it is there
without a network too. Of a large one only the wanted rows are streamed. The file knows its origin
(data set, configuration, split, commit), and so does everything that is made from it.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vcsoup.errors import HubError, HubUnreachableError
from vcsoup.hub.dataset_id import HubData, HubOrigin
from vcsoup.hub.finding import HubFound, chosen, find, reading_errors
from vcsoup.hub.refusals import hub_errors
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.workspace.files import replacing

WHOLE_BYTES = 256 * 2**20
"""Up to this size a data set is downloaded as a whole; of a larger one rows are streamed."""
FIRST_ROWS = 20_000
"""How many rows of a large data set are taken when nobody says how many."""

_BATCH = 1_000
_ORIGIN = b"vcsoup_origin"


def fetch(data: HubData, out: Path, *, monitor: Monitor = SILENT) -> HubOrigin:
    """Write rows of a data set to a parquet file.

    Args:
        data: Which rows.
        out: The file; one that exists is replaced at the end.
        monitor: Hears "downloading" and "fetching rows"; a stop request raises `StopRequested`.

    Returns:
        Where the rows came from, as the file says it too.

    Raises:
        HubError: the hub refused, or the set cannot be read as a table.
        StopRequested: the user asked to stop.
    """
    found = find(data)
    large = found.bytes > WHOLE_BYTES
    if not (found.cached or large):
        found = _downloaded(found, monitor)
    config, split, known = chosen(found)
    limit = data.limit if data.limit is not None else (FIRST_ROWS if large else 0)
    return write_rows(found, (config, split), out, wanted=Wanted(limit, known, monitor))


class Wanted:
    """How many rows are wanted, and who hears about it.

    Attributes:
        limit: How many at most; 0 for all.
        known: How many there are; None when that is not known.
    """

    def __init__(self, limit: int, known: int | None = None, monitor: Monitor = SILENT) -> None:
        self.limit, self.known = limit, known
        self._total = min(limit or known or 0, known or limit or 0)
        self._monitor = monitor

    def enough(self, rows: int) -> bool:
        """Tell how many rows there are; whether that is enough.

        Raises:
            StopRequested: the user asked to stop.
        """
        done = min(rows, self.limit or rows)
        self._monitor.report("fetching rows", done, max(self._total, done))
        if self._monitor.stop_requested:
            raise StopRequested(f"fetching was stopped after {rows:,} rows; nothing was stored")
        return bool(self.limit) and rows >= self.limit


def write_rows(found: HubFound, part: tuple[str, str], out: Path, *, wanted: Wanted) -> HubOrigin:
    """Write the first rows of a split to a parquet file.

    Args:
        found: The data set.
        part: Configuration and split.
        out: The file.
        wanted: How many rows.

    Raises:
        HubError: it cannot be read as a table, or has no rows.
        StopRequested: the user asked to stop.
    """
    table = _rows(found, part, wanted)
    rows, data = len(table), found.data
    whole = rows if not wanted.limit or rows < wanted.limit else wanted.known
    config, split = part
    origin = HubOrigin(
        data.repo, config, split, data.folder, found.revision, rows, whole, found.cached
    )
    written = {_ORIGIN: json.dumps(origin.to_dict()).encode()}
    with replacing(Path(out)) as aside:
        pq.write_table(table.replace_schema_metadata(written), aside, compression="zstd")
    return origin


@contextmanager
def fetched(data: HubData, *, monitor: Monitor = SILENT) -> Iterator[tuple[Path, HubOrigin]]:
    """Give a file with rows of a data set for as long as it is needed.

    Args:
        data: Which rows.
        monitor: Hears how far it is.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        yield path, fetch(data, path, monitor=monitor)


def origin_of(path: Path) -> HubOrigin | None:
    """Where the rows of a fetched file came from; None for any other file."""
    try:
        with Path(path).open("rb") as file:
            if file.read(4) != b"PAR1":
                return None
        said = (pq.read_schema(path).metadata or {}).get(_ORIGIN)
        return HubOrigin(**json.loads(said)) if said else None
    except (OSError, ValueError, TypeError, pa.ArrowException):
        return None


def _downloaded(found: HubFound, monitor: Monitor) -> HubFound:
    """The whole data set in the cache of this machine."""
    from huggingface_hub import snapshot_download

    data = found.data
    with hub_errors(data.repo, revision=data.revision or None):
        folder = snapshot_download(
            data.repo,
            repo_type="dataset",
            revision=data.revision or None,
            tqdm_class=_progress(found.bytes, monitor),
        )
    return replace(found, place=folder, revision=Path(folder).name)


def _progress(total: int, monitor: Monitor) -> Any:
    """A progress bar of `huggingface_hub` that tells a monitor, and stops when it asks to."""
    from tqdm.auto import tqdm

    class Progress(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self._bytes = 0 if kwargs.get("unit") == "B" else None
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            if self._bytes is not None:
                self._bytes += int(n or 0)
                monitor.report("downloading bytes", min(self._bytes, total), total)
            if monitor.stop_requested:
                raise StopRequested("the download was stopped; what is here stays in the cache")
            return None

    return Progress


def _rows(found: HubFound, part: tuple[str, str], wanted: Wanted) -> pa.Table:
    from datasets import load_dataset_builder

    parts: list[pa.Table] = []
    with reading_errors(found):
        config, split = part
        builder = load_dataset_builder(found.place, config, **found.asked)
        if "revision" in found.asked and builder.hash != found.revision:
            # `datasets` falls back to whatever it once prepared, of any commit.
            raise HubUnreachableError(
                f"the hub stopped answering about {found.data.repo}; try again"
            )
        rows = builder.as_streaming_dataset(split=split)
        taken = 0
        wanted.enough(0)
        for batch in rows.with_format("arrow").iter(batch_size=_BATCH):
            parts.append(_readable(batch))
            taken += len(batch)
            if wanted.enough(taken):
                break
        if not taken:
            raise HubError(f"{found.data.repo} ({config}, {split}) has no rows; take another split")
        table = pa.concat_tables(parts, promote_options="permissive")
    return table.slice(0, wanted.limit) if wanted.limit else table


def _readable(table: pa.Table) -> pa.Table:
    """The columns that are no pictures or sounds: those are large and never part of a pair."""
    kept = [field.name for field in table.schema if not _holds_bytes(field.type)]
    return table.select(kept).replace_schema_metadata(None)


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(_holds_bytes(field.type) for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
