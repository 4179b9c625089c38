"""The rewards table of a dataset, and going on after a stop."""

import numpy as np
import pandas as pd
import pytest
from transformers import AutoTokenizer

from tests.tiny_models import tiny_classifier
from tests.tiny_pairs import Recorder, tiny_pairs
from vcsoup.monitor import StopRequested
from vcsoup.preferences.pairs import make_pairs
from vcsoup.rewards.cache import RewardCache, reply_key
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.scoring import column_rewards, score_pairs, score_replies
from vcsoup.rewards.spec import RewardSpec


@pytest.fixture(scope="module")
def specs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rm")
    return {
        "kind": RewardSpec(model=str(tiny_classifier(folder / "kind", seed=1))),
        "cheap": RewardSpec(model=str(tiny_classifier(folder / "cheap", seed=2)), sign=-1),
    }


def test_the_table_has_two_columns_per_value_in_the_pairs_order(specs):
    pairs = tiny_pairs(6)
    table = score_pairs(pairs, specs)
    assert list(table) == [
        "id", "kind_chosen", "kind_rejected", "cheap_chosen", "cheap_rejected"
    ]  # fmt: skip
    assert table["id"].tolist() == pairs["id"].tolist()
    for value, spec in specs.items():
        model = RewardModel.load(spec)
        for side in ("chosen", "rejected"):
            assert table[f"{value}_{side}"].dtype == np.float32
            alone = model.score(pairs["prompt"].tolist(), pairs[side].tolist())
            np.testing.assert_allclose(table[f"{value}_{side}"], alone, atol=1e-5)


def test_replies_give_n_by_k_and_repeats_agree(specs):
    prompts, replies = ["q", "q", "q", "r"], ["yes", "no", "yes", "yes"]
    rewards = score_replies(prompts, replies, specs)
    assert (rewards.shape, rewards.dtype) == ((4, 2), np.float32)
    assert (rewards[0] == rewards[2]).all()
    assert (rewards[0] != rewards[1]).all()
    assert (rewards[0] != rewards[3]).all()


def test_a_conversation_that_the_chat_template_refuses_has_no_reward(tmp_path, caplog):
    """As Gemma's refuses a system turn; asked alone, as in a second run, it is no error either."""
    folder = tiny_classifier(tmp_path / "rm")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    refuses = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    tokenizer.chat_template = refuses + tokenizer.chat_template
    tokenizer.save_pretrained(folder)
    turns = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "q"}]
    pairs = make_pairs(["q", turns, "r"], ["yes", "yes", "no"], ["no", "no", "yes"])
    specs = {"kind": RewardSpec(model=str(folder))}
    cache = RewardCache(tmp_path / "cache")
    for _ in range(2):
        rewards = score_pairs(pairs, specs, cache=cache).drop(columns="id").to_numpy()
        assert np.isnan(rewards[1]).all()
        assert np.isfinite(rewards[[0, 2]]).all()
    assert "2 of 6 replies are refused: the chat template of" in caplog.text
    assert "system, user, assistant (no system); leave such prompts out" in caplog.text
    assert "2 of 2 replies are refused" in caplog.text


def test_nothing_to_score(specs):
    assert score_replies([], [], specs).shape == (0, 2)
    assert len(score_pairs(tiny_pairs(0), specs)) == 0


def test_a_known_reward_is_not_asked_again_and_gets_the_sign(specs, tmp_path):
    """A made-up reward in the cache shows: it comes back, with the value's sign on it."""
    cache = RewardCache(tmp_path)
    cache.add(specs["cheap"].fingerprint(), [reply_key("q", "yes")], np.float32([123.0]))
    rewards = score_replies(["q", "q"], ["yes", "no"], specs, cache=cache)
    assert rewards[0, 1] == -123.0
    np.testing.assert_array_equal(
        rewards[:, 0], score_replies(["q", "q"], ["yes", "no"], specs)[:, 0]
    )


def test_a_stopped_run_goes_on_where_it_stopped(specs, tmp_path):
    """500 replies are several batches; the second run starts with what the first one scored."""
    pairs, cache = tiny_pairs(250), RewardCache(tmp_path)
    pairs["chosen"] = pairs["chosen"] + " " + pairs["chosen"]
    first, second, third = Recorder(stop_at=1), Recorder(), Recorder()
    with pytest.raises(StopRequested, match=r"scoring kind was stopped at \d+ of 500"):
        score_pairs(pairs, specs, cache=cache, monitor=first)
    stopped_at = first.reports[-1][1]
    assert 0 < stopped_at < 500

    resumed = score_pairs(pairs, specs, cache=cache, monitor=second)
    assert second.reports[0][:3] == ("scoring kind", stopped_at, 500)
    pd.testing.assert_frame_equal(resumed, score_pairs(pairs, specs), rtol=0, atol=1e-4)

    score_pairs(pairs, specs, cache=cache, monitor=third)
    assert [report[:3] for report in third.reports] == [
        ("scoring kind", 500, 500),
        ("scoring cheap", 500, 500),
    ]


def test_a_score_beyond_float32_is_infinite_without_a_warning(recwarn):
    """Float32 ends at 3.4e38; what is infinite is set aside and listed with the other cells."""
    pairs = pd.DataFrame({"s_chosen": [1e39, 2.0], "s_rejected": [0.0, -1e39]})
    rewards = column_rewards(pairs, RewardSpec(kind="column", column="s", sign=-1))
    assert rewards.tolist() == [-np.inf, -2.0, 0.0, np.inf]
    assert not recwarn.list
