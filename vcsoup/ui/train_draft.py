"""The form's choices as they were left, kept with the project: a fresh page goes on with them."""

from contextlib import suppress

import streamlit as st
from pydantic import BaseModel, ConfigDict, ValidationError

from vcsoup.training.config import PRESETS, TrainConfig
from vcsoup.workspace import Project

_NAME = "train"


class TrainDraft(BaseModel):
    """What the form of a project showed last."""

    model_config = ConfigDict(frozen=True)

    preset: str
    origin: str
    config: TrainConfig
    values: tuple[str, ...]
    groups: tuple[str, ...]


def load(project: Project) -> TrainDraft | None:
    """Return what was left; None where nothing was, or nothing that still makes sense."""
    try:
        draft = TrainDraft(**(project.draft(_NAME) or {}))
    except ValidationError:  # none, or of another version
        return None
    return draft if draft.preset in PRESETS else None


def keep(project: Project, present: TrainDraft, *, left: TrainDraft | None) -> None:
    """Keep what the form shows, where that is something else than what was left.

    Args:
        project: The project.
        present: What the form shows; where nothing was left yet, the first visit decides nothing.
        left: What `load` returned in this run.
    """
    seen = st.session_state.setdefault(f"train_seen_{project.name}", left or present)
    if present != seen:
        st.session_state[f"train_seen_{project.name}"] = present
        with suppress(OSError):  # a workspace that cannot be written only forgets
            project.keep_draft(_NAME, present.model_dump(mode="json"))
