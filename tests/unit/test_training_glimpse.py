"""What a run shows of its policy: samples and the distance to the base."""

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from tests.tiny_models import random_adapter, tiny_causal
from vcsoup.training.glimpse import Glimpse, mean_kl

PROMPTS = [[3, 10, 20], [3, 11, 21, 31, 41], [3, 12]]


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("glimpse")
    base = tiny_causal("llama", folder / "base")
    random_adapter(base, folder / "adapter")
    model = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base), folder / "adapter"
    )
    return model.eval(), AutoTokenizer.from_pretrained(base)


def log_probs(model, ids):
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0].double().numpy()
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def test_the_kl_is_the_naive_sum_over_the_vocabulary(policy):
    """One row at a time, float64, no padding; the mean is over tokens, not over replies."""
    model, tokenizer = policy
    replies = [[50, 51, 52], [60], [70, 71]]
    total = 0.0
    for prompt, reply in zip(PROMPTS, replies, strict=True):
        p = log_probs(model, prompt + reply)
        with model.disable_adapter():
            q = log_probs(model, prompt + reply)
        for place in range(len(prompt) - 1, len(prompt) + len(reply) - 1):
            total += float((np.exp(p[place]) * (p[place] - q[place])).sum())
    measured = mean_kl(model, PROMPTS, replies, pad=tokenizer.pad_token_id)
    assert measured == pytest.approx(total / 6, rel=1e-4)
    assert measured > 0.01


def glimpse(tokenizer, tokens=8):
    return Glimpse(PROMPTS, told="asked", tokenizer=tokenizer, tokens=tokens)


def test_a_look_is_the_same_each_time_and_draws_nothing_from_outside(policy):
    model, tokenizer = policy
    before = torch.get_rng_state()
    first = glimpse(tokenizer).look(model)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert glimpse(tokenizer).look(model) == first
    assert first["kl"] > 0
    assert first["sample_prompt"] == "asked"
    assert first["sample"]


def test_settings_that_came_with_the_base_do_not_change_what_the_policy_says(policy):
    """As of a chat model: a penalty, a cut distribution and more than one end."""
    model, tokenizer = policy
    plain = glimpse(tokenizer, tokens=24).look(model)
    own = model.get_base_model().generation_config
    told = GenerationConfig(repetition_penalty=3.0, top_k=2, min_p=0.5, eos_token_id=[2, 0])
    model.generation_config = model.get_base_model().generation_config = told
    assert glimpse(tokenizer, tokens=24).look(model) == plain
    assert model.get_base_model().generation_config is told
    model.generation_config = model.get_base_model().generation_config = own


def test_a_reply_ends_where_any_of_the_base_s_ends_comes(policy):
    model, tokenizer = policy
    looker = glimpse(tokenizer, tokens=24)
    torch.manual_seed(0)
    whole = looker._replies(model, 24)
    end = whole[0][3]
    own = model.get_base_model().generation_config
    model.generation_config = GenerationConfig(eos_token_id=[tokenizer.eos_token_id, end])
    torch.manual_seed(0)
    cut = looker._replies(model, 24)[0]
    model.generation_config = model.get_base_model().generation_config = own
    assert cut == whole[0][: whole[0].index(end) + 1]


def test_the_base_itself_has_no_distance(policy):
    model, tokenizer = policy
    with model.disable_adapter():
        assert glimpse(tokenizer).look(model)["kl"] == pytest.approx(0, abs=1e-6)


def test_prompts_that_fill_the_model_leave_no_room(policy):
    """The model has 256 places."""
    model, tokenizer = policy
    full = Glimpse([[5] * 256], told="", tokenizer=tokenizer, tokens=8)
    assert full.look(model) == {}
    tight = Glimpse([[5] * 250], told="", tokenizer=tokenizer, tokens=48)
    assert tight.look(model)["kl"] > 0
