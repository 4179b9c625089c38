"""Ask the measured soups by constraint: which one is best, what did it beat, what is out of reach?

`vcsoup.evaluation.front.select` picks the soup; this module says what a person wants to know next:
how many soups met the constraints and by how much the chosen one leads, or which constraint nobody
meets and which soup comes nearest.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vcsoup.evaluation.front import select

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """The answer to "at least these rewards, then as much as possible of that".

    Attributes:
        chosen: Row of the best soup; None when no soup meets all constraints.
        met: How many soups meet all constraints.
        runner_up: Row of the second best of those; None when there is no second.
        lead: By how much the chosen soup beats the runner-up on the value to maximise, >= 0.
        beyond: Constraint columns that no soup meets even alone -> the best reward reached there.
        nearest: Without a chosen soup: the row whose shortfalls, each in units of the value's
            range over all soups, add up to the least.
        shortfalls: What that row lacks, by column; only columns where it lacks something.
    """

    chosen: int | None
    met: int
    runner_up: int | None = None
    lead: float | None = None
    beyond: Mapping[int, float] | None = None
    nearest: int | None = None
    shortfalls: Mapping[int, float] | None = None


def ask(rewards: npt.ArrayLike, minimums: Mapping[int, float], *, maximise: int) -> Choice:
    """Pick a measured soup by constraint and say what it beat, or what is out of reach.

    Args:
        rewards: Mean rewards, shape (m, K), m >= 1.
        minimums: Value column -> smallest reward that will do (inclusive).
        maximise: Value column to make as large as possible.

    Raises:
        GapShapeError: not two-dimensional, an entry or a minimum that is not finite.
        UnknownValueError: a column that the rewards do not have.

    Example:
        >>> found = ask([[3.0, 0.1], [2.0, 0.6], [1.0, 0.9]], {1: 0.5}, maximise=0)
        >>> found.chosen, found.met, found.runner_up, found.lead
        (1, 2, 2, 1.0)
        >>> ask([[3.0, 0.1], [2.0, 0.6]], {1: 0.7}, maximise=0).beyond
        {1: 0.6}
    """
    points = np.asarray(rewards, dtype=np.float64)
    chosen = select(points, minimums, maximise)
    short = {column: minimum - points[:, column] for column, minimum in minimums.items()}
    met = np.ones(len(points), dtype=np.bool_)
    for lacking in short.values():
        met &= lacking <= 0
    if chosen is None:
        return _out_of_reach(points, short)
    others = np.flatnonzero(met & (np.arange(len(points)) != chosen))
    if not len(others):
        return Choice(chosen, 1)
    second = select(points[others], {}, maximise)
    runner_up = int(others[second or 0])
    lead = float(points[chosen, maximise] - points[runner_up, maximise])
    return Choice(chosen, int(met.sum()), runner_up, lead)


def _out_of_reach(points: FloatArray, short: Mapping[int, FloatArray]) -> Choice:
    beyond = {
        column: float(points[:, column].max())
        for column, lacking in short.items()
        if (lacking > 0).all()
    }
    total = np.zeros(len(points))
    for column, lacking in short.items():
        total += np.maximum(lacking, 0) / max(float(np.ptp(points[:, column])), 1e-12)
    nearest = int(total.argmin())
    lacks = {c: float(lacking[nearest]) for c, lacking in short.items() if lacking[nearest] > 0}
    return Choice(None, 0, beyond=beyond, nearest=nearest, shortfalls=lacks)
