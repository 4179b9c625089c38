"""Sampling: inverse CDF by hand, independence of the batch, shared random numbers, stopping."""

from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from torch._subclasses import FakeTensorMode
from transformers import AutoModelForCausalLM, DynamicCache, LlamaConfig

from tests.odd_bases import odd_causal
from tests.tiny_models import random_adapter, tiny_causal
from vcsoup.errors import AdapterError, WeightsError
from vcsoup.soup import sampling
from vcsoup.soup.cache import RowCache
from vcsoup.soup.decoding import Decoding, Reply
from vcsoup.soup.drafts import Drafts
from vcsoup.soup.model import SoupModel
from vcsoup.soup.prompts import PromptError, draw_uniforms, encode_prompt
from vcsoup.soup.sampler import Sampler, choose_tokens
from vcsoup.soup.sampling import decode, sample

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


@pytest.mark.parametrize("temperature", [1e-29, 1e-31, 1e-39, 5e-324])
def test_the_coldest_temperatures_take_the_likeliest(temperature: float) -> None:
    """1 / 1e-39 is more than float32 holds; it must not read as a model without finite numbers."""
    logits, half = torch.tensor([[1.0, 90.0, 2.0]]), torch.tensor([0.5]).double()
    assert choose_tokens(logits, half, sampler=Sampler(temperature=temperature)).tolist() == [1]


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


def _replies(
    soup: SoupModel, prompts: list[str], weights: np.ndarray, *, length: int = 40
) -> list[Reply]:
    uniforms = draw_uniforms(prompts, length, seed=0)
    return [
        Reply(encode_prompt(soup, prompt), *own, Sampler(length))
        for prompt, *own in zip(prompts, weights, uniforms, strict=True)
    ]


def _token_rows(soup: SoupModel, prompts: list[str], weights: np.ndarray) -> list[list[int]]:
    replies = _replies(soup, prompts, weights)
    for _ in decode(soup, replies):
        pass
    return [reply.tokens for reply in replies]


def test_replies_join_and_leave_in_flight(soup: SoupModel) -> None:
    """Rows of all lengths, with long and short prompts, share three places; nothing changes."""
    prompts = [f"{PROMPTS[i % 3]} {'word ' * (i % 4)}" for i in range(14)]
    weights = np.random.default_rng(0).dirichlet([1, 1], size=14)
    alone = [_token_rows(soup, [p], w[None])[0] for p, w in zip(prompts, weights, strict=True)]
    replies = _replies(soup, prompts, weights)
    for row, reply in enumerate(replies):
        reply.sampler = Sampler(3 + 5 * (row % 5))
    live = []
    for _ in decode(soup, replies, rows=3):
        live.append(sum(bool(reply.tokens) and not reply.finished for reply in replies))
    assert max(live) == 3
    for reply, expected in zip(replies, alone, strict=True):
        assert reply.finished
        assert reply.tokens == expected[: reply.sampler.max_new_tokens]


def test_layers_keep_their_rows_where_they_compute() -> None:
    """A base spread over devices; the second one here is simulated, so no numbers come out."""
    places = [torch.device("cpu"), torch.device("lazy", 0)]
    config = LlamaConfig(num_hidden_layers=2)
    with FakeTensorMode(allow_non_fake_inputs=True):
        cache, read = RowCache(config, places[0]), DynamicCache()
        for layer, place in enumerate(places):
            read.update(*torch.zeros(2, 3, 2, 5, 4, device=place), layer)
        cache.add([5, 3], read, [0, 2])
        cache.add([4], read, [1])
        cache.begin_step()
        for layer, place in enumerate(places):
            kept = cache.update(*torch.zeros(2, 3, 2, 1, 4, device=place), layer)
            assert [(part.device, part.shape) for part in kept] == [(place, (3, 2, 6, 4))] * 2
        cache.end_step()
        assert cache.leave([0]).tolist() == [2, 1]


def test_samplers_mix_in_one_batch(soup: SoupModel) -> None:
    """Greedy, sampled and nucleus rows side by side are what each is by itself."""
    kinds = [Sampler(9, 0.0), Sampler(9, 0.7), Sampler(9, 1.0, 0.5), Sampler(9, 0.7)]
    together = _replies(soup, ["Hi"] * 4, np.tile([0.5, 0.5], (4, 1)), length=9)
    for reply, kind in zip(together, kinds, strict=True):
        reply.sampler = kind
    for _ in decode(soup, together):
        pass
    for reply, kind in zip(together, kinds, strict=True):
        alone = Reply(reply.prompt, reply.weights, reply.uniforms, kind)
        for _ in decode(soup, [alone]):
            pass
        assert alone.tokens == reply.tokens


def test_drafts_change_nothing(soup: SoupModel) -> None:
    """Right, half right, wrong, too long and cut drafts: the reply is the one without a draft."""
    truth = _replies(soup, PROMPTS, np.tile([0.5, 0.5], (3, 1)))
    for _ in decode(soup, truth):
        pass
    for change in (
        lambda tokens: tokens,
        lambda tokens: tokens + [5] * 60,
        lambda tokens: [*tokens[:7], tokens[7] + 1, *tokens[8:]],
        lambda tokens: tokens[:3],
        lambda tokens: [9, 9, 9],
    ):
        again = [Reply(r.prompt, r.weights, r.uniforms, r.sampler) for r in truth]
        for reply, known in zip(again, truth, strict=True):
            reply.draft = change(known.tokens)
        heard: dict[int, list[int]] = {id(reply): [] for reply in again}
        for new in decode(soup, again):
            for reply, token in new:
                heard[id(reply)].append(token)
        for reply, known in zip(again, truth, strict=True):
            assert reply.tokens == known.tokens == heard[id(reply)]


def test_a_right_draft_needs_one_pass(soup: SoupModel) -> None:
    (truth,) = _replies(soup, ["Hi"], np.array([[0.5, 0.5]]))
    for _ in decode(soup, [truth]):
        pass
    near = Reply(truth.prompt, np.array([0.5, 0.5]), truth.uniforms, truth.sampler)
    drafts = Drafts()
    drafts.learn(truth)
    far = Reply(truth.prompt, np.array([9.0, 9.0]), truth.uniforms, truth.sampler, tokens=[1])
    drafts.learn(far)
    near.draft = drafts.suggest(near)
    decoding = Decoding(soup)
    assert [token for _, token in decoding.join([near])] == truth.tokens
    assert (near.finished, decoding.replies) == (True, [])


def test_drafts_are_the_nearest_soups_and_bounded() -> None:
    """Room for 20 tokens, replies of 8: the third prompt's makes the first's be forgotten."""

    def said(prompt: int, share: float, token: int = 5) -> Reply:
        weights = np.array([share, 1 - share])
        return Reply([prompt], weights, np.full(9, 0.5), Sampler(9), tokens=[token] * 8)

    drafts = Drafts()
    drafts.learn(said(1, 0.2, token=2))
    drafts.learn(said(1, 0.9, token=9))
    assert drafts.suggest(said(1, 0.4)) == (2,) * 8
    assert drafts.suggest(said(1, 0.6)) == (9,) * 8
    assert drafts.suggest(said(2, 0.4)) == ()
    other = said(1, 0.4)
    other.uniforms = np.full(9, 0.6)
    assert drafts.suggest(other) == ()
    bounded = Drafts(most_tokens=20)
    for prompt in (1, 2, 3):
        bounded.learn(said(prompt, 0.5))
    assert [len(bounded.suggest(said(prompt, 0.5))) for prompt in (1, 2, 3)] == [0, 8, 8]


def test_drafts_of_long_prompts_are_forgotten_too() -> None:
    """Eleven tokens each, ten of them the prompt's, in a bound of 50: the newest four stay."""
    bounded = Drafts(most_tokens=50)
    replies = [
        Reply([prompt] * 10, np.zeros(2), np.full(1, 0.5), Sampler(1), tokens=[7])
        for prompt in range(9)
    ]
    for reply in replies:
        bounded.learn(reply)
    assert [bool(bounded.suggest(reply)) for reply in replies] == [False] * 5 + [True] * 4


def test_a_reply_that_is_ended_leaves_before_the_next_step(soup: SoupModel) -> None:
    first, second = _replies(soup, ["Hi", "Ho"], np.zeros((2, 2)))
    decoding = Decoding(soup)
    decoding.join([first, second])
    first.finished = True
    decoding.step()
    assert (len(first.tokens), len(second.tokens)) == (1, 2)
    assert decoding.replies == [second]


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


def test_a_prompt_longer_than_mpts_context_is_refused_before_it_joins(tmp_path: Path) -> None:
    """Its context has another name; inside a batch it would break the replies of all others."""
    soup = SoupModel.load(odd_causal("mpt", tmp_path / "base"), [], device="cpu")
    with pytest.raises(PromptError, match="context of 256; shorten"):
        sample(soup, ["word " * 300], np.zeros((1, 0)))


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_a_soup_whose_numbers_overflow_is_refused(soup: SoupModel, temperature: float) -> None:
    prompts, weights = [f"say {n}" for n in range(8)], np.tile([1e38, -1e38], (8, 1))
    with pytest.raises(WeightsError, match="no finite numbers at the weights"):
        sample(soup, prompts, weights, max_new_tokens=40, temperature=temperature)


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


def test_two_streams_say_what_one_says(soup: SoupModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 replies of mixed soups, greedy: decoded in two streams or in one, the same tokens."""
    weights = np.random.default_rng(0).dirichlet([1, 1], size=200)
    prompts = [PROMPTS[row % 3] for row in range(200)]
    uniforms = draw_uniforms(prompts, 6, seed=0)

    def said(streams: int) -> list[list[int]]:
        monkeypatch.setattr(sampling, "_streams", lambda soup, replies: streams)
        replies = [
            Reply(encode_prompt(soup, prompt), *own, Sampler(6, 0))
            for prompt, *own in zip(prompts, weights, uniforms, strict=True)
        ]
        told = sum(len(new) for new in decode(soup, replies))
        assert all(reply.finished for reply in replies)
        assert told == sum(len(reply.tokens) for reply in replies)
        return [reply.tokens for reply in replies]

    assert said(2) == said(1)


def test_more_streams_than_rows_still_answer(
    soup: SoupModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight cores and three rows in flight: no stream may be left without a row, and none say."""
    monkeypatch.setattr(sampling, "_streams", lambda soup, replies: 8)
    numbers, prompt = np.full(4, 0.5), encode_prompt(soup, "Hi")
    replies = [Reply(prompt, np.zeros(2), numbers, Sampler(4)) for _ in range(5)]
    assert len(list(decode(soup, replies, rows=3))) > 0
    assert all(reply.finished for reply in replies)


@pytest.mark.parametrize(
    ("kind", "lacks"), [("llama4_text", "chunked_attention layers"), ("openai-gpt", "0 of its 2")]
)
def test_bases_that_cannot_be_decoded_row_by_row_say_so(
    tmp_path: Path, kind: str, lacks: str
) -> None:
    """Windows that do not slide, and a model without a cache."""
    folder = odd_causal(kind, tmp_path / "base")
    with pytest.raises(AdapterError, match=lacks):
        sample(SoupModel.load(folder, [], device="cpu"), ["Hi"], np.zeros((1, 0)))
