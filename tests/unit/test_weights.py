"""Weights: the simplex, its grid, the linked sliders and the text form, by hand."""

import numpy as np
import pytest

from vcsoup.errors import UnknownValueError, WeightsError
from vcsoup.soup.weights import (
    check_no_specks,
    check_weights,
    corners,
    format_weights,
    link_weights,
    parse_weights,
    simplex_grid,
    without_specks,
)

VALUES = ["helpful", "harmless", "humorous"]


def test_check_returns_a_fresh_float64_copy():
    given = np.array([1, 0], dtype=np.int64)
    checked = check_weights(given, 2)
    assert checked.dtype == np.float64
    checked[0] = 9
    assert given[0] == 1


def test_sum_may_be_off_by_a_millionth_and_not_by_more():
    check_weights([0.5, 0.5000009], 2)
    with pytest.raises(WeightsError, match=r"sum to one.*sum 1\.000002;"):
        check_weights([0.5, 0.500002], 2)


def test_free_weights_may_be_negative_or_all_zero():
    np.testing.assert_array_equal(check_weights([-0.5, 2.0], 2, free=True), [-0.5, 2.0])
    np.testing.assert_array_equal(check_weights([0, 0], 2, free=True), [0.0, 0.0])


def test_a_weight_that_six_decimals_call_zero_is_a_speck():
    weights = np.array([[5.1e-7, 1.0], [4.9e-7, 1.0], [-1e-7, 0.0]])
    np.testing.assert_array_equal(without_specks(weights), [[5.1e-7, 1.0], [0.0, 1.0], [0.0, 0.0]])
    np.testing.assert_array_equal(check_no_specks(weights[0]), weights[0])
    with pytest.raises(WeightsError, match="weight -1e-07 cannot be told from 0"):
        check_no_specks(weights[2])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([0.5, 0.4], r"sum to one, got \(0\.5, 0\.4\) with sum 0\.9; divide each by 0\.9"),
        ([0.0, 0.0], r"try 0\.5 for each"),
        ([1.5, -0.5], "must not be negative"),
        ([1.0], r"expected 2 weights, one per value, got shape \(1,\)"),
        ([[0.5, 0.5]], r"shape \(1, 2\)"),
        ([np.nan, 1.0], "must be finite"),
        (["a", "b"], "must be 2 numbers"),
    ],
)
def test_bad_weights_are_named_with_a_remedy(weights, message):
    with pytest.raises(WeightsError, match=message) as caught:
        check_weights(weights, 2)
    assert "\n" not in str(caught.value)


def test_grid_of_three_values_in_two_steps():
    expected = [[1, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1]]
    np.testing.assert_array_equal(simplex_grid(3, 2), expected)


def test_grid_has_every_point_once():
    """C(10 + 4 - 1, 3) = 286 compositions of ten tenths into four parts."""
    grid = simplex_grid(4, 10)
    assert grid.shape == (286, 4)
    assert len({tuple(row) for row in grid.tolist()}) == 286
    np.testing.assert_array_equal(np.rint(grid * 10).sum(axis=1), 10)
    np.testing.assert_allclose(grid.sum(axis=1), 1.0, rtol=0, atol=3e-16)


def test_grid_points_equal_typed_numbers():
    assert [0.7, 0.3] in simplex_grid(2, 10).tolist()


def test_grid_in_one_step_is_the_corners():
    np.testing.assert_array_equal(simplex_grid(3, 1), corners(3))


@pytest.mark.parametrize(("K", "steps"), [(1, 3), (2, 0), (10, 30)])
def test_grids_without_sense_are_refused(K, steps):
    with pytest.raises(WeightsError, match="steps"):
        simplex_grid(K, steps)


def test_one_value_has_no_soup():
    with pytest.raises(WeightsError, match="at least 2 values"):
        corners(1)


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        # the others keep 1 : 3 of what is left
        (([0.2, 0.2, 0.6], 0, 0.6, ()), [0.6, 0.1, 0.3]),
        (([0.2, 0.2, 0.6], 0, 0.0, ()), [0.0, 0.25, 0.75]),
        # nothing to keep in proportion: equal shares
        (([1.0, 0.0, 0.0], 0, 0.4, ()), [0.4, 0.3, 0.3]),
        # the locked third holds 0.6, so 0.4 is all there is
        (([0.2, 0.2, 0.6], 0, 0.9, (2,)), [0.4, 0.0, 0.6]),
        (([0.2, 0.2, 0.6], 0, 0.1, (2,)), [0.1, 0.3, 0.6]),
        # every other one is locked: nothing gives way
        (([0.2, 0.2, 0.6], 0, 0.9, (1, 2)), [0.2, 0.2, 0.6]),
        # out of range is clamped
        (([0.5, 0.5], 1, 1.7, ()), [0.0, 1.0]),
        (([0.5, 0.5], 1, -2.0, ()), [1.0, 0.0]),
    ],
)
def test_linked_weights_by_hand(move, expected):
    weights, index, value, locked = move
    moved = link_weights(weights, index, value, locked=locked)
    np.testing.assert_allclose(moved, expected, rtol=0, atol=1e-15)


def test_linking_leaves_its_argument_alone():
    weights = np.array([0.5, 0.5])
    link_weights(weights, 0, 0.9)
    np.testing.assert_array_equal(weights, [0.5, 0.5])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.5, 0.5], 2, 0.1, ()), "index from 0 to 1, got 2"),
        (([0.5, 0.5], 0, 0.1, (0,)), "locked; unlock"),
        (([0.5, 0.5], 0, 0.1, (5,)), "got 5"),
        (([0.5, 0.5], 0, float("nan"), ()), "finite"),
        (([0.5, 0.6], 0, 0.1, ()), "sum to one"),
    ],
)
def test_impossible_moves_are_refused(arguments, message):
    weights, index, value, locked = arguments
    with pytest.raises(WeightsError, match=message):
        link_weights(weights, index, value, locked=locked)


def test_text_in_any_order_with_blanks_and_missing_values():
    weights = parse_weights(" harmless = 0.75 , helpful=.25 ", VALUES)
    np.testing.assert_array_equal(weights, [0.25, 0.75, 0.0])


def test_text_out_is_short_and_reads_back():
    assert format_weights([0.5, 0.5, 0.0], VALUES) == "helpful=0.5,harmless=0.5,humorous=0"
    assert format_weights([-0.0, 1, 0], VALUES) == "helpful=0,harmless=1,humorous=0"


def test_free_text():
    np.testing.assert_array_equal(parse_weights("humorous=-1", VALUES, free=True), [0, 0, -1])


def test_an_unknown_value_is_told_the_known_ones():
    with pytest.raises(UnknownValueError, match=r"'kind'.*helpful, harmless, humorous"):
        parse_weights("kind=1", VALUES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected value=number, got ''"),
        ("helpful", "expected value=number, got 'helpful'"),
        ("helpful=much", "expected value=number"),
        ("helpful=0.5,helpful=0.5", "given twice"),
        ("helpful=0.5", "sum to one"),
        ("helpful=nan,harmless=1", "finite"),
        ("helpful=0.5,harmless=0.5,", "expected value=number, got ''"),
    ],
)
def test_bad_text_is_named(text, message):
    with pytest.raises(WeightsError, match=message):
        parse_weights(text, VALUES)
