"""Core functions against the naive float64 twins in `tests/reference/naive.py`."""

import moocore
import numpy as np
import pytest

from tests.reference import naive
from vcsoup.consistency import (
    keep_mask,
    reward_gaps,
    reward_scale,
    value_consistency,
)
from vcsoup.evaluation.front import hypervolume, pareto_front
from vcsoup.sweep import sweep

# Both sides sum K or n float64 numbers of size one; they differ by the order of summation alone.
ROUNDING = 1e-13


def rewards(n, K, seed=0):
    rng = np.random.default_rng(seed)
    sides = rng.normal(size=(2, n, K)) * rng.uniform(0.1, 5, size=K) + rng.normal(size=K) * 20
    return sides.astype(np.float32)


@pytest.mark.parametrize("K", [2, 3, 4, 7])
def test_gaps_scale_consistency_and_mask(K):
    chosen, rejected = rewards(500, K, seed=K)
    gaps, scale = reward_gaps(chosen, rejected), reward_scale(chosen, rejected)
    np.testing.assert_array_equal(gaps, naive.reward_gaps(chosen, rejected))
    np.testing.assert_allclose(scale, naive.reward_scale(chosen, rejected), rtol=ROUNDING)
    consistency = value_consistency(gaps / scale)
    np.testing.assert_allclose(consistency, naive.value_consistency(gaps / scale), atol=ROUNDING)
    for threshold in (-1.0, 0.0, 0.4, 1.0):
        expected = naive.keep_mask(consistency, threshold)
        np.testing.assert_array_equal(keep_mask(consistency, threshold), expected)


def test_sweep():
    chosen, rejected = rewards(400, 3)
    gaps = reward_gaps(chosen, rejected)
    consistency = value_consistency(gaps)
    thresholds = [0.5, -1.0, 0.999, *consistency[:5]]  # some fall exactly on a pair
    table = sweep(gaps, np.zeros((len(gaps), 2)), thresholds)
    for row, threshold in enumerate(thresholds):
        kept, share, mean_gap = naive.retention(consistency, gaps, threshold)
        assert (table.kept[row], table.share[row]) == (kept, share)
        np.testing.assert_allclose(table.mean_gap[row], mean_gap, atol=1e-11)


def coarse_points(m, K, seed):
    """Points on a coarse grid, so that ties, duplicates and dominated points are common."""
    return np.random.default_rng(seed).integers(0, 6, size=(m, K)).astype(np.float64)


@pytest.mark.parametrize("K", [2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(5))
def test_front(K, seed):
    points = coarse_points(60, K, seed)
    np.testing.assert_array_equal(pareto_front(points), naive.pareto_front(points))


@pytest.mark.parametrize(("K", "m"), [(2, 40), (3, 20), (4, 8)])
@pytest.mark.parametrize("seed", range(5))
def test_hypervolume_of_coarse_and_continuous_points(K, m, seed):
    """The reference lies inside the cloud, so some points are below it."""
    continuous = np.random.default_rng(seed).normal(size=(m, K))
    for points, reference in ((coarse_points(m, K, seed), 1.0), (continuous, -0.5)):
        corner = np.full(K, reference)
        expected = naive.hypervolume(points, corner)
        assert hypervolume(points, corner) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_direction_is_moocores_minimisation_of_the_negative():
    """The same facts through moocore's default direction, where smaller is better."""
    points = coarse_points(50, 3, seed=9)
    front = moocore.is_nondominated(-points, keep_weakly=True)
    np.testing.assert_array_equal(pareto_front(points), front)
    volume = moocore.hypervolume(-points, ref=[0.0, 0.0, 0.0])
    assert hypervolume(points, [0, 0, 0]) == pytest.approx(volume)


def test_the_naive_dpo_loss_at_points_known_by_hand():
    """No margin gives log 2; beta 0.1 and margin (3 - 1) - (-4 - 0) = 6 give log(1 + e^-0.6)."""
    losses = naive.dpo_losses([1.0, 3.0], [2.0, -4.0], [1.0, 1.0], [2.0, 0.0], beta=0.1)
    np.testing.assert_allclose(losses, [np.log(2), np.log1p(np.exp(-0.6))], rtol=1e-15)


def test_the_naive_merge_by_hand():
    """W0 = 1; 0.5 * 2 * (3 * 4) + 0.25 * 1 * (1 * 8) = 12 + 2."""
    factors = [([[4.0]], [[3.0]], 2.0), ([[8.0]], [[1.0]], 1.0)]
    np.testing.assert_array_equal(naive.merge([[1.0]], factors, [0.5, 0.25]), [[15.0]])
