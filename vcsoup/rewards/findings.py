"""What the clinic finds in rewards that are computed already: each finding in words, with a remedy.

Values that say the same or the opposite, values that follow the length, outliers. Pure numpy:
rewards in, findings out; figures are of the sample that was looked at. Asking the models is
`vcsoup.rewards.clinic`, agreement with the data's labels `vcsoup.rewards.agreement`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Level = Literal["fault", "warning", "note", "ok"]
LEVELS: tuple[Level, ...] = ("fault", "warning", "note", "ok")

_REDUNDANT, _OPPOSED, _LENGTH = 0.95, -0.9, 0.9
_FAR = 8.0  # robust standard deviations from the median
_SHOWN = 5  # outliers that are named

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Finding:
    """One thing that the clinic has to say.

    Attributes:
        level: "fault" spoils the result; "warning" may; "note" is worth knowing; "ok" was checked.
        check: Which check, one or two words.
        value: About which value; several are joined by " and ".
        says: What was found, one sentence with its figures.
        remedy: What to do; empty when there is nothing to do.
        figures: The figures, for programs.
        fix: Fields of the value's `RewardSpec` that mend it; empty where no setting does.
    """

    level: Level
    check: str
    value: str
    says: str
    remedy: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    fix: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        return asdict(self)


class Answer(NamedTuple):
    """Which answer a reward is of."""

    side: str
    pair: str
    value: str

    def __str__(self) -> str:
        """Name the answer for people; `value` is whose pairs it comes from."""
        return f"the {self.side} answer of pair {self.pair} of {self.value}"


def correlations(gaps: npt.ArrayLike) -> FloatArray:
    """How alike the values' gaps are, two at a time.

    Args:
        gaps: Reward gaps, shape (n, K); nan where a value has no reward for a pair.

    Returns:
        Pearson's r of the pairs that both know, shape (K, K), 1 on the diagonal; nan where fewer
        than three pairs are known to both or a value's gaps are all alike.

    Example:
        >>> correlations([[1, 2], [2, 4], [3, 5]]).round(2).tolist()
        [[1.0, 0.98], [0.98, 1.0]]
    """
    table = np.asarray(gaps, dtype=np.float64)
    k = table.shape[1]
    found = np.eye(k)
    for i in range(k):
        for j in range(i):
            found[i, j] = found[j, i] = _correlation(table[:, i], table[:, j])
    return found


def relation_findings(
    values: Sequence[str], gaps: npt.ArrayLike, lengths: npt.ArrayLike
) -> list[Finding]:
    """Find values that say the same, or the opposite, and values that follow the length.

    Args:
        values: Names, K of them.
        gaps: Reward gaps, shape (n, K); nan where a value has no reward for a pair.
        lengths: Characters of chosen minus rejected, shape (n,).
    """
    table = np.asarray(gaps, dtype=np.float64)
    alike = correlations(table)
    found = []
    for i, first in enumerate(values):
        for j in range(i + 1, len(values)):
            found += _relation(f"{first} and {values[j]}", float(alike[i, j]))
        r = _correlation(table[:, i], np.asarray(lengths, dtype=np.float64))
        if abs(r) >= _LENGTH:
            longer = "longer" if r > 0 else "shorter"
            told = f"mostly prefers the {longer} answer: correlation {r:.2f} with the length"
            remedy = "take another model, or say that this value is about length"
            found.append(Finding("warning", "length", first, told, remedy, {"correlation": r}))
    return found


def outlier_findings(
    value: str, rewards: npt.ArrayLike, answers: Sequence[Answer]
) -> list[Finding]:
    """Find rewards that are no number, all the same, or far from all others.

    Args:
        value: Whose rewards.
        rewards: Shape (n,).
        answers: What each reward is of; n of them.
    """
    raw = np.asarray(rewards, dtype=np.float64)
    finite = raw[np.isfinite(raw)]
    found = []
    if lost := len(raw) - len(finite):
        told = f"gives no finite number for {lost} of {len(raw)} answers"
        remedy = (
            "scoring will set these pairs aside; if there are many, check the model's precision"
        )
        level: Level = "fault" if lost > len(raw) / 2 else "warning"
        found.append(Finding(level, "finite", value, told, remedy, {"not_finite": lost}))
    if not len(finite):
        return found
    if np.ptp(finite) == 0:
        told = f"gives every one of {len(finite)} answers the same reward, {finite[0]:.4g}"
        remedy = "check label and template; such a value has no gaps"
        return [*found, Finding("fault", "constant", value, told, remedy)]
    middle = float(np.median(finite))
    spread = 1.4826 * float(np.median(np.abs(finite - middle)))
    distant = np.isfinite(raw) & (np.abs(raw - middle) > _FAR * spread)
    far = np.flatnonzero(distant & (spread > 0))
    if len(far):
        far = far[np.argsort(-np.abs(raw[far] - middle), kind="stable")]
        worst = int(far[0])
        told = (
            f"{len(far)} of {len(raw)} rewards lie more than {_FAR:.0f} robust standard deviations "
            f"from the median {middle:.3g}; the farthest is {raw[worst]:.3g}, {answers[worst]}"
        )
        remedy = "read these answers; often they are empty, cut or in another language"
        shown = [answers[row]._asdict() | {"reward": float(raw[row])} for row in far[:_SHOWN]]
        figures = {"outliers": len(far), "farthest": shown}
        found.append(Finding("note", "outliers", value, told, remedy, figures))
    return found


def _relation(names: str, r: float) -> list[Finding]:
    figures = {"correlation": r}
    if r >= _REDUNDANT:
        told = f"say nearly the same: their gaps correlate at {r:.3f}"
        remedy = "drop one, or take a head that differs"
        return [Finding("warning", "redundant", names, told, remedy, figures)]
    if r <= _OPPOSED:
        told = f"contradict each other: their gaps correlate at {r:.3f}"
        remedy = "check the sign of both; if both are right, no pair will be consistent"
        return [Finding("warning", "opposed", names, told, remedy, figures)]
    if math.isnan(r):
        return []
    return [Finding("ok", "relation", names, f"gaps correlate at {r:.2f}", figures=figures)]


def _correlation(first: FloatArray, second: FloatArray) -> float:
    both = np.isfinite(first) & np.isfinite(second)
    one, two = first[both], second[both]
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(two) == 0:
        return math.nan
    return float(np.corrcoef(one, two)[0, 1])
