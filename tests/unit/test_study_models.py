"""The study's figures that need a model: KL, losses, cosines, barriers, steering; tiny but real."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import log_softmax

from tests.tiny_models import random_adapter, tiny_causal
from tests.tiny_pairs import tiny_pairs
from vcsoup.monitor import SILENT
from vcsoup.soup.model import SoupModel
from vcsoup.soup.prompts import encode_prompt
from vcsoup.study.conditioned import asked_levels, reward_levels, steered, train_conditioned
from vcsoup.study.geometry import delta_cosine, gradient_cosine, loss_barrier
from vcsoup.study.sequences import dpo_losses, mean_kl
from vcsoup.training.config import train_config

PROMPTS = [[{"role": "user", "content": text}] for text in ("How do I boil an egg?", "Why?")]
REPLIES = ["Put it into hot water.", "Because."]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny_causal("llama", tmp_path_factory.mktemp("study") / "base")


@pytest.fixture(scope="module")
def adapters(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapters")
    return [random_adapter(base, folder / str(seed), seed=seed) for seed in (0, 1)]


@pytest.fixture
def soup(base, adapters):
    return SoupModel.load(base, adapters)


def naive_logits(soup, weights, prompt, reply):
    """Logits that each token of a reply and the end were drawn from, one text at a time."""
    head = encode_prompt(soup, prompt)
    tail = [*soup.tokenizer(reply, add_special_tokens=False)["input_ids"], 2]
    assert soup.tokenizer.eos_token_id == 2
    with torch.inference_mode():
        logits = soup(torch.tensor([head + tail]), weights=[weights]).logits[0]
    return log_softmax(logits[len(head) - 1 : -1].double(), -1), tail


def test_kl_is_that_of_every_token_alone(soup):
    """Against one text at a time, in float64; batches round differently, hence 1e-5."""
    total, count = 0.0, 0
    for prompt, reply in zip(PROMPTS, REPLIES, strict=True):
        p, _ = naive_logits(soup, [0.5, 0.5], prompt, reply)
        q, _ = naive_logits(soup, [0.0, 0.0], prompt, reply)
        total += float((p.exp() * (p - q)).sum())
        count += len(p)
    found = mean_kl(soup, [0.5, 0.5], PROMPTS, PROMPTS, REPLIES)
    assert found == pytest.approx(total / count, rel=1e-5)
    assert found > 0
    assert mean_kl(soup, [0.0, 0.0], PROMPTS, PROMPTS, REPLIES) == pytest.approx(0, abs=1e-9)


def test_dpo_loss_of_the_base_is_log_two_and_else_that_of_each_pair(soup):
    pairs = tiny_pairs(3)
    losses = dpo_losses(soup, [[0.0, 0.0], [1.0, 0.0]], pairs, beta=0.3)
    np.testing.assert_allclose(losses[0], math.log(2), atol=1e-5)
    for row, pair in enumerate(pairs.itertuples()):
        gains = []
        for answer in (pair.chosen, pair.rejected):
            policy, tokens = naive_logits(soup, [1.0, 0.0], pair.prompt, answer)
            plain, _ = naive_logits(soup, [0.0, 0.0], pair.prompt, answer)
            at = torch.arange(len(tokens)), torch.tensor(tokens)
            gains.append(float((policy[at] - plain[at]).sum()))
        expected = math.log1p(math.exp(-0.3 * (gains[0] - gains[1])))
        assert losses[1, row] == pytest.approx(expected, rel=1e-4)


def test_gradients_of_the_same_pairs_agree_and_of_exchanged_ones_oppose(base):
    pairs = tiny_pairs(6)
    turned = pairs.rename(columns={"chosen": "rejected", "rejected": "chosen"})
    rng = np.random.default_rng(0)
    assert gradient_cosine(str(base), {"a": pairs, "b": pairs}, rng=rng) == pytest.approx(1)
    assert gradient_cosine(str(base), {"a": pairs, "b": turned}, rng=rng) == pytest.approx(-1)
    assert gradient_cosine(str(base), {"a": pairs, "b": pairs[:0]}, rng=rng) is None


def test_delta_cosine_of_an_adapter_with_itself_is_one(adapters):
    assert delta_cosine([adapters[0], adapters[0]]) == pytest.approx(1)
    assert abs(delta_cosine(adapters)) < 0.3


def test_a_barrier_is_the_mixs_loss_over_the_mean_of_its_ends(base, adapters, soup):
    pairs = {"a": tiny_pairs(4), "b": tiny_pairs(4, seed=1)}
    found = loss_barrier(soup, pairs, beta=0.3)
    table = {
        name: dpo_losses(soup, [[1, 0], [0, 1], [0.5, 0.5]], own, beta=0.3).mean(axis=1)
        for name, own in pairs.items()
    }
    rises = [mix - (one + other) / 2 for one, other, mix in table.values()]
    assert found == pytest.approx(np.mean(rises))
    same = SoupModel.load(base, [adapters[0], adapters[0]])
    assert loss_barrier(same, pairs, beta=0.3) == pytest.approx(0, abs=1e-5)


def test_levels_are_equally_frequent_and_follow_the_rewards():
    rewards = np.random.default_rng(0).normal(size=(1000, 2))
    levels = reward_levels(rewards, 5)
    assert np.bincount(levels[:, 0]).tolist() == [200] * 5
    order = np.argsort(rewards[:, 1])
    assert (np.diff(levels[order, 1]) >= 0).all()


def test_a_wish_is_written_behind_the_last_turn():
    prompt = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Ho"},
        *PROMPTS[0],
    ]
    told = steered(prompt, {"kind": 4, "brief": 0})
    assert told[:2] == prompt[:2]
    assert told[2]["content"] == "How do I boil an egg? kind: most, brief: not."
    assert prompt[2]["content"] == "How do I boil an egg?"
    assert asked_levels([0.5, 0.5], 5) == [4, 4]
    assert asked_levels([0.25, 0.75], 5) == [2, 4]


def test_a_conditioned_policy_learns_which_reply_belongs_to_which_wish(base, tmp_path):
    """Two replies, told apart by the wish alone: after training each is likelier at its own."""
    wishes = [steered(PROMPTS[1], {"kind": level}) for level in (0, 4)]
    replies = ["no go away", "sure gladly"]
    config = train_config(
        "demo", steps=30, batch_size=4, rank=4, alpha=8, learning_rate=1e-2, warmup=0.0, seed=0
    )
    shown = train_conditioned(
        wishes * 4, replies * 4, config, base=str(base), out=tmp_path / "a", monitor=SILENT
    )
    assert shown == 30 * 2 * 4
    soup = SoupModel.load(base, [tmp_path / "a"])

    def logp(wish, reply):
        logits, tokens = naive_logits(soup, [1.0], wish, reply)
        return float(logits[torch.arange(len(tokens)), torch.tensor(tokens)].sum())

    for own in (0, 1):
        assert logp(wishes[own], replies[own]) > logp(wishes[own], replies[1 - own]) + 1
