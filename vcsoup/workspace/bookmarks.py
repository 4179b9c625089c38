"""Bookmarks: soups that somebody gave a name. The name is data, never a path."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from vcsoup.errors import NotFoundError, UnknownValueError, WorkspaceError
from vcsoup.workspace.files import now
from vcsoup.workspace.records import BOOKMARKS, Records

LONGEST_NAME = 60


class Bookmark(BaseModel):
    """One named soup."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="What people call it, 1 to 60 characters.")
    group: str = Field(description="The adapters' group, such as 'filtered'.")
    weights: dict[str, float] = Field(description="Weight per value.")
    created: str = Field(default_factory=now, description="UTC, ISO 8601.")


class BookmarkTable:
    """The bookmarks of one project."""

    def __init__(self, records: Records, project: str, values: Sequence[str]) -> None:
        self._records = records
        self._project = project
        self._values = tuple(values)

    def save(self, bookmark: Bookmark) -> Bookmark:
        """Store a bookmark; blanks around its name are dropped.

        Raises:
            WorkspaceError: an empty or too long name, or one that is taken.
            UnknownValueError: a weight for a value that the project does not have.
        """
        kept = bookmark.model_copy(update={"name": self._checked_name(bookmark.name)})
        if unknown := sorted(set(kept.weights) - set(self._values)):
            raise UnknownValueError(
                f"bookmark has a weight for {', '.join(unknown)}; "
                f"the project's values are {', '.join(self._values)}"
            )
        row = {"project": self._project, "name": kept.name, "created": kept.created}
        try:
            with self._records.write() as connection:
                connection.execute(insert(BOOKMARKS).values(**row, content=kept.model_dump_json()))
        except IntegrityError as error:
            raise WorkspaceError(
                f"a soup is bookmarked as {kept.name!r} already; choose another name"
            ) from error
        return kept

    def load(self) -> list[Bookmark]:
        """Return the bookmarks, newest first."""
        query = select(BOOKMARKS.c.content).where(BOOKMARKS.c.project == self._project)
        with self._records.read() as connection:
            contents = connection.execute(query.order_by(BOOKMARKS.c.created.desc())).scalars()
            return [Bookmark.model_validate_json(content) for content in contents]

    def delete(self, name: str) -> Bookmark:
        """Remove a bookmark and return it; saving it again undoes this.

        Raises:
            NotFoundError: there is none of that name.
        """
        found = next((bookmark for bookmark in self.load() if bookmark.name == name), None)
        if found is None:
            raise NotFoundError(f"no soup is bookmarked as {name!r}; it was removed already")
        gone = delete(BOOKMARKS).where(
            BOOKMARKS.c.project == self._project, BOOKMARKS.c.name == name
        )
        with self._records.write() as connection:
            connection.execute(gone)
        return found

    @staticmethod
    def _checked_name(name: str) -> str:
        stripped = " ".join(name.split())
        if not 1 <= len(stripped) <= LONGEST_NAME:
            raise WorkspaceError(
                f"a bookmark's name has 1 to {LONGEST_NAME} characters, got {len(stripped)}; "
                "write a short name"
            )
        return stripped
