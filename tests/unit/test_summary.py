"""The summary of two sets of soups: one unit, one reference point, paired differences."""

import numpy as np
import pytest

from vcsoup.errors import GapShapeError
from vcsoup.evaluation.summary import MeasuredSet, balanced_gain, summarise

VALUES = ("helpful", "harmless")
CORNERS = np.eye(2)


def shifted(base: np.ndarray, *shifts: tuple[float, float]) -> np.ndarray:
    """Rewards (m, P, K) of soups that are better than the base by the same on every prompt."""
    return np.stack([base + np.array(shift) for shift in shifts])


@pytest.fixture
def base():
    """Rewards with standard deviation 2 on the first value and 1 on the second."""
    z = np.array([-1.0, 0.0, 1.0])
    return np.column_stack([5 + 2 * z, -3 + z])


def summary(base, **sets):
    measured = {
        group: MeasuredSet(CORNERS, shifted(base, *shifts)) for group, shifts in sets.items()
    }
    return summarise(VALUES, base, measured, rng=np.random.default_rng(0), resamples=50)


def test_figures_by_hand(base):
    """Shifts (4, 0) and (0, 1) are (2, 0) and (0, 1) in base units; the base is the worst of each.

    Reference (0, 0): no corner exceeds it on both values, so the volume is 0. With (2, 1) shifted
    to (1, 1) the volume is 1 * 1. Constant shifts leave intervals of zero width.
    """
    found = summary(base, filtered=[(2.0, 1.0), (0.0, 0.0)], unfiltered=[(4.0, 0.0), (0.0, 1.0)])
    filtered, unfiltered = found["sets"]["filtered"], found["sets"]["unfiltered"]
    assert found["reference"] == {"helpful": 0.0, "harmless": 0.0}
    assert filtered["hypervolume"] == pytest.approx({"mean": 1.0, "low": 1.0, "high": 1.0})
    assert unfiltered["hypervolume"]["mean"] == 0.0
    assert filtered["balanced"]["weights"] == {"helpful": 1.0, "harmless": 0.0}
    assert filtered["balanced"]["worst_gain"] == pytest.approx(1.0)
    assert found["differences"]["filtered - unfiltered"]["hypervolume"]["mean"] == pytest.approx(1)
    assert found["base"]["helpful"]["mean"] == pytest.approx(5.0)


def test_front_keeps_what_is_not_dominated(base):
    """(2, 1) beats (0, 0) on both values; (4, 0) and (0, 1) beat each other nowhere."""
    found = summary(base, filtered=[(2.0, 1.0), (0.0, 0.0)], unfiltered=[(4.0, 0.0), (0.0, 1.0)])
    assert len(found["sets"]["filtered"]["front"]) == 1
    assert len(found["sets"]["unfiltered"]["front"]) == 2
    assert len(found["sets"]["filtered"]["corners"]) == 2


def test_balanced_gain_is_the_worst_value(base):
    """Shift (1, 2) over standard deviations (2, 1) is (0.5, 2): the worst is 0.5, surely."""
    gain = balanced_gain(base + np.array([1.0, 2.0]), base, rng=np.random.default_rng(0))
    assert gain == pytest.approx({"mean": 0.5, "low": 0.5, "high": 0.5})


def test_sets_measured_on_other_prompts_are_refused(base):
    short = MeasuredSet(CORNERS, shifted(base[:2], (0, 0), (0, 0)))
    with pytest.raises(GapShapeError, match="same prompts"):
        summarise(VALUES, base, {"filtered": short}, rng=np.random.default_rng(0))


def test_a_base_whose_rewards_are_all_alike_gives_no_unit_and_that_is_said(base):
    """A pattern that the base never writes; the mean of equal numbers may round to another one."""
    base[:, 1] = 0.1
    assert base[:, 1].std(ddof=1) > 0
    with pytest.raises(GapShapeError, match=r"harmless are all 0\.1 on 3 prompts.*no unit"):
        summary(base, filtered=[(2.0, 1.0), (0.0, 0.0)])
    with pytest.raises(GapShapeError, match=r"value 2 are all 0\.1 on 3 prompts"):
        balanced_gain(base + 1.0, base, rng=np.random.default_rng(0))
