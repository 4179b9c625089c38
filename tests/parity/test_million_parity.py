"""A million pairs: counts, sweep, shares and exports against an independent float64 recomputation.

Half of the pairs are copies of a thousand reward rows, so that whole groups lie exactly on a
threshold. The recomputation reads the rewards that were put in, never the product's gaps, and
computes by other formulas: two numbers that are equal on paper differ by rounding alone, below
1e-14. A threshold that is the consistency of a group is lowered by `SLACK` for it; no other pair is
that close (asserted).
"""

import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from vcsoup.filtering import PairFilter
from vcsoup.pair_export import ExportPlan, export_bytes, export_pairs
from vcsoup.preferences.pairs import PAIR_SCHEMA
from vcsoup.sweep import sweep, threshold_for_share
from vcsoup.workspace import Project, Workspace, project_config
from vcsoup.workspace.tables import reward_columns

N, K, GROUPS = 1_000_000, 3, 1000
VALUES = ("helpful", "harmless", "humorous")
SLACK = 1e-12


class Made:
    """What was put in, and what follows from it by the definitions; arrays of N rows."""

    def __init__(self) -> None:
        rng = np.random.default_rng(7)
        shared = rng.normal(size=(N, 1, 1))
        rewards = 0.6 * shared + rng.normal(size=(N, 2, K)) * [0.5, 2.0, 10.0] + [3.0, 0.0, -40.0]
        rewards[: N // 2] = rewards[rng.integers(GROUPS, size=N // 2)]
        rewards[:100, 1] = rewards[:100, 0]  # no evidence either way: consistency 0
        self.rewards = rng.permutation(rewards.astype(np.float32))
        self.lengths = rng.integers(1, 40, size=(N, 2))
        exact = self.rewards.astype(np.float64)
        scale = [self._deviation(exact[:, :, k].ravel()) for k in range(K)]
        self.gaps = exact[:, 0] / scale - exact[:, 1] / scale
        self.norms = np.sqrt(sum(self.gaps[:, k] ** 2 for k in range(K)))
        unit = self.gaps / np.where(self.norms == 0, 1, self.norms)[:, None]
        self.consistency = unit @ np.full(K, 1 / math.sqrt(K))

    @staticmethod
    def _deviation(pooled: np.ndarray) -> float:
        mean = math.fsum(pooled) / len(pooled)
        return math.sqrt(math.fsum((pooled - mean) ** 2) / (len(pooled) - 1))

    def kept(self, tau: float, min_norm: float = 0.0) -> np.ndarray:
        return (self.consistency >= tau - SLACK) & (self.norms >= min_norm)


@pytest.fixture(scope="module")
def made() -> Made:
    return Made()


@pytest.fixture(scope="module")
def project(made, tmp_path_factory) -> Project:
    """Pair i has the answers a... and b... of its lengths, and says its number as the prompt."""
    root = tmp_path_factory.mktemp("million") / "w"
    config = project_config(name="million", values=VALUES, base="org/base")
    project = Workspace(root).create_project(config)
    numbers = pc.cast(pa.array(np.arange(N)), pa.string())
    ids = pc.utf8_lpad(numbers, 16, "0")
    message = PAIR_SCHEMA.field("prompt").type
    role = pa.array(["user"] * N)
    turns = pa.StructArray.from_arrays([role, numbers], fields=list(message.value_type))
    prompts = pa.ListArray.from_arrays(pa.array(np.arange(N + 1, dtype=np.int32)), turns, message)
    sides = [
        pa.array([letter * n for n in range(40)]).take(pa.array(made.lengths[:, side]))
        for side, letter in enumerate("ab")
    ]
    pairs = pa.Table.from_arrays([ids, prompts, *sides], schema=PAIR_SCHEMA)
    project.save_pairs("helpful", [pairs], source="made")
    figures = [made.rewards[:, side, k] for side in (0, 1) for k in range(K)]
    rewards = pa.table([ids, *figures], names=["id", *reward_columns(VALUES)])
    project.save_rewards("helpful", [rewards])
    return project


@pytest.fixture(scope="module")
def ties(made, project) -> np.ndarray:
    """Eight thresholds that are the consistency of a group of hundreds of pairs, and zero."""
    found, counts = np.unique(project.consistency("helpful"), return_counts=True)
    large = found[counts > 100]
    assert len(large) > GROUPS // 2
    chosen = np.append(large[:: len(large) // 8][:8], 0.0)
    for tau in chosen:
        near = np.abs(made.consistency - tau) < 100 * SLACK
        assert near.sum() >= 100
        assert np.ptp(made.consistency[near]) < SLACK / 10
    return chosen


def test_gaps_and_consistency(made, project):
    np.testing.assert_allclose(project.gaps("helpful"), made.gaps, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(project.consistency("helpful"), made.consistency, atol=1e-13)
    np.testing.assert_array_equal(project.lengths("helpful")[:, 1:], made.lengths)


@pytest.mark.parametrize("min_norm", [0.0, 0.75])
def test_every_figure_of_the_sweep(made, project, ties, min_norm):
    taus = np.concatenate([ties, np.linspace(-1, 1, 21)])
    lengths = project.lengths("helpful")
    found = sweep(project.gaps("helpful"), lengths, taus, min_norm=min_norm)
    longer = (made.lengths[:, 0] - made.lengths[:, 1]).astype(np.float64)
    conflict = (made.rewards[:, 0] < made.rewards[:, 1]).any(axis=1)
    for i, tau in enumerate(taus):
        kept = made.kept(tau, min_norm)
        assert found.kept[i] == np.count_nonzero(kept)
        if kept.any():
            assert found.length_bias[i] == pytest.approx(longer[kept].mean(), abs=1e-12)
            assert found.conflict_rate[i] == np.count_nonzero(conflict & kept) / kept.sum()
            np.testing.assert_allclose(found.mean_gap[i], made.gaps[kept].mean(axis=0), rtol=1e-9)


def test_thresholds_of_shares(made, project):
    consistency = project.consistency("helpful")
    ordered = np.sort(made.consistency)[::-1]
    for share in (0.001, 0.07, 0.25, 0.5, 0.999, 1.0):
        tau = threshold_for_share(consistency, share)
        assert tau == pytest.approx(ordered[round(share * N) - 1], abs=1e-13)
        assert np.count_nonzero(consistency >= tau) == np.count_nonzero(made.kept(tau))


def test_exported_pairs_are_exactly_the_kept_ones(made, project, ties, tmp_path):
    tau = ties[6]
    chosen = PairFilter(threshold=tau, min_norm=0.75, flip=True)
    kept = made.kept(tau, 0.75)
    flips = (made.consistency <= -tau + SLACK) & (made.norms >= 0.75)
    plan = ExportPlan(format="parquet", pair_filter=chosen)
    exported = export_pairs(project, "helpful", plan, tmp_path / "kept.parquet")
    table = pq.read_table(exported.path)
    rows = texts(table, "prompt").astype(np.int64)
    np.testing.assert_array_equal(rows, np.flatnonzero(kept | flips))
    assert len(rows) == exported.pairs
    first = np.char.startswith(texts(table, "chosen"), "b")
    np.testing.assert_array_equal(first, flips[rows])


def test_exported_flips_name_their_pairs_and_figures(made, project):
    flips = (made.consistency <= -0.95) & (made.norms >= 0.75)
    chosen = PairFilter(threshold=0.95, min_norm=0.75)
    content = export_bytes(project, "helpful", ExportPlan(side="flips", pair_filter=chosen))
    rows = [json.loads(line) for line in content.decode().splitlines()]
    assert [int(row["id"]) for row in rows] == np.flatnonzero(flips).tolist()
    figures = np.array([[row[f"gap_{value}"] for value in VALUES] for row in rows])
    np.testing.assert_allclose(figures, made.gaps[flips], rtol=1e-9)
    assert content == export_bytes(project, "helpful", ExportPlan(side="flips", pair_filter=chosen))


def test_scattered_rows(project):
    rows = np.random.default_rng(0).integers(N, size=200)
    found = project.pair_rows("helpful", rows)
    assert found["id"].tolist() == [f"{row:016}" for row in rows]
    assert project.row_of("helpful", f"{N - 1:016}") == N - 1


def texts(table: pa.Table, column: str) -> np.ndarray:
    """The text of the only message of each row."""
    messages = pc.list_flatten(table.column(column))
    return pc.struct_field(messages, "content").to_numpy().astype(str)
