"""The bin: data sets that were removed or replaced, so that either can be undone.

An entry keeps the former rows of the database; the files stay where they are for as long as an
entry names them. The newest five entries of each value are kept.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from vcsoup.errors import NotFoundError
from vcsoup.workspace.datasets import DatasetInfo, Datasets, dataset_info
from vcsoup.workspace.files import now
from vcsoup.workspace.records import DATASETS, REMOVED, REWARDS, Records
from vcsoup.workspace.tables import RewardTables

_KEPT = 5


@dataclass(frozen=True)
class RemovedDataset:
    """A data set in the bin; `token` is what restores it."""

    token: int
    removed: str
    dataset: DatasetInfo


class Bin:
    """The removed data sets of one project."""

    def __init__(
        self, records: Records, project: str, *, datasets: Datasets, rewards: RewardTables
    ) -> None:
        self._records = records
        self._project = project
        self._datasets = datasets
        self._rewards = rewards

    def entries(self) -> list[RemovedDataset]:
        """Return what can be restored, newest first."""
        query = select(REMOVED).where(REMOVED.c.project == self._project)
        with self._records.read() as connection:
            rows = connection.execute(query.order_by(REMOVED.c.token.desc())).all()
        return [
            RemovedDataset(
                row.token, row.removed, dataset_info(SimpleNamespace(**json.loads(row.dataset)))
            )
            for row in rows
        ]

    def remove(self, value: str) -> int:
        """Take a value's data set away; returns the token that restores it."""
        self._datasets.info(value)
        with self._records.write() as connection:
            token = self.put(connection, value)
            for table in (DATASETS, REWARDS):
                connection.execute(
                    delete(table).where(table.c.project == self._project, table.c.value == value)
                )
        self._clean(value)
        return token

    def restore(self, token: int) -> str:
        """Make a data set of the bin current again; what is current goes into the bin.

        Returns:
            The value.

        Raises:
            NotFoundError: the bin has no such entry.
        """
        here = (REMOVED.c.project == self._project, REMOVED.c.token == token)
        with self._records.write() as connection:
            entry = connection.execute(select(REMOVED).where(*here)).one_or_none()
            if entry is None:
                raise NotFoundError(
                    f"the bin of project {self._project} has no entry {token}; "
                    f"list it with `python -m vcsoup data list --project {self._project}`"
                )
            connection.execute(delete(REMOVED).where(*here))
            self.put(connection, entry.value)
            self._datasets.table.put(connection, json.loads(entry.dataset))
            if rewards := json.loads(entry.rewards):
                self._rewards.table.put(connection, rewards)
        self._clean(entry.value)
        return str(entry.value)

    def make_way(self, connection: Connection, row: Mapping[str, Any]) -> None:
        """Put a value's data set into the bin just before one of other content takes its place."""
        current = self._datasets.table.rows_within(connection).get(row["value"])
        if current is not None and current.hash != row["hash"]:
            self.put(connection, row["value"])

    def put(self, connection: Connection, value: str) -> int:
        """Note the current data set and its rewards in the bin; 0 when there is none."""
        dataset = _content(self._datasets.table.rows_within(connection).get(value))
        if dataset is None:
            return 0
        rewards = _content(self._rewards.table.rows_within(connection).get(value))
        if rewards and rewards["pairs_hash"] != dataset["hash"]:
            rewards = None
        of_project = REMOVED.c.project == self._project
        row = {"project": self._project, "value": value, "removed": now()}
        contents = {"dataset": json.dumps(dataset), "rewards": json.dumps(rewards)}
        made = connection.execute(insert(REMOVED).values(**row, **contents))
        key = made.inserted_primary_key
        assert key is not None  # an insert of one row tells its key
        token = int(key[0])
        kept = select(REMOVED.c.token).where(of_project, REMOVED.c.value == value)
        kept = kept.order_by(REMOVED.c.token.desc()).limit(_KEPT)
        connection.execute(
            delete(REMOVED).where(
                of_project, REMOVED.c.value == value, REMOVED.c.token.not_in(kept)
            )
        )
        return token

    def _clean(self, value: str) -> None:
        self._datasets.table.remove_unnamed(value)
        self._rewards.table.remove_unnamed(value)


def _content(row: Any) -> dict[str, Any] | None:
    if row is None:
        return None
    return {name: cell for name, cell in row._asdict().items() if name != "project"}
