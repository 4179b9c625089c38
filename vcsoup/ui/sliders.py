"""The controls of the weights: presets, triangle, linked sliders with locks, expert switch."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from vcsoup.numbers import MINUS
from vcsoup.soup.weights import check_weights, corners, link_weights
from vcsoup.ui import echoes, mixer
from vcsoup.ui.bookmarks import take as take_bookmark
from vcsoup.ui.components import ternary
from vcsoup.ui.literal import literal
from vcsoup.ui.soups import balance, stored_weights
from vcsoup.workspace import Project

FloatArray = npt.NDArray[np.float64]
FREE_FROM, FREE_TO = -1.0, 2.0
TRIANGLE_WIDTH = 235
_SHOWN_TOLD = (
    "What is mixed and measured. A slider shows two decimals of it, and no more than its own range."
)
_STEP = 0.01
"""As fine as `_shown`: a coarser handle would stand beside the figure over it."""


def show(project: Project, table: pd.DataFrame) -> None:
    """Show everything that moves the weights.

    Args:
        project: The project.
        table: The measured soups (`soups.point_table`).
    """
    values = project.values
    _presets(project, table)
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        if len(values) == 3 and not mixer.is_free():
            with st.container(width=TRIANGLE_WIDTH, key="triangle"):
                ternary.show(values, table, mixer.current(), locked=mixer.locked(values))
        with st.container(gap=None, key="sliders"):
            for index, value in enumerate(values):
                (_free_slider if mixer.is_free() else _linked_slider)(values, index, value)
    with st.container(key="fine_print"):
        st.caption(_mixed(values), help=_SHOWN_TOLD)  # always: what came and went would move others
        _moves()


def _presets(project: Project, table: pd.DataFrame) -> None:
    values = project.values
    K = len(values)
    offers = [("Even", np.full(K, 1 / K), "Every value the same weight.")]
    offers += [
        (value.capitalize(), corners(K)[index], f"The {value} adapter alone.")
        for index, value in enumerate(values)
    ]
    best = balance(table, values)
    weights = stored_weights(table, best.key, values) if best else None
    if weights is not None and mixer.fits(weights):
        told = "The measured soup whose smallest gain over the base is largest."
        offers.insert(0, ("Balanced", weights, told))
    with st.container(horizontal=True, gap="xsmall", key="presets", vertical_alignment="bottom"):
        for label, weights, told in offers:
            key = f"preset_{label.lower()}"
            st.button(label, key=key, help=told, on_click=_preset, args=(values, weights))
        _bookmarks(project)


def _bookmarks(project: Project) -> None:
    known = {bookmark.name: bookmark for bookmark in project.bookmarks()}
    if known:
        st.session_state["preset_bookmark"] = None
        st.selectbox(
            "Bookmarks",
            list(known),
            index=None,
            key="preset_bookmark",
            placeholder="Bookmarks",
            label_visibility="collapsed",
            width=150,
            on_change=lambda: take_bookmark(project, known[st.session_state["preset_bookmark"]]),
        )


def _preset(values: Sequence[str], weights: FloatArray) -> None:
    mixer.unlock(values)
    mixer.take(weights)


def _linked_slider(values: Sequence[str], index: int, value: str) -> None:
    default = echoes.shown(f"weight_{value}", _shown(index, 0.0, 1.0))
    slider, lock = st.columns([5, 3], gap="small", vertical_alignment="center")
    slider.slider(
        value.capitalize(),
        0.0,
        1.0,
        default,
        step=_STEP,
        key=f"weight_{value}",
        on_change=_linked_move,
        args=(values, index),
        disabled=index in mixer.locked(values),
    )
    lock.toggle(
        f"Lock {value}",
        key=f"lock_{value}",
        persist_state="session",
        label_visibility="collapsed",  # app.css shows a lock beside it
    )


def _free_slider(values: Sequence[str], index: int, value: str) -> None:
    st.slider(
        value.capitalize(),
        FREE_FROM,
        FREE_TO,
        echoes.shown(f"free_{value}", _shown(index, FREE_FROM, FREE_TO)),
        step=_STEP,
        key=f"free_{value}",
        on_change=_free_move,
        args=(values, index),
    )


def _linked_move(values: Sequence[str], index: int) -> None:
    key, held = f"weight_{values[index]}", mixer.locked(values)
    if echoes.is_echo(key, _shown(index, 0.0, 1.0)) or index in held:
        return
    asked = float(st.session_state[key])
    before = check_weights(mixer.current(), len(values))
    moved = link_weights(before, index, asked, locked=held)
    mixer.take(mixer.neat(moved, keep=[index, *held]))


def _free_move(values: Sequence[str], index: int) -> None:
    key = f"free_{values[index]}"
    if echoes.is_echo(key, _shown(index, FREE_FROM, FREE_TO)):
        return
    weights = mixer.current()
    weights[index] = float(st.session_state[key])
    mixer.take(weights)


def _shown(index: int, lowest: float, highest: float) -> float:
    """What a slider shows of a weight: two decimals, inside its range."""
    return round(float(np.clip(mixer.current()[index], lowest, highest)), 2)


def _mixed(values: Sequence[str]) -> str:
    """Say what is mixed to four decimals; sliders show two, and no more than their range."""
    weights = np.round(mixer.current(), 4) + 0.0
    figures = [f"{weight:g}".replace("-", MINUS) for weight in weights]
    told = (f"{literal(value)} {figure}" for value, figure in zip(values, figures, strict=True))
    return f"Mixed: {', '.join(told)}"


def _switch() -> None:
    if not echoes.is_echo("expert", mixer.is_free()):
        mixer.set_free(bool(st.session_state["expert"]))


def _moves() -> None:
    """Undo, redo and the expert switch."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            "Undo",
            icon=":material/undo:",
            type="tertiary",
            key="undo",
            shortcut="Ctrl+Z",
            disabled=not mixer.can_undo(),
            on_click=mixer.undo,
        )
        st.button(
            "Redo",
            icon=":material/redo:",
            type="tertiary",
            key="redo",
            shortcut="Ctrl+Shift+Z",
            disabled=not mixer.can_redo(),
            on_click=mixer.redo,
        )
        st.toggle(
            "Free weights",
            bool(echoes.shown("expert", mixer.is_free())),
            key="expert",
            on_change=_switch,
            help="For experts: weights below zero, above one, and of any sum.",
        )
