"""Rewards without a model: each figure derived by hand."""

import numpy as np
import pytest

from tests.tiny_pairs import Recorder, tiny_pairs
from vcsoup.errors import RewardModelError
from vcsoup.monitor import StopRequested
from vcsoup.rewards.functions import FunctionJudge, length, reading_ease, refusal, syllables
from vcsoup.rewards.judge import load_judge
from vcsoup.rewards.scoring import score_pairs, score_replies
from vcsoup.rewards.spec import RewardSpec, reward_spec


def test_lengths_are_counted_exactly():
    assert length("") == length("", unit="characters") == 0
    assert length("It's a well-known fact: 3 of 4.") == 7
    assert length("naïve 東京", unit="characters") == 8


def test_reading_ease_is_the_formula_of_flesch():
    """Two sentences, five words (a-na-ly-sis, is, hard, I, know): 4+1+1+1+1 = 8 syllables."""
    expected = 206.835 - 1.015 * 5 / 2 - 84.6 * 8 / 5
    assert reading_ease("Analysis is hard. I know!") == pytest.approx(expected)
    assert reading_ease("") == reading_ease("?! ...") == 0
    assert reading_ease("The cat sat.") > reading_ease("Institutional responsibility accumulated.")


def test_a_full_stop_inside_a_number_ends_no_sentence():
    assert reading_ease("it is 3.5 now") == pytest.approx(
        206.835 - 1.015 * 5 - 84.6 * sum(syllables(w) for w in ("it", "is", "3", "5", "now")) / 5
    )


@pytest.mark.parametrize(
    ("reply", "declines"),
    [
        ("I'm sorry, but I can't help with that.", 1),
        ("I\u2019m really sorry about this.", 1),
        ("I cannot tell you.", 1),
        ("As an AI language model, I", 1),
        ("I won't do it", 1),
        ("Sure, here is the recipe.", 0),
        ("You cannot lose: take the left door.", 0),
        ("Here it is. " * 30 + "I can't help with more.", 0),
        ("", 0),
    ],
)
def test_refusals(reply, declines):
    assert refusal(reply) == declines


def test_a_function_scores_like_a_model_with_its_sign():
    spec = RewardSpec(kind="pattern", pattern=r"\bno\b", sign=-1)
    judge = load_judge(spec)
    assert judge.score(["q"] * 3, ["no, no", "nobody", ""]).tolist() == [-2, 0, 0]
    [(rows, rewards)] = judge.batches(["q"] * 2, ["no", "yes"])
    assert (rows.tolist(), rewards.tolist(), rewards.dtype) == ([0, 1], [-1, 0], np.float32)
    assert judge.score([], []).shape == (0,)


def test_a_long_function_run_reports_and_stops():
    judge, monitor = FunctionJudge(RewardSpec(kind="length")), Recorder(stop_at=1)
    with pytest.raises(StopRequested, match="scoring brief was stopped at 4096 of 5000"):
        judge.score(["q"] * 5000, ["a"] * 5000, stage="scoring brief", monitor=monitor)


def test_pairs_are_scored_by_functions_and_columns_together():
    pairs = tiny_pairs(3).assign(mark_chosen=[1.0, 2.0, None], mark_rejected=["0.5", "0", "1"])
    specs = {
        "brief": RewardSpec(kind="length", sign=-1),
        "rated": RewardSpec(kind="column", column="mark"),
        "shame": RewardSpec(kind="column", column="mark", sign=-1),
    }
    monitor = Recorder()
    table = score_pairs(pairs, specs, monitor=monitor)
    assert list(table) == ["id", *(f"{v}_{s}" for v in specs for s in ("chosen", "rejected"))]
    assert table["brief_chosen"].tolist() == [-len(text.split()) for text in pairs["chosen"]]
    np.testing.assert_array_equal(table["rated_chosen"], [1, 2, np.nan])
    assert table["rated_rejected"].tolist() == [0.5, 0, 1]
    np.testing.assert_array_equal(table["shame_chosen"], [-1, -2, np.nan])
    assert monitor.reports[-1][:3] == ("scoring brief", 6, 6)


def test_columns_that_cannot_be_rewards_are_named():
    pairs = tiny_pairs(2).assign(word_chosen=["a", "b"], word_rejected=["a", "b"])
    for column, words in [
        ("score", "bring no scores 'score' .*they bring: word.; name scores that every data set"),
        ("word", "column 'word_chosen' holds something that is no number"),
    ]:
        with pytest.raises(RewardModelError, match=words):
            score_pairs(pairs, {"v": RewardSpec(kind="column", column=column)})


def test_a_column_cannot_judge_other_replies():
    spec = RewardSpec(kind="column", column="mark")
    for ask in (lambda: load_judge(spec), lambda: score_replies(["q"], ["r"], {"v": spec})):
        with pytest.raises(RewardModelError, match=r"give .* a reward model or a function"):
            ask()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "column"}, "kind column needs column; name scores"),
        ({"kind": "pattern"}, "kind pattern needs a pattern"),
        ({"kind": "pattern", "pattern": "("}, r"pattern '\(' cannot be read"),
        ({"kind": "length", "model": "org/m"}, "kind length needs no model"),
        ({"kind": "mood"}, "kind = 'mood'"),
    ],
)
def test_specs_without_a_model_say_what_they_need(fields, words):
    with pytest.raises(RewardModelError, match=words):
        reward_spec(**fields)


def test_records_are_short_and_named_by_what_matters():
    spec = RewardSpec(kind="length", unit="characters")
    assert RewardSpec.model_validate_json(spec.model_dump_json()) == spec
    assert "pattern" not in spec.model_dump()
    assert spec.fingerprint() != RewardSpec(kind="length").fingerprint()
    assert spec.fingerprint() == spec.model_copy(update={"sign": -1}).fingerprint()
    assert RewardSpec(model="org/rm").model_dump() == {
        "model": "org/rm",
        "revision": None,
        "template": "chat",
        "label": 0,
        "sign": 1,
        "max_length": 1024,
        "trust_remote_code": False,
    }
