"""What a range of thresholds keeps of a dataset, and at what price: the sweep chart's figures.

Kept share and mean gaps say what a threshold gains; conflict rate and length bias say what it
brings along. Pure numpy; part of step "filter" of VC-Soup (arXiv:2603.18113). Shapes: n pairs, K
values, t thresholds. Chance retention is in `vcsoup.retention`, the filter itself in
`vcsoup.filtering`.
"""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from vcsoup.consistency import value_consistency
from vcsoup.errors import FilterError, GapShapeError
from vcsoup.gap_shapes import (
    BoolArray,
    FloatArray,
    IntArray,
    as_consistency,
    as_table,
    check_pairs,
    check_thresholds,
)

Number = TypeVar("Number", np.float64, np.int64)


@dataclass(frozen=True)
class Sweep:
    """What each of t thresholds keeps of one dataset, in the order they were asked for.

    Attributes:
        threshold: Shape (t,), in [-1, 1].
        kept: Pairs with consistency >= threshold and norm >= min_norm, shape (t,).
        share: kept / n, shape (t,), in [0, 1].
        mean_gap: Mean gap per value over the kept pairs, shape (t, K), in sigmas.
        conflict_rate: Share of the kept pairs with at least one negative gap, shape (t,).
        length_bias: Mean length of chosen minus rejected over the kept pairs, shape (t,), in the
            unit of the lengths. Means and rates are nan where none is kept.
    """

    threshold: FloatArray
    kept: IntArray
    share: FloatArray
    mean_gap: FloatArray
    conflict_rate: FloatArray
    length_bias: FloatArray


def sweep(
    gaps: npt.ArrayLike,
    lengths: npt.ArrayLike,
    thresholds: npt.ArrayLike,
    *,
    min_norm: float = 0.0,
) -> Sweep:
    """What each threshold keeps: counts, mean gaps, conflicts, length bias.

    Every pair is put once into the bin between two neighbouring thresholds; the bins are then
    summed from the top. Cost: n log t, whatever the number of thresholds.

    Args:
        gaps: Scaled reward gaps, shape (n, K), n >= 1.
        lengths: Shape (n, 2) or wider; the last two columns are chosen and rejected.
        thresholds: Shape (t,), in [-1, 1], in any order.
        min_norm: Leave out pairs whose gap vector is shorter than this, in sigmas.

    Returns:
        One row per threshold, in the order given.

    Raises:
        GapShapeError: shapes that do not fit, no pairs, entries that are not finite, or a
            threshold outside [-1, 1].

    Example:
        >>> found = sweep([[1.0, 1.0], [2.0, -1.0]], [[10, 4], [3, 3]], [0.0, 0.9])
        >>> found.kept, found.conflict_rate, found.length_bias
        (array([2, 1]), array([0.5, 0. ]), array([3., 6.]))
    """
    table = as_table(gaps, "gaps")
    check_pairs(len(table))
    longer = _longer(lengths, len(table))
    tau = np.atleast_1d(np.array(thresholds, dtype=np.float64))
    check_thresholds(tau)
    edges, back = np.unique(tau, return_inverse=True)
    # Bin b holds the pairs that reach exactly b of the sorted thresholds.
    bins = np.searchsorted(edges, value_consistency(table), side="right")
    bins[gap_norms(table) < min_norm] = 0  # below every threshold

    kept = _from_the_top(np.bincount(bins, minlength=len(edges) + 1))[back]

    def mean(column: FloatArray) -> FloatArray:
        total = _from_the_top(np.bincount(bins, column, minlength=len(edges) + 1))[back]
        means: FloatArray = np.full(len(tau), np.nan)
        np.divide(total, kept, out=means, where=kept > 0)
        return means

    conflicts = np.asarray((table < 0.0).any(axis=1), dtype=np.float64)
    mean_gap = np.stack([mean(table[:, k]) for k in range(table.shape[1])], axis=1)
    share = kept / len(table)
    return Sweep(tau, kept.astype(np.int64), share, mean_gap, mean(conflicts), mean(longer))


def threshold_for_share(consistency: npt.ArrayLike, share: float) -> float:
    """The largest threshold that keeps at least a share of the pairs.

    It is the consistency of one of the pairs, so that the count is exact; pairs tied with it are
    kept too.

    Args:
        consistency: Shape (n,), n >= 1.
        share: What to keep, in (0, 1].

    Returns:
        In [-1, 1].

    Raises:
        FilterError: a share outside (0, 1].
        GapShapeError: no pairs, or a consistency that is not finite.

    Example:
        >>> threshold_for_share([0.1, 0.9, 0.5, 0.5], 0.5)
        0.5
    """
    agreement = as_consistency(consistency)
    check_pairs(len(agreement))
    if not 0.0 < share <= 1.0:
        raise FilterError(f"share {share:g} is outside 0 to 1; 0.2 keeps the top 20 %")
    # 0.07 * 100 is 7.000000000000001 in floating point and must still mean 7 pairs.
    wanted = min(len(agreement), max(1, math.ceil(round(share * len(agreement), 6))))
    place = len(agreement) - wanted
    return float(np.partition(agreement, place)[place])


def likely_flips(consistency: npt.ArrayLike, threshold: float) -> BoolArray:
    """Pairs whose label may be flipped: the values agree on the rejected answer.

    Args:
        consistency: Shape (n,), from `value_consistency`.
        threshold: tau, in (0, 1].

    Returns:
        Shape (n,), True where consistency <= -threshold.

    Raises:
        FilterError: a threshold outside (0, 1].
        GapShapeError: a consistency that is not finite or not one-dimensional.

    Example:
        >>> likely_flips([-0.9, -0.5, 0.9], 0.5)
        array([ True,  True, False])
    """
    if not 0.0 < threshold <= 1.0:
        raise FilterError(f"label flips need a threshold above 0 and up to 1, got {threshold:g}")
    return as_consistency(consistency) <= -threshold


def gap_norms(gaps: npt.ArrayLike) -> FloatArray:
    """Length of each gap vector: how strong the evidence is, which consistency ignores.

    Args:
        gaps: Scaled reward gaps, shape (n, K).

    Returns:
        Shape (n,), at least 0, in sigmas.

    Raises:
        GapShapeError: fewer than two values, or a non-finite entry.

    Example:
        >>> gap_norms([[3.0, -4.0]])
        array([5.])
    """
    table = as_table(gaps, "gaps")
    norms: FloatArray = np.sqrt(np.einsum("nk,nk->n", table, table))
    return norms


def _from_the_top(bins: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Sums of bin b and all above it, for b = 1 and up.

    Example:
        >>> _from_the_top(np.array([5, 1, 2]))
        array([3, 2])
    """
    sums: npt.NDArray[Number] = np.cumsum(bins[::-1])[::-1][1:]
    return sums


def _longer(lengths: npt.ArrayLike, n: int) -> FloatArray:
    """How much longer the chosen answer is, shape (n,)."""
    table = np.asarray(lengths)
    if table.ndim != 2 or table.shape[1] < 2 or len(table) != n:
        raise GapShapeError(
            f"expected lengths of shape ({n}, 2) or wider, got {table.shape}; "
            "give the lengths of chosen and rejected for every pair"
        )
    longer: FloatArray = table[:, -2].astype(np.float64) - table[:, -1]
    return longer
