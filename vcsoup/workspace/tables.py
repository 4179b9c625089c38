"""Pairs and rewards of a project: one data set per value.

Rewards remember which pairs and which reward models they belong to; when either changes they are
stale and count as not scored.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vcsoup.errors import GapShapeError, NotFoundError, UnknownValueError, WorkspaceError
from vcsoup.preferences.pairs import load_pairs, save_pairs
from vcsoup.workspace.config import ProjectConfig
from vcsoup.workspace.files import now
from vcsoup.workspace.records import DATASETS, REWARDS, Records
from vcsoup.workspace.versions import VersionedTable


@dataclass(frozen=True)
class DatasetInfo:
    """The stored data set of one value: `n` pairs from `source`, and what reading it reported."""

    value: str
    n: int
    hash: str
    source: str
    created: str
    report: Mapping[str, Any] = field(repr=False)


class Tables:
    """The pairs and rewards of one project."""

    def __init__(self, records: Records, config: ProjectConfig, root: Path) -> None:
        self._config = config
        name = config.name
        self._pairs = VersionedTable(records, DATASETS, project=name, folder=root / "pairs")
        self._rewards = VersionedTable(records, REWARDS, project=name, folder=root / "rewards")

    def datasets(self) -> dict[str, DatasetInfo]:
        """Return the stored data sets by value, in the project's order."""
        rows = self._pairs.rows()
        return {value: _info(rows[value]) for value in self._config.values if value in rows}

    def save_pairs(
        self, value: str, pairs: pd.DataFrame, *, source: str, report: Mapping[str, Any]
    ) -> DatasetInfo:
        """Store the pairs of a value in place of the former ones; their rewards become stale.

        Raises:
            UnknownValueError: no such value in the project.
            WorkspaceError: no pairs, or an id twice.
        """
        self.check_value(value)
        _check_pairs(value, pairs)
        info = DatasetInfo(value, len(pairs), digest(pairs["id"]), source, now(), dict(report))
        row = {**vars(info), "report": json.dumps(info.report, ensure_ascii=False, default=str)}
        self._pairs.store(row, lambda path: save_pairs(pairs, path))
        return info

    def pairs(self, value: str) -> pd.DataFrame:
        """Return the canonical pair table of a value.

        Raises:
            NotFoundError: the value has no data set.
        """
        table = self._pairs.load(value, lambda: self._dataset(value).hash, load_pairs)
        assert table is not None  # _dataset raises where there is none
        return table

    def save_rewards(self, value: str, table: pd.DataFrame) -> None:
        """Store the rewards of a value's pairs (contract: `Project.save_rewards`)."""
        pairs_hash = self._dataset(value).hash
        table = check_rewards(value, table, self._config.values)
        if digest(table["id"]) != pairs_hash:
            raise WorkspaceError(
                f"rewards of {value} have other ids or another order than its stored pairs; "
                "score the stored pairs again"
            )
        specs_hash = self._specs_hash()
        figures = hashlib.sha256(table.drop(columns="id").to_numpy().tobytes()).hexdigest()
        row = {
            "value": value,
            "hash": digest([pairs_hash, specs_hash, figures]),
            "pairs_hash": pairs_hash,
            "specs_hash": specs_hash,
            "created": now(),
        }
        self._rewards.store(row, lambda path: table.to_parquet(path, index=False))

    def rewards(self, value: str) -> pd.DataFrame | None:
        """Return the rewards of a value's pairs, None when there are none or stale ones."""
        return self._rewards.load(value, lambda: self.rewards_hash(value), pd.read_parquet)

    def rewards_hash(self, value: str) -> str:
        """Name the content of a value's current rewards; empty when there are none."""
        self.check_value(value)
        info = self.datasets().get(value)
        row = self._rewards.rows().get(value)
        if info is None or row is None:
            return ""
        current = (row.pairs_hash, row.specs_hash) == (info.hash, self._specs_hash())
        return str(row.hash) if current else ""

    def check_value(self, value: str) -> None:
        """Raise `UnknownValueError` unless the project has this value."""
        if value not in self._config.values:
            raise UnknownValueError(
                f"project {self._config.name} has no value {value!r}; "
                f"its values are {', '.join(self._config.values)}"
            )

    def _dataset(self, value: str) -> DatasetInfo:
        self.check_value(value)
        if value not in (found := self.datasets()):
            raise NotFoundError(
                f"{value} has no pairs yet; add some with "
                f"`python -m vcsoup data add {value} FILE --project {self._config.name}`"
            )
        return found[value]

    def _specs_hash(self) -> str:
        specs = {value: spec.model_dump() for value, spec in self._config.rewards.items()}
        return digest([json.dumps(specs, sort_keys=True)])


def reward_columns(values: Sequence[str]) -> list[str]:
    """Return the reward columns of a rewards table, all chosen first.

    Example:
        >>> reward_columns(["helpful", "harmless"])
        ['helpful_chosen', 'harmless_chosen', 'helpful_rejected', 'harmless_rejected']
    """
    return [f"{value}_{side}" for side in ("chosen", "rejected") for value in values]


def check_rewards(value: str, table: pd.DataFrame, values: Sequence[str]) -> pd.DataFrame:
    """Return a rewards table with exactly the expected columns, as float32.

    Raises:
        WorkspaceError: a column is missing.
        GapShapeError: a reward is not a finite number; named by row (1-based) and column.
    """
    columns = reward_columns(values)
    if missing := [column for column in ["id", *columns] if column not in table.columns]:
        raise WorkspaceError(
            f"rewards of {value} lack {', '.join(missing)}; "
            "score the pairs with every reward model of the project"
        )
    table = table[["id", *columns]].reset_index(drop=True)
    figures = table[columns].to_numpy(dtype=np.float32)
    if (bad := np.argwhere(~np.isfinite(figures))).size:
        row, column = (int(index) for index in bad[0])
        raise GapShapeError(
            f"rewards of {value}: {columns[column]} in row {row + 1} (id {table['id'][row]}) is "
            f"{figures[row, column]}, expected a finite number; check that reward model, "
            "then score again"
        )
    return table.astype(dict.fromkeys(columns, np.float32))


def digest(parts: Any) -> str:
    """Name a sequence of texts: 16 hex characters of the sha256 over their lines."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


def _check_pairs(value: str, pairs: pd.DataFrame) -> None:
    if missing := [name for name in ("id", "prompt", "chosen", "rejected") if name not in pairs]:
        raise WorkspaceError(
            f"pairs of {value} lack {', '.join(missing)}; read them with vcsoup.preferences"
        )
    if pairs.empty:
        raise WorkspaceError(f"no pairs for {value}: expected at least one; choose another file")
    if pairs["id"].duplicated().any():
        twice = pairs["id"][pairs["id"].duplicated()].iloc[0]
        raise WorkspaceError(f"pairs of {value} hold id {twice} twice; keep one of each")


def _info(row: Any) -> DatasetInfo:
    report = json.loads(row.report)
    return DatasetInfo(row.value, row.n, row.hash, row.source, row.created, report)
