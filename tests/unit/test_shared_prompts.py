"""Sharing prompts changes no reward: many decoders, against each row in a pass of its own."""

import logging

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    FalconConfig,
    Gemma2Config,
    Gemma3TextConfig,
    GemmaConfig,
    GPT2Config,
    GPTNeoXConfig,
    JambaConfig,
    LlamaConfig,
    MistralConfig,
    OPTConfig,
    Phi3Config,
    Qwen2Config,
)

from tests.tiny_models import build_tokenizer, tiny_classifier
from tests.tiny_pairs import Recorder
from vcsoup.monitor import StopRequested
from vcsoup.rewards import shared_prompts
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.shared_prompts import SharedPrompts
from vcsoup.rewards.spec import RewardSpec
from vcsoup.rewards.templates import encode_replies

TOLD = {
    "vocab_size": 256,
    "num_labels": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "initializer_range": 0.15,
}
SIZES = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
}
GROUPED = {**TOLD, **SIZES, "num_key_value_heads": 2}
SMALL = {"n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": 256}
DECODERS = {
    "gpt2": GPT2Config(**TOLD, **SMALL),
    "llama, grouped keys": LlamaConfig(**GROUPED),
    "qwen2, sliding window in some layers": Qwen2Config(
        **GROUPED, use_sliding_window=True, sliding_window=24, max_window_layers=1
    ),
    "mistral, sliding window": MistralConfig(**GROUPED, sliding_window=24),
    "gpt-neox": GPTNeoXConfig(**TOLD, **SIZES),
    "gemma": GemmaConfig(**GROUPED, head_dim=16),
    "gemma2, capped scores, both kinds of layers": Gemma2Config(
        **GROUPED, head_dim=16, sliding_window=24, attn_logit_softcapping=0.5
    ),
    "gemma3, both kinds of layers": Gemma3TextConfig(**GROUPED, head_dim=16, sliding_window=24),
    "phi3": Phi3Config(**GROUPED),
    "opt": OPTConfig(
        **TOLD, hidden_size=64, ffn_dim=96, num_hidden_layers=3, num_attention_heads=4
    ),
}
OTHERS = {
    "bert, no decoder": BertConfig(**TOLD, **SIZES),
    "falcon, attention of its own": FalconConfig(
        vocab_size=256, hidden_size=64, num_hidden_layers=2, num_attention_heads=4
    ),
}


LONG = "why is the sky so blue today " * 3


def classifier(config, seed=0):
    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_config(config).eval()
    if hasattr(model, "score"):
        torch.nn.init.normal_(model.score.weight, std=0.5)
    return model


def forked_rows(rng):
    """A preamble, prompts under it, three replies each; rows without company; equal rows."""
    preamble = rng.integers(3, 256, size=20).tolist()
    rows = []
    for _ in range(4):
        prompt = preamble + rng.integers(3, 256, size=rng.integers(5, 60)).tolist()
        rows += [prompt + rng.integers(3, 256, size=rng.integers(0, 30)).tolist() for _ in range(3)]
    return [*rows, [3], [3, 4], [5] * 40, [5] * 40, [5] * 70]


def alone(model, rows):
    model.config.pad_token_id = None  # one row needs no padding: its last token is read
    with torch.inference_mode():
        return torch.cat([model(torch.tensor([row])).logits for row in rows]).numpy()


@pytest.mark.parametrize("name", DECODERS)
def test_rows_score_as_each_in_a_pass_of_its_own(name):
    """Tolerance 5e-5: logits reach 15, and float32 sums in another order move them by 1e-6 of it.

    A window or a neighbour seen wrongly moves them by more than 1e-2 here.
    """
    model, rows = classifier(DECODERS[name]), forked_rows(np.random.default_rng(1))
    expected = alone(model, rows)
    shared = SharedPrompts.of(model)
    np.testing.assert_allclose(shared.logits(rows).numpy(), expected, atol=5e-5)
    assert np.ptp(expected) > 1
    assert shared.disagreement(rows, expected) == ""
    np.testing.assert_array_equal(alone(model, rows), expected)  # its own way still works


@pytest.mark.parametrize("most", [1, 300])
@pytest.mark.parametrize("name", DECODERS)
def test_long_texts_are_looked_at_in_pieces(name, most, monkeypatch):
    """The same to 5e-5 from masks of one query, and of some."""
    monkeypatch.setattr(shared_prompts, "_MASKED", most)
    model, rows = classifier(DECODERS[name]), forked_rows(np.random.default_rng(3))
    expected = alone(model, rows)
    np.testing.assert_allclose(SharedPrompts.of(model).logits(rows).numpy(), expected, atol=5e-5)


def test_no_mask_grows_with_the_square_of_a_text(monkeypatch):
    """A text of 2,000 tokens that others leave in its middle, in a layer that sees 1,500 back."""
    made = []
    look = shared_prompts._Placed._look

    def noted(*args):
        made.append(look(*args))
        return made[-1]

    monkeypatch.setattr(shared_prompts._Placed, "_look", noted)
    monkeypatch.setattr(shared_prompts, "_MASKED", 1 << 16)
    config = MistralConfig(**{**GROUPED, "max_position_embeddings": 2048}, sliding_window=1500)
    model, row = classifier(config), np.random.default_rng(4).integers(3, 256, size=2000).tolist()
    rows = [row, row[:1000] + row[1000:][::-1]]
    expected = alone(model, rows)
    np.testing.assert_allclose(SharedPrompts.of(model).logits(rows).numpy(), expected, atol=5e-5)
    assert max(seen.numel() for seen in made) <= 1 << 16


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_such_decoder_is_left_alone(name):
    assert SharedPrompts.of(classifier(OTHERS[name])) is None


def test_half_precision_agrees_within_its_digits():
    model = classifier(DECODERS["llama, grouped keys"]).to(torch.bfloat16)
    rows = forked_rows(np.random.default_rng(2))
    with torch.inference_mode():
        plain = np.concatenate([model(torch.tensor([row])).logits.float().numpy() for row in rows])
    assert SharedPrompts.of(model).disagreement(rows, plain) == ""


def jamba():
    """Mamba layers carry on from one token of the line to the next, whosever row it is of."""
    mamba = {"mamba_d_state": 4, "mamba_d_conv": 4, "mamba_dt_rank": 4, "use_mamba_kernels": False}
    layers = {"attn_layer_period": 2, "attn_layer_offset": 1, "num_experts": 2}
    config = {**GROUPED, "vocab_size": len(build_tokenizer()), "initializer_range": 0.05}
    return classifier(JambaConfig(**config, **mamba, **layers, num_experts_per_tok=2))


def test_a_model_that_mixes_tokens_by_other_means_is_scored_row_by_row(caplog):
    model = jamba()
    judge = RewardModel(RewardSpec(model="jamba"), model, build_tokenizer())
    prompts, replies = ["a longer question, " * 4] * 2, ["yes", "no, not at all"]
    with caplog.at_level(logging.WARNING):
        together = judge.score(prompts, replies)
    assert "jamba: every reply is scored by itself" in caplog.text
    one_by_one = [judge.score([p], [r])[0] for p, r in zip(prompts, replies, strict=True)]
    np.testing.assert_allclose(together, one_by_one, atol=1e-5)


def longrope(longest_short):
    """Phi-3 that turns its positions four times slower in rows of more tokens than this."""
    config = Phi3Config(
        **{**GROUPED, "vocab_size": len(build_tokenizer())},
        original_max_position_embeddings=longest_short,
        rope_parameters={
            "rope_type": "longrope",
            "rope_theta": 1e4,
            "short_factor": [1.0] * 8,
            "long_factor": [4.0] * 8,
            "original_max_position_embeddings": longest_short,
        },
    )
    return RewardModel(RewardSpec(model="phi3", label=1), classifier(config), build_tokenizer())


@pytest.mark.parametrize("first", [["short"], ["short", "x" * 150]])
def test_positions_that_depend_on_the_longest_row_leave_others_in_the_batch_alone(first):
    """Rows of 20 to 180 tokens; from 101 on longrope takes other factors, for all of a pass.

    Tolerance 5e-5 as above; rows of both kinds in one pass move rewards by more than 1e-2.
    """
    judge = longrope(100)
    judge.score(["hi"] * len(first), first)  # whatever was asked before
    prompts = [LONG[: 10 * k] for k in range(1, 8) for _ in range(2)]
    replies = ["kind words", "x" * 90] * 7
    lengths = [len(row["input_ids"]) for row in judge.encode(prompts, replies)]
    assert min(lengths) < 60
    assert max(lengths) > 110
    told = judge.score(prompts, replies)
    rows = [row["input_ids"] for row in judge.encode(prompts, replies)]
    np.testing.assert_allclose(told, alone(judge.model, rows)[:, 1], atol=5e-5)


def test_prompts_are_shared_where_no_text_is_as_long_as_other_positions(lines):
    judge = longrope(256)
    judge.score([LONG] * 2, ["kind", "rude"])
    assert len(lines) == 2  # the trial and the pair


@pytest.fixture
def judge(tmp_path):
    return RewardModel.load(RewardSpec(model=str(tiny_classifier(tmp_path / "rm", labels=2))))


@pytest.fixture
def lines(monkeypatch):
    """Counts the tokens that go through a decoder's layers."""
    counted, logits = [], SharedPrompts.logits

    def counting(self, rows):
        said = logits(self, rows)
        counted.append(rows)
        return said

    monkeypatch.setattr(SharedPrompts, "logits", counting)
    return counted


def test_the_sides_of_a_pair_share_a_pass_however_far_apart_they_come(judge, lines, monkeypatch):
    """Chosen answers come first and rejected ones last; chunks of two would part them."""
    monkeypatch.setattr("vcsoup.rewards.model._CHUNK", 2)
    prompts = [f"{LONG} {k}" for k in range(3)]
    judge.score(prompts * 2, ["kind"] * 3 + ["rude"] * 3)
    pairs = lines[1:]  # the first are the trial
    assert len(pairs) == 3
    for rows in pairs:
        common = sum(a == b for a, b in zip(*rows, strict=False))
        assert common > min(map(len, rows)) * 0.8


def test_a_prompt_cut_on_the_left_is_shared_only_where_it_is_the_same(judge):
    """Answers of different lengths leave different parts of an over-long prompt."""
    spec = judge.spec.model_copy(update={"max_length": 40})
    short = RewardModel(spec, judge.model, judge.tokenizer)
    replies = ["yes", "no, " * 4, "never " * 9, "yes"]
    told = short.score([LONG * 2] * 4, replies)
    rows = encode_replies(judge.tokenizer, [LONG * 2] * 4, replies, template="chat", max_length=40)
    assert {len(row["input_ids"]) for row in rows} == {40}
    expected = alone(judge.model, [row["input_ids"] for row in rows])[:, 0]
    np.testing.assert_allclose(told, expected, atol=1e-5)


def test_the_model_is_tried_once_and_a_stop_is_heeded_between_batches(judge, lines):
    prompts = [f"{LONG} {k}" for k in range(6) for _ in range(2)]
    replies = ["kind words", "rude words"] * 6
    with pytest.raises(StopRequested):
        judge.score(prompts, replies, tokens_per_batch=160, monitor=Recorder(stop_at=1))
    stopped = sum(map(len, lines[1:]))
    assert 0 < stopped < 12
    judge.score(prompts, replies, tokens_per_batch=160)
    assert sum(map(len, lines[1:])) == stopped + 12  # and no second trial


def test_a_record_that_pads_on_the_left_is_obeyed(judge, lines):
    """Its rewards are those of a padded batch, right or wrong: the clinic tells which."""
    left = judge.spec.model_copy(update={"pad_side": "left"})
    other = RewardModel(left, judge.model, judge.tokenizer)
    asked = [LONG, "hi"], ["a much longer answer than the other", "so"]
    assert np.abs(other.score(*asked) - judge.score(*asked)).max() > 1e-3
    assert sum(map(len, lines)) == 4 + 2  # the trial and the rows of `judge`


def test_a_row_without_tokens_is_scored_beside_the_others(judge):
    spec = judge.spec.model_copy(update={"template": "response"})
    model = RewardModel(spec, judge.model, judge.tokenizer)
    told = model.score(["q"] * 3, ["", "some words", ""])
    assert np.isfinite(told).all()
    assert told[1] == pytest.approx(model.score(["q"], ["some words"])[0], abs=1e-5)
