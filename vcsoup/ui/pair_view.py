"""The view "Pairs": the kept or the dropped pairs of the dataset in focus, searched and read."""

import numpy as np
import streamlit as st

from vcsoup.gap_shapes import BoolArray
from vcsoup.numbers import count, plural
from vcsoup.preferences.pair_search import go_on as search_further
from vcsoup.ui import pair_table
from vcsoup.ui.drafting import Desk
from vcsoup.workspace import Project

SIDES = ("kept", "dropped")
_PATIENCE_S = 0.15
_SEARCH = "pair_search_state"


def show(project: Project, desk: Desk) -> None:
    """Show one side of the threshold."""
    measures = desk.look.measures(desk.focus)
    wanted = desk.draft.filter_of(desk.focus)
    trained = measures.trained(wanted)
    kept = int(np.count_nonzero(trained))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        amounts = {"kept": kept, "dropped": measures.n - kept}
        side = st.segmented_control(
            "Side of the threshold",
            SIDES,
            default="dropped",
            required=True,
            format_func=lambda side: f"{side} {count(amounts[side])}",
            key="side",
            persist_state="session",
            on_change=pair_table.forget_page,
            args=("pairs",),
        )
        text = st.text_input(
            "Search prompts and answers",
            key="pair_search",
            icon=":material/search:",
            width=320,
            on_change=pair_table.forget_page,
            args=("pairs",),
        )
    listed = trained if side == "kept" else ~trained
    if text:
        listed = listed & _found(project, desk, text, measures.n)
    if not listed.any():
        st.info(
            f"No pair is {side} here." if not text else f"No {side} pair found holds this text."
        )
        return
    pair_table.show(desk, listed, key="pairs")


def _found(project: Project, desk: Desk, text: str, n: int) -> BoolArray:
    """The pairs that hold a text, as far as the dataset was searched; says how far that is."""
    stamp = desk.look.pair_stamps[desk.focus]
    key = f"{project.name} {desk.focus} {stamp} {text}"
    name, found = st.session_state.get(_SEARCH, ("", None))
    if name != key or found is None:
        found = search_further(project.pair_file(desk.focus), text, None, seconds=_PATIENCE_S)
        st.session_state[_SEARCH] = (key, found)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            f"Found in {plural(len(found.rows), 'pair')}, on both sides; searched "
            f"{count(found.searched)} of {count(found.total)}.",
            width="content",
        )
        if not found.complete:
            st.button(
                "Search on", key="search_on", on_click=_go_on, args=(project, desk.focus, text)
            )
    mask = np.zeros(n, dtype=np.bool_)
    mask[list(found.rows)] = True
    return mask


def _go_on(project: Project, value: str, text: str) -> None:
    """Search some more rows."""
    key, former = st.session_state[_SEARCH]
    found = search_further(project.pair_file(value), text, former, seconds=2.0)
    st.session_state[_SEARCH] = (key, found)
