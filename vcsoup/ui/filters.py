"""Saving the draft: as the filter that training uses, and under names that can be found again."""

from contextlib import suppress
from dataclasses import replace

import pandas as pd
import streamlit as st

from vcsoup.errors import NotFoundError, VcsoupError
from vcsoup.numbers import count, plain
from vcsoup.ui import drafting
from vcsoup.ui.address import Asked
from vcsoup.ui.cost import filter_told
from vcsoup.ui.draft import draft_of
from vcsoup.ui.drafting import Desk
from vcsoup.ui.literal import message
from vcsoup.ui.shell import slot
from vcsoup.workspace import NamedFilter, Project

_GONE = "deleted_filter"


def show(project: Project, desk: Desk) -> None:
    """Show the save button, and the popover of named filters."""
    unsaved = changes(project, desk)
    if st.button(
        "Save as the project's filter",
        type="primary",
        icon=":material/save:",
        disabled=not unsaved,
        key="save_filter",
        help="Training, exports and the command line then use these thresholds, norm, flips and "
        "scale.",
    ):
        for value, chosen in desk.draft.filters().items():
            project.set_filter(value, chosen)
        project.set_scale(desk.scale)
        st.rerun()
    named = project.named_filters()
    with st.popover(
        f"Named filters ({len(named)})", icon=":material/bookmark:", key="named_popover"
    ):
        _name(project, desk)
        with slot():
            _deleted(project)
        for entry in named:
            _entry(project, entry)


def show_state(project: Project, desk: Desk) -> None:
    """Say in a line of its own what is not saved: between the buttons it would move them."""
    unsaved = changes(project, desk)
    st.caption(f"Not saved: {', '.join(unsaved)}." if unsaved else "Saved.")


def changes(project: Project, desk: Desk) -> list[str]:
    """Name what differs from the project's saved filters.

    Returns:
        "helpful 0.30" for each value with another threshold, then norm, flips and scale.
    """
    saved, draft = project.filters(), desk.draft
    found = []
    for value in desk.scored:
        now, before = draft.filter_of(value), saved[value]
        tau = -1.0 if before.threshold is None else before.threshold
        if now.threshold != tau:
            found.append(f"{value} {plain(now.threshold or 0.0)}")
        if now.flip != before.flip:
            found.append(f"{value} {'with' if now.flip else 'without'} flips")
    if any(saved[value].min_norm != draft.min_norm for value in desk.scored):
        found.append(f"norm {plain(draft.min_norm)}")
    if desk.scale != project.config.scale:
        found.append("scale shared" if desk.scale == "shared" else "scale per dataset")
    return found


def _name(project: Project, desk: Desk) -> None:
    with st.form("name_filter", border=False, clear_on_submit=True):
        name = st.text_input("Save what is shown as", max_chars=60, key="filter_name")
        note = st.text_input("Note", max_chars=200, key="filter_note", placeholder="why, for whom")
        if st.form_submit_button("Save under this name", icon=":material/bookmark_add:"):
            try:
                with st.spinner("Counting what it keeps"):
                    project.save_named_filter(
                        name, desk.draft.filters(), scale=desk.scale, note=note
                    )
            except VcsoupError as error:
                st.error(message(str(error)), icon=":material/error:")
            else:
                st.rerun()


def _entry(project: Project, named: NamedFilter) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.text(named.name, width="stretch")
            if project.is_stale(named):
                st.badge("stale", color="orange", help="Pairs or rewards changed since.")
        st.caption(f"{pd.Timestamp(named.created):%d %b %Y, %H:%M} UTC, scale {named.scale}")
        for value, chosen in named.filters.items():
            kept, n = named.counts[value]
            st.caption(f"{value}: {filter_told(chosen)}, kept {count(kept)} of {count(n)}")
        if named.note:
            st.text(named.note)
        with st.container(horizontal=True, gap="small"):
            key = str(named.created)
            st.button("Apply", key=f"apply_{key}", on_click=_apply, args=(named,))
            st.button("Delete", key=f"delete_{key}", on_click=_delete, args=(project, named))


def _apply(named: NamedFilter) -> None:
    """Show a named filter; it becomes the project's when it is saved as such."""
    desk = drafting.desk()
    shown = draft_of({v: chosen for v, chosen in named.filters.items() if v in desk.scored})
    asked = Asked(
        thresholds=shown.thresholds, min_norm=shown.min_norm, flips=shown.flips, scale=named.scale
    )
    drafting.put(replace(drafting.adopt(desk, asked), pair=desk.pair))


def _delete(project: Project, named: NamedFilter) -> None:
    with suppress(NotFoundError):  # a second click, or another window, was there before
        project.delete_named_filter(named.name)
        st.session_state[_GONE] = (project.name, named)


def _deleted(project: Project) -> None:
    name, named = st.session_state.get(_GONE, ("", None))
    if named is None or name != project.name:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.text(f"Deleted: {named.name}", width="stretch")
        st.button("Undo", key="undelete_filter", on_click=_bring_back, args=(project, named))


def _bring_back(project: Project, named: NamedFilter) -> None:
    project.restore_named_filter(named)
    st.session_state.pop(_GONE, None)
