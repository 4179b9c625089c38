"""Sampling: inverse CDF by hand, independence of the batch, shared random numbers, stopping."""

from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from tests.tiny_models import random_adapter, tiny_causal
from vcsoup.errors import WeightsError
from vcsoup.soup.decoding import Decoding, Sampler, choose_tokens
from vcsoup.soup.model import SoupModel
from vcsoup.soup.prompts import PromptError, draw_uniforms, encode_prompt
from vcsoup.soup.sampling import sample

PROMPTS = ["Hi", "How do I boil an egg?", "Tell me about soup, please, in many long words."]
CORNERS = np.eye(2)


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def soup(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SoupModel:
    folder = tmp_path_factory.mktemp(request.param)
    base = tiny_causal(request.param, folder / "base")
    paths = [random_adapter(base, folder / f"v{k}", seed=k) for k in range(2)]
    return SoupModel.load(base, paths, device="cpu")


def test_inverse_cdf_by_hand() -> None:
    """Probabilities (.5, .25, 0, .25): cumulative (.5, .75, .75, 1); token 2 is never taken."""
    logits = torch.tensor([[0.5, 0.25, 0.0, 0.25]]).log().repeat(5, 1)
    uniforms = torch.tensor([0.0, 0.49, 0.5, 0.75, 0.999999], dtype=torch.float64)
    assert choose_tokens(logits, uniforms, sampler=Sampler(temperature=1)).tolist() == [
        0,
        0,
        1,
        3,
        3,
    ]


def test_temperature_and_nucleus_by_hand() -> None:
    """Temperature 1/2 squares (.6, .3, .1) to (.36, .09, .01)/.46; top_p .6 leaves token 0."""
    logits = torch.tensor([[0.6, 0.3, 0.1]]).log().repeat(3, 1)
    uniforms = torch.tensor([0.36 / 0.46 - 1e-6, 0.36 / 0.46 + 1e-6, 0.45 / 0.46 + 1e-6]).double()
    sharp = choose_tokens(logits, uniforms, sampler=Sampler(temperature=0.5))
    assert sharp.tolist() == [0, 1, 2]
    assert choose_tokens(logits, uniforms, sampler=Sampler(temperature=1, top_p=0.6)).tolist() == [
        0,
        0,
        0,
    ]
    kept_two = choose_tokens(
        logits, uniforms, sampler=Sampler(temperature=1, top_p=0.61)
    )  # (2/3, 1/3)
    assert kept_two.tolist() == [1, 1, 1]
    assert choose_tokens(logits, uniforms, sampler=Sampler(temperature=0)).tolist() == [0, 0, 0]


def test_uniforms_belong_to_seed_and_prompt() -> None:
    draws = draw_uniforms(["a", "b", "a"], 50, seed=3)
    assert (draws[0] == draws[2]).all()
    assert (draws[0] != draws[1]).all()
    assert (draw_uniforms(["a"], 20, seed=3)[0] == draws[0, :20]).all()
    assert (draw_uniforms(["a"], 20, seed=4)[0] != draws[0, :20]).all()
    assert ((draws >= 0) & (draws < 1)).all()
    assert abs(draw_uniforms(["x"], 10_000, seed=0).mean() - 0.5) < 0.02  # 7 sigma of the mean


def test_a_row_does_not_depend_on_its_batch(soup: SoupModel) -> None:
    """Alone, among others, in another order, or padded by a longer prompt: the same text."""
    weights = np.array([[1, 0], [0, 1], [0.5, 0.5], [0, 0], [2, -1], [0.3, 0.7]])
    prompts = [PROMPTS[i % 3] for i in range(6)]
    together = sample(soup, prompts, weights, seed=5, max_new_tokens=40)
    alone = [
        sample(soup, [prompt], [row], seed=5, max_new_tokens=40)[0]
        for prompt, row in zip(prompts, weights, strict=True)
    ]
    turned = sample(soup, prompts[::-1], weights[::-1], seed=5, max_new_tokens=40)
    assert together == alone == turned[::-1]
    assert len(set(together)) == 6  # different soups do answer differently


def test_greedy_is_generate_of_plain_peft(soup: SoupModel) -> None:
    """Independent reference: transformers' own greedy generation with one PEFT adapter."""
    adapter = soup.adapters[1]
    base = AutoModelForCausalLM.from_pretrained(adapter.base)
    plain = PeftModel.from_pretrained(base, adapter.path)
    for prompt in PROMPTS:
        tokens = encode_prompt(soup, prompt)
        out = plain.generate(
            input_ids=torch.tensor([tokens]),
            attention_mask=torch.ones(1, len(tokens), dtype=torch.int64),
            max_new_tokens=20,
            do_sample=False,
            pad_token_id=0,
        )
        expected = soup.tokenizer.decode(out[0, len(tokens) :], skip_special_tokens=True).strip()
        got = sample(soup, [prompt], [[0.0, 1.0]], max_new_tokens=20, temperature=0)
        assert got == [expected]


def test_rows_end_at_the_end_token_and_leave_the_batch(soup: SoupModel) -> None:
    """A stop token that is sampled ends a row; the others go on as if nothing happened."""
    prompts, weights = [f"prompt {i}" for i in range(12)], np.tile([0.5, 0.5], (12, 1))
    full = _token_rows(soup, prompts, weights)
    stop = int(np.bincount(np.concatenate(full)).argmax())  # a token that many rows contain
    former, soup.model.generation_config.eos_token_id = (
        soup.model.generation_config.eos_token_id,
        [stop],
    )
    try:
        cut = _token_rows(soup, prompts, weights)
    finally:
        soup.model.generation_config.eos_token_id = former
    expected = [row[: row.index(stop)] if stop in row else row for row in full]
    assert cut == expected
    assert len({len(row) for row in cut}) > 2


def _token_rows(soup: SoupModel, prompts: list[str], weights: np.ndarray) -> list[list[int]]:
    decoding = Decoding(
        soup,
        [encode_prompt(soup, prompt) for prompt in prompts],
        weights,
        uniforms=draw_uniforms(prompts, 40, seed=0),
        sampler=Sampler(max_new_tokens=40),
    )
    while not decoding.done:
        decoding.step()
    return decoding.replies


def test_callbacks_hear_every_token_and_can_stop(soup: SoupModel) -> None:
    heard: list[tuple[int, int]] = []
    sample(soup, PROMPTS, np.zeros((3, 2)), max_new_tokens=6, on_tokens=heard.extend)
    assert len(heard) == 18
    before_third = iter([False, False, True])
    heard.clear()
    sample(
        soup,
        PROMPTS,
        np.zeros((3, 2)),
        max_new_tokens=6,
        on_tokens=heard.extend,
        should_stop=lambda: next(before_third),
    )
    assert len(heard) == 6


def test_bad_input_is_one_line(soup: SoupModel) -> None:
    with pytest.raises(PromptError, match="context of 256; shorten"):
        sample(soup, ["word " * 300], CORNERS[:1])
    with pytest.raises(PromptError, match="max_new_tokens"):
        sample(soup, ["a"], CORNERS[:1], max_new_tokens=0)
    with pytest.raises(WeightsError, match=r"expected weights of shape \(1, 2\)"):
        sample(soup, ["a"], CORNERS)
    with pytest.raises(WeightsError, match="finite"):
        sample(soup, ["a"], [[np.nan, 1.0]])
    assert sample(soup, [], np.zeros((0, 2))) == []


def test_models_without_a_chat_template_get_plain_text(tmp_path: Path) -> None:
    soup = SoupModel.load(tiny_causal("llama", tmp_path / "base", chat=False), [], device="cpu")
    assert soup.tokenizer.decode(encode_prompt(soup, "Hi there")) == "Hi there"
    dialogue = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]
    text = soup.tokenizer.decode(encode_prompt(soup, dialogue))
    assert text == "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant:"
    assert len(sample(soup, ["Hi"], np.zeros((1, 0)), max_new_tokens=5)) == 1
