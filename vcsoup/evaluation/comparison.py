"""Did filtering help? Two sets of soups measured on the same prompts with the same random numbers.

The figures behind the Compare page and its report, on top of `summary`: best balanced soups, soups
of equal weights, and the sentence that the intervals allow. Every difference is paired: prompts are
drawn again whole, for both sets at once. Pure numpy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vcsoup.errors import GapShapeError
from vcsoup.evaluation.front import approximation
from vcsoup.evaluation.intervals import FEWEST_FOR_VERDICT
from vcsoup.evaluation.summary import MeasuredSet, gain_unit, interval_of, summarise
from vcsoup.numbers import MINUS

FloatArray = npt.NDArray[np.float64]
Verdict = Literal["higher", "lower", "unclear", "too few prompts"]

_TURNED: Mapping[Verdict, Verdict] = {"higher": "lower", "lower": "higher"}
RESAMPLES = 500


@dataclass(frozen=True)
class Difference:
    """A paired difference, first set minus second, with its 95 % interval over prompts."""

    mean: float
    low: float
    high: float
    n_prompts: int

    @property
    def verdict(self) -> Verdict:
        """Which way it points; "unclear" when the interval holds zero.

        Over fewer than `FEWEST_FOR_VERDICT` prompts no interval is believed: "too few prompts".
        """
        if self.n_prompts < FEWEST_FOR_VERDICT:
            return "too few prompts"
        if self.low > 0:
            return "higher"
        return "lower" if self.high < 0 else "unclear"


@dataclass(frozen=True)
class Comparison:
    """Two sets of soups side by side; gains in standard deviations of the base's rewards.

    Attributes:
        values: The K value names.
        groups: Names of the first and the second set.
        n_prompts: Prompts behind every figure.
        n_soups: Soups per set.
        summary: `vcsoup.evaluation.summary.summarise` of both sets.
        hypervolume: First minus second.
        balanced: Worst gain of the best balanced soup, first minus second; the soup is chosen
            again in every draw, so the luck of the choice is in the interval.
        same_weights: Mean gain per value over the soups that both sets have, first minus second.
        n_same: How many soups both have.
    """

    values: tuple[str, ...]
    groups: tuple[str, str]
    n_prompts: int
    n_soups: tuple[int, int]
    summary: Mapping[str, Any]
    hypervolume: Difference
    balanced: Difference
    same_weights: Mapping[str, Difference]
    n_same: int

    def balanced_weights(self, group: str) -> Mapping[str, float]:
        """Weights of a set's best balanced soup."""
        weights: Mapping[str, float] = self.summary["sets"][group]["balanced"]["weights"]
        return weights


def compare(
    values: Sequence[str],
    base: npt.ArrayLike,
    sets: Mapping[str, MeasuredSet],
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Compare two sets of soups.

    Args:
        values: The K value names.
        base: Rewards of the base policy, shape (P, K).
        sets: Exactly two sets, first and second, measured on the same P prompts.
        rng: Source of the bootstrap draws.
        resamples: Bootstrap draws per interval.

    Raises:
        GapShapeError: not two sets, a set without soups, or shapes that do not fit.
    """
    if len(sets) != 2 or not all(len(measured.weights) for measured in sets.values()):
        raise GapShapeError(
            f"expected two sets with measured soups, got {', '.join(sets) or 'none'}; "
            "measure soups of both on the same prompts"
        )
    rows = np.asarray(base, dtype=np.float64)
    figures = summarise(values, rows, sets, rng=rng, resamples=resamples)
    unit = gain_unit(rows, values)
    first, second = ((measured.rewards - rows) / unit for measured in sets.values())
    draws = rng.integers(len(rows), size=(resamples, len(rows)))
    same = _same_rows(*(measured.weights for measured in sets.values()))
    shared = first[same[:, 0]] - second[same[:, 1]]  # (s, P, K)
    names = list(sets)
    difference = figures["differences"][f"{names[0]} - {names[1]}"]
    return Comparison(
        values=tuple(values),
        groups=(names[0], names[1]),
        n_prompts=len(rows),
        n_soups=(len(first), len(second)),
        summary=figures,
        hypervolume=Difference(**difference["hypervolume"], n_prompts=len(rows)),
        balanced=_balances(first, second, draws),
        same_weights=_shared(values, shared, draws),
        n_same=len(same),
    )


def headline(found: Comparison) -> str:
    """Say what the hypervolume's interval allows, in plain words.

    Of sets called "filtered" and "unfiltered" it says whether filtering helped, in whatever order
    they were given.
    """
    first, second = found.groups
    verdict = found.hypervolume.verdict
    if verdict == "too few prompts":
        return (
            f"Too few prompts to tell: {found.n_prompts} of the {FEWEST_FOR_VERDICT} that a "
            "verdict needs."
        )
    if {first, second} == {"filtered", "unfiltered"}:
        if first == "unfiltered":
            verdict = _TURNED.get(verdict, verdict)
        return {
            "higher": "Filtering helped: the filtered front covers more.",
            "lower": "Filtering hurt: the filtered front covers less.",
            "unclear": "No clear difference: the fronts cover about as much.",
        }[verdict]
    return {
        "higher": f"{first} did better than {second}: its front covers more.",
        "lower": f"{first} did worse than {second}: its front covers less.",
        "unclear": f"No clear difference between {first} and {second}.",
    }[verdict]


def detail(found: Comparison) -> str:
    """The figures behind the headline, and what it cost value by value."""
    first, second = found.groups
    difference = found.hypervolume
    volume = (
        f"Hypervolume, {first} minus {second}: {_signed(difference)}, paired over "
        f"{found.n_prompts} prompts"
    )
    if rough := approximation(len(found.values), max(found.n_soups)):
        volume += f", both {rough}"
    if difference.verdict == "too few prompts":
        return (
            f"{volume}. Intervals over so few are far too short, whether they hold zero or not; "
            "hold out more prompts and measure again."
        )
    holds = "holds" if difference.verdict == "unclear" else "excludes"
    told = [f"{volume}; the 95 % interval {holds} zero."]
    moved = [
        f"{value} {_signed(d)}" for value, d in found.same_weights.items() if d.verdict != "unclear"
    ]
    if moved:
        told.append(
            f"At equal weights, in the mean of {found.n_same} soups, the gains differ (95 % "
            f"intervals without zero) in {', '.join(moved)}."
        )
    elif found.same_weights:
        told.append("At equal weights no value differs for certain.")
    return " ".join(told)


def sentence(found: Comparison) -> str:
    """Headline and detail in one."""
    return f"{headline(found)} {detail(found)}"


def named_differences(found: Comparison) -> list[tuple[str, Difference]]:
    """Every paired difference with what it is of, in the order to show them."""
    return [
        ("hypervolume", found.hypervolume),
        ("worst gain of the best balanced soup", found.balanced),
        *((f"gain in {value}, equal weights", d) for value, d in found.same_weights.items()),
    ]


def _signed(difference: Difference) -> str:
    """Mean and interval; with so many decimals that an end beside zero does not read as zero."""
    figures = (difference.mean, difference.low, difference.high)
    decimals = next((d for d in (2, 3) if all(round(f, d) for f in figures if f)), 4)
    mean, low, high = (f"{figure:+.{decimals}f}" for figure in figures)
    return f"{mean} ({low} to {high})".replace("-", MINUS)


def _balances(first: FloatArray, second: FloatArray, draws: Any) -> Difference:
    def worst(gains: FloatArray) -> float:
        return float(gains.mean(axis=1).min(axis=1).max())

    drawn = [worst(first[:, d]) - worst(second[:, d]) for d in draws]
    return _difference(worst(first) - worst(second), drawn, draws.shape[1])


def _shared(values: Sequence[str], shared: FloatArray, draws: Any) -> dict[str, Difference]:
    if not len(shared):
        return {}
    per_prompt = shared.mean(axis=0)  # (P, K)
    drawn = per_prompt[draws].mean(axis=1)  # (draws, K)
    return {
        value: _difference(float(per_prompt[:, k].mean()), drawn[:, k], len(per_prompt))
        for k, value in enumerate(values)
    }


def _difference(mean: float, drawn: Sequence[float] | FloatArray, n_prompts: int) -> Difference:
    return Difference(**interval_of(mean, drawn), n_prompts=n_prompts)


def _same_rows(first: FloatArray, second: FloatArray) -> npt.NDArray[np.int64]:
    """Rows (i, j) with equal weights to four decimals, shape (s, 2)."""
    places = {tuple(row): j for j, row in enumerate(np.round(second, 4).tolist())}
    pairs = [
        (i, places[tuple(row)])
        for i, row in enumerate(np.round(first, 4).tolist())
        if tuple(row) in places
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)
