"""Bootstrap intervals against cases whose distribution is known exactly."""

import numpy as np
import pytest

from vcsoup.errors import GapShapeError
from vcsoup.evaluation.intervals import bootstrap_interval


def rng(seed=0):
    return np.random.default_rng(seed)


def test_two_prompts_give_the_whole_range():
    """Draws of {0, 1} with replacement have means 0, 1/2, 1 with chances 1/4, 1/2, 1/4."""
    interval = bootstrap_interval([0.0, 1.0], rng=rng())
    assert (float(interval.mean), float(interval.low), float(interval.high)) == (0.5, 0.0, 1.0)


def test_level_sets_the_quantiles():
    """Half of the resampled means of {0, 1} are exactly 1/2: the 40 % interval is that point."""
    interval = bootstrap_interval([0.0, 1.0], level=0.4, rng=rng())
    assert (float(interval.low), float(interval.high)) == (0.5, 0.5)


def test_width_is_that_of_the_normal_approximation():
    """With n = 400 normal rewards: half width 1.96 s / sqrt(n), within 8 %."""
    samples = rng(1).normal(size=400)
    interval = bootstrap_interval(samples, rng=rng(2))
    expected = 2 * 1.96 * samples.std() / 20
    assert float(interval.high - interval.low) == pytest.approx(expected, rel=0.08)


def test_columns_are_resampled_together():
    """Paired rows: column 1 = 10 - column 0, so its ends are 10 minus the other's, swapped."""
    first = rng(3).normal(size=30)
    interval = bootstrap_interval(np.stack([first, 10 - first], axis=1), rng=rng(4))
    assert interval.mean.shape == (2,)
    np.testing.assert_allclose(interval.low[1], 10 - interval.high[0], atol=1e-9)
    np.testing.assert_allclose(interval.high[1], 10 - interval.low[0], atol=1e-9)


def test_one_column_and_a_vector_are_the_same():
    samples = rng(5).normal(size=20)
    flat = bootstrap_interval(samples, rng=rng(6))
    column = bootstrap_interval(samples[:, None], rng=rng(6))
    assert flat.mean.shape == ()
    np.testing.assert_array_equal(np.stack(flat), np.concatenate(column))


def test_the_same_generator_state_gives_the_same_interval():
    samples = rng(7).normal(size=(50, 2))
    once, again = (bootstrap_interval(samples, rng=rng(8)) for _ in range(2))
    np.testing.assert_array_equal(np.stack(once), np.stack(again))


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """300 experiments of n = 60: a true 94 % gives 282 +- 4, so 270 to 294."""
    experiments = rng(9).normal(size=(300, 60))
    found = [bootstrap_interval(e, resamples=500, rng=rng(i)) for i, e in enumerate(experiments)]
    covered = sum(bool(interval.low <= 0 <= interval.high) for interval in found)
    assert 270 <= covered <= 294


def test_large_inputs_are_resampled_in_pieces():
    samples = rng(10).normal(size=(30_000, 3))
    interval = bootstrap_interval(samples, resamples=100, rng=rng(11))
    np.testing.assert_allclose(interval.high - interval.low, 2 * 1.96 / 30_000**0.5, rtol=0.3)


@pytest.mark.parametrize(
    ("samples", "options", "message"),
    [
        ([], {}, "at least 2 prompts, got 0"),
        ([1.0], {}, "at least 2 prompts, got 1"),
        ([[[1.0]], [[1.0]]], {}, r"shape \(n,\) or \(n, K\)"),
        ([[1.0, 2.0], [1.0, np.nan]], {}, "row 1 is not"),
        ([1.0, 2.0], {"level": 1.0}, "level between 0 and 1"),
        ([1.0, 2.0], {"resamples": 0}, "at least one resample"),
    ],
)
def test_bad_input_is_named(samples, options, message):
    with pytest.raises(GapShapeError, match=message):
        bootstrap_interval(samples, rng=rng(), **options)
