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
    for name, entry in (kept.choices if kept else {}).items():
        if (key := f"{key_of(project, value)}_{name}") not in st.session_state:
            st.session_state[key] = entry


def keep(project: str, value: str) -> None:
    """Keep what the widgets of `data_choice.show` say, now that they are drawn."""
    incoming = state.workspace().incoming
    kept = incoming.find(project, value)
    if kept is not None and (choices := _chosen(project, value)) != kept.choices:
        with suppress(OSError):  # a workspace that cannot be written only forgets
            incoming.put(replace(kept, choices=choices))


def _chosen(project: str, value: str) -> Mapping[str, str | bool]:
    """What is chosen where columns are named by hand; another choice is made in a click."""
    key = key_of(project, value)
    told = {name: st.session_state.get(f"{key}_{name}") for name in ("by_hand", "way")}
    if told["way"] is None or told["by_hand"] is False:
        return {}
    for role in ROLES[told["way"]]:
        told[role] = st.session_state.get(f"{key}_{role}")
    return {name: entry for name, entry in told.items() if entry is not None}
