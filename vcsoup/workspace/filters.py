"""Filters of a project: the one in force per value, and those that were saved under a name.

A named filter remembers what it was made from (counts and the stamps of the rewards), so that a
page can say when it no longer describes the data.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Table, delete, select
from sqlalchemy.dialects.sqlite import insert

from vcsoup.errors import NotFoundError
from vcsoup.filtering import PairFilter
from vcsoup.workspace.files import now
from vcsoup.workspace.names import check_title
from vcsoup.workspace.records import FILTERS, NAMED_FILTERS, Records

Scale = Literal["dataset", "shared"]


class NamedFilter(BaseModel):
    """A filter per value under a name, with where it came from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="For people; any script, never part of a path.")
    filters: dict[str, PairFilter] = Field(description="The filter per value.")
    scale: Scale = Field(description="The scale of the gaps that it was made on.")
    created: str = Field(default_factory=now, description="UTC, ISO 8601.")
    note: str = ""
    counts: dict[str, tuple[int, int]] = Field(description="Pairs kept, and all, per value.")
    stamps: dict[str, str] = Field(description="`Project.rewards_stamp` per value, at its scale.")


class FilterTable:
    """The filters of one project."""

    def __init__(self, records: Records, project: str) -> None:
        self._records = records
        self._project = project

    def current(self) -> dict[str, PairFilter]:
        """Return the filter in force, of the values that have one."""
        found = self._contents(FILTERS, FILTERS.c.value)
        return {value: PairFilter.model_validate_json(text) for value, text in found.items()}

    def set(self, filters: Mapping[str, PairFilter]) -> None:
        """Put filters into force, all at once."""
        with self._records.write() as connection:
            for value, pair_filter in filters.items():
                row = {"project": self._project, "value": value}
                connection.execute(_upsert(FILTERS, row, content=pair_filter.model_dump_json()))

    def named(self) -> list[NamedFilter]:
        """Return the named filters, newest first."""
        contents = self._contents(NAMED_FILTERS, NAMED_FILTERS.c.name).values()
        found = [NamedFilter.model_validate_json(text) for text in contents]
        return sorted(found, key=lambda named: named.created, reverse=True)

    def find(self, name: str) -> NamedFilter:
        """Return a named filter; NotFoundError lists those that exist."""
        found = {named.name: named for named in self.named()}
        if name not in found:
            known = ", ".join(found) or "none yet"
            raise NotFoundError(
                f"project {self._project} has no filter {name!r} (saved: {known}); "
                "save one with `python -m vcsoup filter --save NAME`"
            )
        return found[name]

    def save(self, named: NamedFilter) -> NamedFilter:
        """Store a named filter in place of one of the same name; WorkspaceError for a bad name."""
        named = named.model_copy(update={"name": check_title(named.name, "filter")})
        row = {"project": self._project, "name": named.name}
        entry = {"created": named.created, "content": named.model_dump_json()}
        with self._records.write() as connection:
            connection.execute(_upsert(NAMED_FILTERS, row, **entry))
        return named

    def delete(self, name: str) -> None:
        """Delete a named filter; NotFoundError when there is none of that name."""
        self.find(name)
        gone = delete(NAMED_FILTERS).where(
            NAMED_FILTERS.c.project == self._project, NAMED_FILTERS.c.name == name
        )
        with self._records.write() as connection:
            connection.execute(gone)

    def _contents(self, table: Table, key: Any) -> dict[str, str]:
        query = select(key, table.c.content).where(table.c.project == self._project)
        with self._records.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}


def _upsert(table: Table, key: Mapping[str, Any], **entry: Any) -> Any:
    statement = insert(table).values(**key, **entry)
    return statement.on_conflict_do_update(index_elements=list(key), set_=entry)
