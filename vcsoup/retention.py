"""What a threshold keeps of a dataset, and what it would keep by chance.

The chance line tells users whether their data are better than luck: real values that agree keep
more pairs than it at every positive threshold. Pure numpy; part of step "filter" of VC-Soup
(arXiv:2603.18113). Shapes: n pairs, K values, t thresholds.
"""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from vcsoup.errors import GapShapeError
from vcsoup.gap_shapes import (
    FloatArray,
    IntArray,
    as_consistency,
    as_table,
    check_pairs,
    check_thresholds,
    check_values,
)

Number = TypeVar("Number", np.float64, np.int64)


@dataclass(frozen=True)
class RetentionTable:
    """What each of t thresholds keeps of one value's dataset, in the order they were asked for.

    Attributes:
        threshold: Shape (t,), in [-1, 1].
        kept: Pairs with consistency >= threshold, shape (t,).
        share: kept / n, shape (t,), in [0, 1].
        chance: Share that independent gaps would keep (`chance_retention`), shape (t,).
        mean_gap: Mean gap per value over the kept pairs, shape (t, K); nan where none is kept.
    """

    threshold: FloatArray
    kept: IntArray
    share: FloatArray
    chance: FloatArray
    mean_gap: FloatArray


def chance_retention(thresholds: npt.ArrayLike, K: int) -> FloatArray:
    """Share of pairs that each threshold keeps when the gaps are independent noise.

    The gaps are then a random direction in K dimensions, and the share is the part of the sphere
    within the angle theta = arccos(tau) of the all-ones direction:
    J(theta) / J(pi), J(theta) = integral of sin(a)^(K-2) from 0 to theta. J is summed in closed
    form by its recursion in K; the error is below 1e-12 for K <= 100.

    Args:
        thresholds: tau, shape (t,), in [-1, 1].
        K: How many values, K >= 2.

    Returns:
        Shape (t,), in [0, 1], falling in tau: 1 at -1, one half at 0.

    Raises:
        GapShapeError: K < 2, or a threshold outside [-1, 1].

    Example:
        >>> chance_retention([0.0, 0.5, 0.7], 3)
        array([0.5 , 0.25, 0.15])
    """
    check_values(K)
    tau = np.atleast_1d(np.array(thresholds, dtype=np.float64))
    check_thresholds(tau)
    part = _sine_power_integral(np.arccos(tau), K - 2)
    whole = _sine_power_integral(np.array([math.pi]), K - 2)
    return np.clip(part / whole, 0.0, 1.0)


def retention_table(
    consistency: npt.ArrayLike, gaps: npt.ArrayLike, thresholds: npt.ArrayLike
) -> RetentionTable:
    """What each threshold keeps: counts, shares, the chance line, mean gaps per value.

    Every pair is put once into the bin between two neighbouring thresholds; the bins are then
    summed from the top. Cost: n log t, whatever the number of thresholds.

    Args:
        consistency: Shape (n,), n >= 1, from `value_consistency`.
        gaps: The gaps it was computed from, shape (n, K).
        thresholds: Shape (t,), in [-1, 1], in any order.

    Returns:
        One row per threshold, in the order given.

    Raises:
        GapShapeError: shapes that do not fit, no pairs, entries that are not finite, or a
            threshold outside [-1, 1].

    Example:
        >>> table = retention_table([1.0, 0.0], [[1.0, 1.0], [1.0, -1.0]], [0.0, 0.5])
        >>> table.kept, table.mean_gap
        (array([2, 1]), array([[1., 0.],
               [1., 1.]]))
    """
    table, agreement = as_table(gaps, "gaps"), as_consistency(consistency)
    check_pairs(len(table))
    if len(agreement) != len(table):
        raise GapShapeError(
            f"expected one consistency per pair, got {len(agreement)} for {len(table)} pairs; "
            "compute both from the same gaps"
        )
    tau = np.atleast_1d(np.array(thresholds, dtype=np.float64))
    check_thresholds(tau)
    edges, back = np.unique(tau, return_inverse=True)
    # Bin b holds the pairs that reach exactly b of the sorted thresholds.
    bins = np.searchsorted(edges, agreement, side="right")
    kept = from_the_top(np.bincount(bins, minlength=len(edges) + 1))[back]
    sums = [np.bincount(bins, column, minlength=len(edges) + 1) for column in table.T]
    totals = np.stack([from_the_top(column)[back] for column in sums], axis=1)
    mean_gap = np.full(totals.shape, np.nan)
    np.divide(totals, kept[:, None], out=mean_gap, where=kept[:, None] > 0)
    chance = chance_retention(tau, table.shape[1])
    return RetentionTable(tau, kept, kept / len(table), chance, mean_gap)


def from_the_top(bins: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Sums of bin b and all above it, for b = 1 and up.

    Example:
        >>> from_the_top(np.array([5, 1, 2]))
        array([3, 2])
    """
    sums: npt.NDArray[Number] = np.cumsum(bins[::-1])[::-1][1:]
    return sums


def _sine_power_integral(theta: FloatArray, power: int) -> FloatArray:
    """Integral of sin(a)^power from 0 to theta, by parts: from power - 2 up to power."""
    if power == 0:
        return theta
    if power == 1:
        return 1.0 - np.cos(theta)
    below = (power - 1) / power * _sine_power_integral(theta, power - 2)
    integral: FloatArray = below - np.cos(theta) * np.sin(theta) ** (power - 1) / power
    return integral
