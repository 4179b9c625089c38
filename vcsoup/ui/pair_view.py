"""The view "Pairs": the kept or the dropped pairs of the dataset in focus, searched and read."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from vcsoup.gap_shapes import BoolArray
from vcsoup.numbers import count, plural
from vcsoup.preferences.pair_search import search_file
from vcsoup.ui import pair_table
from vcsoup.ui.drafting import Desk
from vcsoup.workspace import Project

SIDES = ("kept", "dropped")
_PATIENCE_S = 0.15


@dataclass
class Search:
    """A search that may be unfinished: rows found so far, and how many rows were looked at."""

    rows: list[int]
    searched: int
    total: int


def show(project: Project, desk: Desk) -> None:
    """Show one side of the threshold."""
    measures = desk.look.measures(desk.focus)
    wanted = desk.draft.filter_of(desk.focus)
    trained = measures.kept(wanted)
    if wanted.flip:
        trained = trained | measures.flips(wanted)
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
    pair_table.show(project, desk, listed, key="pairs")


def _found(project: Project, desk: Desk, text: str, n: int) -> BoolArray:
    """The pairs that hold a text, as far as the dataset was searched; says how far that is."""
    stamp = desk.look.pair_stamps[desk.focus]
    key = f"{project.name} {desk.focus} {stamp} {text}"
    name, search = st.session_state.get("pair_search_state", ("", None))
    if name != key or search is None:
        search = Search([], 0, n)
        go_on(project, desk.focus, text, search)
        st.session_state["pair_search_state"] = (key, search)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            f"Found in {plural(len(search.rows), 'pair')}, on both sides; searched "
            f"{count(search.searched)} of {count(search.total)}.",
            width="content",
        )
        if search.searched < search.total:
            st.button(
                "Search on",
                key="search_on",
                on_click=go_on,
                args=(project, desk.focus, text, search),
                kwargs={"seconds": 2.0},
            )
    mask = np.zeros(n, dtype=np.bool_)
    mask[search.rows] = True
    return mask


def go_on(
    project: Project, value: str, text: str, search: Search, *, seconds: float = _PATIENCE_S
) -> None:
    """Search some more rows; adds to `search` what is found."""
    found = search_file(project.pair_file(value), text, start=search.searched, seconds=seconds)
    search.rows += found.rows
    search.searched = found.searched
