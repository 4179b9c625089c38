"""What the current soup is likely to score before it is measured, from the points so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from vcsoup.evaluation.predict import Surface, fit_surface
from vcsoup.numbers import plain
from vcsoup.ui.soups import key_of

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Guess:
    """A predicted soup.

    Attributes:
        rewards: Predicted mean reward per value.
        spread: Half the width of its 95 % interval per value; None for a straight line.
        told: How it was predicted and how far such predictions err, in a sentence or two.
    """

    rewards: Mapping[str, float]
    spread: Mapping[str, float] | None
    told: str


def predicted(
    table: pd.DataFrame, weights: FloatArray, values: Sequence[str], *, free: bool
) -> Guess | None:
    """Predict the current soup from all other measured ones.

    Args:
        table: The measured soups (`soups.point_table`).
        weights: Shape (K,).
        values: The project's values.
        free: Whether weights may leave the simplex; then the base counts as a measured soup too.

    Returns:
        The guess; None while there is too little to predict from.
    """
    others = table[table["key"] != key_of(weights, values)]
    if not free:
        others = others[others["role"] != "base"]
    soups = others[[f"{value}_weight" for value in values]].to_numpy(dtype=float)
    rewards = others[list(values)].to_numpy(dtype=float)
    surface = _surface(soups.tobytes(), rewards.tobytes(), soups.shape)
    if surface is None:
        return None
    found = surface.predict(weights)
    spread = found.reach[0]
    return Guess(
        rewards=dict(zip(values, found.mean[0].tolist(), strict=True)),
        spread=dict(zip(values, spread.tolist(), strict=True))
        if np.isfinite(spread).all()
        else None,
        told=_told(surface, values),
    )


def _told(surface: Surface, values: Sequence[str]) -> str:
    if surface.method == "straight line":
        return "A straight line between the single-value soups; its error is not known yet."
    errors = ", ".join(
        f"{plain(error)} ({value})"
        for value, error in zip(values, surface.error.tolist(), strict=True)
    )
    return (
        f"A regression on {surface.points} measured soups. "
        f"Leaving each of them out in turn, it errs by about {errors}. "
        "The interval is of what the held-out prompts will show; that of a measured soup is of "
        "prompts in general, and so often wider."
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def _surface(soups: bytes, rewards: bytes, shape: tuple[int, int]) -> Surface | None:
    weights = np.frombuffer(soups).reshape(shape)
    return fit_surface(weights, np.frombuffer(rewards).reshape(shape)) if len(weights) else None
