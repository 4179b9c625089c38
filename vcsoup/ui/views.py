"""What stands below the chart: one view at a time, named in the address."""

from collections.abc import Callable, Mapping

import streamlit as st

from vcsoup.ui import soup_link

VIEWS = {
    "answer": ("Answer", ":material/forum:"),
    "table": ("Table", ":material/table_view:"),
    "vote": ("Vote", ":material/how_to_vote:"),
    "ask": ("Ask", ":material/filter_alt:"),
    "bookmarks": ("Bookmarks", ":material/bookmark:"),
    "export": ("Take it with you", ":material/download:"),
}


def chosen() -> str:
    """Return the view of this visit: the address's, the chosen one, or the answer."""
    asked = soup_link.followed("view") or st.session_state.get("soup_view")
    return asked if asked in VIEWS else "answer"


def show(drawn: Mapping[str, Callable[[], None]]) -> None:
    """Let the user choose a view, and draw it.

    Args:
        drawn: Draws each of `VIEWS`.
    """
    view = st.session_state["soup_view"] = st.session_state["view"] = chosen()
    st.segmented_control(
        "Show",
        list(VIEWS),
        format_func=lambda name: f"{VIEWS[name][1]} {VIEWS[name][0]}",
        key="view",
        required=True,
        label_visibility="collapsed",
        on_change=lambda: st.session_state.update(soup_view=st.session_state["view"]),
    )
    drawn[view]()


def address() -> dict[str, str | None]:
    """Return the address's entry for the view."""
    return {"view": st.session_state.get("soup_view")}
