"""From rewards to the pairs worth training on: gaps, scale, value consistency, keep mask.

Steps "reward gap" to "filter" of VC-Soup (arXiv:2603.18113). Per value k and pair i,
`g[i, k] = r_k(x_i, chosen_i) - r_k(x_i, rejected_i)`, divided by the standard deviation of r_k over
chosen and rejected pooled. Consistency is the cosine between g_i and the all-ones direction. The
gaps are never centred: that would flip signs. Pure numpy, any K >= 2; no disk, no models.

Shapes: n pairs, K values. What chance would keep is in `vcsoup.retention`, which can be imported
from here too; what thresholds keep is in `vcsoup.sweep`.
"""

import math

import numpy as np
import numpy.typing as npt

from vcsoup.errors import EqualRewardsError
from vcsoup.gap_shapes import (
    BoolArray,
    FloatArray,
    as_consistency,
    as_sides,
    as_table,
    check_pairs,
    check_thresholds,
    check_values,
)
from vcsoup.retention import chance_retention

__all__ = [
    "agreement_threshold",
    "chance_retention",
    "keep_mask",
    "pooled_std",
    "reward_gaps",
    "reward_scale",
    "value_consistency",
]


def reward_gaps(rewards_chosen: npt.ArrayLike, rewards_rejected: npt.ArrayLike) -> FloatArray:
    """How much better each value's reward model likes the chosen answer.

    Args:
        rewards_chosen: Rewards of the chosen answers, shape (n, K), larger is better.
        rewards_rejected: Rewards of the rejected answers, same shape and order.

    Returns:
        Shape (n, K), float64, in each reward model's own units (not scaled).

    Raises:
        GapShapeError: fewer than two values, shapes that differ, or an entry that is not finite
            (named by row and value column).

    Example:
        >>> reward_gaps([[1.0, 0.0]], [[0.5, 2.0]])
        array([[ 0.5, -2. ]])
    """
    chosen, rejected = as_sides(rewards_chosen, rewards_rejected)
    return chosen - rejected


def reward_scale(rewards_chosen: npt.ArrayLike, rewards_rejected: npt.ArrayLike) -> FloatArray:
    """Unit of each value's gaps: the sample standard deviation over all 2n rewards.

    Args:
        rewards_chosen: Rewards of the chosen answers, shape (n, K), n >= 1.
        rewards_rejected: Rewards of the rejected answers, same shape.

    Returns:
        Shape (K,), positive, with ddof = 1 over chosen and rejected pooled.

    Raises:
        GapShapeError: as `reward_gaps`; no pairs; or a value whose rewards are all equal.

    Example:
        >>> reward_scale([[1.0, 4.0]], [[-1.0, 2.0]])
        array([1.41421356, 1.41421356])
    """
    chosen, rejected = as_sides(rewards_chosen, rewards_rejected)
    check_pairs(len(chosen))
    sides = zip(chosen.T, rejected.T, strict=True)
    return np.array([pooled_std(np.concatenate(side), k) for k, side in enumerate(sides)])


def value_consistency(gaps: npt.ArrayLike) -> FloatArray:
    """Cosine between each reward-gap vector and the all-ones direction.

    One number per pair: +1 when every value agrees on which answer is better, and equally strongly.
    Source: VC-Soup (arXiv:2603.18113), value consistency metric.

    Args:
        gaps: Reward gaps, shape (n, K), in standard deviations of each reward model.

    Returns:
        Shape (n,), in [-1, 1]. An all-zero row gives 0: no evidence either way.

    Raises:
        GapShapeError: fewer than two values, or a non-finite entry (named by row and value column).

    Example:
        >>> value_consistency(np.array([[1.0, 1.0], [1.0, -1.0]]))
        array([1., 0.])
    """
    columns = np.ascontiguousarray(as_table(gaps, "gaps").T)
    largest = np.abs(columns).max(axis=0)
    largest[largest == 0.0] = 1.0
    columns = columns / largest  # entries in [-1, 1]: squares neither overflow nor vanish
    norm = np.sqrt(len(columns) * np.einsum("kn,kn->n", columns, columns))
    norm[norm == 0.0] = 1.0
    cosine: FloatArray = np.clip(columns.sum(axis=0) / norm, -1.0, 1.0)
    return cosine


def keep_mask(consistency: npt.ArrayLike, threshold: float) -> BoolArray:
    """Which pairs a threshold keeps: consistency >= threshold.

    Args:
        consistency: Shape (n,), from `value_consistency`.
        threshold: tau, in [-1, 1]; -1 keeps every pair.

    Returns:
        Shape (n,), True for the kept pairs.

    Raises:
        GapShapeError: a consistency that is not finite or not one-dimensional, or a threshold
            outside [-1, 1].

    Example:
        >>> keep_mask([-0.5, 0.0, 0.9], 0.0)
        array([False,  True,  True])
    """
    check_thresholds(np.array([threshold], dtype=np.float64))
    return as_consistency(consistency) >= threshold


def agreement_threshold(K: int) -> float:
    """The threshold above which every gap of a pair is positive: sqrt((K-1)/K).

    A gap vector with one gap of zero and K-1 equal ones has exactly this consistency; turning that
    zero negative can only lower it.

    Args:
        K: How many values, K >= 2.

    Returns:
        In (0.7, 1): 0.707 for K=2, 0.816 for K=3.

    Raises:
        GapShapeError: K < 2.

    Example:
        >>> round(agreement_threshold(3), 3)
        0.816
    """
    check_values(K)
    return math.sqrt((K - 1) / K)


def pooled_std(
    rewards: FloatArray,
    column: int | str,
    *,
    among: str = "",
    way_out: str = "leave that value out",
) -> float:
    """Unit of one value's gaps: the sample standard deviation of its rewards, chosen and rejected.

    Args:
        rewards: All 2n rewards, shape (2n,), float64.
        column: Which value, for the message: its name, or its place.
        among: Whose answers these are, for the message, such as " in the pairs of helpful".
        way_out: What else can be done about equal rewards, for the message.

    Raises:
        EqualRewardsError: rewards that are all equal.

    Example:
        >>> pooled_std(np.array([1.0, -1.0, 1.0, -1.0]), 0).__round__(3)
        1.155
    """
    if (rewards == rewards[0]).all():
        judge = column if isinstance(column, str) else f"value column {column}"
        raise EqualRewardsError(
            f"the rewards of {judge} are all {rewards[0]:g}{among}; its judge cannot tell these "
            f"answers apart: check how it is asked, or {way_out}",
            judge,
        )
    return float(rewards.std(ddof=1))
