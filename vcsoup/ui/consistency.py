"""The Consistency page below its header: cockpit, controls, and the one view that is open.

All of it is one fragment, redrawn when a handle is let go; only the open view is computed.
"""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from vcsoup.ui import (
    adjusting,
    bias_view,
    cockpit,
    drafting,
    export_pairs,
    filters,
    flip_view,
    gap_map,
    gap_view,
    pair_view,
    sweep_view,
)
from vcsoup.ui.drafting import Desk
from vcsoup.ui.literal import message
from vcsoup.ui.shell import shown_errors, slot
from vcsoup.workspace import Project

_VIEWS = {
    "gaps": ("Gaps", gap_view.show),
    "map": ("Map", gap_map.show),
    "pairs": ("Pairs", pair_view.show),
    "flips": ("Likely flips", flip_view.show),
    "sweep": ("Sweep", sweep_view.show),
    "bias": ("Bias", bias_view.show),
}


def show(project: Project, scored: Sequence[str]) -> None:
    """Show the cockpit of a project's scored datasets and the open view of the one in focus.

    Args:
        project: The project.
        scored: Its values with current rewards, at least one.
    """
    with shown_errors():
        desk = drafting.begin(project, scored)
        with slot():
            for note in desk.notes:
                said = message(f"The address asks in vain: {note}.")
                st.warning(said, icon=":material/link_off:")
        adjusting.show_measure(project, desk)
        cockpit.show(project, desk)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            filters.show(project, desk)
            adjusting.show_rules(desk)
            export_pairs.show(project, desk)
        filters.show_state(project, desk)
        _open_view(project, desk)


def _open_view(project: Project, desk: Desk) -> None:
    st.session_state["view_choice"] = desk.view
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.subheader(desk.focus, anchor=False, width="content")
        st.segmented_control(
            "View",
            list(_VIEWS),
            key="view_choice",
            required=True,
            format_func=lambda view: _VIEWS[view][0],
            label_visibility="collapsed",
            on_change=_turn_to,
        )
    _VIEWS[desk.view][1](project, desk)


def _turn_to() -> None:
    drafting.put(replace(drafting.desk(), view=st.session_state["view_choice"]))
