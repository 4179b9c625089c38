"""Projects that are being thought up: what was typed before a project can be created.

One small file per draft, so that a refreshed page, another tab or tomorrow's visit goes on where
the last one was. A draft goes when its project is created.
"""

import re
import uuid
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vcsoup.base_models.settings import AS_ALWAYS, BaseLoading
from vcsoup.workspace.files import now, read_json, write_json

_ID = re.compile("[0-9a-f]{12}")


class ProjectDraft(BaseModel):
    """What is known of a project to come; everything may be missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(default_factory=lambda: uuid.uuid4().hex[:12])
    title: str = ""
    name: str = ""
    values: tuple[str, ...] = ()
    base: str = ""
    loading: BaseLoading = AS_ALWAYS
    saved: str = Field("", description="When it was saved last, UTC, ISO 8601; empty: never.")


class DraftShelf:
    """The drafts of a workspace."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, draft_id: str) -> ProjectDraft | None:
        """Return a draft, None when there is none of that id."""
        return _read(self._folder / f"{draft_id}.json") if _ID.fullmatch(draft_id) else None

    def list(self) -> list[ProjectDraft]:
        """Return all drafts, the one saved last first."""
        found = [_read(path) for path in self._folder.glob("*.json")]
        drafts = [draft for draft in found if draft is not None]
        return sorted(drafts, key=lambda draft: draft.saved, reverse=True)

    def save(self, draft: ProjectDraft) -> ProjectDraft:
        """Keep a draft in place of its former state."""
        saved = draft.model_copy(update={"saved": now()})
        write_json(self._folder / f"{draft.id}.json", saved.model_dump(mode="json"))
        return saved

    def delete(self, draft_id: str) -> None:
        """Forget a draft; one that does not exist is none."""
        if _ID.fullmatch(draft_id):
            (self._folder / f"{draft_id}.json").unlink(missing_ok=True)


def _read(path: Path) -> ProjectDraft | None:
    try:
        content = read_json(path)
        return None if content is None else ProjectDraft.model_validate(content)
    except (ValidationError, ValueError):  # another version's, or damaged
        return None
