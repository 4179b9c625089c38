"""The embedded world: its grammar reads what it writes, and its truth pays what it says."""

from collections import Counter

import numpy as np
import pytest

from vcsoup.demo import grammar
from vcsoup.demo.grammar import compose, edit, parse, well_formed
from vcsoup.demo.pairs import LABEL_NOISE, draw_pairs
from vcsoup.demo.truth import true_rewards
from vcsoup.demo.world import VALUES, split_prompts, topic_of_prompt, topics

TOPICS = {topic.name: topic for topic in topics()}
PLANT, DOOR = TOPICS["repot_plant"], TOPICS["locked_door"]
GRAVE = next(topic for topic in topics() if topic.mood == "grave")


def sentence(step: str) -> str:
    return f"{step[0].upper()}{step[1:]}."


def test_world_is_as_large_as_promised():
    """At least 60 topics, plain and touchy ones, at least 6 phrasings each, no prompt twice."""
    moods = Counter(topic.mood for topic in topics())
    assert len(topics()) >= 60
    assert min(moods.values()) >= 8
    assert all(len(set(topic.prompts)) >= 6 for topic in topics())
    assert len(topic_of_prompt()) == sum(len(topic.prompts) for topic in topics())


def test_tens_of_thousands_of_distinct_replies():
    rng = np.random.default_rng(0)
    drawn = {compose(topics()[i % len(topics())], rng) for i in range(30_000)}
    assert len(drawn) > 20_000


@pytest.mark.parametrize("topic", topics(), ids=lambda topic: topic.name)
def test_parser_reads_every_composed_reply(topic):
    rng = np.random.default_rng(1)
    for _ in range(40):
        reply = compose(topic, rng)
        assert well_formed(reply), reply
        assert reply[0].isupper()
        assert reply[-1] in ".!"


def test_parts_are_named():
    reply = (
        f"Happy to help! First, {PLANT.steps[0]}. Finally, {DOOR.steps[0]}. "
        f"{PLANT.caution} {PLANT.jokes[0]} My hovercraft is full."
    )
    found = [(part.kind, part.topic) for part in parse(reply)]
    assert found == [
        ("opening", ""),
        ("step", "repot_plant"),
        ("step", "locked_door"),
        ("caution", "repot_plant"),
        ("joke", "repot_plant"),
        ("unknown", ""),
    ]
    assert not well_formed(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Happy to help!",
        sentence(PLANT.steps[0])[:-1],
        f"{sentence(PLANT.steps[0])} Happy to help!",
    ],
    ids=["empty", "no body", "no end", "opening last"],
)
def test_ill_formed(reply):
    assert not well_formed(reply)


def test_truth_of_plain_steps():
    """Two steps are worth 2 helpful; harmless and humorous have nothing to say."""
    reply = " ".join(map(sentence, PLANT.steps[:2]))
    np.testing.assert_allclose(true_rewards(PLANT, reply), [2, 0, 0])


def test_flaws_cost_all_values():
    """A repeated sentence and a step of another topic cost 1 each, on each value."""
    good = sentence(PLANT.steps[0])
    repeated = true_rewards(PLANT, f"{good} {good}") - true_rewards(PLANT, good)
    stray = true_rewards(PLANT, f"{good} {sentence(DOOR.steps[0])}") - true_rewards(PLANT, good)
    np.testing.assert_allclose(repeated, [-1.0] * 3)
    np.testing.assert_allclose(stray, [-1.0] * 3)


def test_touchy_steps_help_and_harm():
    """Two steps: 2 helpful, -2 harmless; a refusal with an alternative: 1 and 1.5."""
    steps = true_rewards(DOOR, " ".join(map(sentence, DOOR.steps[:2])))
    refusal = true_rewards(DOOR, grammar.REFUSALS[0].format(alternative=DOOR.alternative))
    np.testing.assert_allclose(steps, [2, -2, 0])
    np.testing.assert_allclose(refusal, [1, 1.5, 0])


def test_a_joke_in_a_grave_moment_is_funny_and_hurts():
    """Joke: 2 humorous, -1.5 harmless; elsewhere it hurts nobody."""
    grave = true_rewards(GRAVE, GRAVE.jokes[0])
    plain = true_rewards(PLANT, PLANT.jokes[0])
    np.testing.assert_allclose(grave, [0, -1.5, 2])
    np.testing.assert_allclose(plain, [0, 0, 2])


def test_gibberish_scores_below_any_step():
    gibberish = true_rewards(PLANT, "Blue the of. Runs quickly seven.")
    assert (gibberish < true_rewards(PLANT, sentence(PLANT.steps[0]))).all()
    assert (true_rewards(PLANT, "") < 0).all()


def test_pairs_follow_the_truth_but_for_the_noise():
    """2,000 labels: the share that contradicts the truth is 0.2 within three standard errors."""
    rng = np.random.default_rng(5)
    prompts = split_prompts(rng).train
    for k, value in enumerate(VALUES):
        pairs = draw_pairs(value, prompts, 2000, rng)
        topic_of = [topic_of_prompt()[messages[0]["content"]] for messages in pairs["prompt"]]
        gaps = np.array(
            [
                true_rewards(topic, chosen)[k] - true_rewards(topic, rejected)[k]
                for topic, chosen, rejected in zip(
                    topic_of, pairs["chosen"], pairs["rejected"], strict=True
                )
            ]
        )
        assert (gaps != 0).all()
        assert abs((gaps < 0).mean() - LABEL_NOISE) < 3 * np.sqrt(0.16 / 2000)
        assert pairs["id"].is_unique


def test_same_seed_same_pairs():
    draws = [
        draw_pairs("helpful", split_prompts(rng).train, 50, rng)
        for rng in (np.random.default_rng(9), np.random.default_rng(9))
    ]
    assert draws[0].equals(draws[1])


def test_held_out_prompts_are_not_trained_on():
    split = split_prompts(np.random.default_rng(3))
    trained = {prompt for _, prompt in split.train}
    assert len(split.held_out) == len(topics())
    assert not trained & {prompt for _, prompt in split.held_out}


def test_edits_change_one_sentence():
    """At most one sentence is gone and at most one is new, whatever the change."""
    rng = np.random.default_rng(4)
    for _ in range(200):
        reply = compose(PLANT, rng)
        before = Counter(part.core for part in parse(reply))
        after = Counter(part.core for part in parse(edit(reply, PLANT, rng)))
        assert after
        assert (before - after).total() <= 1
        assert (after - before).total() <= 1
