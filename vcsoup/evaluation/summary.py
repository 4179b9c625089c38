"""What came of it: two sets of soups measured on the same prompts, in comparable figures.

The step after the front: rewards are put into one unit (standard deviations of the base policy's
own replies, zero at the base's mean), fronts and hypervolumes share one reference point, and every
difference between sets is paired over prompts. Pure numpy; who sampled and scored is elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vcsoup.errors import GapShapeError
from vcsoup.evaluation.front import best_balanced, hypervolume, pareto_front
from vcsoup.evaluation.intervals import Interval, bootstrap_interval

FloatArray = npt.NDArray[np.float64]
LEVEL = 0.95


@dataclass(frozen=True)
class MeasuredSet:
    """The soups of one set of adapters.

    Attributes:
        weights: Shape (m, K).
        rewards: Shape (m, P, K): every soup on the same P held-out prompts.
    """

    weights: FloatArray
    rewards: FloatArray


def summarise(
    values: Sequence[str],
    base: npt.ArrayLike,
    sets: Mapping[str, MeasuredSet],
    *,
    rng: np.random.Generator,
    resamples: int = 500,
) -> dict[str, Any]:
    """Compare sets of soups with the base policy and with each other.

    Args:
        values: The K value names.
        base: Rewards of the base policy on the same prompts, shape (P, K), P >= 2.
        sets: Measured soups by group, such as "filtered" and "unfiltered".
        rng: Source of the bootstrap draws.
        resamples: Bootstrap draws per interval.

    Returns:
        Plain data. `base`: mean and interval per value in the reward models' units. `reference`:
        the reference point of the hypervolumes in base units. `sets`: per group the corners, the
        front, the hypervolume and the best balanced point, each with its 95 % interval, in base
        units. `differences`: per pair of groups the hypervolume of the first minus the second's,
        paired.

    Raises:
        GapShapeError: shapes that do not fit, or a value on which the base's rewards are all alike.
    """
    base = np.asarray(base, dtype=np.float64)
    _check_shapes(values, base, sets)
    unit = gain_unit(base, values)
    gains = {group: (s.rewards - base) / unit for group, s in sets.items()}
    reference = _reference(list(gains.values()))
    draws = rng.integers(len(base), size=(resamples, len(base)))
    volumes = {
        group: np.array([hypervolume(gain[:, d].mean(axis=1), reference) for d in draws])
        for group, gain in gains.items()
    }
    groups = list(sets)
    return {
        "unit": "standard deviations of the base policy's rewards, zero at the base",
        "n_prompts": len(base),
        "base": _by_value(values, bootstrap_interval(base, rng=rng)),
        "reference": dict(zip(values, reference.tolist(), strict=True)),
        "sets": {
            group: {
                **_points(values, sets[group].weights, gains[group], rng),
                "hypervolume": _volume(gains[group], reference, volumes[group]),
            }
            for group in groups
        },
        "differences": {
            f"{first} - {second}": {
                "hypervolume": interval_of(
                    hypervolume(gains[first].mean(axis=1), reference)
                    - hypervolume(gains[second].mean(axis=1), reference),
                    volumes[first] - volumes[second],
                )
            }
            for i, first in enumerate(groups)
            for second in groups[i + 1 :]
        },
    }


def balanced_gain(
    rewards: npt.ArrayLike, base: npt.ArrayLike, *, rng: np.random.Generator, resamples: int = 2000
) -> dict[str, float]:
    """The worst value's mean gain of one soup over the base, with its interval.

    Measured on replies drawn afresh, it is free of the luck by which the soup was chosen.

    Args:
        rewards: Rewards of the soup, shape (P, K).
        base: Rewards of the base on the same prompts, shape (P, K).
        rng: Source of the bootstrap draws.
        resamples: Bootstrap draws.

    Returns:
        `mean`, `low`, `high` in standard deviations of the base's rewards.

    Raises:
        GapShapeError: a value on which the base's rewards are all alike.

    Example:
        >>> base = np.array([[0.0, 0.0], [2.0, 2.0]])
        >>> round(balanced_gain(base + [1.0, 2.0], base, rng=np.random.default_rng(0))["mean"], 3)
        0.707
    """
    base = np.asarray(base, dtype=np.float64)
    unit = gain_unit(base, [f"value {k}" for k in range(1, base.shape[1] + 1)])
    gains = (np.asarray(rewards, dtype=np.float64) - base) / unit
    draws = rng.integers(len(base), size=(resamples, len(base)))
    return interval_of(float(gains.mean(axis=0).min()), gains[draws].mean(axis=1).min(axis=1))


def _check_shapes(values: Sequence[str], base: FloatArray, sets: Mapping[str, MeasuredSet]) -> None:
    if base.ndim != 2 or base.shape[1] != len(values) or len(base) < 2:
        raise GapShapeError(
            f"expected base rewards of shape (P >= 2, {len(values)}), got {base.shape}; "
            "give one row per held-out prompt and one column per value"
        )
    for group, measured in sets.items():
        m = len(measured.weights)
        if measured.rewards.shape != (m, *base.shape):
            raise GapShapeError(
                f"expected rewards of {group} of shape {(m, *base.shape)}, got "
                f"{measured.rewards.shape}; measure every soup on the same prompts as the base"
            )


def gain_unit(base: FloatArray, values: Sequence[str]) -> FloatArray:
    """The unit of gains over the base: the standard deviation of its rewards.

    Args:
        base: Rewards of the base policy, shape (P, K).
        values: Names of the K values, for the message.

    Returns:
        Shape (K,), positive.

    Raises:
        GapShapeError: rewards for a value that are all equal.
    """
    for value, width, first in zip(values, np.ptp(base, axis=0), base[0], strict=True):
        if not width > 0:
            raise GapShapeError(
                f"the base's rewards for {value} are all {first:g} on {len(base)} prompts, so "
                "gains over it have no unit; measure on more prompts, or let another judge score "
                "this value"
            )
    return np.asarray(base.std(axis=0, ddof=1))


def _reference(gains: Sequence[FloatArray]) -> FloatArray:
    """The worst mean of each value over all soups and the base: every front is above it."""
    means = np.concatenate([np.zeros((1, gains[0].shape[2])), *(g.mean(axis=1) for g in gains)])
    return np.asarray(means.min(axis=0))


def _points(
    values: Sequence[str], weights: FloatArray, gains: FloatArray, rng: np.random.Generator
) -> dict[str, Any]:
    means = gains.mean(axis=1)
    points: list[dict[str, Any]] = [
        {
            "weights": dict(zip(values, map(float, row), strict=True)),
            "gains": _by_value(values, bootstrap_interval(gain, rng=rng)),
        }
        for row, gain in zip(weights, gains, strict=True)
    ]
    best, worst_gain = best_balanced(means, np.zeros(len(values)))
    return {
        "corners": [point for point in points if max(point["weights"].values()) > 1 - 1e-9],
        "front": [p for p, on in zip(points, pareto_front(means), strict=True) if on],
        "balanced": {**points[best], "worst_gain": worst_gain},
    }


def _volume(gains: FloatArray, reference: FloatArray, draws: FloatArray) -> dict[str, float]:
    return interval_of(hypervolume(gains.mean(axis=1), reference), draws)


def interval_of(mean: float, draws: Sequence[float] | FloatArray) -> dict[str, float]:
    """A figure with the ends of its 95 % interval, from the same figure of redrawn prompts."""
    low, high = np.quantile(np.asarray(draws), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"mean": float(mean), "low": float(low), "high": float(high)}


def _by_value(values: Sequence[str], interval: Interval) -> dict[str, dict[str, float]]:
    return {
        value: {name: float(getattr(interval, name)[k]) for name in ("mean", "low", "high")}
        for k, value in enumerate(values)
    }
