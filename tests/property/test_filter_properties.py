"""Laws of filters, sweeps and shares that hold for any gaps.

A few cases in the usual run; `VCSOUP_FUZZ=500` makes it a deep one.
"""

import os

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vcsoup.consistency import keep_mask, value_consistency
from vcsoup.filtering import PairFilter, keep_pairs
from vcsoup.preferences.pairs import make_pairs, pair_id
from vcsoup.sweep import gap_norms, sweep, threshold_for_share

laws = settings(max_examples=int(os.environ.get("VCSOUP_FUZZ", "40")))
shapes = st.tuples(st.integers(1, 20), st.integers(2, 5))
# Few distinct numbers, so that ties are common.
few = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0])
shares = st.floats(0.001, 1.0)
norms = st.floats(0, 4)


@st.composite
def gap_tables(draw):
    table = draw(hnp.arrays(np.float64, draw(shapes), elements=few))
    table.setflags(write=False)  # a function that writes to its argument fails
    return table


@laws
@given(gap_tables(), shares)
def test_a_share_is_kept_and_no_higher_threshold_keeps_it(gaps, share):
    consistency = value_consistency(gaps)
    tau = threshold_for_share(consistency, share)
    assert tau in consistency
    assert keep_mask(consistency, tau).sum() >= share * len(gaps) - 1e-6
    above = consistency[consistency > tau]
    assert len(above) < share * len(gaps)


@laws
@given(gap_tables(), st.floats(0.01, 1.0), norms)
def test_kept_flipped_and_dropped_divide_the_pairs(gaps, threshold, min_norm):
    flipping = PairFilter(threshold=threshold, min_norm=min_norm, flip=True)
    kept, flipped = flipping.mask(gaps), flipping.flipped(gaps)
    assert not (kept & flipped).any()
    assert flipping.count(gaps) == (kept | flipped).sum()
    assert (gap_norms(gaps)[kept | flipped] >= min_norm).all()
    # Whoever exchanges all answers exchanges the two sides of the filter.
    np.testing.assert_array_equal(flipping.mask(-gaps), flipped)
    np.testing.assert_array_equal(flipping.flipped(-gaps), kept)


@laws
@given(gap_tables(), st.floats(-1, 1), st.floats(-1, 1), norms)
def test_a_stricter_filter_keeps_no_other_pair(gaps, one, other, min_norm):
    low, high = sorted((one, other))
    loose = PairFilter(threshold=low).mask(gaps)
    strict = PairFilter(threshold=high, min_norm=min_norm).mask(gaps)
    assert not (strict & ~loose).any()


@laws
@given(gap_tables(), st.lists(st.floats(-1, 1), min_size=1, max_size=6), norms, st.data())
def test_a_sweep_says_what_each_filter_keeps(gaps, thresholds, min_norm, data):
    lengths = data.draw(hnp.arrays(np.int32, (len(gaps), 2), elements=st.integers(0, 99)))
    found = sweep(gaps, lengths, thresholds, min_norm=min_norm)
    for i, tau in enumerate(thresholds):
        mask = PairFilter(threshold=tau, min_norm=min_norm).mask(gaps)
        assert found.kept[i] == mask.sum()
        if mask.any():
            np.testing.assert_allclose(found.mean_gap[i], gaps[mask].mean(axis=0), atol=1e-12)
            assert np.isclose(found.conflict_rate[i], (gaps[mask] < 0).any(axis=1).mean())
            longer = (lengths[:, 0] - lengths[:, 1])[mask].mean()
            assert np.isclose(found.length_bias[i], longer)
        else:
            assert np.isnan(found.conflict_rate[i])
            assert np.isnan(found.length_bias[i])


@laws
@given(gap_tables(), st.permutations(range(5)), st.floats(-1, 1))
def test_the_order_of_the_pairs_does_not_matter(gaps, order, tau):
    order = np.array([i for i in order if i < len(gaps)] + list(range(5, len(gaps))))
    lengths = np.arange(2 * len(gaps)).reshape(-1, 2) % 7
    one, other = sweep(gaps, lengths, [tau]), sweep(gaps[order], lengths[order], [tau])
    assert one.kept == other.kept
    np.testing.assert_allclose(one.mean_gap, other.mean_gap, atol=1e-12)
    np.testing.assert_allclose(one.length_bias, other.length_bias, atol=1e-12)


@laws
@given(gap_tables(), st.floats(0.01, 1.0))
def test_exchanged_pairs_are_named_by_content_and_agree(gaps, threshold):
    n = len(gaps)
    pairs = make_pairs([f"q{i}" for i in range(n)], [f"c{i}" for i in range(n)], ["r"] * n)
    flipping = PairFilter(threshold=threshold, flip=True)
    once = keep_pairs(pairs, gaps, pair_filter=flipping)
    texts = zip(once["prompt"], once["chosen"], once["rejected"], strict=True)
    assert once["id"].tolist() == [pair_id(*text) for text in texts]
    wanted = flipping.mask(gaps) | flipping.flipped(gaps)
    turned = np.where(flipping.flipped(gaps)[wanted], -1.0, 1.0)[:, None] * gaps[wanted]
    assert flipping.mask(turned).all()
