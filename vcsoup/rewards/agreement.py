"""Do rewards order the pairs as the data's own labels do? If not, which label and sign would?

The strongest check of the clinic: a turned sign or a wrong label shows in a few dozen pairs. Pure
numpy: what a model says on both answers in, a finding out. Proportions are tested with the normal
approximation, corrected for the number of labels tried.
"""

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt

from vcsoup.numbers import plural
from vcsoup.rewards.findings import Finding
from vcsoup.rewards.heads import read_label
from vcsoup.rewards.spec import RewardSpec

FloatArray = npt.NDArray[np.float32]
Label = int | Literal["diff"]
Choice = tuple[Label, int]  # label, sign

_CHANCE = 0.001  # how often an innocent model may be accused, per value
_CLEARLY_BETTER = 0.05
_LEANS = 0.05  # how often, by chance, fair coin tosses lie this far from a half on either side


def agreement(gaps: npt.ArrayLike) -> float:
    """Share of pairs whose chosen answer gets the larger reward, ties as a half; in [0, 1].

    Example:
        >>> agreement([1.0, -1.0, 0.0, 2.0])
        0.625
    """
    found = np.asarray(gaps, dtype=np.float64)
    return float(((found > 0) + 0.5 * (found == 0)).mean())


def agreement_finding(
    value: str, spec: RewardSpec, chosen: FloatArray, rejected: FloatArray
) -> Finding:
    """Compare a model's rewards with the labels of its own value's pairs, head by head.

    Args:
        value: Whose pairs and whose model.
        spec: Its label and sign.
        chosen: All that the model says on the chosen answers, shape (n, heads), n >= 1.
        rejected: The same for the rejected ones.

    Returns:
        A fault when the rewards order the pairs the wrong way round, or not at all while another
        label does; the remedy names the label and sign that fit.
    """
    gaps: dict[Choice, FloatArray] = {
        (label, sign): sign * _gaps(spec, label, chosen, rejected)
        for label in _labels(chosen.shape[1], spec)
        for sign in (1, -1)
    }
    shares = {choice: agreement(found) for choice, found in gaps.items()}
    own, n = shares[(spec.label, spec.sign)], len(chosen)
    fits, best = _fitting(spec, shares, n)
    clear = _z(best, n) >= _critical(len(shares))
    figures = {"agreement": own, "pairs": n, "best": best, "label": fits[0], "sign": fits[1]}
    says = f"orders {own:.0%} of {plural(n, 'pair')} as their labels do"
    turned, lost = _z(own, n) <= -_critical(1), _z(own, n) < _critical(1)
    if (turned or lost) and clear:
        same = fits[0] == spec.label
        check, remedy = ("sign" if same else "label"), _set(spec, fits)
        told = f"{says}; with {remedy} it would be {best:.0%}"
        return Finding("fault", check, value, told, f"set {remedy}", figures, _changes(spec, fits))
    if lost:
        how, remedy = _lost(own, n)
        return Finding("warning", "agreement", value, f"{says}: {how}", remedy, figures)
    wins = _wins(gaps[fits], gaps[(spec.label, spec.sign)])
    if best - own >= _CLEARLY_BETTER and wins >= _critical(len(shares)):
        remedy, fix = f"consider {_set(spec, fits)}", _changes(spec, fits)
        told = f"{says}; with {_set(spec, fits)} it would be {best:.0%}"
        return Finding("warning", "label", value, told, remedy, figures, fix)
    return Finding("ok", "agreement", value, says, figures=figures)


def _lost(own: float, n: int) -> tuple[str, str]:
    """Words and a remedy for rewards that do not order n pairs clearly as their labels do."""
    turned = _z(own, n) <= -_critical(1)
    if n < _least_pairs():
        return "no better than chance", "look at more pairs: so few cannot tell"
    if turned or _z(own, n) <= -NormalDist().inv_cdf(1 - _LEANS / 2):
        how = "worse than chance" if turned else "rather the other way round"
        return how, "look at more pairs, and see whether its sign is turned"
    remedy = "check the template, and that this model judges what these labels mean"
    return "no better than chance", remedy


def _labels(heads: int, spec: RewardSpec) -> list[Label]:
    labels: list[Label] = list(range(heads))
    return [*labels, "diff"] if heads == 2 or spec.label == "diff" else labels


def _gaps(spec: RewardSpec, label: Label, chosen: FloatArray, rejected: FloatArray) -> FloatArray:
    other = spec.model_copy(update={"label": label})
    return read_label(chosen, other) - read_label(rejected, other)


def _fitting(spec: RewardSpec, shares: Mapping[Choice, float], n: int) -> tuple[Choice, float]:
    """Label and sign that fit best; among those as good as the best, the plainest.

    Two heads of a classifier mirror each other, so a turned sign on the one is as good as the
    other: the unturned one is meant, and the least change from what is set.
    """
    best = max(shares.values())
    slack = math.sqrt(best * (1 - best) / n) + 0.01
    near = [choice for choice, share in shares.items() if share >= best - slack]

    def change(choice: Choice) -> tuple[bool, bool, bool]:
        label, sign = choice
        kept = label == spec.label
        return sign != 1, not kept, isinstance(label, str) != isinstance(spec.label, str)

    first = min(near, key=lambda choice: (*change(choice), -shares[choice]))
    return first, shares[first]


def _set(spec: RewardSpec, fits: Choice) -> str:
    parts = [f"{name}={entry}" for name, entry in _changes(spec, fits).items()]
    return ",".join(parts) or "the present settings"


def _changes(spec: RewardSpec, fits: Choice) -> dict[str, Label]:
    label, sign = fits
    changed: dict[str, Label] = {"label": label} if label != spec.label else {}
    return changed | ({"sign": sign} if sign != spec.sign else {})


def _wins(first: FloatArray, second: FloatArray) -> float:
    """Standard deviations by which the first orders pairs that the second does not (McNemar)."""
    gained = int(((first > 0) & ~(second > 0)).sum())
    lost = int(((second > 0) & ~(first > 0)).sum())
    return (gained - lost) / math.sqrt(max(1, gained + lost))


def _z(share: float, n: int) -> float:
    """How many standard deviations a share of n fair coin tosses lies above a half."""
    return (share - 0.5) * 2 * math.sqrt(n)


def _critical(choices: int) -> float:
    return NormalDist().inv_cdf(1 - _CHANCE / choices)


def _least_pairs() -> int:
    return math.ceil(_critical(1) ** 2)
