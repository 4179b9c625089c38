"""Named soups: bookmark the current one, take, remove, and undo the removal."""

import pandas as pd
import streamlit as st

from vcsoup.errors import VcsoupError
from vcsoup.numbers import signed
from vcsoup.ui import mixer
from vcsoup.ui.bench import mix_others
from vcsoup.ui.literal import message
from vcsoup.ui.shell import slot
from vcsoup.ui.soups import soup_key, weights_told
from vcsoup.workspace import Project
from vcsoup.workspace.bookmarks import LONGEST_NAME, Bookmark


def show(project: Project, group: str, table: pd.DataFrame) -> None:
    """Show the form and the list.

    Args:
        project: The project.
        group: Group of adapters in use.
        table: The measured soups (`soups.point_table`), for the rewards beside the names.
    """
    with (
        st.form("bookmark_form", border=False, clear_on_submit=True),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        st.text_input(
            "Name of this soup",
            key="bookmark_name",
            max_chars=LONGEST_NAME,
            placeholder="kind but brief",
            width=320,
        )
        st.form_submit_button(
            "Bookmark",
            icon=":material/bookmark_add:",
            key="bookmark_save",
            on_click=_save,
            args=(project, group),
        )
    with slot():
        if error := st.session_state.pop("bookmark_error", None):
            st.error(message(error), icon=":material/error:")
        _undo_removal(project)
    known = project.bookmarks()
    if not known:
        st.caption("No bookmarks yet. They are kept with the project and seen by everyone.")
    for place, bookmark in enumerate(known):
        _row(project, bookmark, place, table if bookmark.group == group else table.iloc[:0])


def _row(project: Project, bookmark: Bookmark, place: int, table: pd.DataFrame) -> None:
    key = soup_key(bookmark.weights, project.values)
    measured = table[table["key"] == key]
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key=f"bookmark_{place}"
    ):
        with st.container(gap=None):
            st.text(bookmark.name)
            st.caption(f"{bookmark.group}: {_told(project, bookmark, measured)}")
        st.button(
            "Take",
            icon=":material/soup_kitchen:",
            key=f"bookmark_take_{place}",
            on_click=take,
            args=(project, bookmark),
        )
        st.button(
            "Remove",
            icon=":material/delete:",
            type="tertiary",
            key=f"bookmark_remove_{place}",
            on_click=_remove,
            args=(project, bookmark.name),
        )


def take(project: Project, bookmark: Bookmark) -> None:
    """Make a bookmarked soup the current one, with its adapters if they are still there."""
    if bookmark.group in project.adapter_sets():
        mix_others(bookmark.group)
    weights = pd.Series(bookmark.weights).reindex(project.values).fillna(0.0).to_numpy(float)
    mixer.unlock(project.values)
    if not mixer.fits(weights):
        mixer.set_free(True)
    mixer.take(weights)


def _told(project: Project, bookmark: Bookmark, measured: pd.DataFrame) -> str:
    text = weights_told(bookmark.weights, project.values)
    if not len(measured):
        return f"{text}, not measured"
    row = measured.iloc[0]
    return f"{text}. " + ", ".join(f"{value} {signed(row[value])}" for value in project.values)


def _save(project: Project, group: str) -> None:
    weights = dict(zip(project.values, mixer.current().round(6).tolist(), strict=True))
    try:
        project.save_bookmark(
            Bookmark(name=st.session_state["bookmark_name"], group=group, weights=weights)
        )
    except VcsoupError as error:
        st.session_state["bookmark_error"] = str(error)


def _remove(project: Project, name: str) -> None:
    try:
        st.session_state["bookmark_removed"] = (project.name, project.delete_bookmark(name))
    except VcsoupError as error:
        st.session_state["bookmark_error"] = str(error)


def _undo_removal(project: Project) -> None:
    of, removed = st.session_state.get("bookmark_removed", ("", None))
    if removed is None or of != project.name:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.text(f"Removed: {removed.name}", width="content")
        st.button(
            "Undo the removal",
            icon=":material/undo:",
            type="tertiary",
            key="bookmark_undo",
            on_click=_restore,
            args=(project, removed),
        )


def _restore(project: Project, removed: Bookmark) -> None:
    st.session_state.pop("bookmark_removed", None)
    try:
        project.save_bookmark(removed)
    except VcsoupError as error:
        st.session_state["bookmark_error"] = str(error)
