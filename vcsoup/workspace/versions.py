"""A parquet table per value that is replaced as a whole, and the row that makes it current.

The file is named by its content. It is put in place and its row written within one writing
transaction; files that no row names are removed within another. As all processes take the same
write lock, nobody removes a file that somebody is about to make current.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Row, Table, select
from sqlalchemy.dialects.sqlite import insert

from vcsoup.workspace.records import Records

_ABANDONED_AFTER_S = 3600.0


class VersionedTable:
    """One kind of table (pairs or rewards) of one project."""

    def __init__(self, records: Records, table: Table, *, project: str, folder: Path) -> None:
        self._records = records
        self._table = table
        self._project = project
        self._folder = folder

    def rows(self) -> dict[str, Row[Any]]:
        """Return the current row of each value that has a table."""
        query = select(self._table).where(self._table.c.project == self._project)
        with self._records.read() as connection:
            return {row.value: row for row in connection.execute(query)}

    def store(self, row: Mapping[str, Any], write: Callable[[Path], object]) -> None:
        """Make a new table current.

        Args:
            row: The database row without `project`; `value` and `hash` name the file.
            write: Writes the table to the path that it is given.
        """
        path = self._path(row["value"], row["hash"])
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{uuid.uuid4().hex[:12]}.parquet")
        try:
            write(aside)
            with self._records.write() as connection:
                aside.replace(path)
                connection.execute(self._upsert(row))
        finally:
            aside.unlink(missing_ok=True)
        self._remove_former(row["value"])

    def load(
        self, value: str, find: Callable[[], str], read: Callable[[Path], pd.DataFrame]
    ) -> pd.DataFrame | None:
        """Read the table whose hash `find` returns; None when it returns an empty string.

        Another process may replace the table between the look-up and the reading; then it looks
        again. A file that vanished without being replaced is an error.
        """
        former = ""
        while content := find():
            path = self._path(value, content)
            try:
                return read(path)
            except (OSError, ValueError):
                if path.exists() or content == former:
                    raise
                former = content
        return None

    def _path(self, value: str, content: str) -> Path:
        return self._folder / value / f"{content}.parquet"

    def _upsert(self, row: Mapping[str, Any]) -> Any:
        statement = insert(self._table).values(project=self._project, **row)
        changed = {name: statement.excluded[name] for name in row if name != "value"}
        return statement.on_conflict_do_update(
            index_elements=[self._table.c.project, self._table.c.value], set_=changed
        )

    def _remove_former(self, value: str) -> None:
        current = select(self._table.c.hash).where(
            self._table.c.project == self._project, self._table.c.value == value
        )
        with self._records.write() as connection:
            keep = self._path(value, connection.execute(current).scalar_one())
            for path in keep.parent.glob("*.parquet"):
                if path != keep and (not path.name.startswith(".") or _is_abandoned(path)):
                    path.unlink(missing_ok=True)


def _is_abandoned(aside: Path) -> bool:
    """Tell whether the process that was writing this file must be gone."""
    try:
        return time.time() - aside.stat().st_mtime > _ABANDONED_AFTER_S
    except FileNotFoundError:
        return False
