"""Parquet tables per value that are replaced as a whole, and the row that makes one current.

Files are named by their content. They are put in place and their row is written within one writing
transaction; files that no row and no entry of the bin names are removed within another. As all
processes take the same write lock, nobody removes a file that somebody is about to make current.
"""

import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Table, select
from sqlalchemy.dialects.sqlite import insert

from vcsoup.workspace.records import REMOVED, Records

_ABANDONED_AFTER_S = 3600.0
Content = TypeVar("Content")
Hook = Callable[[Connection, Mapping[str, Any]], object]


class VersionedTable:
    """One kind of table (`datasets` or `rewards`) of one project."""

    def __init__(self, records: Records, table: Table, *, project: str, folder: Path) -> None:
        self._records = records
        self._table = table
        self._project = project
        self._folder = folder

    def rows(self) -> dict[str, Row[Any]]:
        """Return the current row of each value that has a table."""
        with self._records.read() as connection:
            return self.rows_within(connection)

    def rows_within(self, connection: Connection) -> dict[str, Row[Any]]:
        """Return the current rows as a transaction sees them."""
        query = select(self._table).where(self._table.c.project == self._project)
        return {row.value: row for row in connection.execute(query)}

    def path(self, value: str, content: str, kind: str = "parquet") -> Path:
        """Return where a file of a table lies; `kind` is the end of its name."""
        return self._folder / value / f"{content}.{kind}"

    def store(
        self,
        value: str,
        write: Callable[[Path], Mapping[str, Any]],
        *,
        before: Hook = lambda connection, row: None,
    ) -> None:
        """Make a new table current.

        Args:
            value: Whose table.
            write: Writes `parquet` and its companions into the folder that it is given, and
                returns the database row without project and value; `hash` names the files.
            before: Runs within the transaction, given the new row, before it takes its place.
        """
        with self._aside(value) as aside:
            row = {"value": value, **write(aside)}
            with self._records.write() as connection:
                before(connection, row)
                for file in aside.iterdir():
                    file.replace(self.path(value, row["hash"], file.name))
                self.put(connection, row)
        self.remove_unnamed(value)

    def put(self, connection: Connection, row: Mapping[str, Any]) -> None:
        """Make a row current within a transaction; its files must be in place."""
        statement = insert(self._table).values(project=self._project, **row)
        changed = {name: statement.excluded[name] for name in row if name != "value"}
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[self._table.c.project, self._table.c.value], set_=changed
            )
        )

    def load(
        self, value: str, find: Callable[[], str], read: Callable[[Path], Content]
    ) -> Content | None:
        """Read the table whose hash `find` returns; None when it returns an empty string.

        Another process may replace the table between the look-up and the reading; then it looks
        again. A file that vanished without being replaced is an error.
        """
        former = ""
        while content := find():
            path = self.path(value, content)
            try:
                return read(path)
            except (OSError, ValueError):
                if path.exists() or content == former:
                    raise
                former = content
        return None

    def remove_unnamed(self, value: str) -> None:
        """Remove the files of a value that neither its row nor the bin names."""
        with self._records.write() as connection:
            keep = self._binned(connection, value)
            if row := self.rows_within(connection).get(value):
                keep.add(row.hash)
            for path in (self._folder / value).glob("*"):
                if path.name.startswith("."):
                    _remove_abandoned(path)
                elif path.name.partition(".")[0] not in keep:
                    path.unlink(missing_ok=True)

    def _binned(self, connection: Connection, value: str) -> set[str]:
        column = REMOVED.c.dataset if self._table.name == "datasets" else REMOVED.c.rewards
        query = select(column).where(REMOVED.c.project == self._project, REMOVED.c.value == value)
        contents = [json.loads(text) for text in connection.execute(query).scalars()]
        return {content["hash"] for content in contents if content}

    @contextmanager
    def _aside(self, value: str) -> Iterator[Path]:
        folder = self._folder / value / f".{uuid.uuid4().hex[:12]}"
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(aside: Path) -> None:
    """Remove what a process left that was killed while writing."""
    try:
        newest = max(path.stat().st_mtime for path in (aside, *aside.glob("*")))
    except FileNotFoundError:
        return
    if time.time() - newest > _ABANDONED_AFTER_S:
        if aside.is_dir():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink(missing_ok=True)
