"""Laws that hold for any rewards, points and weights.

A few cases in the usual run; `VCSOUP_FUZZ=500` makes it a deep one.
"""

import os

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vcsoup.consistency import (
    agreement_threshold,
    chance_retention,
    keep_mask,
    reward_gaps,
    reward_scale,
    value_consistency,
)
from vcsoup.evaluation.front import best_balanced, hypervolume, pareto_front, select
from vcsoup.soup.weights import format_weights, link_weights, parse_weights
from vcsoup.sweep import sweep

laws = settings(max_examples=int(os.environ.get("VCSOUP_FUZZ", "40")))
shapes = st.tuples(st.integers(1, 12), st.integers(2, 5))
# Binary fractions of moderate size: differences and shifts of them are exact in float64.
exact = st.integers(-2000, 2000).map(lambda i: i / 16)
any_size = st.floats(-1e6, 1e6, allow_subnormal=False)
thresholds = st.floats(-1, 1)


@st.composite
def two_sides(draw):
    shape = draw(shapes)
    sides = [draw(hnp.arrays(np.float64, shape, elements=exact)) for _ in range(2)]
    for side in sides:
        side.setflags(write=False)  # a function that writes to its argument fails
    return sides


@st.composite
def tables(draw, elements=any_size):
    table = draw(hnp.arrays(np.float64, draw(shapes), elements=elements))
    table.setflags(write=False)
    return table


@laws
@given(two_sides())
def test_gaps_turn_around_with_the_sides(sides):
    np.testing.assert_array_equal(reward_gaps(*sides), -reward_gaps(*reversed(sides)))


@laws
@given(two_sides(), exact)
def test_a_constant_on_one_reward_model_changes_nothing(sides, constant):
    shifted = [side + constant * np.eye(1, side.shape[1]) for side in sides]
    np.testing.assert_array_equal(reward_gaps(*shifted), reward_gaps(*sides))
    pooled = np.concatenate(sides)
    assume((pooled.min(axis=0) < pooled.max(axis=0)).all())
    np.testing.assert_allclose(reward_scale(*shifted), reward_scale(*sides), rtol=1e-12)


@laws
@given(two_sides(), st.floats(1e-3, 1e3))
def test_scaled_gaps_do_not_depend_on_a_reward_models_unit(sides, unit):
    pooled = np.concatenate(sides)
    assume((pooled.min(axis=0) < pooled.max(axis=0)).all())
    other = [side * unit for side in sides]
    np.testing.assert_allclose(
        reward_gaps(*other) / reward_scale(*other),
        reward_gaps(*sides) / reward_scale(*sides),
        atol=1e-9,
    )


@laws
@given(tables())
def test_consistency_is_a_cosine(gaps):
    consistency = value_consistency(gaps)
    assert consistency.shape == (len(gaps),)
    assert (np.abs(consistency) <= 1).all()
    np.testing.assert_array_equal(value_consistency(-gaps), -consistency)
    np.testing.assert_allclose(value_consistency(gaps[:, ::-1]), consistency, atol=1e-12)


@laws
@given(tables(), st.floats(1e-200, 1e200))
def test_consistency_does_not_depend_on_the_length_of_the_gaps(gaps, factor):
    assume(not np.any((gaps != 0) & (np.abs(gaps) < 1e-6)))
    np.testing.assert_allclose(value_consistency(gaps * factor), value_consistency(gaps), atol=1e-9)


@laws
@given(tables())
def test_above_the_agreement_threshold_every_gap_is_positive(gaps):
    kept = value_consistency(gaps) > agreement_threshold(gaps.shape[1]) + 1e-12
    assert (gaps[kept] > 0).all()


@laws
@given(tables(), thresholds, thresholds)
def test_a_higher_threshold_keeps_a_subset(gaps, a, b):
    consistency = value_consistency(gaps)
    lower, higher = keep_mask(consistency, min(a, b)), keep_mask(consistency, max(a, b))
    assert (lower | ~higher).all()


@laws
@given(tables(), st.lists(thresholds, min_size=1, max_size=6))
def test_the_table_counts_what_the_mask_keeps(gaps, asked):
    consistency = value_consistency(gaps)
    table = sweep(gaps, np.zeros((len(gaps), 2)), asked)
    assert table.kept.tolist() == [keep_mask(consistency, tau).sum() for tau in asked]
    assert table.threshold.tolist() == asked


@laws
@given(thresholds, st.integers(2, 40))
def test_the_chance_line_is_symmetric_about_one_half(tau, K):
    both = chance_retention([tau, -tau], K)
    assert abs(both.sum() - 1) < 1e-12
    assert (both >= 0).all()


@laws
@given(tables(exact), st.randoms(use_true_random=False))
def test_permuting_values_permutes_everything(rewards, random):
    order = list(range(rewards.shape[1]))
    random.shuffle(order)
    reference = np.full(rewards.shape[1], -200.0)
    np.testing.assert_array_equal(pareto_front(rewards[:, order]), pareto_front(rewards))
    volume, again = hypervolume(rewards, reference), hypervolume(rewards[:, order], reference)
    np.testing.assert_allclose(again, volume, rtol=1e-9)
    assert best_balanced(rewards[:, order], reference) == best_balanced(rewards, reference)


@laws
@given(tables(exact), st.data())
def test_a_dominated_point_changes_neither_front_nor_volume(rewards, data):
    reference = np.full(rewards.shape[1], -200.0)
    of = data.draw(st.integers(0, len(rewards) - 1))
    loss = data.draw(hnp.arrays(np.float64, rewards.shape[1], elements=st.integers(0, 50)))
    assume(loss.any())
    more = np.vstack([rewards, rewards[of] - loss])
    np.testing.assert_array_equal(pareto_front(more), [*pareto_front(rewards), False])
    np.testing.assert_allclose(
        hypervolume(more, reference), hypervolume(rewards, reference), rtol=1e-9
    )


@laws
@given(tables(exact), st.data())
def test_the_selected_point_satisfies_the_minimums_and_is_not_dominated(rewards, data):
    columns = st.integers(0, rewards.shape[1] - 1)
    minimums = data.draw(st.dictionaries(columns, exact, max_size=2))
    maximise = data.draw(columns)
    allowed = np.ones(len(rewards), dtype=bool)
    for column, minimum in minimums.items():
        allowed &= rewards[:, column] >= minimum
    chosen = select(rewards, minimums, maximise)
    if chosen is None:
        assert not allowed.any()
        return
    assert allowed[chosen]
    assert rewards[chosen, maximise] == rewards[allowed, maximise].max()
    assert pareto_front(rewards)[chosen]


@st.composite
def simplex_points(draw):
    parts = draw(st.lists(st.integers(0, 1000), min_size=2, max_size=6).filter(any))
    return np.array(parts) / sum(parts)


@laws
@given(simplex_points(), st.data(), st.floats(-0.5, 1.5))
def test_linked_weights_stay_on_the_simplex(weights, data, value):
    index = data.draw(st.integers(0, len(weights) - 1))
    others = [k for k in range(len(weights)) if k != index]
    locked = data.draw(st.sets(st.sampled_from(others)))
    moved = link_weights(weights, index, value, locked=locked)
    assert (moved >= 0).all()
    assert abs(moved.sum() - 1) < 1e-12
    for k in locked:
        assert moved[k] == weights[k]
    free = [k for k in others if k not in locked]
    if free:
        room = 1 - weights[sorted(locked)].sum()
        assert abs(moved[index] - min(max(value, 0), max(room, 0))) < 1e-12
    if weights[free].sum() > 0:  # proportions of the ones that give way
        np.testing.assert_allclose(
            moved[free] * weights[free].sum(), weights[free] * moved[free].sum(), atol=1e-12
        )


@laws
@given(simplex_points())
def test_text_reads_back_exactly(weights):
    values = [f"value-{k}" for k in range(len(weights))]
    again = parse_weights(format_weights(weights, values), values)
    np.testing.assert_array_equal(again, weights)
