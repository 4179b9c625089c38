"""Asking a reward model: batches, padding, label, sign, and what cannot be asked."""

import json

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    LlamaConfig,
    LlamaForSequenceClassification,
)

from tests.tiny_models import build_tokenizer, tiny_causal, tiny_classifier
from tests.tiny_pairs import Recorder, tiny_pairs
from vcsoup.errors import RewardModelError
from vcsoup.monitor import StopRequested
from vcsoup.rewards.model import RewardModel, length_batches
from vcsoup.rewards.model_files import damaged_weights
from vcsoup.rewards.spec import RewardSpec


def llama_classifier(path):
    """A Llama classifier whose pad token is also its end token, as many published ones have it."""
    tokenizer = build_tokenizer()
    tokenizer.pad_token = tokenizer.eos_token
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_labels=1,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.15,
    )
    torch.manual_seed(1)
    LlamaForSequenceClassification(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    return str(tiny_classifier(tmp_path_factory.mktemp("rm"), labels=2))


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return str(llama_classifier(tmp_path_factory.mktemp("rm")))


@pytest.fixture(scope="module")
def asked():
    pairs = tiny_pairs(24)
    return pairs["prompt"].tolist(), pairs["chosen"].tolist()


def test_a_large_model_on_a_cpu_reads_little_at_a_time(llama, asked, monkeypatch):
    """As if this one were large: 40 tokens are its most, so progress is told between batches."""
    plain = RewardModel.load(RewardSpec(model=llama, template="chat"))
    whole, parts = Recorder(), Recorder()
    expected = plain.score(*asked, monitor=whole)
    monkeypatch.setattr("vcsoup.rewards.model._FEWEST_TOKENS", 1)
    monkeypatch.setattr("vcsoup.rewards.model._WORK", 80 * plain.model.num_parameters())
    found = RewardModel.load(plain.spec).score(*asked, monitor=parts)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert len(whole.reports) == 1
    assert len(parts.reports) > 6


@pytest.mark.parametrize("template", ["chat", "pair", "hh", "response", "reversed"])
@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_reply_scores_the_same_alone_and_in_any_batch(name, template, asked, request):
    """Tolerance 1e-4: other batch shapes order the float32 sums differently."""
    model = RewardModel.load(RewardSpec(model=request.getfixturevalue(name), template=template))
    prompts, replies = asked
    one_batch = model.score(prompts, replies)
    alone = [model.score([p], [r])[0] for p, r in zip(prompts, replies, strict=True)]
    small = model.score(prompts, replies, tokens_per_batch=64)
    assert one_batch.dtype == np.float32
    assert np.ptp(one_batch) > 0.05
    np.testing.assert_allclose(one_batch, alone, atol=1e-4)
    np.testing.assert_allclose(one_batch, small, atol=1e-4)


def read_off(folder, ids):
    """Logit 1 at the last token, from the bare model on one unpadded row."""
    bare = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        return bare.score(bare.transformer(torch.tensor([ids])).last_hidden_state[0, -1])[1].item()


def test_the_reward_is_read_at_the_last_token(gpt2, asked):
    prompts, replies = asked
    model = RewardModel.load(RewardSpec(model=gpt2, template="pair", label=1))
    ids = model.tokenizer(prompts[3][0]["content"], replies[3])["input_ids"]
    assert model.score(prompts, replies)[3] == pytest.approx(read_off(gpt2, ids), abs=1e-5)


def test_an_end_token_is_not_mistaken_for_padding(gpt2, asked):
    """The chat layout ends with </s>; a pad token made up from it would hide that last token."""
    prompts, replies = asked
    model = RewardModel.load(RewardSpec(model=gpt2, template="chat", label=1))
    turns = [*prompts[3], {"role": "assistant", "content": replies[3]}]
    text = model.tokenizer.apply_chat_template(turns, tokenize=False)
    ids = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert ids[-1] == model.tokenizer.eos_token_id
    assert model.score(prompts, replies)[3] == pytest.approx(read_off(gpt2, ids), abs=1e-5)


def test_an_over_long_prompt_leaves_the_reply_to_be_judged(gpt2):
    model = RewardModel.load(RewardSpec(model=gpt2, template="chat", max_length=24))
    rewards = model.score(["why " * 100] * 2, ["it is kind", "it is rude"])
    assert abs(rewards[0] - rewards[1]) > 1e-3


def test_a_loaded_model_computes_gelu_in_one_pass_to_the_same_rewards(gpt2, asked):
    """`read_off` runs the model as transformers loads it, with eight passes; equal to rounding."""
    model = RewardModel.load(RewardSpec(model=gpt2, label=1))
    kinds = {type(block.mlp.act) for block in model.model.transformer.h}
    assert kinds == {torch.nn.GELU}
    told = model.score(*asked)
    ids = [row["input_ids"] for row in model.encode(*asked)]
    np.testing.assert_allclose(told, [read_off(gpt2, row) for row in ids], atol=1e-5)


def test_label_and_sign(gpt2, asked):
    def score(**fields):
        return RewardModel.load(RewardSpec(model=gpt2, **fields)).score(*asked)

    np.testing.assert_allclose(score(label="diff"), score(label=1) - score(label=0), atol=1e-6)
    np.testing.assert_array_equal(score(label=1, sign=-1), -score(label=1))


def test_strings_are_single_user_messages(gpt2):
    model = RewardModel.load(RewardSpec(model=gpt2))
    messages = [[{"role": "user", "content": "Hi"}]]
    assert model.score(["Hi"], ["Ho"]) == model.score(messages, ["Ho"])


def test_empty_replies_and_no_replies(gpt2):
    model = RewardModel.load(RewardSpec(model=gpt2, template="response"))
    assert np.isfinite(model.score(["a", "b"], ["", "word"])).all()
    assert model.score([], []).shape == (0,)


def test_batches_hold_every_row_once_and_keep_the_budget():
    lengths = np.random.default_rng(0).integers(1, 100, size=500)
    batches = list(length_batches(lengths, 300))
    assert sorted(np.concatenate(batches).tolist()) == list(range(500))
    assert all(len(rows) * lengths[rows].max() <= 300 for rows in batches)
    longest = [lengths[rows].max() for rows in batches]
    assert longest == sorted(longest, reverse=True)
    unpadded = list(length_batches(lengths, 300, padded=False))
    assert sorted(np.concatenate(unpadded).tolist()) == list(range(500))
    assert all(len(rows) * lengths[rows].max() <= 300 for rows in unpadded)
    assert all(len(set(lengths[rows])) == 1 for rows in unpadded)


def test_progress_and_stop(gpt2, asked):
    model = RewardModel.load(RewardSpec(model=gpt2))
    monitor = Recorder(stop_at=5)
    with pytest.raises(StopRequested):
        model.score(*asked, tokens_per_batch=128, monitor=monitor)
    assert 5 <= monitor.reports[-1][1] < 24
    assert monitor.reports[-1][2] == 24


def test_a_reward_that_is_no_number_names_its_reply(gpt2, asked):
    model = RewardModel.load(RewardSpec(model=gpt2))
    model.model.score.weight.data[0, 0] = float("nan")
    with pytest.raises(
        RewardModelError, match=r"no finite number for reply \d+; leave this reply out"
    ):
        model.score(*asked)


def test_what_cannot_be_asked(gpt2, tmp_path):
    causal = str(tiny_causal("llama", tmp_path / "causal"))
    cases = [
        (RewardSpec(model=gpt2, label=2), "label 2 needs 3 logits but .* has 2; set label"),
        (
            RewardSpec(model=str(tmp_path / "none")),
            r"cannot be loaded \(there is no such folder\); give a",
        ),
        (
            RewardSpec(model=causal),
            r"has no trained head \(score.weight is missing\); give a model",
        ),
    ]
    for spec, words in cases:
        with pytest.raises(RewardModelError, match=words) as caught:
            RewardModel.load(spec)
        assert "\n" not in str(caught.value)


def test_an_adapter_is_refused_whether_or_not_it_has_a_head(tmp_path):
    """Loaded over its base, one without a head of its own would get a random one each time."""
    base = tiny_causal("llama", tmp_path / "base")
    for name, task in (("headless", None), ("whole", "SEQ_CLS")):
        model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=1)
        config = LoraConfig(task_type=task, target_modules=["q_proj"])
        get_peft_model(model, config).save_pretrained(tmp_path / name)
        AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / name)
        with pytest.raises(RewardModelError, match="is an adapter, not a whole model; merge it"):
            RewardModel.load(RewardSpec(model=str(tmp_path / name)))


def test_weights_and_tokens_that_do_not_fit_the_model_are_named(tmp_path):
    folder = tiny_classifier(tmp_path / "rm", labels=1)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<new>"])
    tokenizer.save_pretrained(folder)
    model = RewardModel.load(RewardSpec(model=str(folder)))
    assert np.isfinite(model.score(["q"], ["known"])).all()
    with pytest.raises(RewardModelError, match=r"makes the token \d+ \('<new>'\), but the model"):
        model.score(["q"], ["<new>"])
    config = json.loads((folder / "config.json").read_text())
    config |= {"id2label": {"0": "a", "1": "b", "2": "c"}, "label2id": {"a": 0, "b": 1, "c": 2}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(RewardModelError, match="cannot be loaded"):
        RewardModel.load(RewardSpec(model=str(folder)))


def test_a_download_that_broke_off_is_named_with_its_file(tmp_path):
    weights = tiny_classifier(tmp_path / "rm", labels=1) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(RewardModelError) as caught:
        RewardModel.load(RewardSpec(model=str(weights.parent)))
    assert f"cannot be loaded: {weights} is incomplete or damaged (" in str(caught.value)
    assert str(caught.value).endswith("); download or copy it again")
    told = damaged_weights("org/rm", "v2", ValueError("header too small"))
    again = "`hf download org/rm --revision v2 --force-download`"
    assert told.endswith(f"(header too small); fetch it again with {again}")
