"""Which pairs a list shows, in which order, and what a filter does with each. Pure numpy."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from vcsoup.filtering import PairFilter
from vcsoup.gap_shapes import BoolArray
from vcsoup.numbers import plain, signed
from vcsoup.reasons import keep_reason
from vcsoup.ui.measures import Measures

PAGE = 12
"""Pairs on a page: few, because each may lie in another part of the file."""

Order = Literal[
    "closest to the threshold", "most consistent", "least consistent", "strongest", "weakest"
]
ORDERS: tuple[Order, ...] = (
    "closest to the threshold",
    "most consistent",
    "least consistent",
    "strongest",
    "weakest",
)


def choose_rows(
    measures: Measures,
    wanted: BoolArray,
    *,
    threshold: float,
    order: Order,
    page: int,
) -> npt.NDArray[np.int64]:
    """Pick the rows of one page, in the asked order; ties in the order of the dataset.

    Args:
        measures: The dataset.
        wanted: Which pairs may be listed, shape (n,).
        threshold: For "closest to the threshold".
        order: How to sort.
        page: From 0.

    Returns:
        Row numbers into the dataset, at most `PAGE`.
    """
    rows = np.flatnonzero(wanted)
    source = measures.norms if order in ("strongest", "weakest") else measures.consistency
    rank = source[rows]
    if order == "closest to the threshold":
        rank = np.abs(rank - threshold)
    elif order in ("most consistent", "strongest"):
        rank = -rank
    end = (page + 1) * PAGE
    if end < len(rows):
        # All that could stand on this page or before, ties of the last one included.
        last = np.partition(rank, end)[end]
        near = np.flatnonzero(rank <= last)
        rows, rank = rows[near], rank[near]
    return rows[np.argsort(rank, kind="stable")][page * PAGE : end]


def told_beside(measures: Measures, row: int, chosen: PairFilter) -> tuple[str, str]:
    """Write a pair's consistency and norm so that each shows on which side of the filter it is.

    Args:
        measures: The dataset.
        row: The pair.
        chosen: The filter that decides about it.

    Returns:
        Consistency, with its sign, and norm: with two decimals, or with as many more, six at most,
        as it takes for the rounded number to be on the side of the exact one.
    """
    consistency, norm = float(measures.consistency[row]), float(measures.norms[row])
    tau = -1.0 if chosen.threshold is None else chosen.threshold

    return (
        signed(consistency, _places(consistency, lambda c: (c >= tau, chosen.flip and c <= -tau))),
        plain(norm, _places(norm, lambda length: length >= chosen.min_norm)),
    )


def _places(number: float, side: Callable[[float], object]) -> int:
    """Fewest decimals, 2 to 6, that leave a number on its side."""
    return next((d for d in range(2, 6) if side(round(number, d)) == side(number)), 6)


def verdict(measures: Measures, row: int, chosen: PairFilter) -> tuple[str, str]:
    """Say what a filter does with a pair, and why.

    Returns:
        "kept", "dropped" or "exchanged", and a phrase such as "harmless -1.80 sigma against
        helpful +2.10 sigma".
    """
    strong = measures.norms[row] >= chosen.min_norm
    tau = -1.0 if chosen.threshold is None else chosen.threshold
    kept = bool(strong and measures.consistency[row] >= tau)
    reason = keep_reason(measures.gap_of(row), kept=kept, min_norm=chosen.min_norm)
    flipped = chosen.flip and strong and measures.consistency[row] <= -tau
    return ("kept" if kept else "exchanged" if flipped else "dropped"), reason
