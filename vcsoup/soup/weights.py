"""Soup weights (lambda): one number per value, by default on the simplex.

Step "soup" of the method (arXiv:2603.18113): W(lambda) = W0 + sum_k lambda_k * delta_k with
lambda_k >= 0 and sum_k lambda_k = 1. Free weights (negative, or of another sum) are an expert
option; all zeros is the base. Numpy only: the screens and the command line import this module.
"""

import itertools
import math
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from vcsoup.errors import UnknownValueError, WeightsError

FloatArray = npt.NDArray[np.float64]

SUM_TOLERANCE = 1e-6
MOST_GRID_POINTS = 1_000_000
DECIMALS = 6
"""To how many decimals of its weights a measured soup is known (`workspace.points.weights_key`)."""


def check_weights(weights: npt.ArrayLike, K: int, *, free: bool = False) -> FloatArray:
    """Weights as a fresh float64 array, after checking that they mean a soup.

    Args:
        weights: K numbers.
        K: How many values the project has.
        free: Accept negative weights and any sum (the expert option; all zeros is the base).

    Returns:
        Shape (K,), float64, numbers as given.

    Raises:
        WeightsError: wrong length, not finite, or (unless free) negative or of a sum that is more
            than 1e-6 away from one.

    Example:
        >>> check_weights([0.25, 0.75], 2)
        array([0.25, 0.75])
    """
    checked = _as_vector(weights, K)
    if free:
        return checked
    if (checked < 0).any():
        raise WeightsError(
            f"weights must not be negative, got {_shown(checked)}; "
            "raise them to 0 or above, or switch to free weights"
        )
    total = float(checked.sum())
    if abs(total - 1.0) > SUM_TOLERANCE:
        remedy = f"divide each by {total:g}" if total > 0 else f"try {1 / K:.4g} for each"
        raise WeightsError(
            f"weights must sum to one, got {_shown(checked)} with sum {total:.7g}; "
            f"{remedy}, or switch to free weights"
        )
    return checked


def without_specks(weights: npt.ArrayLike) -> FloatArray:
    """Weights with zeros for those that six decimals cannot tell from zero, any shape.

    A measured soup is known by six decimals: one that differs from the base, or from a corner, by
    less would take its place.

    Example:
        >>> without_specks([0.5, 1e-7, -1e-6])
        array([ 5.e-01,  0.e+00, -1.e-06])
    """
    told = np.array(weights, dtype=np.float64)
    return np.where(np.round(told, DECIMALS) == 0, 0.0, told)


def check_no_specks(weights: npt.ArrayLike) -> FloatArray:
    """Weights as they are, after checking that `without_specks` leaves them so.

    Raises:
        WeightsError: a weight that is not zero, but is zero to six decimals.
    """
    told = np.array(weights, dtype=np.float64)
    lost = told[without_specks(told) != told]
    if len(lost):
        raise WeightsError(
            f"weight {lost[0]:g} cannot be told from 0, since a measured soup is known by six "
            "decimals of its weights; give 0, or at least 0.000001"
        )
    return told


def simplex_grid(K: int, steps: int) -> FloatArray:
    """All weights whose entries are multiples of 1/steps.

    Each entry is the float nearest to i/steps, so grid points compare equal to typed weights such
    as 0.7; the counts i sum to `steps` exactly, the floats to one within rounding.

    Args:
        K: How many values, K >= 2.
        steps: Steps from one corner to another, steps >= 1.

    Returns:
        Shape (m, K) with m = C(steps + K - 1, K - 1), no row twice, in falling order: the first row
        is all on the first value, the last row all on the last.

    Raises:
        WeightsError: K < 2, steps < 1, or a grid of more than a million points.

    Example:
        >>> simplex_grid(2, 4)
        array([[1.  , 0.  ],
               [0.75, 0.25],
               [0.5 , 0.5 ],
               [0.25, 0.75],
               [0.  , 1.  ]])
    """
    if K < 2 or steps < 1:
        raise WeightsError(f"a grid needs K >= 2 values and steps >= 1, got K={K}, steps={steps}")
    m = math.comb(steps + K - 1, K - 1)
    if m > MOST_GRID_POINTS:
        raise WeightsError(
            f"a grid of {steps} steps over {K} values has {m:,} points, "
            f"expected at most {MOST_GRID_POINTS:,}; use fewer steps"
        )
    # Stars and bars: K - 1 bars among steps + K - 1 places, the counts are the gaps between bars.
    bars = np.array(list(itertools.combinations(range(steps + K - 1), K - 1)), dtype=np.int64)
    edges = np.hstack([np.full((m, 1), -1), bars, np.full((m, 1), steps + K - 1)])
    counts = np.diff(edges, axis=1) - 1
    grid: FloatArray = counts[::-1] / float(steps)
    return grid


def corners(K: int) -> FloatArray:
    """The K soups that are one value's adapter alone: the identity, shape (K, K).

    Raises:
        WeightsError: K < 2.

    Example:
        >>> corners(2)
        array([[1., 0.],
               [0., 1.]])
    """
    if K < 2:
        raise WeightsError(f"a soup needs at least 2 values, got {K}")
    return np.eye(K)


def link_weights(
    weights: npt.ArrayLike, index: int, value: float, *, locked: Collection[int] = ()
) -> FloatArray:
    """Move one weight and let the others give way, so that all stay on the simplex.

    The moved weight takes `value`, clamped to what the locked ones leave; the other unlocked ones
    keep their proportions (equal shares when they are all zero). When every other weight is locked
    there is nothing to give way and the moved weight takes what is left.

    Args:
        weights: The weights before, shape (K,), on the simplex.
        index: Which weight moves, 0 <= index < K.
        value: Where it should go; clamped to [0, 1 - sum of the locked ones].
        locked: Indices that must not change; `index` itself cannot be among them.

    Returns:
        Shape (K,), non-negative, sum one within rounding; locked entries unchanged.

    Raises:
        WeightsError: weights off the simplex, an index outside it, a locked or non-finite move.

    Example:
        >>> link_weights([0.2, 0.4, 0.4], 0, 0.6)
        array([0.6, 0.2, 0.2])
    """
    before = check_weights(weights, np.size(weights))
    _check_move(before.size, index, value, locked)
    held = [k for k in range(before.size) if k in locked]
    others = [k for k in range(before.size) if k not in locked and k != index]
    room = max(0.0, 1.0 - float(before[held].sum()))
    moved = before.copy()
    moved[index] = min(max(float(value), 0.0), room) if others else room
    if others:
        total = float(before[others].sum())
        shares = before[others] / total if total > 0 else np.full(len(others), 1 / len(others))
        moved[others] = (room - moved[index]) * shares
    return moved


def parse_weights(text: str, values: Sequence[str], *, free: bool = False) -> FloatArray:
    """Weights from "helpful=0.5,harmless=0.5"; values that are not named get 0.

    Args:
        text: name=number parts, separated by commas, in any order, blanks allowed.
        values: The project's value names; the result follows their order.
        free: As in `check_weights`.

    Returns:
        Shape (K,), float64.

    Raises:
        UnknownValueError: a name that is not among `values`.
        WeightsError: a part that is not name=number, a name given twice, or weights that
            `check_weights` refuses.

    Example:
        >>> parse_weights("harmless=1", ["helpful", "harmless"])
        array([0., 1.])
    """
    named: dict[str, float] = {}
    for part in text.split(","):
        name, number = _parse_part(part, values)
        if name in named:
            raise WeightsError(f"{name!r} is given twice in {text!r}; give each value once")
        named[name] = number
    return check_weights([named.get(name, 0.0) for name in values], len(values), free=free)


def format_weights(weights: npt.ArrayLike, values: Sequence[str]) -> str:
    """The text that `parse_weights` reads back to exactly these weights.

    Raises:
        WeightsError: another number of weights than of values, or one that is not finite.

    Example:
        >>> format_weights([1.0, 0.0], ["helpful", "harmless"])
        'helpful=1,harmless=0'
    """
    checked = _as_vector(weights, len(values))
    return ",".join(
        f"{name}={_number(weight)}" for name, weight in zip(values, checked.tolist(), strict=True)
    )


def _as_vector(weights: npt.ArrayLike, K: int) -> FloatArray:
    try:
        vector = np.array(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise WeightsError(
            f"weights must be {K} numbers, got {weights!r}; give one number per value"
        ) from error
    if vector.shape != (K,):
        raise WeightsError(
            f"expected {K} weights, one per value, got shape {vector.shape}; "
            "give one number per value"
        )
    if not np.isfinite(vector).all():
        raise WeightsError(f"weights must be finite, got {_shown(vector)}; replace nan and inf")
    return vector


def _check_move(K: int, index: int, value: float, locked: Collection[int]) -> None:
    for k in (index, *locked):
        if not 0 <= k < K:
            raise WeightsError(f"expected an index from 0 to {K - 1}, got {k}")
    if index in locked:
        raise WeightsError(f"weight {index} is locked; unlock it before moving it")
    if not math.isfinite(value):
        raise WeightsError(f"a weight must be finite, got {value}; move it to 0 ... 1")


def _parse_part(part: str, values: Sequence[str]) -> tuple[str, float]:
    name, _, number = (piece.strip() for piece in part.partition("="))
    try:
        parsed = float(number)
    except ValueError as error:
        raise WeightsError(
            f"expected value=number, got {part.strip()!r}; write for example "
            f"{values[0]}=1 with values separated by commas"
        ) from error
    if name not in values:
        raise UnknownValueError(f"unknown value {name!r}; this project has: {', '.join(values)}")
    return name, parsed


def _number(weight: float) -> str:
    return repr(weight + 0.0).removesuffix(".0")


def _shown(weights: FloatArray) -> str:
    return "(" + ", ".join(f"{weight:g}" for weight in weights.tolist()) + ")"
