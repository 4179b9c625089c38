"""What is done to a whole project, on Home: another title, into the bin, and out of it."""

import streamlit as st

from vcsoup.numbers import minute, plural
from vcsoup.project_removal import delete_project, remove_project
from vcsoup.ui import state
from vcsoup.ui.literal import literal
from vcsoup.ui.navigation import page
from vcsoup.ui.shell import in_bin, offer_undo, trying
from vcsoup.workspace import Project, RemovedProject
from vcsoup.workspace.config import LONGEST_TITLE

_REMOVED = "project_removed"


def show(project: Project) -> None:
    """Offer the menu of the project that is open."""
    with st.popover("More about this project", type="tertiary", key="more_project"):
        typed = f"title_of_{project.name}"
        st.text_input("Title", project.title[:LONGEST_TITLE], max_chars=LONGEST_TITLE, key=typed)
        st.button(
            "Rename",
            key="rename_project",
            icon=":material/edit:",
            on_click=trying,
            args=(_rename, project.name, typed),
        )
        base_link(project, "Base model and set-up")
        st.button(
            "Remove",
            key="remove_project",
            icon=":material/delete:",
            on_click=trying,
            args=(_remove, project),
        )
        st.caption("A removed project goes to the bin with all that belongs to it.")


def base_link(project: Project, label: str) -> None:
    """A link to the wizard's step that chooses a project's base."""
    st.page_link(
        page("new"),
        label=label,
        icon=":material/tune:",
        query_params={"project": project.name, "step": "base"},
    )


def show_undo() -> None:
    """Offer to undo the removal that has just happened."""
    name = st.session_state.get(_REMOVED)
    entry = next((e for e in state.workspace().bin.entries() if e.config.name == name), None)
    if entry is not None:
        offer_undo(f"**{_title(entry)}** is in the bin.", "undo_project", _restore, name)


def show_bin() -> None:
    """Show the removed projects, to be restored or deleted for good."""
    entries = state.workspace().bin.entries()
    if not entries:
        return
    with st.expander(plural(len(entries), "removed project"), icon=":material/delete:"):
        for entry in entries:
            _entry(entry)


def _entry(entry: RemovedProject) -> None:
    name = entry.config.name
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        when = f"removed {minute(entry.removed)}"
        in_bin(f"**{_title(entry)}**", when, f"restore_project_{name}", _restore, name)
        with st.popover("Delete for good", type="tertiary", key=f"delete_project_{name}"):
            st.markdown("Its pairs, adapters, measured points and runs cannot be brought back.")
            st.button(
                "Delete for good",
                key=f"delete_project_now_{name}",
                icon=":material/delete_forever:",
                on_click=trying,
                args=(delete_project, state.workspace(), name),
            )


def _title(entry: RemovedProject) -> str:
    return literal(entry.config.title or entry.config.name, most=60)


def _rename(name: str, typed: str) -> None:
    """Change the title alone; the other choices may have changed in another tab since."""
    here = state.workspace()
    here.update_project(here.project(name).config.titled(st.session_state[typed]))


def _remove(project: Project) -> None:
    remove_project(state.workspace(), project.name)
    st.session_state[_REMOVED] = project.name
    state.leave()


def _restore(name: str) -> None:
    state.workspace().bin.restore(name)
    st.session_state.pop(_REMOVED, None)
    state.choose(name)
