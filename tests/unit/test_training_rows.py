"""The order and layout of the pairs that a run shows."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.tiny_models import build_tokenizer, tiny_causal
from tests.tiny_pairs import tiny_pairs
from vcsoup.errors import ChatTemplateError, TrainingError
from vcsoup.rewards.templates import plain_prompt
from vcsoup.soup.prompts import encode_prompt
from vcsoup.training.config import train_config
from vcsoup.training.rows import make_rows, shown_order
from vcsoup.training.trainer import load_trainable, make_trainer


def test_every_pair_is_shown_once_per_epoch_and_batches_are_sorted_by_length():
    """10 pairs, 5 steps of 4: two whole epochs, so every pair is shown exactly twice."""
    lengths = np.array([5, 3, 9, 1, 7, 2, 8, 4, 6, 0])
    config = train_config(steps=5, batch_size=4, seed=3)
    order = shown_order(np.arange(10), lengths, config=config)
    assert np.bincount(order).tolist() == [2] * 10
    batches = lengths[order].reshape(5, 4)
    assert (np.diff(batches, axis=1) >= 0).all()
    assert len({tuple(sorted(batch)) for batch in order.reshape(5, 4).tolist()}) > 2


def test_order_follows_the_seed_alone():
    lengths = np.arange(50)
    first, again, other = (
        shown_order(lengths, lengths, config=train_config(steps=3, seed=seed)).tolist()
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_long_runs_repeat_the_order_instead_of_filling_memory():
    config = train_config(steps=1_000_000, batch_size=4)
    assert len(shown_order(np.arange(10), np.zeros(10), config=config)) == 100_000


def test_held_out_pairs_are_never_trained_on():
    config = train_config(steps=20, batch_size=4, holdout=0.25)
    rows = make_rows(tiny_pairs(20), config, tokenizer=build_tokenizer())
    held_out = {row["prompt"][0]["content"] for row in rows.heldout}
    shown = {row["prompt"][0]["content"] for row in rows.shown}
    assert (len(held_out), len(shown), len(rows.order), rows.n_train) == (5, 15, 80, 15)
    assert not held_out & shown


THINKING = (
    "{% for m in messages %}<|{{ m.role }}|>"
    "{% if loop.last and m.role == 'assistant' %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    "{% endif %}{% endif %}"
)
"""As Qwen3's: the model thinks aloud before it answers unless it is told not to."""


def test_a_base_that_thinks_aloud_is_trained_on_its_answers_alone(tmp_path):
    """What trl trains on begins behind the empty thoughts, where a soup begins to answer."""
    base = tiny_causal("llama", tmp_path / "base")
    tokenizer, model = load_trainable(str(base), train_config())
    tokenizer.chat_template = THINKING
    config = train_config(steps=1, batch_size=4, holdout=0.0, rank=2, max_length=256)
    rows = make_rows(tiny_pairs(4), config, tokenizer=tokenizer)
    trainer = make_trainer(model, tokenizer, rows, config=config, scratch=tmp_path / "scratch")
    for row in trainer.train_dataset:
        assert tokenizer.decode(row["prompt_ids"]).endswith("<|assistant|><think>\n\n</think>\n\n")
        assert "think" not in tokenizer.decode(row["chosen_ids"])
    soup = SimpleNamespace(tokenizer=tokenizer)
    asked = rows.shown[rows.order[0]]["prompt"]
    assert encode_prompt(soup, asked) == trainer.train_dataset[0]["prompt_ids"]


def test_a_chat_template_that_refuses_a_prompt_is_one_line():
    """Gemma's, for one, knows no system message."""
    tokenizer = build_tokenizer()
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m.role == 'system' %}"
        "{{ raise_exception('System role not supported') }}{% endif %}{{ m.content }}{% endfor %}"
    )
    pairs = tiny_pairs(8)
    system = {"role": "system", "content": "Be brief."}
    pairs["prompt"] = [
        [system, *turns] if n == 5 else turns for n, turns in enumerate(pairs["prompt"])
    ]
    told = r"refuses a conversation of system, user \(System role not supported\); leave such"
    with pytest.raises(ChatTemplateError, match=told):
        make_rows(pairs, train_config(steps=1, batch_size=2), tokenizer=tokenizer)


def test_a_model_without_chat_template_gets_plain_text():
    config = train_config(steps=1, batch_size=2, holdout=0)
    rows = make_rows(tiny_pairs(2), config, tokenizer=build_tokenizer(chat=False))
    assert {row["prompt"] for row in rows.shown} == {"question 0", "question 1"}
    assert all(row["chosen"].startswith(" ") for row in rows.shown)


def test_dialogues_without_chat_template_take_the_hh_layout():
    turns = [("user", "Hi"), ("assistant", "Hello."), ("user", "Bye")]
    messages = [{"role": role, "content": content} for role, content in turns]
    assert (
        plain_prompt(messages) == "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: Bye\n\nAssistant:"
    )


def test_prompts_that_fill_max_length_are_counted_and_left_out():
    pairs = tiny_pairs(6)
    pairs.at[2, "prompt"] = [{"role": "user", "content": "very long " * 200}]
    config = train_config(steps=1, batch_size=4, holdout=0, max_length=64)
    rows = make_rows(pairs, config, tokenizer=build_tokenizer())
    assert (rows.n_too_long, rows.n_train) == (1, 5)


@pytest.mark.parametrize(
    ("n", "changes", "words"),
    [
        (0, {}, "0 pairs to train on are fewer than one batch of 4; lower the threshold"),
        (1, {}, "1 pair to train on is fewer than one batch of 4; lower the threshold"),
        (3, {}, "3 pairs to train on are fewer than one batch of 4; lower the threshold"),
        (8, {"max_length": 8}, "all 8 prompts are longer than max_length 8 tokens; raise"),
    ],
)
def test_too_little_to_train_on(n, changes, words):
    config = train_config(steps=1, batch_size=4, holdout=0, **changes)
    with pytest.raises(TrainingError, match=words):
        make_rows(tiny_pairs(n), config, tokenizer=build_tokenizer())
