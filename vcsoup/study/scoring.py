"""What an arm is worth: one number per seed and draw of prompts, for every measure.

Gains are in standard deviations of the base's rewards, zero at the base of the same seed.
Hypervolume and IGD+ use one reference per world setting, common to all arms and seeds. Pure numpy.
"""

from collections.abc import Callable
from dataclasses import dataclass

import moocore
import numpy as np
import numpy.typing as npt

from vcsoup.evaluation.front import best_balanced, hypervolume, pareto_front

FloatArray = npt.NDArray[np.float64]
REFERENCE = -1.0  # gain of the hypervolume's reference point on every value


@dataclass(frozen=True)
class Yardstick:
    """What makes the arms of one world setting comparable.

    Attributes:
        unit: Standard deviation of the base's rewards, shape (K,).
        truth_unit: The same of the hidden truth; None where nobody knows it.
        reference: Reference point of hypervolumes, in gains, shape (K,): one below the base, so
            that the base alone has volume 1, whatever other arms there are.
        ideal: The best gains that any arm reached with any seed, non-dominated, shape (f, K): what
            IGD+ is measured to.
    """

    unit: FloatArray
    truth_unit: FloatArray | None
    reference: FloatArray
    ideal: FloatArray


def yardstick(base: FloatArray, base_truth: FloatArray | None, arms: list[FloatArray]) -> Yardstick:
    """Make the yardstick of a setting.

    Args:
        base: Rewards of the base, shape (S, P, K).
        base_truth: Their truth, same shape.
        arms: Rewards of every arm, each (S, m, P, K), with the seeds of `base`.
    """
    unit = _spread(base)
    means = [((arm - base[:, None]) / unit).mean(axis=2).reshape(-1, len(unit)) for arm in arms]
    every = np.concatenate([np.zeros((1, len(unit))), *means])
    return Yardstick(
        unit,
        None if base_truth is None else _spread(base_truth),
        np.full(len(unit), REFERENCE),
        every[pareto_front(every)],
    )


def hypervolumes(gains: FloatArray, shares: FloatArray, stick: Yardstick) -> FloatArray:
    """Volume above the setting's reference point: shape (S, 1 + D).

    Args:
        gains: Shape (S, m, P, K).
        shares: From `prompt_shares`, (1 + D, P).
        stick: The setting's yardstick.
    """
    return _each(drawn_means(gains, shares), lambda means: hypervolume(means, stick.reference))


def igd_plus(gains: FloatArray, shares: FloatArray, stick: Yardstick) -> FloatArray:
    """Mean distance from the best front that was seen to this one, (S, 1 + D); small is good."""

    def distance(means: FloatArray) -> float:
        return float(moocore.igd_plus(means, ref=stick.ideal, maximise=True))

    return _each(drawn_means(gains, shares), distance)


def balanced(gains: FloatArray, shares: FloatArray) -> FloatArray:
    """Worst value's gain of the best balanced soup, chosen and measured on different prompts.

    The soup is chosen on one half of the prompts and measured on the other, both ways round, so
    that the luck of the choice does not count. Shape (S, 1 + D).
    """
    halves = []
    for first in (0, 1):
        own = np.zeros_like(shares)
        own[:, first::2] = shares[:, first::2]
        halves.append(drawn_means(gains, own / own.sum(axis=1, keepdims=True)))
    zero = np.zeros(gains.shape[-1])
    found = np.zeros(halves[0].shape[:2])
    for chosen_on, measured_on in (halves, halves[::-1]):
        for place in np.ndindex(found.shape):
            best, _ = best_balanced(chosen_on[place], zero)
            found[place] += measured_on[place][best].min() / 2
    return found


def utility(gains: FloatArray, shares: FloatArray, weights: FloatArray) -> FloatArray:
    """Gain by the weights that were asked for, averaged over the weight vectors: (S, 1 + D)."""
    asked: FloatArray = np.einsum("sdmk,mk->sdm", drawn_means(gains, shares), weights)
    return np.asarray(asked.mean(axis=2))


def drawn_means(gains: FloatArray, shares: FloatArray) -> FloatArray:
    """Mean gains for every draw of prompts: shape (S, 1 + D, m, K)."""
    return np.asarray(np.einsum("dp,smpk->sdmk", shares, gains, optimize=True))


def _each(means: FloatArray, figure: Callable[[FloatArray], float]) -> FloatArray:
    found = np.empty(means.shape[:2])
    for place in np.ndindex(found.shape):
        found[place] = figure(means[place])
    return found


def _spread(rewards: FloatArray) -> FloatArray:
    """Standard deviation per value, within seeds, over prompts: shape (K,)."""
    return np.asarray(np.sqrt(rewards.var(axis=1, ddof=1).mean(axis=0)))
