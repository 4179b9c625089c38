"""The rewards of a project's pairs: one table per value's data set.

Rewards remember which pairs and which reward models they belong to; when either changes they are
stale and count as not scored. Figures are read without the ids, which cost most at a million
pairs.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vcsoup.errors import GapShapeError, WorkspaceError
from vcsoup.fingerprint import known_fingerprint
from vcsoup.workspace.config import ProjectConfig
from vcsoup.workspace.datasets import Datasets, digest
from vcsoup.workspace.files import now
from vcsoup.workspace.records import REWARDS, Records
from vcsoup.workspace.versions import VersionedTable

Figures = npt.NDArray[np.float32]


class RewardTables:
    """The rewards of one project.

    Attributes:
        config: The project's choices; its reward models decide which rewards are current.
    """

    def __init__(
        self, records: Records, config: ProjectConfig, root: Path, *, datasets: Datasets
    ) -> None:
        self.config = config
        self._datasets = datasets
        self.table = VersionedTable(records, REWARDS, project=config.name, folder=root / "rewards")

    def save(self, value: str, table: pd.DataFrame) -> None:
        """Store the rewards of a value's pairs (contract: `Project.save_rewards`)."""
        info = self._datasets.info(value)
        table = check_rewards(value, table, self.config.values)
        if not self._datasets.is_named_by(value, table["id"]):
            raise WorkspaceError(
                f"rewards of {value} have other ids or another order than its stored pairs; "
                "score the stored pairs again"
            )

        def write(path: Path) -> str:
            table.to_parquet(path, index=False)
            return hashlib.sha256(table.drop(columns="id").to_numpy().tobytes()).hexdigest()

        self._store(value, info.hash, write)

    def save_parts(self, value: str, parts: Iterable[pa.Table]) -> None:
        """Store rewards part by part: columns id and `reward_columns`, float32, rows as the pairs.

        For tables too large for memory whose ids are the pairs' by construction; finite figures are
        checked, ids are not.
        """
        columns = reward_columns(self.config.values)

        def write(path: Path) -> str:
            sha, writer = hashlib.sha256(), None
            for part in parts:
                writer = writer or pq.ParquetWriter(path, part.schema)
                figures = np.stack([part.column(name).to_numpy() for name in columns], axis=1)
                check_finite(value, figures, columns)
                sha.update(figures.tobytes())
                writer.write_table(part)
            if writer:
                writer.close()
            return sha.hexdigest()

        self._store(value, self._datasets.info(value).hash, write)

    def load(self, value: str) -> pd.DataFrame | None:
        """Read the rewards of a value's pairs, None when there are none or stale ones."""
        return self.table.load(value, lambda: self.hash(value), pd.read_parquet)

    def figures(self, value: str, columns: Sequence[str]) -> list[Figures] | None:
        """Read some reward columns alone, each of shape (n,); None when not scored."""

        def read(path: Path) -> list[Figures]:
            table = pq.read_table(path, columns=list(columns), partitioning=None)
            return [table.column(name).to_numpy() for name in columns]

        return self.table.load(value, lambda: self.hash(value), read)

    def row(self, value: str, row: int, columns: Sequence[str]) -> Figures | None:
        """Read some reward columns of one pair, from its row group alone; None when not scored."""

        def read(path: Path) -> Figures:
            with pq.ParquetFile(path) as file:
                first, group = 0, 0
                while first + (n := file.metadata.row_group(group).num_rows) <= row:
                    first, group = first + n, group + 1
                cells = file.read_row_group(group, columns=list(columns)).slice(row - first, 1)
            return np.array([cells.column(name)[0].as_py() for name in columns], dtype=np.float32)

        return self.table.load(value, lambda: self.hash(value), read)

    def hash(self, value: str) -> str:
        """Name the content of a value's current rewards; empty when there are none."""
        self._datasets.check_value(value)
        return self.hashes().get(value, "")

    def hashes(self) -> dict[str, str]:
        """Name the content of all current rewards by value, in the project's order."""
        infos, rows = self._datasets.infos(), self.table.rows()
        by_these_judges = cache(partial(_are_by, self.config))  # one answer serves all values
        return {
            value: str(row.hash)
            for value, info in infos.items()
            if (row := rows.get(value)) is not None
            and row.pairs_hash == info.hash
            and by_these_judges(row.specs_hash)
        }

    def known_as(self, config: ProjectConfig) -> str:
        """Return the name that the judges of other choices had when they scored these rewards.

        Their files tell, wherever they lie now. Empty where they are at their first place, where
        their files are not known, and for others.
        """
        new = config.model_copy(update={"known_as": ""})
        scored = {row.specs_hash for row in self.table.rows().values()}
        names = {str(by).partition(" ")[0] for by in scored if _are_by(new, by)}
        return names.pop() if len(names) == 1 and new.judges_name not in names else ""

    def _store(self, value: str, pairs_hash: str, write: Callable[[Path], str]) -> None:
        """Make rewards current; `write` writes a file of them and names its content."""
        specs_hash = f"{self.config.judges_name} {_content(self.config)}".rstrip()
        anywhere = f" {digest([self.config.judges_anywhere])}" if " " in specs_hash else ""

        def row(folder: Path) -> dict[str, Any]:
            content = write(folder / "parquet")
            return {
                "hash": digest([pairs_hash, specs_hash, content]),
                "pairs_hash": pairs_hash,
                "specs_hash": specs_hash + anywhere,
                "created": now(),
            }

        self.table.store(value, row)


def _are_by(config: ProjectConfig, specs_hash: str) -> bool:
    """Whether rewards are by a project's judges.

    Judges at the same places are the same ones unless their files are known to be others, judges at
    other places only if their files are known to be the same.
    """
    name, content, anywhere, *_ = [*specs_hash.split(" "), "", ""]
    if name == config.judges_name:
        return not content or _content(config) in ("", content)
    return anywhere == digest([config.judges_anywhere]) and _content(config) == content


def _content(config: ProjectConfig) -> str:
    """Name the files of a project's judges, which may change in place; empty while not known."""
    models = [spec for spec in config.rewards.values() if spec.kind == "model"]
    found = [known_fingerprint(spec.model, revision=spec.revision) for spec in models]
    known = [name for name in found if name is not None]
    return digest(known) if len(known) == len(found) else ""


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
    check_finite(value, table[columns].to_numpy(dtype=np.float32), columns, list(table["id"]))
    return table.astype(dict.fromkeys(columns, np.float32))


def check_finite(
    value: str, figures: Figures, columns: Sequence[str], ids: Sequence[str] = ()
) -> None:
    """Raise GapShapeError when a reward is not finite; named by row (1-based), id and column."""
    if (bad := np.argwhere(~np.isfinite(figures))).size:
        row, column = (int(index) for index in bad[0])
        pair = f" (id {ids[row]})" if ids else ""
        raise GapShapeError(
            f"rewards of {value}: {columns[column]} in row {row + 1}{pair} is "
            f"{figures[row, column]}, expected a finite number; check that reward model, "
            "then score again"
        )
