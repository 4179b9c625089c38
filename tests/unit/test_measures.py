"""The counts of the Consistency page against masks and sums made without any preparation."""

import numpy as np
import pytest

from tests.app.fixture_project import HAND_GAPS
from vcsoup.consistency import value_consistency
from vcsoup.filtering import PairFilter
from vcsoup.ui.measures import GRID, measure
from vcsoup.ui.retained import figures, retention

VALUES = ("a", "b", "c", "d", "e", "f", "g", "h")


def dataset(n=600, K=3, seed=0):
    """Gaps of which a third lie exactly on the grid's ties, and lengths."""
    rng = np.random.default_rng(seed)
    gaps = rng.normal(0.2, 1.0, (n, K))
    gaps[: n // 3] = np.round(gaps[: n // 3])
    lengths = rng.integers(1, 400, (n, 3)).astype(np.int32)
    return gaps, lengths, measure(gaps, lengths, VALUES[:K])


@pytest.mark.parametrize("K", [2, 3, 8])
@pytest.mark.parametrize("min_norm", [0.0, 1.0])
def test_every_threshold_of_the_grid_counts_what_the_mask_keeps(K, min_norm):
    gaps, _, measures = dataset(K=K, seed=K)
    consistency = value_consistency(gaps)
    strong = np.sqrt((gaps**2).sum(axis=1)) >= min_norm
    found = retention(measures, min_norm)
    assert found.kept.tolist() == [((consistency >= tau) & strong).sum() for tau in GRID]
    above = GRID > 0
    flips = [((consistency <= -tau) & strong).sum() for tau in GRID[above]]
    assert found.flips[above].tolist() == flips
    assert not found.flips[~above].any()
    assert (found.passing, found.bars.sum(), found.n) == (strong.sum(), strong.sum(), len(gaps))


@pytest.mark.parametrize("tau", [-1.0, 0.0, 0.3, 1.0, None])
def test_figures_are_those_of_the_kept_rows(tau):
    gaps, lengths, measures = dataset()
    wanted = PairFilter(threshold=tau, min_norm=0.8)
    mask = wanted.mask(gaps)
    found = figures(measures, wanted)
    np.testing.assert_array_equal(measures.kept(wanted), mask)
    assert (found.kept, found.flips, found.trained) == (mask.sum(), 0, mask.sum())
    assert found.characters == (lengths[mask] @ [2, 1, 1]).sum()
    np.testing.assert_allclose(found.mean_gaps, gaps[mask].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.all_gaps, gaps.mean(axis=0), atol=1e-6)


def test_a_threshold_that_is_a_pairs_own_consistency_keeps_that_pair():
    gaps, _, measures = dataset()
    consistency = value_consistency(gaps)
    for tau in consistency[:50]:
        wanted = PairFilter(threshold=float(tau))
        assert figures(measures, wanted).kept == (consistency >= tau).sum()


def test_flips_count_where_the_filter_wants_them():
    """By hand one of the ten pairs has consistency -1: (-2, -2)."""
    measures = measure(HAND_GAPS, np.full((10, 3), 5, np.int32), VALUES[:2])
    found = figures(measures, PairFilter(threshold=0.5, flip=True))
    assert (found.kept, found.flips, found.trained) == (5, 1, 6)
    assert found.characters == 6 * (2 * 5 + 5 + 5)
    assert measures.flips(PairFilter(threshold=0.5)).sum() == 1
    assert figures(measures, PairFilter(threshold=0.5)).flips == 0


def test_an_exchanged_pair_is_in_the_mean_with_its_gaps_turned():
    """The helpful gaps 2, 2, 2, 0, 3 stay and -2 becomes 2: 11 / 6; as they came, 9 / 5."""
    measures = measure(HAND_GAPS, np.full((10, 3), 5, np.int32), VALUES[:2])
    flipping = figures(measures, PairFilter(threshold=0.5, flip=True))
    assert flipping.mean_gaps[0] == pytest.approx(11 / 6)
    assert figures(measures, PairFilter(threshold=0.5)).mean_gaps[0] == pytest.approx(9 / 5)


def test_nothing_kept_has_no_mean():
    measures = measure(-HAND_GAPS[-1:], np.ones((1, 3), np.int32), VALUES[:2])
    found = figures(measures, PairFilter(threshold=0.5))
    assert (found.kept, found.trained) == (0, 0)
    assert np.isnan(found.mean_gaps).all()


def test_gap_bars_hold_every_pair_once_per_value():
    gaps, _, measures = dataset()
    mask = gaps[:, 0] > 0
    assert measures.all_gap_counts.sum(axis=1).tolist() == [600] * 3
    assert measures.gap_counts(mask).sum(axis=1).tolist() == [mask.sum()] * 3
    width = measures.gap_edges[1] - measures.gap_edges[0]
    inside = (gaps[:, 1] >= 0) & (gaps[:, 1] < width)
    assert abs(int(measures.all_gap_counts[1, 20]) - inside.sum()) <= 1  # float32 at the edges
