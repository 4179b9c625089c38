"""The chord between two adapters: is a mix worth what its ends promise?

Linear mode connectivity in rewards: soups on the segment between two adapters, measured, against
the straight line between the ends. On the line lies what one would get by answering every prompt
with one of the two adapters, drawn with the mix's weights; a soup below it loses by mixing weights
instead of replies, one above it gains. Pure numpy.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vcsoup.errors import GapShapeError, UnknownValueError
from vcsoup.evaluation.intervals import Interval, bootstrap_interval

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Chord:
    """Soups on a segment, from one adapter (0) to another (1).

    Attributes:
        places: Shape (m,), rising from 0 to 1: the weight of the second adapter.
        measured: Mean rewards with intervals, each (m, K).
        line: Shape (m, K): the straight line between the two ends.
        sag: Measured minus line with its interval, paired over prompts, each (m, K); zero at the
            ends, negative where the soup is worse than the line.
        n_prompts: Prompts behind every figure.
    """

    places: FloatArray
    measured: Interval
    line: FloatArray
    sag: Interval
    n_prompts: int

    def lowest(self, k: int) -> int:
        """Index of the soup with the largest sag on value column k."""
        return int(self.sag.mean[:, k].argmin())


def chord_weights(values: Sequence[str], first: str, second: str, steps: int) -> FloatArray:
    """Soups at equal steps from one value's adapter to another's.

    Args:
        values: The project's values.
        first: Where the segment begins.
        second: Where it ends.
        steps: Steps from end to end, >= 1.

    Returns:
        Shape (steps + 1, K).

    Raises:
        UnknownValueError: no such value, or twice the same.
        GapShapeError: steps < 1.

    Example:
        >>> chord_weights(["a", "b"], "a", "b", 2)
        array([[1. , 0. ],
               [0.5, 0.5],
               [0. , 1. ]])
    """
    names = list(values)
    for name in (first, second):
        if name not in names:
            raise UnknownValueError(f"{name!r} is no value of the project: {', '.join(names)}")
    if first == second:
        raise UnknownValueError(f"a chord joins two values, got {first} twice; name another")
    if steps < 1:
        raise GapShapeError(f"a chord needs at least 1 step, got {steps}; try 8")
    soups = np.zeros((steps + 1, len(names)))
    soups[:, names.index(first)] = [(steps - i) / steps for i in range(steps + 1)]
    soups[:, names.index(second)] = [i / steps for i in range(steps + 1)]
    return soups


def on_chord(weights: npt.ArrayLike, first: int, second: int) -> FloatArray:
    """Where soups lie on the segment between two columns; nan for those that do not.

    Args:
        weights: Shape (m, K).
        first: Column at place 0.
        second: Column at place 1.

    Returns:
        Shape (m,).

    Example:
        >>> on_chord([[0.25, 0.75, 0.0], [0.2, 0.2, 0.6]], 0, 1)
        array([0.75,  nan])
    """
    rows = np.asarray(weights, dtype=np.float64)
    others = np.delete(rows, [first, second], axis=1)
    inside = np.abs(rows[:, first] + rows[:, second] - 1.0) < 1e-4
    inside &= (np.abs(others) < 1e-4).all(axis=1) & (rows >= -1e-9).all(axis=1)
    return np.where(inside, rows[:, second], np.nan)


def chord(places: npt.ArrayLike, rewards: npt.ArrayLike, *, rng: np.random.Generator) -> Chord:
    """Compare measured soups with the straight line between the ends.

    Args:
        places: Shape (m,), the weight of the second adapter, in [0, 1]; 0 and 1 among them.
        rewards: Shape (m, P, K): every soup on the same P prompts with the same seed.
        rng: Source of the bootstrap draws.

    Raises:
        GapShapeError: an end that is missing, fewer than two prompts, or shapes that do not fit.
    """
    at, table = np.asarray(places, dtype=np.float64), np.asarray(rewards, dtype=np.float64)
    if at.ndim != 1 or table.ndim != 3 or len(at) != len(table):
        raise GapShapeError(
            f"expected places (m,) and rewards (m, P, K), got {at.shape} and {table.shape}; "
            "give one place per soup"
        )
    order = np.argsort(at, kind="stable")
    at, table = at[order], table[order]
    if not len(at) or abs(at[0]) > 1e-4 or abs(at[-1] - 1) > 1e-4:
        raise GapShapeError("a chord needs both of its ends measured; measure the two adapters")
    share = at[:, None, None]
    line = (1 - share) * table[0] + share * table[-1]
    state = rng.integers(1 << 62)  # the same draws for both, so that they belong together
    flat = [_intervals(part, np.random.default_rng(state)) for part in (table, table - line)]
    return Chord(at, flat[0], line.mean(axis=1), flat[1], table.shape[1])


def _intervals(table: FloatArray, rng: np.random.Generator) -> Interval:
    """Intervals of every soup, each (m, K), from the same draws of prompts."""
    m, P, K = table.shape
    wide = bootstrap_interval(table.transpose(1, 0, 2).reshape(P, m * K), rng=rng)
    return Interval(*(part.reshape(m, K) for part in wide))
