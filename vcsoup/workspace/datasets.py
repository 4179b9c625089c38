"""The pairs of a project: one data set per value, with what is known about it.

Beside the pair table lie the lengths of its texts, and the pairs that scoring set aside. A data set
is named by its content; what replaces or removes one puts the former into the bin
(`vcsoup.workspace.removed`).
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import update

from vcsoup.errors import NotFoundError, UnknownValueError, WorkspaceError
from vcsoup.preferences.pair_rows import PairWriter, find_pair, read_lengths, read_pair_rows
from vcsoup.preferences.pairs import PAIR_COLUMNS, load_pairs
from vcsoup.workspace.config import ProjectConfig
from vcsoup.workspace.files import now, replacing
from vcsoup.workspace.names import check_title
from vcsoup.workspace.records import DATASETS, Records
from vcsoup.workspace.versions import Hook, VersionedTable

ASIDE_COLUMNS = (*PAIR_COLUMNS, "column", "reason")
Lengths = npt.NDArray[np.int32]
_LENGTHS, _ASIDE = "lengths.npy", "aside.parquet"


@dataclass(frozen=True)
class DatasetInfo:
    """The stored data set of one value: `n` pairs from `source`, and what reading it reported."""

    value: str
    n: int
    hash: str
    source: str
    created: str
    report: Mapping[str, Any] = field(repr=False)
    title: str = ""


class Datasets:
    """The pairs of one project."""

    def __init__(self, records: Records, config: ProjectConfig, root: Path) -> None:
        self._records = records
        self._config = config
        self.table = VersionedTable(records, DATASETS, project=config.name, folder=root / "pairs")

    def infos(self) -> dict[str, DatasetInfo]:
        """Return the stored data sets by value, in the project's order."""
        rows = self.table.rows()
        return {value: dataset_info(rows[value]) for value in self._config.values if value in rows}

    def info(self, value: str) -> DatasetInfo:
        """Return the data set of a value.

        Raises:
            UnknownValueError: no such value in the project.
            NotFoundError: the value has no data set.
        """
        self.check_value(value)
        if value not in (found := self.infos()):
            raise NotFoundError(
                f"{value} has no pairs yet; add some with "
                f"`python -m vcsoup data add {value} FILE --project {self._config.name}`"
            )
        return found[value]

    def save(
        self,
        value: str,
        parts: Iterable[pd.DataFrame | pa.Table],
        *,
        source: str,
        report: Mapping[str, Any],
        title: str = "",
        aside: pd.DataFrame | None = None,
        before: Hook = lambda connection, row: None,
    ) -> DatasetInfo:
        """Store the pairs of a value in place of the former ones; their rewards become stale.

        Args:
            value: Whose pairs.
            parts: Canonical pair tables (or their Arrow form), written one by one.
            source: Where they come from, for people.
            report: What reading them reported.
            title: A name for people.
            aside: Pairs that scoring set aside, columns `ASIDE_COLUMNS`.
            before: Runs within the transaction that replaces the former pairs.

        Raises:
            UnknownValueError: no such value in the project.
            WorkspaceError: no pairs, a missing column, or an id twice.
        """
        self.check_value(value)

        def write(folder: Path) -> dict[str, Any]:
            n, ids = _write_pairs(value, parts, folder)
            aside_ids = _write_aside(aside, folder)
            return {
                "n": n,
                "hash": content_hash(ids, aside_ids),
                "source": source,
                "report": json.dumps(dict(report), ensure_ascii=False, default=str),
                "created": now(),
                "title": title,
            }

        self.table.store(value, write, before=before)
        return self.info(value)

    def pairs(self, value: str) -> pd.DataFrame:
        """Return the canonical pair table of a value; NotFoundError when it has none."""
        return self.read(value, load_pairs)

    def rows(self, value: str, rows: Sequence[int] | npt.NDArray[np.integer]) -> pd.DataFrame:
        """Return some pairs of a value, in the order asked."""
        return self.read(value, lambda path: read_pair_rows(path, rows))

    def row_of(self, value: str, pair_id: str) -> int | None:
        """Return the position of a pair, None when the value has no pair of that id."""
        return self.read(value, lambda path: find_pair(path, pair_id))

    def lengths(self, value: str) -> Lengths:
        """Return characters of prompt, chosen and rejected, shape (n, 3); stored when missing."""
        return self.read(value, _lengths)

    def set_aside(self, value: str) -> pd.DataFrame:
        """Return the pairs that scoring set aside, columns `ASIDE_COLUMNS`; often none."""
        return self.read(value, _read_aside)

    def is_named_by(self, value: str, ids: Iterable[str]) -> bool:
        """Tell whether these are the ids of a value's pairs, in order."""
        aside = self.set_aside(value)["id"]
        return content_hash(digest(ids), list(aside)) == self.info(value).hash

    def rename(self, value: str, title: str) -> None:
        """Give a data set another name for people."""
        self.info(value)
        change = update(DATASETS).where(
            DATASETS.c.project == self._config.name, DATASETS.c.value == value
        )
        with self._records.write() as connection:
            connection.execute(change.values(title=check_title(title, "data set")))

    def read(self, value: str, read: Callable[[Path], Any]) -> Any:
        """Give a value's pair file to `read`, however often another process replaces it."""
        return self.table.load(value, lambda: self.info(value).hash, read)

    def check_value(self, value: str) -> None:
        """Raise `UnknownValueError` unless the project has this value."""
        if value not in self._config.values:
            raise UnknownValueError(
                f"project {self._config.name} has no value {value!r}; "
                f"its values are {', '.join(self._config.values)}"
            )


def dataset_info(row: Any) -> DatasetInfo:
    """Return what a row of the database says; a data set without a title has that of its source."""
    report, title = json.loads(row.report), row.title or row.source
    return DatasetInfo(row.value, row.n, row.hash, row.source, row.created, report, title)


def content_hash(ids_digest: str, aside: Sequence[str]) -> str:
    """Name a data set by its pairs, and by those that were set aside."""
    return digest([ids_digest, *aside]) if len(aside) else ids_digest


def digest(parts: Iterable[object]) -> str:
    """Name a sequence of texts: 16 hex characters of the sha256 over their lines."""
    sha = hashlib.sha256()
    for number, part in enumerate(parts):
        sha.update(f"\n{part}".encode() if number else str(part).encode())
    return sha.hexdigest()[:16]


def _write_pairs(
    value: str, parts: Iterable[pd.DataFrame | pa.Table], folder: Path
) -> tuple[int, str]:
    with PairWriter(folder / "parquet") as writer:
        for part in parts:
            _check_columns(value, part)
            writer.write(part)
    lengths = writer.lengths()
    if not len(lengths):
        raise WorkspaceError(f"no pairs for {value}: expected at least one; choose another file")
    ids = pa.chunked_array(writer.ids)
    if pc.count_distinct(ids).as_py() < len(ids):
        seen, counts = pc.value_counts(ids).flatten()
        twice = seen[int(np.argmax(counts.to_numpy()))]
        raise WorkspaceError(f"pairs of {value} hold id {twice} twice; keep one of each")
    np.save(folder / _LENGTHS, lengths)
    return len(lengths), digest(chain.from_iterable(part.to_pylist() for part in ids.chunks))


def _check_columns(value: str, part: pd.DataFrame | pa.Table) -> None:
    found = part.columns if isinstance(part, pd.DataFrame) else part.column_names
    if missing := [name for name in PAIR_COLUMNS if name not in found]:
        raise WorkspaceError(
            f"pairs of {value} lack {', '.join(missing)}; read them with vcsoup.preferences"
        )


def _write_aside(aside: pd.DataFrame | None, folder: Path) -> list[str]:
    if aside is None or aside.empty:
        return []
    aside[list(ASIDE_COLUMNS)].to_parquet(folder / _ASIDE, index=False)
    return list(aside["id"])


def _read_aside(path: Path) -> pd.DataFrame:
    try:
        found = pd.read_parquet(path.with_suffix(f".{_ASIDE}"))
    except FileNotFoundError:
        return pd.DataFrame({name: pd.Series([], dtype=object) for name in ASIDE_COLUMNS})
    prompts = [[dict(turn) for turn in prompt] for prompt in found["prompt"]]
    return found.assign(prompt=pd.Series(prompts, dtype=object))


def _lengths(path: Path) -> Lengths:
    stored = path.with_suffix(f".{_LENGTHS}")
    if not stored.exists():
        measured = read_lengths(path)
        with replacing(stored) as aside, aside.open("wb") as file:
            np.save(file, measured)
    return np.load(stored)
