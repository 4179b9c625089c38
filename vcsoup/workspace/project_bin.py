"""The bin of a workspace: projects that were removed, to be restored or deleted for good.

A removed project is only hidden: its folder and its records stay, and its name stays taken.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy import delete, select, update

from vcsoup.errors import NotFoundError
from vcsoup.workspace.config import ProjectConfig
from vcsoup.workspace.files import now
from vcsoup.workspace.records import OF_PROJECTS, PROJECTS, Records


@dataclass(frozen=True)
class RemovedProject:
    """A project in the bin, and when it was removed: UTC, ISO 8601."""

    config: ProjectConfig
    removed: str


class ProjectBin:
    """The removed projects of one workspace."""

    def __init__(self, records: Records, folder: Path) -> None:
        self._records = records
        self._folder = folder

    def entries(self) -> list[RemovedProject]:
        """Return what can be restored, the one removed last first."""
        query = select(PROJECTS).where(PROJECTS.c.removed != "")
        with self._records.read() as connection:
            rows = connection.execute(query.order_by(PROJECTS.c.removed.desc())).all()
        return [
            RemovedProject(ProjectConfig.model_validate_json(row.config), row.removed)
            for row in rows
        ]

    def names(self) -> list[str]:
        """Return the short names of what can be restored, in the order of `entries`."""
        return [entry.config.name for entry in self.entries()]

    def put(self, name: str) -> None:
        """Hide a project; one that is hidden or gone already is left as it is."""
        self._mark(name, now())

    def restore(self, name: str) -> None:
        """Show a project of the bin again, as it was.

        Raises:
            NotFoundError: it is not in the bin.
        """
        self._check(name)
        aside, home = self._aside(name), self._folder / name
        if aside.exists():  # its deletion was cut short
            if home.exists():  # an open page has written there since
                home.replace(self._folder / f".written-after-{name}-{uuid4().hex}")
            aside.replace(home)
        self._mark(name, "")

    def delete(self, name: str) -> None:
        """Delete a project of the bin for good; until its records are gone it can be restored.

        Raises:
            NotFoundError: it is not in the bin.
        """
        self._check(name)
        aside, home = self._aside(name), self._folder / name
        if aside.exists():  # a deletion that was cut short; what an open page wrote goes too
            shutil.rmtree(home, ignore_errors=True)
        elif home.exists():
            home.replace(aside)
        with self._records.write() as connection:
            for table in OF_PROJECTS:
                connection.execute(delete(table).where(table.c.project == name))
            connection.execute(delete(PROJECTS).where(PROJECTS.c.name == name))
        shutil.rmtree(aside, ignore_errors=True)

    def forget(self, name: str) -> None:
        """Remove what a deletion that was cut short left of a former project of this name."""
        with self._records.read() as connection:
            taken = connection.execute(select(PROJECTS).where(PROJECTS.c.name == name)).first()
        if taken is None:
            shutil.rmtree(self._aside(name), ignore_errors=True)

    def _mark(self, name: str, removed: str) -> None:
        with self._records.write() as connection:
            of_this = PROJECTS.c.name == name
            connection.execute(update(PROJECTS).where(of_this).values(removed=removed))

    def _check(self, name: str) -> None:
        known = self.names()
        if name not in known:
            raise NotFoundError(
                f"the bin has no project {name!r}; it has {', '.join(known) or 'none'}"
            )

    def _aside(self, name: str) -> Path:
        return self._folder / f".deleted-{name}"
