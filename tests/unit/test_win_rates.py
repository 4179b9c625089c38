"""Win rates and their Wilson intervals, by hand."""

import pytest

from vcsoup.errors import GapShapeError
from vcsoup.evaluation.win_rates import wilson_interval, win_rates


def test_wilson_by_hand():
    """8 of 10, z = 1.96: centre (0.8 + 0.19207) / 1.38415 = 0.71674; half 0.22660."""
    low, high = wilson_interval(8, 10)
    assert low == pytest.approx(0.4902, abs=1e-4)
    assert high == pytest.approx(0.9433, abs=1e-4)


def test_wilson_stays_inside_and_is_wide_for_one_vote():
    """All of n: low = n / (n + z^2); none: high = z^2 / (n + z^2); z^2 = 3.8415."""
    assert wilson_interval(1, 1) == (pytest.approx(1 / 4.8415, abs=1e-4), 1.0)
    assert wilson_interval(0, 1) == (0.0, pytest.approx(3.8415 / 4.8415, abs=1e-4))


def test_votes_are_summed_per_soup_and_ties_are_halves():
    votes = [("a", "b", "first"), ("b", "a", "second"), ("a", "c", "neither"), ("b", "c", "first")]
    found = win_rates(votes)
    assert {soup: (rate.wins, rate.votes) for soup, rate in found.items()} == {
        "a": (2.5, 3),
        "b": (1.0, 3),
        "c": (0.5, 2),
    }
    assert list(found) == ["a", "b", "c"]
    assert found["a"].rate == pytest.approx(2.5 / 3)
    assert (found["a"].low, found["a"].high) == wilson_interval(2.5, 3)


def test_no_votes_no_rates():
    assert win_rates([]) == {}


@pytest.mark.parametrize(("wins", "n"), [(0, 0), (3, 2), (-1, 2)])
def test_impossible_counts_are_refused(wins, n):
    with pytest.raises(GapShapeError, match="count again"):
        wilson_interval(wins, n)
