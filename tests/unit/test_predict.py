"""Predicted rewards against a naive solution of the kriging system, and against refits."""

import numpy as np
import pytest

from vcsoup.errors import GapShapeError
from vcsoup.evaluation.predict import fit_surface
from vcsoup.soup.weights import simplex_grid


def bent(weights, rng=None, noise=0.0):
    """Rewards that bend: the square root of a weight less a part of the others."""
    rewards = np.sqrt(weights) - 0.3 * (weights.sum(axis=1, keepdims=True) - weights)
    return rewards + (rng.normal(0, noise, rewards.shape) if rng is not None else 0.0)


def naive(soups, rewards, asked, *, length, noise, scale):
    """Best linear unbiased prediction from the bordered system [V F; F' 0], one point at a time.

    On the simplex the trend [1, w] is spanned by w alone.
    """

    def correlation(a, b):
        return np.exp(-((a - b) ** 2).sum() / (2 * length**2))

    m, K = soups.shape
    system = np.zeros((m + K, m + K))
    for i in range(m):
        for j in range(m):
            system[i, j] = correlation(soups[i], soups[j]) + (noise if i == j else 0.0)
        system[i, m:] = system[m:, i] = soups[i]
    right = np.array([*[correlation(asked, soup) for soup in soups], *asked])
    solved = np.linalg.solve(system, right)
    variance = scale * (1 + noise - solved @ right)
    return solved[:m] @ rewards, np.sqrt(variance)


@pytest.fixture
def measured():
    rng = np.random.default_rng(3)
    soups = simplex_grid(3, 5)
    return soups, bent(soups, rng, 0.05)


def test_prediction_is_the_kriging_system_solved_naively(measured):
    """Averaged over the ways to bend: a mixture's mean, and its variance within and between."""
    soups, rewards = measured
    surface = fit_surface(soups, rewards)
    assert surface.method == "regression"
    asked = np.array([[0.1, 0.25, 0.65], [0.4, 0.4, 0.2]])
    found = surface.predict(asked)
    for k, part in enumerate(surface._parts):
        assert part.shares.sum() == pytest.approx(1.0)
        for row, soup in enumerate(asked):
            each = [naive(soups, rewards[:, k], soup, **bend_of(fit)) for fit in part.fits]
            means, sds = np.array(each).T
            mean = np.average(means, weights=part.shares)
            between = np.average((means - mean) ** 2, weights=part.shares)
            variance = np.average(sds**2, weights=part.shares) + between
            assert found.mean[row, k] == pytest.approx(mean, abs=1e-9)
            assert found.sd[row, k] == pytest.approx(np.sqrt(variance), abs=1e-9)
    # 21 soups less the 3 directions of the line
    np.testing.assert_allclose(found.reach, 2.1009 * found.sd, rtol=1e-3)


def bend_of(fit):
    return {"length": fit._bend.length, "noise": fit._bend.noise, "scale": fit._scale}


def test_likely_ways_to_bend_weigh_by_their_restricted_likelihood(measured):
    """Against the textbook formula with the error contrasts' own determinant, no shortcut."""
    soups, rewards = measured
    part = fit_surface(soups, rewards)._parts[0]
    values, vectors = np.linalg.eigh(np.eye(len(soups)) - soups @ np.linalg.pinv(soups))
    contrasts = vectors[:, values > 0.5]
    assert contrasts.shape[1] == len(soups) - 3
    heights = []
    for fit in part.fits:
        length, noise = fit._bend.length, fit._bend.noise
        squared = ((soups[:, None] - soups[None]) ** 2).sum(axis=2)
        V = np.exp(-squared / (2 * length**2)) + noise * np.eye(len(soups))
        inner, rest = contrasts.T @ V @ contrasts, contrasts.T @ rewards[:, 0]
        scale = rest @ np.linalg.solve(inner, rest) / len(rest)
        heights.append(-0.5 * (len(rest) * np.log(scale) + np.linalg.slogdet(inner)[1]))
    shares = np.exp(np.array(heights) - max(heights))
    np.testing.assert_allclose(part.shares, shares / shares.sum(), rtol=1e-6)


def test_leave_one_out_is_what_a_refit_without_the_point_says(measured):
    soups, rewards = measured
    surface = fit_surface(soups, rewards)
    errors = np.stack([part.left_out() for part in surface._parts], axis=1)
    for k, part in enumerate(surface._parts):
        for i in range(len(soups)):
            rest = np.arange(len(soups)) != i
            means = [
                naive(soups[rest], rewards[rest, k], soups[i], **bend_of(fit))[0]
                for fit in part.fits
            ]
            mean = np.average(means, weights=part.shares)
            assert errors[i, k] == pytest.approx(rewards[i, k] - mean, abs=1e-8)
    np.testing.assert_allclose(surface.error, np.sqrt((errors**2).mean(axis=0)))


def test_a_bent_reward_is_predicted_better_than_by_the_straight_line():
    rng = np.random.default_rng(0)
    soups = simplex_grid(3, 4)
    rewards = bent(soups, rng, 0.02)
    asked = rng.dirichlet([1, 1, 1], 100)
    truth = bent(asked)
    found = fit_surface(soups, rewards).predict(asked).mean
    line = asked @ rewards[[np.argmax(soups[:, k]) for k in range(3)]]
    assert np.abs(found - truth).mean() < 0.4 * np.abs(line - truth).mean()


@pytest.mark.parametrize("points", [6, 10, 20])
def test_the_interval_is_honest(points):
    """Over 60 worlds about 95 % of new measurements lie within it, also with few points."""
    inside = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        soups = np.vstack([np.eye(3), rng.dirichlet([1, 1, 1], points - 3)])
        asked = rng.dirichlet([1, 1, 1], 20)
        found = fit_surface(soups, bent(soups, rng, 0.1)).predict(asked)
        inside.append(np.abs(bent(asked, rng, 0.1) - found.mean) < found.reach)
    assert 0.92 < np.mean(inside) < 0.99


def test_uncertainty_grows_away_from_the_measured_soups(measured):
    soups, rewards = measured
    near_first = soups[:, 0] >= 0.6
    found = fit_surface(soups[near_first], rewards[near_first]).predict(
        [[0.8, 0.1, 0.1], [0.0, 0.5, 0.5]]
    )
    assert (found.sd[1] > found.sd[0]).all()


def test_few_points_give_the_straight_line_without_a_claim():
    """0.25 of (2, 0) and 0.75 of (0, 4)."""
    surface = fit_surface([[1, 0], [0, 1], [0.5, 0.5]], [[2, 0], [0, 4], [3, 3]])
    assert surface.method == "straight line"
    found = surface.predict([0.25, 0.75])
    np.testing.assert_allclose(found.mean, [[0.5, 3.0]])
    assert np.isnan(found.sd).all()
    assert np.isnan(surface.error).all()


def test_nothing_is_predicted_while_a_corner_is_missing():
    assert fit_surface([[1.0, 0.0], [0.5, 0.5]], [[2, 0], [1, 1]]) is None


def test_a_point_taken_as_given_is_predicted_there(measured):
    soups, rewards = measured
    surface = fit_surface(soups, rewards)
    there = np.array([0.33, 0.33, 0.34])
    before = surface.predict(there)
    raised = surface.given(there, before.mean[0] + 0.5)
    assert raised.points == surface.points + 1
    assert (raised.predict(there).mean > before.mean).all()
    assert (surface.given(there, before.mean[0]).predict(there).sd < before.sd).all()


def test_free_weights_and_the_base_are_fitted_too():
    rng = np.random.default_rng(1)
    soups = np.vstack([np.zeros((1, 2)), rng.uniform(-0.5, 1.5, (12, 2))])
    truth = soups @ np.array([[1.0, -0.5], [0.25, 2.0]]) + [0.1, 0.2]
    found = fit_surface(soups, truth).predict([[1.2, -0.3]])
    np.testing.assert_allclose(found.mean, [[1.225, -1.0]], atol=1e-6)


def test_eight_values():
    rng = np.random.default_rng(2)
    soups = np.vstack([np.eye(8), rng.dirichlet(np.ones(8), 30)])
    found = fit_surface(soups, bent(soups, rng, 0.05)).predict(np.full(8, 1 / 8))
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.sd).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_surface([[1.0, 0.0]], [1.0]), r"got \(1, 2\) and \(1,\)"),
        (lambda: fit_surface([[1.0, 0.0]], [[np.nan, 1.0]]), "finite"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(GapShapeError, match=message):
        call()
