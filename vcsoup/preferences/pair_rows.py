"""A stored pair table row by row: written, measured and read in small parts, whatever its size.

Pair tables are parquet in small row groups, so that the 200 pairs of a page, scattered over a
million, cost 200 small reads. Nothing here holds a whole table in memory. The columns and their
meaning are those of `vcsoup.preferences.pairs`.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vcsoup.errors import NotFoundError
from vcsoup.preferences.pairs import PAIR_COLUMNS, PAIR_SCHEMA, as_arrow, as_frame

Lengths = npt.NDArray[np.int32]

_ROW_GROUP = 128  # rows that are read together
_CHUNK = 65_536


class PairWriter:
    """Writes a pair table part by part, and knows its ids' names and its texts' lengths.

    Example:
        >>> import tempfile
        >>> from vcsoup.preferences.pairs import make_pairs
        >>> with PairWriter(Path(tempfile.mkdtemp()) / "pairs.parquet") as writer:
        ...     writer.write(make_pairs(["Hi"], ["Hello!"], ["Go."]))
        >>> writer.lengths().tolist()
        [[2, 6, 3]]
    """

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetWriter(
            path, PAIR_SCHEMA, compression="zstd", use_dictionary=False, write_statistics=False
        )
        self._lengths: list[Lengths] = []
        self.ids: list[pa.Array] = []

    def __enter__(self) -> "PairWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, part: pd.DataFrame | pa.Table) -> None:
        """Add rows: a canonical pair table, or the same as an Arrow table of `PAIR_SCHEMA`.

        Raises:
            PreferenceFormatError: a missing column, or a cell of the wrong type.
        """
        frame = isinstance(part, pd.DataFrame)
        for start in range(0, len(part), _CHUNK):
            rows = part.iloc[start : start + _CHUNK] if frame else part.slice(start, _CHUNK)
            table = as_arrow(rows) if frame else rows
            self._file.write_table(table, row_group_size=_ROW_GROUP)
            self._lengths.append(text_lengths(table))
            self.ids.extend(table.column("id").chunks)

    def lengths(self) -> Lengths:
        """Return characters of prompt, chosen and rejected, shape (n, 3)."""
        return np.concatenate([np.empty((0, 3), dtype=np.int32), *self._lengths])


def open_pairs(path: Path) -> pq.ParquetFile:
    """Open a pair table in the way that is fastest for many small row groups; close it after."""
    return pq.ParquetFile(path, metadata=_footer(path)[0], memory_map=True, pre_buffer=False)


def read_pair_rows(path: Path, rows: Sequence[int] | npt.NDArray[np.integer]) -> pd.DataFrame:
    """Read some rows of a pair table; only the row groups that hold them are touched.

    Args:
        path: A pair table.
        rows: Positions from 0, in any order, repeats allowed.

    Returns:
        The canonical columns, one row per position, in the order asked.

    Raises:
        NotFoundError: a position outside the table.
    """
    wanted = np.asarray(rows, dtype=np.int64).reshape(-1)
    starts = _footer(path)[1]
    with open_pairs(path) as file:
        if len(wanted) and not (0 <= wanted.min() and wanted.max() < starts[-1]):
            raise NotFoundError(
                f"pair rows {wanted.min()} to {wanted.max()} were asked for, "
                f"but there are {starts[-1]:,} pairs; count from 0"
            )
        group = np.searchsorted(starts, wanted, side="right") - 1
        groups, which = np.unique(group, return_inverse=True)
        table = file.read_row_groups(groups.tolist(), columns=list(PAIR_COLUMNS))
    before = np.concatenate([[0], np.cumsum(np.diff(starts)[groups])])[:-1]
    return as_frame(table.take(before[which] + wanted - starts[group]))


def pair_parts(path: Path, size: int = 8192) -> Iterator[pa.Table]:
    """Read a pair table from its beginning, at most `size` rows at a time, in order."""
    with open_pairs(path) as file:
        for batch in file.iter_batches(batch_size=size, columns=list(PAIR_COLUMNS)):
            yield pa.Table.from_batches([batch])


def find_pair(path: Path, pair_id: str) -> int | None:
    """Return the position of a pair by its id, None when the table has no such pair."""
    with open_pairs(path) as file:
        ids = file.read(columns=["id"]).column("id")
    row = pc.index(ids, pa.scalar(pair_id, pa.string())).as_py()
    return None if row < 0 else int(row)


def read_lengths(path: Path) -> Lengths:
    """Measure a pair table that was stored without its lengths, shape (n, 3)."""
    parts = [text_lengths(part) for part in pair_parts(path, _CHUNK)]
    return np.concatenate([np.empty((0, 3), dtype=np.int32), *parts])


def text_lengths(table: pa.Table) -> Lengths:
    """Characters of prompt (all its turns), chosen and rejected.

    Args:
        table: An Arrow table of `PAIR_SCHEMA`, n rows.

    Returns:
        Shape (n, 3), int32.
    """
    prompts = table.column("prompt").combine_chunks()
    turns = pc.utf8_length(pc.struct_field(pc.list_flatten(prompts), "content"))
    ends = np.cumsum(pc.list_value_length(prompts).to_numpy(zero_copy_only=False))
    sums = np.concatenate([[0], np.cumsum(turns.to_numpy(zero_copy_only=False))])
    columns = [np.diff(sums[np.concatenate([[0], ends])])]
    columns += [pc.utf8_length(table.column(side)).to_numpy() for side in ("chosen", "rejected")]
    return np.stack(columns, axis=1).astype(np.int32)


def _footer(path: Path) -> tuple[pq.FileMetaData, npt.NDArray[np.int64]]:
    """A file's footer, and the first row of every row group, with the number of rows at the end."""
    state = path.stat()
    return _read_footer(path, (state.st_ino, state.st_mtime_ns, state.st_size))


# A million pairs have 8,000 row groups: reading one pair would mostly be reading the footer.
@lru_cache(maxsize=8)
def _read_footer(
    path: Path, state: tuple[int, int, int]
) -> tuple[pq.FileMetaData, npt.NDArray[np.int64]]:
    footer = pq.read_metadata(path)
    sizes = [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]
    return footer, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
