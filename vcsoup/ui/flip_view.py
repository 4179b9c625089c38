"""The view "Likely flips": pairs whose rejected answer every reward model prefers."""

import numpy as np
import streamlit as st

from vcsoup.numbers import MINUS, count, plain, plural, share
from vcsoup.ui import drafting, pair_table
from vcsoup.ui.drafting import Desk
from vcsoup.workspace import Project


def show(project: Project, desk: Desk) -> None:
    """Show the likely label flips at the current threshold, and whether they are exchanged."""
    tau = desk.draft.thresholds[desk.focus]
    if tau <= 0.0:
        st.info(
            f"Likely flips lie at or below minus the threshold. Raise that of {desk.focus} above 0 "
            "to see them.",
            icon=":material/swap_horiz:",
        )
        return
    measures = desk.look.measures(desk.focus)
    flips = measures.flips(desk.draft.filter_of(desk.focus))
    found = int(np.count_nonzero(flips))
    st.markdown(
        f"**{plural(found, 'likely flip')}**, {share(found / measures.n)} of {count(measures.n)} "
        f"pairs: consistency at or below {MINUS}{plain(tau)}."
    )
    st.session_state["flip_choice"] = desk.focus in desk.draft.flips
    st.toggle(
        f"Train {desk.focus} on them with their answers exchanged",
        key="flip_choice",
        on_change=_take,
        help="Off by default: the reward models may be the ones that are wrong. An exchanged pair "
        "gets a new id, and its rejected answer is then the chosen one.",
    )
    if found:
        pair_table.show(desk, flips, key="flips", order="least consistent")


def _take() -> None:
    wanted, focus = bool(st.session_state["flip_choice"]), drafting.desk().focus
    drafting.draw_up(lambda draft: draft.flipped(focus, wanted))
