"""What a range of thresholds keeps; figures by hand."""

import numpy as np
import pytest

from vcsoup.errors import FilterError, GapShapeError
from vcsoup.sweep import gap_norms, likely_flips, sweep, threshold_for_share

# Consistency 1, 0, 0, -1; norms sqrt 2, sqrt 8, 0, sqrt 18.
GAPS = [[1.0, 1.0], [2.0, -2.0], [0.0, 0.0], [-3.0, -3.0]]
LENGTHS = [[99, 10, 4], [99, 5, 7], [99, 1, 1], [99, 0, 8]]


def test_every_figure_of_a_sweep():
    """At 0 the first three are kept: gaps mean [1, -1/3], one conflict, longer by 6, -2, 0."""
    found = sweep(GAPS, LENGTHS, [0.5, -1.0, 0.0])
    np.testing.assert_array_equal(found.threshold, [0.5, -1.0, 0.0])
    np.testing.assert_array_equal(found.kept, [1, 4, 3])
    np.testing.assert_array_equal(found.share, [0.25, 1.0, 0.75])
    np.testing.assert_allclose(found.mean_gap, [[1, 1], [0, -1], [1, -1 / 3]])
    np.testing.assert_allclose(found.conflict_rate, [0, 0.5, 1 / 3])
    np.testing.assert_allclose(found.length_bias, [6, -1, 4 / 3])


def test_a_least_norm_leaves_weak_pairs_out_of_everything():
    """A least norm of 2 leaves the second and the fourth pair; at 0.5 nothing is kept."""
    found = sweep(GAPS, LENGTHS, [-1.0, 0.0, 0.5], min_norm=2.0)
    np.testing.assert_array_equal(found.kept, [2, 1, 0])
    np.testing.assert_allclose(found.length_bias, [-5, -2, np.nan])
    np.testing.assert_allclose(found.conflict_rate, [1, 1, np.nan])
    assert np.isnan(found.mean_gap[2]).all()


def test_two_columns_of_lengths_are_chosen_and_rejected():
    two = [row[1:] for row in LENGTHS]
    expected = sweep(GAPS, LENGTHS, [0.0]).length_bias
    np.testing.assert_array_equal(sweep(GAPS, two, [0.0]).length_bias, expected)


def test_a_threshold_asked_twice_is_answered_twice():
    np.testing.assert_array_equal(sweep(GAPS, LENGTHS, [0.0, 0.0]).kept, [3, 3])


@pytest.mark.parametrize(
    ("lengths", "thresholds", "message"),
    [
        (LENGTHS[:3], [0.0], r"lengths of shape \(4, 2\) or wider, got \(3, 3\)"),
        ([[1]] * 4, [0.0], "chosen and rejected for every pair"),
        (LENGTHS, [1.5], "from -1 to 1"),
        (LENGTHS, [np.nan], "from -1 to 1"),
        (LENGTHS, [[0.0]], r"shape \(t,\)"),
    ],
)
def test_a_sweep_refuses(lengths, thresholds, message):
    with pytest.raises(GapShapeError, match=message):
        sweep(GAPS, lengths, thresholds)


def test_a_sweep_needs_a_pair():
    with pytest.raises(GapShapeError, match="at least one pair"):
        sweep(np.empty((0, 2)), np.empty((0, 2)), [0.0])


@pytest.mark.parametrize(
    ("share", "threshold"),
    [(0.01, 0.9), (0.2, 0.9), (0.21, 0.5), (0.4, 0.5), (0.6, 0.5), (0.61, 0.1), (1.0, -1.0)],
)
def test_the_threshold_of_a_share_is_the_value_of_a_pair(share, threshold):
    """Of five pairs, 0.21 asks for two; the second and third are tied at 0.5."""
    assert threshold_for_share([0.5, -1.0, 0.9, 0.1, 0.5], share) == threshold


def test_a_share_of_a_hundred_is_not_spoilt_by_rounding():
    """0.07 x 100 = 7.000000000000001: seven pairs are enough, so the threshold is the seventh."""
    consistency = np.linspace(1, -1, 100)
    assert threshold_for_share(consistency, 0.07) == consistency[6]


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, float("nan")])
def test_shares_out_of_range(share):
    with pytest.raises(FilterError, match="outside 0 to 1"):
        threshold_for_share([0.5], share)


def test_likely_flips_count_the_tie_and_need_a_threshold():
    assert likely_flips([-0.5, -0.49, 0.5, -1.0], 0.5).tolist() == [True, False, False, True]
    for threshold in (0.0, -0.5, 1.1, float("nan")):
        with pytest.raises(FilterError, match="above 0"):
            likely_flips([0.0], threshold)


def test_norms():
    np.testing.assert_allclose(gap_norms(GAPS) ** 2, [2, 8, 0, 18])
