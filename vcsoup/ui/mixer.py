"""The soup's weights in this session: where they come from, how they change, undo and redo.

Weights lie on the simplex unless the expert switch is on. Every change is a step that can be undone
and asks for a tasting; `?weights=helpful=0.5,harmless=0.5` (and `&free=1`) carries them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import streamlit as st

from vcsoup.errors import VcsoupError
from vcsoup.soup.weights import format_weights, parse_weights
from vcsoup.ui import soup_link, state
from vcsoup.ui.history import History
from vcsoup.ui.literal import message
from vcsoup.ui.soups import balance, stored_weights
from vcsoup.workspace import Project

FloatArray = npt.NDArray[np.float64]
ON_SIMPLEX = 1e-3
"""How far from one a sum may be before the weights need the expert switch."""


@dataclass(frozen=True)
class Mix:
    """The weights, in the project's order of values, and whether they may leave the simplex."""

    weights: tuple[float, ...]
    free: bool = False


def begin(project: Project, group: str) -> None:
    """Set the weights of a first visit, or those of an address that somebody else wrote.

    Args:
        project: The project.
        group: The set of adapters, whose best balanced soup a first visit shows.
    """
    of = (project.name, project.values)
    fresh = st.session_state.get("mix_of") != of
    if fresh:
        st.session_state["mix"] = History(_first(project, group))
        unlock(project.values)
        st.session_state["mix_of"] = of  # last: a click may end this run anywhere before
    asked = soup_link.followed("weights")
    if asked is None or st.session_state.get("taste"):
        return
    mix = _from_address(asked, project.values, free=st.query_params.get("free") == "1")
    if mix is not None:
        history = History(mix) if fresh else st.session_state["mix"].push(mix)
        st.session_state["mix"] = history


def current() -> FloatArray:
    """Return the weights of this session, shape (K,)."""
    return np.array(_mix().weights, dtype=np.float64)


def is_free() -> bool:
    """Say whether the weights may be negative and of any sum."""
    return _mix().free


def take(weights: FloatArray) -> None:
    """Make these weights the current ones and ask for a tasting.

    On the simplex they are scaled to sum to one; with free weights they are taken as they are.
    """
    if not is_free():
        weights = weights / weights.sum()
    _push(replace(_mix(), weights=tuple(weights.tolist())))


def set_free(free: bool) -> None:
    """Turn the expert switch; switching off brings the weights back to the simplex."""
    weights = current()
    if not free:
        weights = np.clip(weights, 0.0, None)
        total = weights.sum()
        weights = weights / total if total > 0 else np.full(len(weights), 1 / len(weights))
    _push(Mix(tuple(weights.tolist()), free))


def fits(weights: FloatArray) -> bool:
    """Say whether weights can be taken as the expert switch stands."""
    return is_free() or (abs(weights.sum() - 1.0) <= ON_SIMPLEX and not (weights < 0).any())


def undo() -> None:
    """Go one move back and taste that soup again."""
    _go(st.session_state["mix"].undo())


def redo() -> None:
    """Take an undone move again."""
    _go(st.session_state["mix"].redo())


def can_undo() -> bool:
    """Say whether there is a move to undo."""
    return bool(st.session_state["mix"].past)


def can_redo() -> bool:
    """Say whether there is an undone move."""
    return bool(st.session_state["mix"].future)


def unlock(values: Sequence[str]) -> None:
    """Open all locks."""
    for value in values:
        st.session_state[f"lock_{value}"] = False


def locked(values: Sequence[str]) -> list[int]:
    """Return the places of the locked values."""
    return [k for k, value in enumerate(values) if st.session_state.get(f"lock_{value}")]


def address(values: Sequence[str]) -> dict[str, str | None]:
    """Return the address's entries for the current mix."""
    return {"weights": weights_text(current(), values), "free": "1" if is_free() else None}


def weights_text(weights: FloatArray, values: Sequence[str]) -> str:
    """Write weights for the address and for commands: six decimals that sum to one.

    Weights off the simplex keep their own sum.

    Example:
        >>> weights_text(np.full(3, 1 / 3), ["a", "b", "c"])
        'a=0.333334,b=0.333333,c=0.333333'
        >>> weights_text(np.array([1.5, -0.25]), ["a", "b"])
        'a=1.5,b=-0.25'
    """
    if (weights < 0).any() or abs(weights.sum() - 1.0) > ON_SIMPLEX:
        return format_weights(np.round(weights, 6), values)
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


def _mix() -> Mix:
    return st.session_state["mix"].present


def _push(mix: Mix) -> None:
    st.session_state["mix"] = st.session_state["mix"].push(mix)
    st.session_state["taste"] = True


def _go(history: History[Mix]) -> None:
    st.session_state["mix"] = history
    st.session_state["taste"] = True


def _first(project: Project, group: str) -> Mix:
    """The best balanced soup, where one is known; else the even mix."""
    values = project.values
    table = state.points_of(project, group)
    best = balance(table, values)
    weights = stored_weights(table, best.key, values) if best else np.ones(len(values))
    weights = np.clip(weights, 0.0, None)
    return Mix(tuple((weights / weights.sum()).tolist()))


def _from_address(text: str, values: Sequence[str], *, free: bool) -> Mix | None:
    try:
        weights = parse_weights(text, values, free=free)
    except VcsoupError as error:
        st.warning(message(f"The address asks for weights that cannot be mixed: {error}"))
        return None
    return Mix(tuple((weights if free else weights / weights.sum()).tolist()), free)
