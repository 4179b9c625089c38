"""What the clinic finds in rewards that are computed already: each finding in words, with a remedy.

Values that say the same or the opposite, values that follow the length, outliers. Pure numpy:
rewards in, findings out; figures are of the sample that was looked at. Asking the models is
`vcsoup.rewards.clinic`, agreement with the data's labels `vcsoup.rewards.agreement`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Level = Literal["fault", "warning", "note", "ok"]
LEVELS: tuple[Level, ...] = ("fault", "warning", "note", "ok")

_REDUNDANT, _OPPOSED, _LENGTH = 0.95, -0.9, 0.9
_FAR = 8.0  # robust standard deviations from the median


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
    """

    level: Level
    check: str
    value: str
    says: str
    remedy: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        return asdict(self) | {"figures": dict(self.figures)}


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
    found = []
    for i, first in enumerate(values):
        for j in range(i + 1, len(values)):
            r = _correlation(table[:, i], table[:, j])
            found += _relation(f"{first} and {values[j]}", r)
        r = _correlation(table[:, i], np.asarray(lengths, dtype=np.float64))
        if abs(r) >= _LENGTH:
            longer = "longer" if r > 0 else "shorter"
            told = f"mostly prefers the {longer} answer: correlation {r:.2f} with the length"
            remedy = "take another model, or say that this value is about length"
            found.append(Finding("warning", "length", first, told, remedy, {"correlation": r}))
    return found


def outlier_findings(value: str, rewards: npt.ArrayLike, names: Sequence[str]) -> list[Finding]:
    """Find rewards that are no number, all the same, or far from all others.

    Args:
        value: Whose rewards.
        rewards: Shape (n,).
        names: What each reward is of, for people; n of them.
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
        worst = int(far[np.argmax(np.abs(raw[far] - middle))])
        told = (
            f"{len(far)} of {len(raw)} rewards lie more than {_FAR:.0f} robust standard deviations "
            f"from the median {middle:.3g}; the farthest is {raw[worst]:.3g}, {names[worst]}"
        )
        remedy = "read these answers; often they are empty, cut or in another language"
        figures = {"outliers": len(far), "farthest": names[worst]}
        found.append(Finding("note", "outliers", value, told, remedy, figures))
    return found


def _relation(names: str, r: float) -> list[Finding]:
    figures = {"correlation": r}
    if r >= _REDUNDANT:
        told = f"say nearly the same: their gaps correlate at {r:.3f}"
        return [
            Finding(
                "warning",
                "redundant",
                names,
                told,
                "drop one, or take a head that differs",
                figures,
            )
        ]
    if r <= _OPPOSED:
        told = f"contradict each other: their gaps correlate at {r:.3f}"
        remedy = "check the sign of both; if both are right, no pair will be consistent"
        return [Finding("warning", "opposed", names, told, remedy, figures)]
    if math.isnan(r):
        return []
    return [Finding("ok", "relation", names, f"gaps correlate at {r:.2f}", figures=figures)]


def _correlation(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    both = np.isfinite(first) & np.isfinite(second)
    one, two = first[both], second[both]
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(two) == 0:
        return math.nan
    return float(np.corrcoef(one, two)[0, 1])
