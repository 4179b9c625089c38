"""Two sets compared: figures by hand, paired intervals, sentences that intervals allow."""

import numpy as np
import pytest

from vcsoup.errors import GapShapeError
from vcsoup.evaluation.comparison import (
    Comparison,
    Difference,
    compare,
    detail,
    headline,
    named_differences,
    sentence,
)
from vcsoup.evaluation.intervals import FEWEST_FOR_VERDICT
from vcsoup.evaluation.summary import MeasuredSet

VALUES = ("helpful", "harmless")
CORNERS = np.eye(2)


@pytest.fixture
def base():
    """Rewards with standard deviation 2 on the first value and 1 on the second."""
    z = np.tile([-1.0, 0.0, 1.0], 4)
    z /= z.std(ddof=1)
    return np.column_stack([5 + 2 * z, -3 + z])


def shifted(base: np.ndarray, *shifts: tuple[float, float]) -> MeasuredSet:
    """Two corners that are better than the base by the same on every prompt."""
    return MeasuredSet(CORNERS, np.stack([base + np.array(shift) for shift in shifts]))


def compared(base: np.ndarray, **sets: MeasuredSet) -> Comparison:
    return compare(VALUES, base, sets, rng=np.random.default_rng(0), resamples=40)


def figures(difference: Difference) -> list[float]:
    return [difference.mean, difference.low, difference.high]


def test_figures_by_hand(base):
    """In base units: first (2, 0), (1, 1); second (0, 1), (0, 0). The reference is (0, 0).

    Volumes: (1, 1) covers 1 and (2, 0) nothing; the second set nothing: difference 1. Worst
    gains: 1 and 0. Equal weights, mean over the two corners: helpful 1.5 - 0, harmless .5 - .5.
    Constant shifts leave intervals of zero width.
    """
    found = compared(
        base, filtered=shifted(base, (4, 0), (2, 1)), unfiltered=shifted(base, (0, 1), (0, 0))
    )
    assert figures(found.hypervolume) == pytest.approx([1.0, 1.0, 1.0])
    assert figures(found.balanced) == pytest.approx([1.0, 1.0, 1.0])
    assert figures(found.same_weights["helpful"]) == pytest.approx([1.5, 1.5, 1.5])
    assert found.same_weights["harmless"].mean == pytest.approx(0.0, abs=1e-12)
    assert (found.n_prompts, found.n_same, found.n_soups) == (12, 2, (2, 2))
    assert found.balanced_weights("filtered") == {"helpful": 0.0, "harmless": 1.0}
    assert next(name for name, _ in named_differences(found)) == "hypervolume"


def test_pairing_beats_the_noise_of_prompts():
    """Prompts differ by 1, sets by 0.2 on every prompt: unpaired intervals would hold zero."""
    rng = np.random.default_rng(3)
    base = rng.normal(size=(40, 2))
    first = MeasuredSet(CORNERS, base + 0.6 * CORNERS[:, None] + 0.2)
    second = MeasuredSet(CORNERS, base + 0.6 * CORNERS[:, None])
    found = compared(base, a=first, b=second)
    spread = base.std(axis=0, ddof=1)
    assert found.same_weights["helpful"].mean == pytest.approx(0.2 / spread[0])
    assert found.same_weights["helpful"].verdict == "higher"
    unpaired = 1.96 * np.sqrt(2 / 40)
    assert found.same_weights["helpful"].mean < unpaired


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.1, 0.5, "higher"), (-0.5, -0.1, "lower"), (-0.1, 0.5, "unclear"), (0.0, 0.0, "unclear")],
)
def test_verdict_is_read_off_the_interval(low, high, verdict):
    assert Difference(0.2, low, high, n_prompts=10).verdict == verdict


def test_sentences_follow_the_interval_in_either_order(base):
    better, worse = shifted(base, (4, 0), (2, 1)), shifted(base, (0, 1), (0, 0))
    told = {
        "filtered, unfiltered": compared(base, filtered=better, unfiltered=worse),
        "unfiltered, filtered": compared(base, unfiltered=worse, filtered=better),
        "hurt": compared(base, filtered=worse, unfiltered=better),
        "same": compared(base, filtered=better, unfiltered=better),
        "named": compared(base, mine=better, theirs=worse),
    }
    assert headline(told["filtered, unfiltered"]).startswith("Filtering helped")
    assert headline(told["unfiltered, filtered"]).startswith("Filtering helped")
    assert headline(told["hurt"]).startswith("Filtering hurt")
    assert headline(told["same"]).startswith("No clear difference")
    assert headline(told["named"]).startswith("mine did better than theirs")
    assert "+1.00 (+1.00 to +1.00), paired over 12 prompts" in detail(told["named"])
    assert "helpful +1.50" in detail(told["named"])
    assert "harmless" not in detail(told["named"]).partition("At equal weights")[2]
    assert sentence(told["same"]).endswith("no value differs for certain.")


def test_intervals_over_few_prompts_allow_no_verdict(base):
    """Over 2 prompts every second interval of equal sets excludes zero; from 10 on one in ten."""
    few, enough = (
        compared(
            base[:n],
            filtered=shifted(base[:n], (4, 0), (2, 1)),
            unfiltered=shifted(base[:n], (0, 1), (0, 0)),
        )
        for n in (9, 10)
    )
    assert figures(few.hypervolume)[1] > 0
    assert {d.verdict for _, d in named_differences(few)} == {"too few prompts"}
    assert headline(few) == "Too few prompts to tell: 9 of the 10 that a verdict needs."
    assert "paired over 9 prompts. Intervals over so few are far too short" in detail(few)
    assert "excludes" not in sentence(few)
    assert "equal weights" not in sentence(few)
    assert headline(enough).startswith("Filtering helped")


def test_a_tenth_of_the_intervals_of_equal_sets_exclude_zero_from_where_verdicts_begin():
    """What `FEWEST_FOR_VERDICT` claims: the share of wrong verdicts on 2 and on 10 prompts."""
    rng = np.random.default_rng(0)

    def wrong(n: int, trials: int = 2000) -> float:
        means = [
            rng.normal(size=n)[rng.integers(n, size=(300, n))].mean(axis=1) for _ in range(trials)
        ]
        low, high = np.quantile(means, [0.025, 0.975], axis=1)
        return float(((low > 0) | (high < 0)).mean())

    assert wrong(2) == pytest.approx(0.5, abs=0.04)
    assert wrong(FEWEST_FOR_VERDICT) == pytest.approx(0.1, abs=0.025)


def test_one_set_or_an_empty_one_is_refused(base):
    with pytest.raises(GapShapeError, match="two sets"):
        compared(base, filtered=shifted(base, (1, 1), (0, 0)))
    empty = MeasuredSet(np.zeros((0, 2)), np.zeros((0, 12, 2)))
    with pytest.raises(GapShapeError, match="measured soups"):
        compared(base, a=empty, b=shifted(base, (1, 1), (0, 0)))
