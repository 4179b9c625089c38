"""Drawing worlds at chosen levels, and which of their pairs each arm trains on."""

import numpy as np
import pandas as pd
import pytest

from vcsoup.demo.truth import flaw_cost, true_rewards
from vcsoup.demo.world import VALUES, topic_of_prompt, topics
from vcsoup.preferences.pairs import make_pairs
from vcsoup.study import drawing
from vcsoup.study.drawing import draw_clean
from vcsoup.study.settings import Setting, StudyError
from vcsoup.study.worlds import World, taken, weighted_pairs

ASKED = tuple((topic, prompt) for topic in topics() for prompt in topic.prompts[:3])


def true_gaps(pairs):
    topic_of = topic_of_prompt()
    rows = []
    for pair in pairs.itertuples():
        topic = topic_of[pair.prompt[0]["content"]]
        rows.append(true_rewards(topic, pair.chosen) - true_rewards(topic, pair.rejected))
    return np.array(rows)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("conflict", [0.2, 0.7])
def test_shares_are_as_asked_and_labels_right(value, conflict):
    drawn = draw_clean(value, ASKED, Setting(conflict=conflict, quality=0.25), 80, seed=3)
    gaps, k = true_gaps(drawn.pairs), VALUES.index(value)
    assert (gaps[:, k] > 0).all()
    assert (gaps < 0).any(axis=1).sum() == 80 * conflict
    topic_of = topic_of_prompt()
    marred = [
        flaw_cost(topic_of[p.prompt[0]["content"]], p.chosen)
        != flaw_cost(topic_of[p.prompt[0]["content"]], p.rejected)
        for p in drawn.pairs.itertuples()
    ]
    assert sum(marred) == 20
    assert drawn.pairs["id"].is_unique


def test_rare_kinds_are_spread_over_the_table():
    """Held-out pairs are the last ones; they must not be all of the kind that came late."""
    pairs = draw_clean("helpful", ASKED, Setting(conflict=0.9), 100, seed=0).pairs
    conflicted = (true_gaps(pairs) < 0).any(axis=1)
    assert 0 < (~conflicted[:50]).sum() < 10


def test_a_draw_depends_on_its_seed_alone():
    first, again = (draw_clean("helpful", ASKED, Setting(), 20, seed=5) for _ in range(2))
    pd.testing.assert_frame_equal(first.pairs, again.pairs)
    np.testing.assert_array_equal(first.doubt, again.doubt)
    other = draw_clean("helpful", ASKED, Setting(), 20, seed=6)
    assert not set(first.pairs["id"]) & set(other.pairs["id"])


def test_a_share_out_of_reach_is_said(monkeypatch):
    """Pairs in conflict are less than half of all; one draw per pair wanted cannot do."""
    monkeypatch.setattr(drawing, "_MOST_DRAWS", 1)
    with pytest.raises(StudyError, match="hardly ever draws such pairs for humorous"):
        draw_clean("humorous", ASKED, Setting(conflict=1.0), 50, seed=0)


def small_world() -> World:
    """Two values, four pairs each; the gaps of the first are (1, 1), (1, -3), (2, 0), (-1, -1)."""
    gaps = np.array([[1, 1], [1, -3], [2, 0], [-1, -1]], dtype=float)
    pairs = {
        value: make_pairs([f"{value} {i}" for i in range(4)], ["good"] * 4, ["bad"] * 4)
        for value in ("a", "b")
    }
    sides = np.stack([gaps, np.zeros_like(gaps)])
    return World(("a", "b"), pairs, pairs, {"a": sides, "b": 2 * sides})


def test_gaps_are_scaled_over_one_data_set_or_all():
    world, gaps = small_world(), np.array([1.0, 1.0, 2.0, -1.0])
    own = np.std(np.concatenate([gaps, np.zeros(4)]), ddof=1)
    both = np.std(np.concatenate([gaps, 2 * gaps, np.zeros(8)]), ddof=1)
    np.testing.assert_allclose(world.gaps("a", "dataset")[:, 0], gaps / own)
    np.testing.assert_allclose(world.gaps("a", "shared")[:, 0], gaps / both)


def test_a_filter_keeps_what_agrees_and_its_random_twin_as_many():
    world = small_world()
    take = {"threshold": 0.5, "min_norm": 0.0, "scale": "dataset"}
    kept = taken(world, "a", {"kind": "filtered", **take}, seed=0)
    assert [p[0]["content"] for p in kept["prompt"]] == ["a 0", "a 2"]
    drawn = [taken(world, "a", {"kind": "random", **take}, seed=seed) for seed in range(20)]
    assert {len(pairs) for pairs in drawn} == {2}
    assert len({tuple(pairs["id"]) for pairs in drawn}) > 3
    assert len(taken(world, "a", {"kind": "all"}, seed=0)) == 4


def test_the_weighted_sum_decides_which_answer_is_chosen():
    """By the first value alone, pairs 0 to 2 stay and pair 3 turns; by the second, 2 is tied."""
    first = weighted_pairs(small_world(), [1.0, 0.0]).iloc[:4]
    assert first["chosen"].tolist() == ["good", "good", "good", "bad"]
    second = weighted_pairs(small_world(), [0.0, 1.0])
    assert second["chosen"].tolist() == ["good", "bad", "bad"] * 2


def test_equal_pairs_of_two_data_sets_count_once():
    world = small_world()
    same = World(world.values, {v: world.pairs["a"] for v in "ab"}, world.heldout, world.rewards)
    assert len(weighted_pairs(same, [0.5, 0.5])) == 4
