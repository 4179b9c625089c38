"""The SQLite database of a workspace: its tables, and transactions that survive other processes.

WAL lets pages read while jobs write; a workspace that several machines share does without
(`Records.share`). A writing transaction takes the write lock at its beginning (BEGIN IMMEDIATE), so
two writers queue for up to 60 s instead of failing half-way. Connections are not pooled: a
workspace folder that is deleted and made anew is seen as new. A database of an older schema is
brought up to date in one transaction when it is opened.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
)
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import NullPool

from vcsoup.errors import WorkspaceError

SCHEMA_VERSION = 3
SHARED = "shared"
"""File beside the database of a workspace that several machines write to."""

_metadata = MetaData()


def _key(name: str) -> Column[str]:
    return Column(name, String, primary_key=True)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


PROJECTS = Table(
    "projects",
    _metadata,
    *(_key("name"), _text("config"), _text("created")),
    Column("removed", Text, nullable=False, server_default=""),  # when; empty: it is not
)

DATASETS = Table(
    "datasets",
    _metadata,
    *(_key("project"), _key("value"), Column("n", Integer, nullable=False)),
    *(_text("hash"), _text("source"), _text("report"), _text("created"), _text("title")),
)

REMOVED = Table(
    "removed_datasets",
    _metadata,
    Column("token", Integer, primary_key=True),
    *(_text("project"), _text("value"), _text("removed"), _text("dataset"), _text("rewards")),
    sqlite_autoincrement=True,  # a token is never used twice
)

REWARDS = Table(
    "rewards",
    _metadata,
    *(_key("project"), _key("value")),
    *(_text("hash"), _text("pairs_hash"), _text("specs_hash"), _text("created")),
)

FILTERS = Table("filters", _metadata, _key("project"), _key("value"), _text("content"))

NAMED_FILTERS = Table(
    "named_filters",
    _metadata,
    *(_key("project"), _key("name"), _text("created"), _text("content")),
)

POINTS = Table(
    "points",
    _metadata,
    *(_key("project"), _key("set_key"), _key("weights_key")),
    Column("seed", Integer, primary_key=True),
    *(Column("n_prompts", Integer, nullable=False), _text("created"), _text("content")),
)

VOTES = Table(
    "votes",
    _metadata,
    *(_key("project"), _key("id"), _text("created"), _text("content")),
)

BOOKMARKS = Table(
    "bookmarks",
    _metadata,
    *(_key("project"), _key("name"), _text("created"), _text("content")),
)

ADAPTER_NAMES = Table("adapter_names", _metadata, _key("project"), _key("name"))

OF_PROJECTS = tuple(table for table in _metadata.sorted_tables if "project" in table.c)
"""The tables whose rows belong to a project."""

# What brings a database from the version before to the named one; new tables are made first.
_UPGRADES = {
    2: (
        "ALTER TABLE datasets ADD COLUMN title TEXT NOT NULL DEFAULT ''",
        "INSERT INTO filters SELECT project, value, json_object('threshold', threshold) "
        "FROM thresholds",
        "DROP TABLE thresholds",
    ),
    3: ("ALTER TABLE projects ADD COLUMN removed TEXT NOT NULL DEFAULT ''",),
}

_LOOK = "look at the disk and the folder, or choose another one with --workspace"
_REMEDIES = (
    ("readonly", "make the folder writable or choose another one with --workspace"),
    ("full", "free some space and try again"),
    ("locked", "end what keeps it busy, such as this workspace's jobs, and try again"),
)


class Records:
    """The database of one workspace."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = _engine(path)
        self._writer = self._reader.execution_options(vcsoup_write=True)
        try:
            self._prepare()
        except DatabaseError as error:
            writable = os.access(path.parent, os.W_OK)
            remedy = "" if writable else "the folder is read-only: make it writable, or "
            raise WorkspaceError(
                f"{path} cannot be used as a workspace database ({error.orig}); "
                f"{remedy}choose another folder with --workspace"
            ) from error

    def share(self) -> None:
        """Let several machines write: a write-ahead log needs memory that all writers share.

        Raises:
            WorkspaceError: another process kept the database open for too long.
        """
        marker = self.path.with_name(SHARED)
        marker.touch()
        try:
            with self._reader.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
        except DatabaseError as error:
            marker.unlink(missing_ok=True)
            raise WorkspaceError(
                f"{self.path} is in use ({error.orig}); end this workspace's jobs and try again"
            ) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for one look at the records; each statement sees the latest state.

        Raises:
            WorkspaceError: the database is gone, or cannot be read.
        """
        with self._in_words("read"), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection that alone may write; committed at the end, undone by an exception.

        Raises:
            WorkspaceError: the disk is full, the folder is read-only or gone, or another process
                kept the database for too long.
        """
        with self._in_words("written"), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def _in_words(self, what: str) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            remedy = next((told for words, told in _REMEDIES if words in str(error.orig)), _LOOK)
            raise WorkspaceError(
                f"{self.path} cannot be {what} ({error.orig}); {remedy}"
            ) from error

    def _prepare(self) -> None:
        if (version := self._version()) < SCHEMA_VERSION:
            with self._writer.begin() as connection:
                _upgrade(connection)
            version = self._version()
        if version != SCHEMA_VERSION:
            raise WorkspaceError(
                f"{self.path} was written by another version of VC-Soup Lab (schema {version}, "
                f"this one reads {SCHEMA_VERSION}); update vcsoup or choose another workspace"
            )

    def _version(self) -> int:
        with self._reader.connect() as connection:
            return _version_of(connection)


def _upgrade(connection: Connection) -> None:
    """Make what is missing; another process may have been first, so the version is read again."""
    former = _version_of(connection)
    if former >= SCHEMA_VERSION:
        return
    _metadata.create_all(connection)
    if former:
        for version in range(former + 1, SCHEMA_VERSION + 1):
            for statement in _UPGRADES[version]:
                connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")


def _version_of(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=NullPool,
        connect_args={"timeout": 60.0, "isolation_level": None, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        if not path.with_name(SHARED).exists():
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        if connection.get_execution_options().get("vcsoup_write"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
