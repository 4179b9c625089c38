"""`queue.sqlite`: in which order jobs wait, and how many may run at once.

The job folders say what is queued; this says only in which order, so nothing but the order is lost
with the file. Machines that only run jobs never open it, so it may lie on a shared disk.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
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
    create_engine,
    delete,
    event,
    insert,
    select,
)
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from vcsoup.errors import JobError
from vcsoup.jobs.devices import visible_devices

MOST_PLACES = 64

_log = logging.getLogger(__name__)
_metadata = MetaData()
_ORDER = Table(
    "queue",
    _metadata,
    Column("job", String, primary_key=True),
    Column("position", Integer, nullable=False),
)
_SETTINGS = Table(
    "settings",
    _metadata,
    Column("name", String, primary_key=True),
    Column("value", Integer, nullable=False),
)


class Order:
    """Order and places of one jobs folder. Reading makes no file."""

    def __init__(self, root: Path) -> None:
        self.path = root / "queue.sqlite"

    def ids(self) -> list[str]:
        """Return the ids in their order; some may have left the queue since."""
        return [str(job) for (job,) in self._read(select(_ORDER.c.job).order_by(_ORDER.c.position))]

    def set_ids(self, ids: Sequence[str]) -> None:
        """Make this the order."""
        with self._write() as connection:
            connection.execute(delete(_ORDER))
            if ids:
                rows = [{"job": job, "position": i} for i, job in enumerate(ids)]
                connection.execute(insert(_ORDER), rows)

    @property
    def places(self) -> int:
        """How many jobs may compute at once: as set, else one per device."""
        found = self._read(select(_SETTINGS.c.value).where(_SETTINGS.c.name == "places"))
        return int(found[0][0]) if found else max(1, len(visible_devices()))

    def set_places(self, places: int) -> None:
        """Set how many jobs may compute at once.

        Raises:
            JobError: not between 1 and 64.
        """
        if not 1 <= places <= MOST_PLACES:
            raise JobError(f"{places} at once is outside 1 to {MOST_PLACES}; choose one inside")
        with self._write() as connection:
            connection.execute(delete(_SETTINGS).where(_SETTINGS.c.name == "places"))
            connection.execute(insert(_SETTINGS), [{"name": "places", "value": int(places)}])

    def _read(self, query: Any) -> Sequence[Any]:
        if not self.path.exists():
            return []
        try:
            with _engine(self.path).connect() as connection:
                return connection.execute(query).all()
        except DatabaseError as error:
            _log.warning("%s cannot be read (%s); jobs go by time", self.path, error.orig)
            return []

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        try:
            self._prepare()
        except DatabaseError as error:
            if "not a database" not in str(error.orig) and "malformed" not in str(error.orig):
                raise
            # Only order and places are lost: the folders say what is queued.
            self.path.replace(self.path.with_suffix(".broken"))
            for ending in ("-wal", "-shm"):
                with suppress(FileNotFoundError):
                    self.path.with_name(self.path.name + ending).unlink()
            self._prepare()
        with _engine(self.path).begin() as connection:
            yield connection

    def _prepare(self) -> None:
        with _engine(self.path).begin() as connection:
            _metadata.create_all(connection)


@lru_cache(maxsize=8)
def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=NullPool,
        connect_args={"timeout": 60.0},
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")

    return engine
