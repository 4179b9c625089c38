"""Where measuring promises most: expected gains against a plain simulation, order and fallbacks."""

import numpy as np
import pytest

from vcsoup.errors import GapShapeError
from vcsoup.evaluation.explore import candidate_soups, expected_gains, propose, reference_point
from vcsoup.evaluation.front import hypervolume
from vcsoup.evaluation.predict import Prediction, fit_surface
from vcsoup.soup.weights import simplex_grid


class Known:
    """A surface that predicts what it is told."""

    def __init__(self, mean, sd):
        self.mean, self.sd = np.array(mean, dtype=float), np.array(sd, dtype=float)

    def predict(self, candidates):
        return Prediction(self.mean, self.sd, 2 * self.sd)


def test_a_certain_candidate_gains_exactly_its_volume():
    """Above (0, 0), (1, 1) gives 1; adding (2, 1) gives 2, adding (0.5, 0.5) nothing."""
    surface = Known([[2.0, 1.0], [0.5, 0.5], [-1.0, 5.0]], np.zeros((3, 2)))
    gains = expected_gains(
        surface, np.zeros((3, 2)), [[1.0, 1.0]], reference=[0, 0], rng=np.random.default_rng(0)
    )
    np.testing.assert_allclose(gains, [1.0, 0.0, 0.0], atol=1e-12)


def test_an_uncertain_candidate_gains_what_a_simulation_says():
    """20,000 plain draws; the estimate uses 48, so it is held to three of its standard errors."""
    front = np.array([[1.0, 0.2], [0.2, 1.0]])
    surface = Known([[0.7, 0.7]], [[0.3, 0.3]])
    draws = np.random.default_rng(9).normal(0.7, 0.3, (20_000, 2))
    single = np.array([hypervolume(np.vstack([front, d]), [0, 0]) for d in draws[:4000]])
    single -= hypervolume(front, [0, 0])
    found = [
        expected_gains(
            surface, np.zeros((1, 2)), front, reference=[0, 0], rng=np.random.default_rng(seed)
        )[0]
        for seed in range(20)
    ]
    error = single.std() / np.sqrt(48 * 20)
    assert np.mean(found) == pytest.approx(single.mean(), abs=3 * error)


def test_the_gap_in_the_front_comes_first():
    """Two values, rewards (sqrt a, sqrt b), measured but for the middle: the middle is proposed."""
    shares = np.array([0, 0.05, 0.1, 0.15, 0.2, 0.8, 0.85, 0.9, 0.95, 1.0])
    soups = np.stack([shares, 1 - shares], axis=1)
    found = propose(soups, np.sqrt(soups), 1, rng=np.random.default_rng(0))
    assert 0.3 <= found[0, 0] <= 0.7


def test_proposals_of_one_round_differ_and_are_not_measured_yet():
    rng = np.random.default_rng(1)
    soups = simplex_grid(3, 4)
    rewards = np.sqrt(soups) + rng.normal(0, 0.03, soups.shape)
    found = propose(soups, rewards, 5, rng=np.random.default_rng(2))
    assert found.shape == (5, 3)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    everything = np.vstack([soups, found])
    apart = np.abs(everything[:, None] - everything[None]).max(axis=2) + np.eye(len(everything))
    assert apart[len(soups) :].min() > 0.02
    again = propose(soups, rewards, 5, rng=np.random.default_rng(2))
    np.testing.assert_array_equal(again, found)


def test_without_enough_points_corners_come_first_then_the_widest_gap():
    found = propose(np.eye(3)[:1], np.ones((1, 3)), 3, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(found[:2], np.eye(3)[1:])
    assert found[2].max() < 0.5


def test_the_simplex_can_be_exhausted():
    soups = candidate_soups(5)
    left = propose(soups[2:], np.sqrt(soups[2:]), 10, rng=np.random.default_rng(0))
    assert len(left) == 2


@pytest.mark.parametrize("K", range(2, 9))
def test_candidates_stay_a_few_hundred(K):
    candidates = candidate_soups(K)
    assert 100 <= len(candidates) <= 260
    np.testing.assert_allclose(candidates.sum(axis=1), 1.0)


def test_the_reference_is_below_every_point():
    rewards = np.random.default_rng(0).normal(size=(10, 3))
    assert (reference_point(rewards) < rewards).all()
    assert (reference_point([[1.0, 1.0]]) < 1.0).all()


def test_bad_input_is_named():
    with pytest.raises(GapShapeError, match="n >= 1"):
        propose(np.eye(2), np.eye(2), 0, rng=np.random.default_rng(0))
    with pytest.raises(GapShapeError, match="one shape"):
        propose(np.eye(2), np.eye(3), 1, rng=np.random.default_rng(0))


def test_a_straight_line_is_no_regression():
    assert fit_surface(np.eye(3), np.eye(3)).method == "straight line"
