"""Deliberately naive float64 twins of the product's core functions.

Plain Python loops, written from the definitions in the paper (arXiv:2603.18113) and never from the
product's code. They are slow on purpose: a reader checks them against the formula by eye. Sizes
that stay under a second: gaps 2,000 x 4, fronts 200 points, hypervolume 25 points in 3 dimensions,
merges of 32 x 32 matrices.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Matrix = npt.ArrayLike


def reward_gaps(rewards_chosen: Matrix, rewards_rejected: Matrix) -> FloatArray:
    """g[i, k] = r_k(chosen_i) - r_k(rejected_i), shape (n, K)."""
    rows = [
        [float(c) - float(r) for c, r in zip(chosen, rejected, strict=True)]
        for chosen, rejected in zip(
            np.asarray(rewards_chosen), np.asarray(rewards_rejected), strict=True
        )
    ]
    return np.array(rows, dtype=np.float64)


def reward_scale(rewards_chosen: Matrix, rewards_rejected: Matrix) -> FloatArray:
    """Sample standard deviation of each value's rewards, chosen and rejected pooled: shape (K,)."""
    columns = (
        zip(*np.asarray(rewards_chosen), strict=True),
        zip(*np.asarray(rewards_rejected), strict=True),
    )
    scales = []
    for chosen, rejected in zip(*columns, strict=True):
        pooled = [float(reward) for reward in (*chosen, *rejected)]
        mean = math.fsum(pooled) / len(pooled)
        squares = math.fsum((reward - mean) ** 2 for reward in pooled)
        scales.append(math.sqrt(squares / (len(pooled) - 1)))
    return np.array(scales, dtype=np.float64)


def value_consistency(gaps: Matrix) -> FloatArray:
    """c_i = (g_i . 1) / (norm(g_i) sqrt(K)); an all-zero row gives 0. Shape (n,)."""
    result = []
    for row in np.asarray(gaps):
        norm = math.sqrt(math.fsum(float(gap) ** 2 for gap in row))
        total = math.fsum(float(gap) for gap in row)
        result.append(total / (norm * math.sqrt(len(row))) if norm else 0.0)
    return np.array(result, dtype=np.float64)


def keep_mask(consistency: Matrix, threshold: float) -> npt.NDArray[np.bool_]:
    """True where c_i >= threshold. Shape (n,)."""
    return np.array([float(c) >= threshold for c in np.asarray(consistency)], dtype=np.bool_)


def retention(consistency: Matrix, gaps: Matrix, threshold: float) -> tuple[int, float, FloatArray]:
    """Kept count, kept share and mean gap per value of the kept pairs (nan when none is kept)."""
    rows = np.asarray(gaps, dtype=np.float64)
    kept = [row for c, row in zip(np.asarray(consistency), rows, strict=True) if c >= threshold]
    n_values = rows.shape[1]
    means = [
        math.fsum(row[k] for row in kept) / len(kept) if kept else math.nan for k in range(n_values)
    ]
    return len(kept), len(kept) / len(rows), np.array(means)


def sweep(
    gaps: Matrix, lengths: Matrix, threshold: float, min_norm: float = 0.0
) -> tuple[int, float, list[float], float, float]:
    """Kept count and share; of the kept: mean gaps, conflict rate, mean chosen - rejected length.

    Thresholds that are to hit a tie are the consistency of a row, as `value_consistency` here
    computes it.
    """
    rows, sizes = np.asarray(gaps, dtype=np.float64), np.asarray(lengths)
    kept = []
    for row, size, c in zip(rows, sizes, value_consistency(gaps), strict=True):
        if c >= threshold and math.sqrt(math.fsum(float(gap) ** 2 for gap in row)) >= min_norm:
            kept.append((row, float(size[-2]) - float(size[-1])))
    if not kept:
        return 0, 0.0, [math.nan] * rows.shape[1], math.nan, math.nan
    means = [math.fsum(row[k] for row, _ in kept) / len(kept) for k in range(rows.shape[1])]
    conflicts = sum(any(gap < 0 for gap in row) for row, _ in kept)
    longer = math.fsum(extra for _, extra in kept)
    return len(kept), len(kept) / len(rows), means, conflicts / len(kept), longer / len(kept)


def threshold_for_share(consistency: Matrix, share: Fraction) -> float:
    """The largest c_i such that at least share * n of all c_j are c_i or more."""
    known = [float(c) for c in np.asarray(consistency)]
    enough = [c for c in known if sum(other >= c for other in known) >= share * len(known)]
    return max(enough)


def exported(pairs: Sequence[Mapping[str, Any]], sides: Sequence[str]) -> list[dict[str, Any]]:
    """What TRL's explicit format says of the pairs whose side is "kept" or "flipped"."""
    rows = []
    for pair, side in zip(pairs, sides, strict=True):
        if side == "dropped":
            continue
        good, bad = pair["chosen"], pair["rejected"]
        if side == "flipped":
            good, bad = bad, good
        rows.append(
            {
                "prompt": pair["prompt"],
                "chosen": [{"role": "assistant", "content": good}],
                "rejected": [{"role": "assistant", "content": bad}],
            }
        )
    return rows


def filter_side(gap: Sequence[float], threshold: float, min_norm: float, flip: bool) -> str:
    """What becomes of one pair: "kept", "flipped" or "dropped"."""
    (c,) = value_consistency([gap])
    if math.sqrt(math.fsum(float(g) ** 2 for g in gap)) < min_norm:
        return "dropped"
    if c >= threshold:
        return "kept"
    return "flipped" if flip and c <= -threshold else "dropped"


def dominates(a: Sequence[float], b: Sequence[float]) -> bool:
    """True when a is at least as large as b everywhere and larger somewhere."""
    at_least = all(x >= y for x, y in zip(a, b, strict=True))
    return at_least and any(x > y for x, y in zip(a, b, strict=True))


def pareto_front(rewards: Matrix) -> npt.NDArray[np.bool_]:
    """True for every row that no other row dominates (larger is better). Shape (m,)."""
    rows = np.asarray(rewards, dtype=np.float64).tolist()
    return np.array([not any(dominates(b, a) for b in rows) for a in rows], dtype=np.bool_)


def hypervolume(rewards: Matrix, reference: Matrix) -> float:
    """Volume between the reference and the points above it: sum over the cells of their grid."""
    low = [float(x) for x in np.asarray(reference)]
    rows = np.asarray(rewards, dtype=np.float64).tolist()
    points = [row for row in rows if all(x > y for x, y in zip(row, low, strict=True))]
    axes = [sorted({edge, *(p[k] for p in points)}) for k, edge in enumerate(low)]
    volume = 0.0
    for cell in itertools.product(*(itertools.pairwise(axis) for axis in axes)):
        upper = [side[1] for side in cell]
        if any(all(x >= y for x, y in zip(p, upper, strict=True)) for p in points):
            volume += math.prod(side[1] - side[0] for side in cell)
    return volume


def merge(
    base: Matrix, factors: Sequence[tuple[Matrix, Matrix, float]], weights: Sequence[float]
) -> FloatArray:
    """W0 + sum_k lambda_k s_k B_k A_k, element by element.

    Args:
        base: W0, shape (out, in).
        factors: Per adapter (A of shape (r, in), B of shape (out, r), scale s).
        weights: One lambda per adapter.

    Returns:
        Shape (out, in), float64.
    """
    merged = np.array(base, dtype=np.float64)
    for (A, B, scale), weight in zip(factors, weights, strict=True):
        a, b = np.asarray(A, dtype=np.float64), np.asarray(B, dtype=np.float64)
        for row, column in np.ndindex(*merged.shape):
            product = math.fsum(b[row, r] * a[r, column] for r in range(a.shape[0]))
            merged[row, column] += weight * scale * product
    return merged


def dpo_losses(
    policy_chosen: Matrix,
    policy_rejected: Matrix,
    reference_chosen: Matrix,
    reference_rejected: Matrix,
    *,
    beta: float,
) -> FloatArray:
    """-log sigmoid(beta ((pi_w - ref_w) - (pi_l - ref_l))) of summed log-probs. Shape (n,)."""
    sides = (policy_chosen, policy_rejected, reference_chosen, reference_rejected)
    losses = []
    for pw, pl, rw, rl in zip(*(np.asarray(side, dtype=np.float64) for side in sides), strict=True):
        margin = beta * ((float(pw) - float(rw)) - (float(pl) - float(rl)))
        losses.append(max(-margin, 0.0) + math.log1p(math.exp(-abs(margin))))
    return np.array(losses, dtype=np.float64)


def dpo_loss(
    policy_chosen: Matrix,
    policy_rejected: Matrix,
    reference_chosen: Matrix,
    reference_rejected: Matrix,
    *,
    beta: float,
) -> float:
    """Mean of `dpo_losses` over the pairs."""
    losses = dpo_losses(
        policy_chosen, policy_rejected, reference_chosen, reference_rejected, beta=beta
    )
    return math.fsum(losses.tolist()) / len(losses)
