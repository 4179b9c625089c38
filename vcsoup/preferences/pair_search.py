"""Finding pairs by a piece of their text: row groups are read one after the other, never all.

A search is bounded in time and says how far it came, so that a screen can show what it has and go
on. Case does not matter; the text is taken literally.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vcsoup.preferences.pair_rows import open_pairs

_TOGETHER = 8_192
_TEXTS = ["prompt", "chosen", "rejected"]


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes:
        rows: Rows of the data set that hold the text, from 0, ascending.
        searched: How many rows were looked at, counted from the first one of the data set.
        total: Rows of the data set.
    """

    rows: tuple[int, ...]
    searched: int
    total: int

    @property
    def complete(self) -> bool:
        """Whether all rows were looked at."""
        return self.searched >= self.total


def search_file(
    path: Path, text: str, *, start: int = 0, seconds: float = 0.2, most: int = 2_000
) -> Found:
    """Look for a text in prompts and answers.

    Args:
        path: A parquet file of pairs.
        text: What to look for, not empty.
        start: The row to begin at: `searched` of the search that this one goes on with.
        most: How many hits are enough for one step.
        seconds: When to stop; at least one part of some thousand rows is read.

    Returns:
        The rows from `start` on that hold the text.
    """
    with open_pairs(path) as file:
        total, deadline = file.metadata.num_rows, time.monotonic() + seconds
        rows: list[int] = []
        searched = min(start, total)
        for first, part in _parts(file, start):
            rows += [row for row in _holding(part, text, first) if row >= start]
            searched = first + part.num_rows
            if time.monotonic() > deadline or len(rows) >= most:
                break
    return Found(tuple(rows), searched, total)


def go_on(path: Path, text: str, former: Found | None, *, seconds: float = 0.2) -> Found:
    """Go on with a search where its last step ended; without one it begins.

    Returns:
        What all steps came to.
    """
    rows, start = (former.rows, former.searched) if former else ((), 0)
    step = search_file(path, text, start=start, seconds=seconds)
    return Found((*rows, *step.rows), step.searched, step.total)


def _parts(file: pq.ParquetFile, start: int) -> Iterator[tuple[int, pa.Table]]:
    """The rows from `start` on, some row groups at a time, each part with its first row."""
    sizes = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
    ends = np.cumsum(sizes)
    index = int(np.searchsorted(ends, start, side="right"))
    while index < len(sizes):
        first = int(ends[index]) - sizes[index]
        after = max(index + 1, int(np.searchsorted(ends, first + _TOGETHER, side="right")))
        yield first, file.read_row_groups(list(range(index, after)), columns=_TEXTS)
        index = after


def _holding(part: pa.Table, text: str, first: int) -> list[int]:
    hits = np.zeros(part.num_rows, dtype=bool)
    for side in ("chosen", "rejected"):
        hits |= _matches(part.column(side), text)
    prompts = part.column("prompt").combine_chunks()
    turns = pc.list_flatten(prompts)
    said = _matches(pc.struct_field(turns, "content"), text)
    hits[pc.list_parent_indices(prompts).to_numpy()[said]] = True
    return (np.flatnonzero(hits) + first).tolist()


def _matches(column: pa.ChunkedArray, text: str) -> np.ndarray:
    found = pc.match_substring(column, text, ignore_case=True)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)
