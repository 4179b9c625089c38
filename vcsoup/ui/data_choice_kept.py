"""The columns that somebody named for a file on its way in, kept beside it.

A refreshed page, or another tab, goes on with them. They go with the file.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import streamlit as st

from vcsoup.ui import state
from vcsoup.ui.data_choice import ROLES, key_of


def restore(project: str, value: str) -> None:
    """Give the widgets of `data_choice.show`, before they are drawn, what was chosen last.

    Args:
        project: Name of the project.
        value: Whose file is asked about.
    """
    kept = state.workspace().incoming.find(project, value)
    choices: dict[str, str | bool | None] = dict(kept.choices) if kept else {}
    key = key_of(value)
    other = st.session_state.get(f"{key}_of", project) != project
    st.session_state[f"{key}_of"] = project
    if other:  # the widgets, whose keys do not name the project, still say what was chosen there
        st.session_state.pop(f"{key}_by_hand", None)
        blank = dict.fromkeys(role for roles in ROLES.values() for role in roles)
        choices = {"way": next(iter(ROLES)), **blank, **choices}
    for name, entry in choices.items():
        if other or f"{key}_{name}" not in st.session_state:
            st.session_state[f"{key}_{name}"] = entry


def keep(project: str, value: str) -> None:
    """Keep what the widgets of `data_choice.show` say, now that they are drawn."""
    incoming = state.workspace().incoming
    kept = incoming.find(project, value)
    if kept is not None and (choices := _chosen(value)) != kept.choices:
        with suppress(OSError):  # a workspace that cannot be written only forgets
            incoming.put(replace(kept, choices=choices))


def _chosen(value: str) -> Mapping[str, str | bool]:
    """What is chosen where columns are named by hand; another choice is made in a click."""
    told = {name: st.session_state.get(f"{key_of(value)}_{name}") for name in ("by_hand", "way")}
    if told["way"] is None or told["by_hand"] is False:
        return {}
    for role in ROLES[told["way"]]:
        told[role] = st.session_state.get(f"{key_of(value)}_{role}")
    return {name: entry for name, entry in told.items() if entry is not None}
