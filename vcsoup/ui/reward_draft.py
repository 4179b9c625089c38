"""The form of a judge as it was left, kept with the project: a fresh page opens it so again.

Kept is what could be saved once the rest is there. A key in the place of its variable's name, or an
address with a password, could not, so that no secret reaches the disk.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import streamlit as st
from pydantic import BaseModel, ConfigDict, ValidationError

from vcsoup.errors import RewardModelError
from vcsoup.rewards.spec import RewardSpec, reward_spec
from vcsoup.workspace import Project

_NAME = "judge"
_UNTOUCHED = {"kind": "model"}
_STANDS_IN: Mapping[str, Mapping[str, str]] = {
    "model": {"model": "org/model"},
    "endpoint": {"url": "http://localhost", "model": "model", "criterion": "criterion"},
    "pattern": {"pattern": "."},
    "column": {"column": "column"},
}
"""By kind: entries without which there is no judge."""


class JudgeDraft(BaseModel):
    """What the form showed.

    Attributes:
        value: Whose judge.
        of: Tells the judge that the value had.
        entries: What was filled in, fields of `RewardSpec`.
    """

    model_config = ConfigDict(frozen=True)

    value: str
    of: str
    entries: dict[str, Any]

    @property
    def start(self) -> RewardSpec:
        """The entries, with those that are missing left empty."""
        return RewardSpec.model_construct(**self.entries)


def left(project: Project) -> JudgeDraft | None:
    """Return what the last visit left; None where it left nothing that still makes sense."""
    key = f"judge_left_{project.name}"
    if key not in st.session_state:
        st.session_state[key] = _load(project)
    found: JudgeDraft | None = st.session_state[key]
    return found


def keep(project: Project, draft: JudgeDraft | None) -> None:
    """Keep what the form shows, None for the judge as it is; what could not be saved stays away."""
    if draft is None or draft.entries == _UNTOUCHED:
        _write(project, None)
    elif _is_sound(draft.entries):
        _write(project, draft)


def forget(project: Project) -> None:
    """Forget what was left: it was saved, or the form was closed."""
    st.session_state[f"judge_left_{project.name}"] = None
    _write(project, None)


def _load(project: Project) -> JudgeDraft | None:
    try:
        draft = JudgeDraft(**(project.draft(_NAME) or {}))
    except ValidationError:  # none, or of another version
        return None
    return draft if _is_sound(draft.entries) else None


def _write(project: Project, draft: JudgeDraft | None) -> None:
    content = draft.model_dump(mode="json") if draft else {}
    if content != (project.draft(_NAME) or {}):
        with suppress(OSError):  # a workspace that cannot be written only forgets
            project.keep_draft(_NAME, content)


def _is_sound(entries: Mapping[str, Any]) -> bool:
    try:
        reward_spec(**{**_STANDS_IN.get(str(entries.get("kind")), {}), **entries})
    except RewardModelError:
        return False
    return True
