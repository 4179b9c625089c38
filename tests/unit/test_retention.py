"""The chance line against hand-made numbers and simulation."""

import math

import numpy as np
import pytest

from vcsoup.consistency import chance_retention
from vcsoup.errors import GapShapeError
from vcsoup.sweep import sweep


@pytest.mark.parametrize(
    ("K", "expected"),
    [
        (2, [1.0, 1 / 2, 1 / 3, 0.0]),  # arccos(tau) / pi
        (3, [1.0, 1 / 2, 1 / 4, 0.0]),  # (1 - tau) / 2, Archimedes
        (4, [1.0, 1 / 2, 1 / 3 - math.sqrt(3) / (4 * math.pi), 0.0]),  # (t - sin t cos t) / pi
        (5, [1.0, 1 / 2, 5 / 32, 0.0]),  # 1/2 - 3 tau / 4 + tau^3 / 4
    ],
)
def test_chance_in_closed_form(K, expected):
    np.testing.assert_allclose(chance_retention([-1, 0, 0.5, 1], K), expected, atol=1e-14)


def test_chance_at_the_landmarks_of_the_paper():
    np.testing.assert_allclose(chance_retention([0.7], 2), [0.253], atol=5e-4)
    np.testing.assert_allclose(chance_retention([0.7], 3), [0.15], atol=1e-12)


@pytest.mark.parametrize("K", [2, 3, 6, 7, 30])
def test_chance_agrees_with_numeric_integration(K):
    """Midpoint rule with 200,000 steps on sin^(K-2); the angle is cut off within a step: 2e-5."""
    tau = np.linspace(-0.95, 0.95, 7)
    angle = (np.arange(200_000) + 0.5) * math.pi / 200_000
    density = np.sin(angle) ** (K - 2)
    expected = [density[angle <= math.acos(t)].sum() / density.sum() for t in tau]
    np.testing.assert_allclose(chance_retention(tau, K), expected, atol=2e-5)


@pytest.mark.parametrize("K", [2, 3, 4])
def test_chance_is_what_independent_gaps_keep(K):
    """200,000 random pairs: a share p has standard error sqrt(p(1-p)/n) <= 0.0012; five of them."""
    gaps = np.random.default_rng(7).normal(size=(200_000, K))
    thresholds = [-0.5, 0.0, 0.3, 0.5, 0.7, 0.9]
    share = sweep(gaps, np.zeros((len(gaps), 2)), thresholds).share
    np.testing.assert_allclose(share, chance_retention(thresholds, K), atol=0.006)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: chance_retention([0.0], 1), "K >= 2"),
        (lambda: chance_retention([np.nan], 2), "from -1 to 1, got nan"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(GapShapeError, match=message):
        call()
