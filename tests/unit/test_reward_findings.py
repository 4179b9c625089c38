"""What the clinic concludes from figures alone; expectations derived by hand."""

import numpy as np
import pytest

from vcsoup.rewards.agreement import agreement, agreement_finding
from vcsoup.rewards.findings import Answer, correlations, outlier_findings, relation_findings
from vcsoup.rewards.spec import RewardSpec

SPEC = RewardSpec(model="org/rm")


def sides(*ordered: float, n: int = 100, seed: int = 0):
    """Rewards of n pairs by several heads, each ordering the named share of them by 1."""
    rng = np.random.default_rng(seed)
    chosen = rng.normal(size=(n, len(ordered))).astype(np.float32)
    gaps = np.stack(
        [rng.permutation(np.where(np.arange(n) < share * n, 1.0, -1.0)) for share in ordered], 1
    )
    return chosen, (chosen - gaps).astype(np.float32)


@pytest.mark.parametrize(
    ("shares", "spec", "expected"),
    [
        ((0.9,), SPEC, ("ok", "agreement", "")),
        ((0.1,), SPEC, ("fault", "sign", "set sign=-1")),
        ((0.9,), SPEC.model_copy(update={"sign": -1}), ("fault", "sign", "set sign=1")),
        ((0.5, 0.9, 0.5), SPEC, ("fault", "label", "set label=1")),
        ((0.5, 0.1, 0.5), SPEC, ("fault", "label", "set label=1,sign=-1")),
        ((0.75, 0.99, 0.5), SPEC, ("warning", "label", "consider label=1")),
        ((0.85, 0.87, 0.5), SPEC, ("ok", "agreement", "")),
    ],
)
def test_labels_of_the_pairs_tell_sign_and_label(shares, spec, expected):
    found = agreement_finding("v", spec, *sides(*shares))
    assert (found.level, found.check, found.remedy) == expected
    told = ",".join(f"{name}={entry}" for name, entry in found.fix.items())
    assert told == expected[2].partition(" ")[2]


def test_chance_is_no_fault_but_a_warning():
    found = agreement_finding("v", SPEC, *sides(0.5, 0.5))
    assert (found.level, found.check) == ("warning", "agreement")
    assert "50% of 100 pairs" in found.says
    assert found.remedy.startswith("check the template")


@pytest.mark.parametrize(
    ("right", "told", "remedy"),
    [
        (22, "34% of 64 pairs as their labels do: rather the other way round", "sign is turned"),
        (26, "41% of 64 pairs as their labels do: no better than chance", "check the template"),
    ],
)
def test_rewards_that_lean_the_other_way_are_told_from_chance(right, told, remedy):
    """22 of 64 lie 2.5 standard deviations below a half (two-sided p 0.012), 26 of them 1.5."""
    chosen = np.zeros((64, 1), dtype=np.float32)
    chosen[:right], rejected = 1, np.full_like(chosen, 0.5)
    found = agreement_finding("v", SPEC, chosen, rejected)
    assert found.level == "warning"
    assert told in found.says
    assert remedy in found.remedy


def test_few_pairs_accuse_nobody():
    """Five wrong of five happen by chance once in 32: not enough."""
    found = agreement_finding("v", SPEC, *sides(0.0, n=5))
    assert (found.level, found.remedy) == ("warning", "look at more pairs: so few cannot tell")


def test_innocent_models_are_seldom_accused():
    """At chance, the fault rate is at most 0.1 % per value (19 heads, 300 draws: none expected)."""
    found = [agreement_finding("v", SPEC, *sides(*[0.5] * 4, n=64, seed=k)) for k in range(50)]
    rng = np.random.default_rng(1)
    for _ in range(300):
        chosen, rejected = rng.normal(size=(2, 64, 19)).astype(np.float32)
        found.append(agreement_finding("v", SPEC, chosen, rejected))
    assert sum(finding.level == "fault" for finding in found) <= 2


def test_ties_are_half_an_agreement():
    assert agreement(np.zeros(7)) == 0.5


def test_relations_between_values():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 200))
    lengths = 3 * b + 0.01 * rng.normal(size=200)
    table = np.stack([a, 2 * a + 0.01 * rng.normal(size=200), -a, b], axis=1)
    found = relation_findings(["a", "twice", "against", "long"], table, lengths)
    told = {finding.value: finding.check for finding in found}
    assert told["a and twice"] == "redundant"
    assert told["a and against"] == told["twice and against"] == "opposed"
    assert told["a and long"] == "relation"
    assert [f.value for f in found if f.check == "length"] == ["long"]
    alike = correlations(table)
    assert np.array_equal(alike, alike.T)
    assert alike[0, 2] == pytest.approx(-1)
    assert alike[0, 3] == pytest.approx(np.corrcoef(a, b)[0, 1])


def test_missing_and_constant_gaps_say_nothing():
    table = np.array([[1.0, np.nan, 0.0], [2.0, 1.0, 0.0], [0.5, np.nan, 0.0]])
    assert relation_findings(["a", "b", "c"], table, np.zeros(3)) == []


def test_outliers_constants_and_failures():
    """Median 0, median deviation 1, so 100 lies 67 robust deviations away and 3 two."""
    rewards = np.array([-1.0, 1.0, -1.0, 1.0, 0.0, 0.0, 3.0, 100.0])
    [found] = outlier_findings("v", rewards, [Answer("chosen", f"p{k}", "w") for k in range(8)])
    farthest = {"side": "chosen", "pair": "p7", "value": "w", "reward": 100.0}
    assert (found.level, found.figures) == ("note", {"outliers": 1, "farthest": [farthest]})
    assert "the farthest is 100, the chosen answer of pair p7 of w" in found.says
    [same] = outlier_findings("v", np.ones(4), ["x"] * 4)
    assert (same.level, same.check) == ("fault", "constant")
    [lost] = outlier_findings("v", np.array([np.nan, np.inf, 1.0, 2.0, 3.0]), ["x"] * 5)
    assert (lost.level, lost.figures) == ("warning", {"not_finite": 2})
    [all_lost] = outlier_findings("v", np.full(3, np.nan), ["x"] * 3)
    assert all_lost.level == "fault"
    assert outlier_findings("v", np.array([1.0, 2.0, 3.0]), list("abc")) == []
