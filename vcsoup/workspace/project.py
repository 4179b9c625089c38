"""One project: everything that pages, jobs and the command line read and write about it."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from vcsoup.consistency import reward_gaps, reward_scale, value_consistency
from vcsoup.errors import NotFoundError, WorkspaceError
from vcsoup.workspace import adapters as shelf
from vcsoup.workspace.adapters import AdapterInfo, AdapterShelf
from vcsoup.workspace.config import ProjectConfig
from vcsoup.workspace.files import read_json, write_json
from vcsoup.workspace.held_out import Messages, top_up
from vcsoup.workspace.names import check_slug
from vcsoup.workspace.points import Point, PointTable
from vcsoup.workspace.records import THRESHOLDS, Records
from vcsoup.workspace.tables import DatasetInfo, Tables, digest, reward_columns

Floats = NDArray[np.float64]


class Project:
    """A project of a workspace; made by `Workspace.project`. Cheap to make, holds no data."""

    def __init__(self, records: Records, config: ProjectConfig, root: Path) -> None:
        self.config = config
        self.root = root
        self._records = records
        self._tables = Tables(records, config, root)
        self._points = PointTable(records, config.name, config.values)
        self._shelf = AdapterShelf(records, config.name, root / "adapters")

    @property
    def name(self) -> str:
        """The short name."""
        return self.config.name

    @property
    def title(self) -> str:
        """The name for people."""
        return self.config.title or self.config.name

    @property
    def values(self) -> tuple[str, ...]:
        """The values to balance, in order."""
        return self.config.values

    # Pairs and rewards

    def datasets(self) -> dict[str, DatasetInfo]:
        """Return the stored data sets by value, in the project's order."""
        return self._tables.datasets()

    def save_pairs(
        self,
        value: str,
        pairs: pd.DataFrame,
        *,
        source: str,
        report: Mapping[str, Any] | None = None,
    ) -> DatasetInfo:
        """Store a value's canonical pair table in place of the former one.

        Args:
            value: One of the project's values.
            pairs: Columns id, prompt, chosen, rejected; ids unique.
            source: Where they come from, for people.
            report: What reading them reported (`ReadReport.to_dict()`).

        Raises:
            UnknownValueError: no such value.
            WorkspaceError: no pairs, a missing column or an id twice.
        """
        return self._tables.save_pairs(value, pairs, source=source, report=report or {})

    def pairs(self, value: str) -> pd.DataFrame:
        """Return a value's canonical pair table; NotFoundError when it has none."""
        return self._tables.pairs(value)

    def save_rewards(self, value: str, table: pd.DataFrame) -> None:
        """Store the rewards of a value's pairs.

        Args:
            value: Whose data set was scored.
            table: Columns id and `<v>_chosen`, `<v>_rejected` for every value v of the project, in
                the reward models' units, larger is better; rows as the stored pairs.

        Raises:
            WorkspaceError: a missing column, or ids that are not those of the stored pairs.
            GapShapeError: a reward that is not finite, named by row and column.
        """
        self._tables.save_rewards(value, table)

    def rewards(self, value: str) -> pd.DataFrame | None:
        """Return a value's rewards table; None when not scored or when pairs or models changed."""
        return self._tables.rewards(value)

    def rewards_stamp(self, value: str) -> str:
        """Return a key for caches of `gaps` and `consistency`; empty when not scored."""
        own = self._tables.rewards_hash(value)
        if not own or self.config.scale == "dataset":
            return own
        return digest([own, *(self._tables.rewards_hash(other) for other in self.values)])

    def gaps(self, value: str) -> Floats:
        """Return the reward gaps of a value's pairs in standard deviations.

        The scale is that of this data set or the one shared by all, as the project says.

        Returns:
            Shape (n, K), columns in the order of `values`.

        Raises:
            NotFoundError: not scored yet (with a shared scale: any value not scored yet).
            GapShapeError: a reward model gives the same reward everywhere.
        """
        chosen, rejected = self._sides(value)
        scaled_by = [value] if self.config.scale == "dataset" else list(self.values)
        sides = [(chosen, rejected) if v == value else self._sides(v) for v in scaled_by]
        scale = reward_scale(
            np.concatenate([side[0] for side in sides]), np.concatenate([side[1] for side in sides])
        )
        return reward_gaps(chosen, rejected) / scale

    def consistency(self, value: str) -> Floats:
        """Return the value consistency of a value's pairs, shape (n,), in [-1, 1]."""
        return value_consistency(self.gaps(value))

    def _sides(self, value: str) -> tuple[Floats, Floats]:
        table = self.rewards(value)
        if table is None:
            raise NotFoundError(
                f"the pairs of {value} have no current rewards; score them with "
                f"`python -m vcsoup score --project {self.name}`"
            )
        columns = reward_columns(self.values)
        figures = table[columns].to_numpy(dtype=np.float64)
        return figures[:, : len(self.values)], figures[:, len(self.values) :]

    # Thresholds

    def thresholds(self) -> dict[str, float]:
        """Return the threshold of every value; 0.0 where none was set."""
        query = select(THRESHOLDS).where(THRESHOLDS.c.project == self.name)
        with self._records.read() as connection:
            found = {row.value: row.threshold for row in connection.execute(query)}
        return {value: found.get(value, 0.0) for value in self.values}

    def set_threshold(self, value: str, tau: float) -> None:
        """Store the threshold of a value.

        Raises:
            UnknownValueError: no such value.
            WorkspaceError: outside [-1, 1].
        """
        self._tables.check_value(value)
        if not -1.0 <= tau <= 1.0:
            raise WorkspaceError(
                f"threshold {tau} of {value} is outside -1 to 1; choose one inside"
            )
        statement = insert(THRESHOLDS).values(project=self.name, value=value, threshold=float(tau))
        statement = statement.on_conflict_do_update(
            index_elements=["project", "value"], set_={"threshold": float(tau)}
        )
        with self._records.write() as connection:
            connection.execute(statement)

    # Held-out prompts

    def held_out_prompts(self) -> list[Messages]:
        """Return the prompts that measure soups, each a list of messages; empty when none."""
        return list(read_json(self.root / "held_out.json") or [])

    def save_held_out_prompts(self, prompts: Sequence[Messages]) -> None:
        """Store the prompts that measure soups in place of the former ones."""
        if not prompts:
            raise WorkspaceError("no held-out prompts given; expected at least one")
        write_json(self.root / "held_out.json", list(prompts))

    def top_up_held_out(self, value: str) -> int:
        """Hold out prompts of a value's pairs until every value with pairs had its share.

        A project that came with held-out prompts keeps exactly those. No more than a tenth of a
        data set's distinct prompts is taken.

        Returns:
            How many prompts are held out now.
        """
        share = self.config.prompts * len(self.datasets()) / len(self.values)
        former = self.held_out_prompts()
        held_out = top_up(former, self.pairs(value)["prompt"], math.ceil(share))
        if len(held_out) > len(former):
            self.save_held_out_prompts(held_out)
        return len(held_out)

    # Adapters

    def adapters(self) -> list[AdapterInfo]:
        """Return the complete adapters, newest first."""
        return self._shelf.complete()

    def adapter_dir(self, name: str) -> Path:
        """Return the folder of an adapter, existing or not; WorkspaceError for a bad name."""
        return self._shelf.path(name)

    def new_adapter_name(self, value: str, group: str) -> str:
        """Reserve a name such as "helpful-filtered-3"; nobody else gets the same one."""
        self._tables.check_value(value)
        return self._shelf.reserve(value, check_slug(group, "group"))

    def add_adapter(self, source: Path, name: str, *, recorded: bool = False) -> AdapterInfo:
        """Copy a complete adapter folder into the project; one of that name is kept as it is."""
        return self._shelf.add(source, name, recorded=recorded)

    def adapter_sets(self) -> dict[str, dict[str, AdapterInfo]]:
        """Return {group: {value: adapter}}: the newest of every value; incomplete groups left out.

        A recorded adapter stands in only where the user has trained none.
        """
        return shelf.newest_sets(self.adapters(), self.values)

    def set_key(self, adapter_set: Mapping[str, AdapterInfo]) -> str:
        """Name a set of adapters by its content; points are stored under it."""
        return shelf.set_key(adapter_set)

    # Points

    def save_point(self, point: Point) -> None:
        """Store a point; the same soup measured on more prompts stays."""
        self._points.save(point)

    def points(self, set_key: str | None = None) -> list[Point]:
        """Return the points, oldest first; only those of one adapter set when given."""
        return self._points.load(set_key)
