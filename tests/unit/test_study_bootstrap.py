"""Intervals over seeds and prompts: coverage, pairing, and what few seeds cost."""

import math

import numpy as np
import pytest

from vcsoup.study.bootstrap import estimate, prompt_shares


def table_of(seeds, prompts, rng, *, draws=100, spread=(1.0, 1.0), mean=0.0):
    """Figures (S, 1 + draws) of a mean with an effect of each seed and of each prompt."""
    S, P = seeds, prompts
    samples = (
        mean
        + spread[0] * rng.standard_normal((S, 1))
        + spread[1] * rng.standard_normal((1, P))
        + 0.5 * rng.standard_normal((S, P))
    )
    return samples @ prompt_shares(P, rng, draws=draws).T


@pytest.mark.parametrize("spread", [(1.0, 0.2), (0.1, 2.0), (1.0, 3.0)])
def test_five_seeds_cover_what_they_promise(spread):
    """400 studies with a known truth of 0; 95 % promised, four standard errors (4.4 %) allowed."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(400):
        known = estimate(table_of(5, 60, rng, spread=spread), rng, draws=1000)
        inside += known.low <= 0 <= known.high
    assert inside / 400 > 0.906


@pytest.mark.parametrize("seeds", [2, 3, 4])
def test_few_seeds_cover_what_they_promise_too(seeds):
    """Seeds differ more than prompts: draws of so few means end at the outermost seed."""
    rng, covered = np.random.default_rng(seeds), 0
    shares = prompt_shares(24, rng, draws=40)
    for _ in range(400):
        rewards = 0.3 * rng.standard_normal((seeds, 24)) + rng.standard_normal((seeds, 1))
        found = estimate(rewards @ shares.T, rng, draws=300)
        covered += found.low <= 0.0 <= found.high
    assert 0.92 <= covered / 400 <= 0.99


def test_prompts_are_drawn_in_halves_of_their_own():
    """Even and odd prompts keep their shares of one half in every draw."""
    shares = prompt_shares(10, np.random.default_rng(1), draws=50)
    np.testing.assert_allclose(shares[0], 0.1)
    np.testing.assert_allclose(shares[:, ::2].sum(axis=1), 0.5)
    assert (shares[1:] != 0.1).any()


def test_what_all_seeds_and_prompts_agree_on_is_certain():
    known = estimate(np.full((5, 301), 2.5), np.random.default_rng(0))
    assert (known.mean, known.low, known.high) == (2.5, 2.5, 2.5)
    assert known.verdict == "higher"


def test_a_common_prompt_effect_leaves_a_paired_difference_certain():
    """Two arms that differ by exactly 0.1 on every prompt: the prompts' spread plays no part."""
    table = table_of(5, 40, np.random.default_rng(2), spread=(0.0, 5.0))
    known = estimate((table + 0.1) - table, np.random.default_rng(0))
    assert known.high - known.low < 1e-9
    assert known.verdict == "higher"


def test_draws_that_lie_too_high_do_not_move_the_interval():
    """Hypervolumes grow with noise: draws are centred on the figure itself."""
    rng = np.random.default_rng(3)
    table = table_of(6, 50, rng)
    biased = table.copy()
    biased[:, 1:] += 10
    plain, moved = (estimate(t, np.random.default_rng(0)) for t in (table, biased))
    assert moved.low == pytest.approx(plain.low)
    assert moved.high == pytest.approx(plain.high)


def test_one_seed_has_no_interval_and_no_verdict():
    known = estimate(np.ones((1, 50)), np.random.default_rng(0))
    assert known.mean == 1
    assert math.isnan(known.low)
    assert known.verdict == "unclear"


def test_fewer_seeds_are_less_sure():
    rng = np.random.default_rng(4)
    widths = []
    for seeds in (3, 10):
        found = [estimate(table_of(seeds, 50, rng, spread=(1.0, 0.1)), rng) for _ in range(30)]
        widths.append(np.mean([known.high - known.low for known in found]))
    assert widths[0] > 1.5 * widths[1]
