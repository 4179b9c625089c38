"""Front, hypervolume, best balanced point and selection, on points drawn by hand."""

import moocore
import numpy as np
import pytest

from vcsoup.errors import GapShapeError, UnknownValueError
from vcsoup.evaluation.front import best_balanced, hypervolume, pareto_front, select
from vcsoup.soup.weights import simplex_grid

#            corner    corner    middle    dominated  duplicate of the middle
POINTS = [[3.0, 0.0], [0.0, 3.0], [2.0, 2.0], [1.0, 1.0], [2.0, 2.0]]


def test_front_keeps_what_nothing_beats_with_duplicates():
    np.testing.assert_array_equal(pareto_front(POINTS), [True, True, True, False, True])


def test_a_tie_on_one_value_is_still_dominated():
    np.testing.assert_array_equal(pareto_front([[1.0, 1.0], [1.0, 2.0]]), [False, True])


def test_front_of_four_values():
    rewards = [[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0.5, 0, 0]]
    np.testing.assert_array_equal(pareto_front(rewards), [True, True, True, False])


def test_no_points_have_an_empty_front_and_no_volume():
    assert pareto_front(np.zeros((0, 2))).shape == (0,)
    assert hypervolume(np.zeros((0, 2)), [0, 0]) == 0.0


def test_hypervolume_of_a_staircase():
    """Above (0, 0): the middle square 2 x 2 is 4; the corners have no area."""
    assert hypervolume(POINTS, [0, 0]) == pytest.approx(4.0, abs=1e-12)


def test_hypervolume_from_a_lower_reference():
    """Above (-1, -1): 3 x 3 of the middle, and 1 x 1 more for each corner: 11."""
    assert hypervolume(POINTS, [-1, -1]) == pytest.approx(11.0, abs=1e-12)


def test_points_below_the_reference_add_nothing():
    assert hypervolume([[2.0, -5.0], [1.0, 1.0]], [0, 0]) == pytest.approx(1.0, abs=1e-12)
    assert hypervolume([[-1.0, -1.0]], [0, 0]) == 0.0


def test_hypervolume_of_a_box_with_a_notch():
    """2 x 2 x 1 and 1 x 1 x 2 share 1 x 1 x 1: 4 + 2 - 1."""
    assert hypervolume([[2, 2, 1], [1, 1, 2]], [0, 0, 0]) == pytest.approx(5.0, abs=1e-12)


def test_hypervolume_of_a_whole_grid_of_eight_values_ends():
    """330 soups: exact volumes of 120 take seconds, of these more than anybody waits for.

    The volume is compared with the share of points drawn in the box around that some soup covers.
    """
    rng = np.random.default_rng(0)
    soups = np.sqrt(simplex_grid(8, 4)) + rng.normal(0, 0.05, (330, 8))
    corner = soups.min(axis=0)
    found = hypervolume(soups, corner)
    drawn = corner + rng.random((400_000, 8)) * (soups.max(axis=0) - corner)
    under = np.zeros(len(drawn), dtype=bool)
    for soup in soups:
        under |= (drawn <= soup).all(axis=1)
    box = float(np.prod(soups.max(axis=0) - corner))
    error = 3 * box * np.sqrt(under.mean() / len(drawn))
    assert found == pytest.approx(under.mean() * box, abs=error + 0.01 * found)


def test_hypervolumes_of_many_points_are_those_of_the_exact_algorithm_to_one_in_a_hundred():
    rng = np.random.default_rng(1)
    points = np.sqrt(rng.dirichlet(np.ones(7), 100)) + rng.normal(0, 0.05, (100, 7))
    corner = points.min(axis=0)
    exact = moocore.hypervolume(points, ref=corner, maximise=True)
    assert hypervolume(points, corner) == pytest.approx(exact, rel=0.01)
    assert hypervolume(points[:48], corner) == pytest.approx(
        moocore.hypervolume(points[:48], ref=corner, maximise=True), rel=1e-12
    )


def test_best_balanced_takes_the_largest_worst_gain():
    """Over the base (0, 1) the gains are (3, -1), (0, 2), (2, 1), (1, 0): worst -1, 0, 1, 0."""
    assert best_balanced(POINTS, [0.0, 1.0]) == (2, 1.0)


def test_scale_changes_who_is_balanced():
    """In units (1, 10) the gains are (1, 0.1) and (0.2, 0.4): worst 0.1 and 0.2."""
    assert best_balanced([[1, 1], [0.2, 4]], [0, 0]) == (0, 1.0)
    index, gain = best_balanced([[1, 1], [0.2, 4]], [0, 0], scale=[1, 10])
    assert (index, gain) == (1, pytest.approx(0.2))


def test_best_balanced_can_be_a_loss():
    assert best_balanced([[-1.0, 5.0]], [0, 0]) == (0, -1.0)


def test_select_maximises_under_a_minimum():
    assert select(POINTS, {1: 2.0}, maximise=0) == 2
    assert select(POINTS, {1: 2.5}, maximise=0) == 1
    assert select(POINTS, {}, maximise=0) == 0


def test_select_says_when_nothing_will_do():
    assert select(POINTS, {0: 2.5, 1: 2.5}, maximise=0) is None
    assert select(np.zeros((0, 2)), {}, maximise=0) is None


def test_select_breaks_ties_away_from_dominated_points():
    assert select([[1.0, 0.0], [1.0, 2.0], [1.0, 1.0]], {}, maximise=0) == 1


@pytest.mark.parametrize("column", [-1, 2])
def test_select_names_an_unknown_column(column):
    with pytest.raises(UnknownValueError, match="columns 0 to 1"):
        select(POINTS, {}, maximise=column)
    with pytest.raises(UnknownValueError, match="columns 0 to 1"):
        select(POINTS, {column: 0.0}, maximise=0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pareto_front([1.0, 2.0]), r"shape \(m, K\), got \(2,\)"),
        (lambda: pareto_front([[1.0, np.nan]]), r"got nan at \(0, 1\)"),
        (lambda: hypervolume(POINTS, [0.0]), r"reference of shape \(2,\), got \(1,\)"),
        (
            lambda: hypervolume(POINTS, [0.0, np.inf]),
            r"reference must be finite, got inf at \(1,\)",
        ),
        (lambda: best_balanced(np.zeros((0, 2)), [0, 0]), "at least one point"),
        (lambda: best_balanced(POINTS, [0, 0], scale=[1, 0]), "positive"),
        (lambda: select(POINTS, {0: np.nan}, maximise=1), "minimum of column 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(GapShapeError, match=message):
        call()
