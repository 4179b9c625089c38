"""The soup's weights: one slider per value, linked on the simplex, with locks and presets.

The exact weights live in the session under "weights"; sliders show them to two decimals. Every
change writes the address (`?weights=helpful=0.5,harmless=0.5`) and asks for a tasting.
"""

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from vcsoup.errors import VcsoupError
from vcsoup.soup.weights import (
    check_weights,
    corners,
    format_weights,
    link_weights,
    parse_weights,
)
from vcsoup.ui.soups import balance
from vcsoup.workspace import Project

FloatArray = npt.NDArray[np.float64]


def show(project: Project, table: pd.DataFrame) -> FloatArray:
    """Show presets and sliders.

    Args:
        project: The project.
        table: The measured soups (`soups.point_table`).

    Returns:
        The weights, shape (K,), on the simplex.
    """
    values = project.values
    _begin(project, table)
    _presets(values, table)
    for index, value in enumerate(values):
        st.session_state[f"weight_{value}"] = round(current()[index], 2)
        slider, lock = st.columns([2, 1], gap="small", vertical_alignment="bottom")
        locked = bool(st.session_state.get(f"lock_{value}"))
        slider.slider(
            value.capitalize(),
            0.0,
            1.0,
            step=0.01,
            key=f"weight_{value}",
            on_change=_moved,
            args=(values, index),
            disabled=locked,
        )
        lock.toggle("Lock", key=f"lock_{value}")
    st.query_params["weights"] = weights_text(current(), values)
    return current()


def current() -> FloatArray:
    """Return the weights of this session."""
    return np.array(st.session_state["weights"], dtype=np.float64)


def take(weights: FloatArray) -> None:
    """Make these weights, scaled to sum to one, the current ones and ask for a tasting."""
    st.session_state["weights"] = tuple((weights / weights.sum()).tolist())
    st.session_state["taste"] = True


def weights_text(weights: FloatArray, values: Sequence[str]) -> str:
    """Write weights for the address and for commands: six decimals that sum to one.

    Example:
        >>> weights_text(np.full(3, 1 / 3), ["a", "b", "c"])
        'a=0.333334,b=0.333333,c=0.333333'
    """
    return format_weights(neat(weights, keep=(), decimals=6), values)


def neat(weights: FloatArray, *, keep: Collection[int], decimals: int = 2) -> FloatArray:
    """Round weights so that they still sum to one.

    Args:
        weights: On the simplex, shape (K,).
        keep: Indices that must not change.
        decimals: How many to keep.

    Returns:
        Shape (K,), on the simplex; what rounding leaves over goes to the largest of the others.

    Example:
        >>> neat(np.array([0.5, 0.3333, 0.1667]), keep=[0])
        array([0.5 , 0.33, 0.17])
    """
    free = [index for index in range(len(weights)) if index not in keep]
    if not free:
        return weights
    rounded = weights.copy()
    rounded[free] = np.round(weights[free], decimals)
    largest = max(free, key=lambda index: rounded[index])
    others = np.delete(rounded, largest)
    rounded[largest] = max(0.0, round(1.0 - float(others.sum()), 6))
    return rounded


def _begin(project: Project, table: pd.DataFrame) -> None:
    values = project.values
    if st.session_state.get("weights_of") == (project.name, values):
        return
    best = balance(table, values)
    weights = parse_weights(best.key, values, free=True) if best else np.ones(len(values))
    if text := st.query_params.get("weights"):
        try:
            weights = parse_weights(text, values)
        except VcsoupError as error:
            st.warning(f"The address asks for weights that cannot be mixed: {error}")
    weights = np.clip(weights, 0.0, None)
    st.session_state["weights"] = tuple((weights / weights.sum()).tolist())
    st.session_state["weights_of"] = (project.name, values)


def _presets(values: Sequence[str], table: pd.DataFrame) -> None:
    K = len(values)
    offers = [("Even", np.full(K, 1 / K), "Every value the same weight.")]
    offers += [
        (value.capitalize(), corners(K)[index], f"The {value} adapter alone.")
        for index, value in enumerate(values)
    ]
    if best := balance(table, values):
        weights = parse_weights(best.key, values, free=True)
        told = "The measured soup whose smallest gain over the base is largest."
        offers.insert(0, ("Balanced", weights, told))
    with st.container(horizontal=True, gap="xsmall", key="presets"):
        for label, weights, told in offers:
            key = f"preset_{label.lower()}"
            st.button(label, key=key, help=told, on_click=_preset, args=(values, weights))


def _preset(values: Sequence[str], weights: FloatArray) -> None:
    for value in values:
        st.session_state[f"lock_{value}"] = False
    take(weights)


def _moved(values: Sequence[str], index: int) -> None:
    locked = [k for k, value in enumerate(values) if st.session_state.get(f"lock_{value}")]
    asked = float(st.session_state[f"weight_{values[index]}"])
    moved = link_weights(check_weights(current(), len(values)), index, asked, locked=locked)
    take(neat(moved, keep=[index, *locked]))
