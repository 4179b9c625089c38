"""What an arm is worth, with numbers worked out by hand."""

import numpy as np
import pytest

from vcsoup.study.scoring import (
    balanced,
    drawn_means,
    hypervolumes,
    igd_plus,
    utility,
    yardstick,
)

ALL = np.full((1, 4), 0.25)  # four prompts, one draw: all of them


def constant(points):
    """Gains (1, m, 4, K) that are the same on every prompt."""
    return np.repeat(np.array(points, dtype=float)[None, :, None, :], 4, axis=2)


def stick_of(base, *arms):
    return yardstick(base, None, list(arms))


BASE = np.array([[[0.0, 0.0], [2.0, 4.0], [0.0, 0.0], [2.0, 4.0]]])  # (1, 4, 2)


def test_the_base_alone_has_volume_one():
    """Reference -1 on both values, the base at 0: a square of side 1."""
    stick = stick_of(BASE, np.repeat(BASE[:, None], 2, axis=1))
    np.testing.assert_allclose(hypervolumes(constant([[0, 0]]), ALL, stick), 1.0)


def test_hypervolume_of_two_points():
    """(1, 0) and (0, 1) above (-1, -1): 2x1 + 1x2 - 1x1 = 3."""
    stick = stick_of(BASE, np.repeat(BASE[:, None], 2, axis=1))
    np.testing.assert_allclose(hypervolumes(constant([[1, 0], [0, 1]]), ALL, stick), 3.0)


def test_units_are_within_seed_deviations_of_the_base():
    """Both seeds have deviations 1.155 and 2.309 (ddof 1), whatever their means."""
    shifted = np.concatenate([BASE, BASE + 100])
    stick = stick_of(shifted, shifted[:, None])
    np.testing.assert_allclose(stick.unit, np.array([1, 2]) * 2 / np.sqrt(3))


def test_igd_plus_counts_only_what_is_missing():
    """The best front is (2, 0), (0, 2). (2, 2) lacks nothing; (0, 0) lacks 2 of each: mean 2."""
    unit = stick_of(BASE, BASE[:, None]).unit
    arms = np.stack([BASE + unit * np.array(g) for g in ([2, 0], [0, 2])], axis=1)
    stick = stick_of(BASE, arms)
    np.testing.assert_allclose(sorted(stick.ideal.tolist()), [[0, 2], [2, 0]], atol=1e-12)
    np.testing.assert_allclose(igd_plus(constant([[2, 2]]), ALL, stick), 0.0)
    np.testing.assert_allclose(igd_plus(constant([[0, 0]]), ALL, stick), 2.0)


def test_the_luck_of_choosing_does_not_count():
    """Soup A is good on even prompts, B on odd ones, by 1 either way; chosen apart, both lose.

    On even prompts A has 1 and B -1, on odd ones the reverse. Chosen on even: A, worth -1 on odd.
    """
    a, b = [1.0, -1.0, 1.0, -1.0], [-1.0, 1.0, -1.0, 1.0]
    gains = np.array([[np.stack([a, a], axis=1), np.stack([b, b], axis=1)]])
    np.testing.assert_allclose(balanced(gains, ALL), -1.0)


def test_the_best_balanced_point_is_worth_its_worst_value():
    np.testing.assert_allclose(balanced(constant([[3, 0.1], [0.5, 0.6]]), ALL), 0.5)


def test_utility_is_what_was_asked_for():
    """Asked for value 1 it gains 3, asked for an even mix of both (1 + 5) / 2 = 3: mean 3."""
    asked = np.array([[1.0, 0.0], [0.5, 0.5]])
    np.testing.assert_allclose(utility(constant([[3, 9], [1, 5]]), ALL, asked), 3.0)


def test_draws_are_means_over_prompts():
    gains = np.arange(8, dtype=float).reshape(1, 1, 4, 2)
    shares = np.array([[0.25] * 4, [1.0, 0, 0, 0], [0, 0.5, 0.5, 0]])
    np.testing.assert_allclose(drawn_means(gains, shares)[0, :, 0], [[3, 4], [0, 1], [3, 4]])


def test_a_points_far_below_the_base_adds_nothing():
    stick = stick_of(BASE, np.repeat(BASE[:, None], 2, axis=1))
    with_bad = hypervolumes(constant([[0, 0], [9, -1.5]]), ALL, stick)
    assert with_bad == pytest.approx(1.0)
