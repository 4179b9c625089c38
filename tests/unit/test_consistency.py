"""Gaps, scale, consistency and keep mask against numbers worked out by hand."""

import math

import numpy as np
import pytest

from vcsoup.consistency import (
    agreement_threshold,
    keep_mask,
    reward_gaps,
    reward_scale,
    value_consistency,
)
from vcsoup.errors import GapShapeError

CHOSEN = [[1.0, 4.0], [3.0, 0.0]]
REJECTED = [[0.0, 5.0], [1.0, 0.0]]


def test_gaps_are_chosen_minus_rejected_and_not_scaled():
    np.testing.assert_array_equal(reward_gaps(CHOSEN, REJECTED), [[1.0, -1.0], [2.0, 0.0]])


def test_gaps_of_float32_rewards_are_subtracted_in_float64():
    """In float32 1.0000001 - 1e-8 would round back; the float64 difference keeps both."""
    chosen, rejected = np.float32([[1.0, 1.0]]), np.float32([[1e-8, 0.0]])
    gaps = reward_gaps(chosen, rejected)
    assert gaps.dtype == np.float64
    assert gaps[0, 0] == 1.0 - float(np.float32(1e-8))


def test_scale_is_the_sample_deviation_of_both_sides_pooled():
    """Column 0 pools 1, 3, 0, 1: mean 5/4, squares sum 19/4, over 3: sqrt(19/12).

    Column 1 pools 4, 0, 5, 0: mean 9/4, squares sum 83/4, over 3: sqrt(83/12).
    """
    expected = [math.sqrt(19 / 12), math.sqrt(83 / 12)]
    np.testing.assert_allclose(reward_scale(CHOSEN, REJECTED), expected, rtol=1e-15)


def test_a_constant_reward_is_refused_by_its_column_even_when_rounding_hides_it():
    """The mean of three 0.1 is not 0.1, so a deviation computed from it is not zero."""
    chosen, rejected = [[1.0, 0.1], [2.0, 0.1], [3.0, 0.1]], [[0.0, 0.1], [1.0, 0.1], [0.5, 0.1]]
    with pytest.raises(GapShapeError, match=r"value column 1 are all 0\.1.*how it is asked"):
        reward_scale(chosen, rejected)


def test_scale_needs_a_pair():
    with pytest.raises(GapShapeError, match="at least one pair"):
        reward_scale(np.zeros((0, 2)), np.zeros((0, 2)))


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ([3.0, 3.0], 1.0),  # full agreement
        ([-2.0, -2.0], -1.0),  # every value prefers the rejected answer
        ([1.0, -1.0], 0.0),  # as much for as against
        ([1.0, 0.0], 1 / math.sqrt(2)),  # one value, the other silent
        ([3.0, 4.0], 7 / (5 * math.sqrt(2))),  # (3 + 4) / (5 sqrt 2)
        ([0.0, 0.0], 0.0),  # no evidence
        ([2.0, 2.0, -1.0], 3 / (3 * math.sqrt(3))),  # (2 + 2 - 1) / (3 sqrt 3)
        ([1.0, 1.0, 1.0, 0.0], 3 / (math.sqrt(3) * 2)),  # the agreement threshold of K = 4
        ([1e200, 1e200], 1.0),  # squares would overflow
        ([5e-324, 5e-324], 1.0),  # squares would vanish
    ],
)
def test_consistency_is_the_cosine_with_all_ones(gaps, expected):
    assert value_consistency([gaps])[0] == pytest.approx(expected, abs=1e-15)


def test_full_agreement_reaches_one_exactly_so_that_threshold_one_keeps_it():
    gaps = np.repeat(np.array([[0.1], [0.3], [7.7], [1e-9]]), 3, axis=1)
    assert (value_consistency(gaps) == 1.0).all()


def test_no_pairs_give_no_consistency():
    assert value_consistency(np.zeros((0, 3))).shape == (0,)


def test_keep_mask_keeps_the_threshold_itself():
    np.testing.assert_array_equal(keep_mask([0.1, 0.5, 0.9], 0.5), [False, True, True])
    assert keep_mask([-1.0, 1.0], -1).all()


@pytest.mark.parametrize(("K", "expected"), [(2, 0.7071067811865476), (3, 0.8164965809277260)])
def test_agreement_threshold(K, expected):
    assert agreement_threshold(K) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("K", [2, 3, 5])
def test_just_above_the_agreement_threshold_no_gap_is_negative(K):
    """K-1 equal gaps and one of -0.01 stay below it; one of +0.01 goes above."""
    gaps = np.ones((2, K))
    gaps[:, 0] = [-0.01, 0.01]
    below, above = value_consistency(gaps)
    assert below < agreement_threshold(K) < above


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: value_consistency([[1.0], [2.0]]), r"K >= 2 values, got \(2, 1\)"),
        (lambda: value_consistency([1.0, 2.0]), r"shape \(n, K\).*got \(2,\)"),
        (lambda: value_consistency([[0, 1], [1, np.nan]]), "got nan in row 1, value column 1"),
        (
            lambda: reward_gaps([[np.inf, 0]], [[0, 0]]),
            "chosen rewards .*inf in row 0, value column 0",
        ),
        (lambda: reward_gaps([[1, 0]], [[0, np.nan]]), "rejected rewards .*row 0, value column 1"),
        (lambda: reward_gaps(np.zeros((2, 2)), np.zeros((3, 2))), r"\(2, 2\) and \(3, 2\)"),
        (lambda: reward_gaps([["a", "b"]], [[0, 0]]), "must be numbers"),
        (lambda: keep_mask([0.0], np.nan), "from -1 to 1, got nan"),
        (lambda: keep_mask([0.0], 1.5), r"from -1 to 1, got 1\.5"),
        (lambda: keep_mask([0.0, np.nan], 0.0), "got nan in row 1"),
        (lambda: keep_mask([[0.0]], 0.0), r"shape \(n,\), got \(1, 1\)"),
        (lambda: agreement_threshold(1), "K >= 2"),
    ],
)
def test_bad_input_is_named_in_one_line(call, message):
    with pytest.raises(GapShapeError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
