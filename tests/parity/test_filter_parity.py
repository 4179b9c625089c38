"""Filter, sweep and export against the naive twins, thresholds exactly on ties included.

Gaps are small integers, so that ties are many. The twins compute consistency by another formula;
two numbers that are equal on paper differ by rounding alone, below 1e-15, while different ones of
these integers are at least 1e-4 apart. A threshold on a tie is therefore taken from the side under
test and lowered by `SLACK` for the twin.
"""

import json
from fractions import Fraction

import numpy as np
import pytest

from tests.reference import naive
from vcsoup.consistency import value_consistency
from vcsoup.filtering import PairFilter
from vcsoup.pair_export import ExportPlan, export_bytes
from vcsoup.preferences.pairs import make_pairs
from vcsoup.sweep import sweep, threshold_for_share
from vcsoup.workspace import Workspace, project_config
from vcsoup.workspace.tables import reward_columns

SLACK = 1e-9


def tied(K: int, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(K)
    gaps = rng.integers(-2, 3, size=(n, K)).astype(np.float64)
    return gaps, rng.integers(0, 50, size=(n, 3)).astype(np.int32)


@pytest.mark.parametrize("K", [2, 3, 5])
@pytest.mark.parametrize("min_norm", [0.0, 2.0, 2.5])
def test_sweep(K, min_norm):
    """A least norm of 2.0 is met exactly by rows with a single 2; sums of integers are exact."""
    gaps, lengths = tied(K)
    consistency = value_consistency(gaps)
    # Numbers equal on paper may differ in the last bit; the lowest of each group is the tie's edge.
    groups = np.unique(consistency.round(9), return_inverse=True)[1]
    edges = np.array([consistency[groups == group].min() for group in range(groups.max() + 1)])
    ties = edges[:: max(1, len(edges) // 20)]
    found = sweep(gaps, lengths, ties, min_norm=min_norm)
    for i, tau in enumerate(ties):
        kept, share, means, conflicts, bias = naive.sweep(gaps, lengths, tau - SLACK, min_norm)
        assert (found.kept[i], found.share[i]) == (kept, share)
        np.testing.assert_allclose(found.mean_gap[i], means, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(found.conflict_rate[i], conflicts, rtol=1e-15)
        np.testing.assert_allclose(found.length_bias[i], bias, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("K", [2, 4])
def test_threshold_for_share(K):
    consistency = value_consistency(tied(K, 100)[0])
    for percent in range(1, 101):
        tau = threshold_for_share(consistency, percent / 100)
        assert tau == naive.threshold_for_share(consistency, Fraction(percent, 100))


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("min_norm", [0.0, 0.5])
def test_exported_pairs(tmp_path, flip, min_norm):
    """Rewards of four values, each the same numbers in another order: one scale for all."""
    rng = np.random.default_rng(0)
    column = np.repeat([-1.0, 0.0, 1.0, 0.0], 50)
    gaps = np.stack([rng.permutation(column) for _ in range(4)], axis=1)
    values = ("a", "b", "c", "d")
    texts = [str(i) for i in range(len(gaps))]
    pairs = make_pairs([f"q{i}" for i in texts], [f"c{i}" for i in texts], [f"r{i}" for i in texts])
    workspace = Workspace(tmp_path / "w")
    project = workspace.create_project(project_config(name="p", values=values, base="org/base"))
    project.save_pairs("a", pairs, source="x")
    rewards = pairs[["id"]].copy()
    rewards[reward_columns(values)] = np.concatenate([gaps / 2, -gaps / 2], axis=1)
    project.save_rewards("a", rewards)
    scaled = naive.reward_gaps(gaps / 2, -gaps / 2) / naive.reward_scale(gaps / 2, -gaps / 2)
    consistency = project.consistency("a")
    for tau in np.unique(consistency[consistency > 0]):
        chosen = PairFilter(threshold=tau, min_norm=min_norm, flip=flip)
        content = export_bytes(project, "a", ExportPlan(pair_filter=chosen)).decode()
        sides = [naive.filter_side(gap, tau - SLACK, min_norm, flip) for gap in scaled]
        expected = naive.exported(pairs.to_dict("records"), sides)
        assert [json.loads(line) for line in content.splitlines()] == expected
        assert len(expected) < len(pairs)
