"""Train the models of the embedded world: tokenizer, base policy, one reward model per value.

All are ordinary `transformers` models in ordinary folders, so the rest of the project loads them
through the same code as any model from a hub. Everything is drawn fresh from the generator while
training, so nothing can be overfitted to a fixed set. Weights are stored in bfloat16, which halves
the bundle; every figure on the card was measured after that rounding.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from torch import nn
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
)

from vcsoup.demo.grammar import compose, draw_replies, edit
from vcsoup.demo.truth import true_rewards
from vcsoup.demo.world import VALUES, Prompts
from vcsoup.monitor import SILENT, Monitor

PAD, USER, ASSISTANT, END = "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
VOCABULARY = 2560
HIDDEN, LAYERS, HEADS, INTERMEDIATE = 160, 4, 5, 448
MAX_POSITIONS = 512
ROWS_PER_FORWARD = 32
ATTENTION = "eager"  # at this size faster than sdpa, forward and backward


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a model is trained.

    Attributes:
        steps: Optimiser steps.
        batch: Texts per step.
        learning_rate: Peak of a linear warm-up and cosine decay.
    """

    steps: int
    batch: int
    learning_rate: float


BASE_SCHEDULE = Schedule(steps=1000, batch=64, learning_rate=3e-3)
TRUNK_SCHEDULE = Schedule(steps=900, batch=96, learning_rate=1e-3)
REWARD_SCHEDULE = Schedule(steps=250, batch=96, learning_rate=3e-4)


def train_tokenizer(prompts: Prompts, out: Path, *, rng: np.random.Generator) -> None:
    """Learn a byte-level BPE vocabulary from unselected dialogues; save it with a chat template."""
    bpe = Tokenizer(BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, USER, ASSISTANT, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (f"{prompt}\n{reply}" for _, prompt, reply in draw_replies(prompts, rng))
    bpe.train_from_iterator(islice(texts, 20_000), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[USER, ASSISTANT],
        model_max_length=MAX_POSITIONS,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(out)


def train_base(
    prompts: Prompts,
    tokenizer: PreTrainedTokenizerFast,
    out: Path,
    *,
    rng: np.random.Generator,
    schedule: Schedule = BASE_SCHEDULE,
    monitor: Monitor = SILENT,
) -> None:
    """Train the base policy on unselected replies (next-token loss on the reply)."""
    model = LlamaForCausalLM(_config(tokenizer))
    draws = draw_replies(prompts, rng)

    def loss() -> torch.Tensor:
        drawn = list(islice(draws, schedule.batch))
        rows, starts = _dialogues(tokenizer, [p for _, p, _ in drawn], [r for *_, r in drawn])
        ids, mask, labels = _pad(rows, starts)
        return model(input_ids=ids, attention_mask=mask, labels=labels).loss

    _fit(model, loss, schedule, "training base", monitor)
    _save(model, tokenizer, out)


def train_reward_trunk(
    prompts: Prompts,
    base: Path,
    out: Path,
    *,
    rng: np.random.Generator,
    schedule: Schedule = TRUNK_SCHEDULE,
    monitor: Monitor = SILENT,
) -> None:
    """Train one model with a head per value, from the base policy: the reward models' start.

    What a reply consists of matters to every value, so it is learnt once, on the comparisons of all
    three.
    """
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    model = _load_classifier(base, num_labels=len(VALUES))
    _fit_rewards(model, tokenizer, _Comparisons(prompts, VALUES, rng), schedule, "all", monitor)
    _save(model, tokenizer, out)


def train_reward_model(
    value: str,
    prompts: Prompts,
    trunk: Path,
    out: Path,
    *,
    rng: np.random.Generator,
    schedule: Schedule = REWARD_SCHEDULE,
    monitor: Monitor = SILENT,
) -> None:
    """Train one value's reward model on the truth's comparisons, from the common start."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(trunk)
    model = _load_classifier(trunk, num_labels=len(VALUES))
    head = nn.Linear(model.config.hidden_size, 1, bias=False)
    head.weight.data = model.score.weight.data[VALUES.index(value)].unsqueeze(0).clone()
    model.score, model.num_labels, model.config.num_labels = head, 1, 1
    _fit_rewards(model, tokenizer, _Comparisons(prompts, (value,), rng), schedule, value, monitor)
    _save(model, tokenizer, out)


def bradley_terry_loss(scores: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of all comparisons among the replies to each prompt.

    Args:
        scores: Model rewards, shape (n, m, K): m replies to each of n prompts.
        truth: True rewards, same shape.

    Returns:
        Scalar. The probability that a reply is preferred is `sigmoid(2 * difference)`, as for many
        annotators who weigh alike; ties have 1/2.
    """
    left, right = zip(*combinations(range(scores.shape[1]), 2), strict=True)
    margin = scores[:, left] - scores[:, right]
    target = torch.sigmoid(2.0 * (truth[:, left] - truth[:, right]))
    return nn.functional.binary_cross_entropy_with_logits(margin, target)


class _Comparisons:
    """Endless groups of replies to one prompt with their truth: two drawn, two edited."""

    def __init__(self, prompts: Prompts, values: tuple[str, ...], rng: np.random.Generator) -> None:
        self._prompts, self._rng = prompts, rng
        self._columns = [VALUES.index(value) for value in values]

    def __iter__(self) -> Iterator[tuple[str, list[str], np.ndarray]]:
        rng = self._rng
        while True:
            topic, prompt = self._prompts[int(rng.integers(len(self._prompts)))]
            first, second = compose(topic, rng), compose(topic, rng)
            third = edit(first, topic, rng)
            replies = [first, second, third, edit(third, topic, rng)]
            truth = np.array([true_rewards(topic, reply)[self._columns] for reply in replies])
            yield prompt, replies, truth


def _load_classifier(folder: Path, *, num_labels: int) -> LlamaForSequenceClassification:
    return LlamaForSequenceClassification.from_pretrained(
        folder, num_labels=num_labels, dtype=torch.float32, attn_implementation=ATTENTION
    )


def _fit_rewards(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    comparisons: _Comparisons,
    schedule: Schedule,
    name: str,
    monitor: Monitor,
) -> None:
    groups = iter(comparisons)

    def loss() -> torch.Tensor:
        drawn = list(islice(groups, schedule.batch // 4))
        prompts = [prompt for prompt, replies, _ in drawn for _ in replies]
        rows, _ = _dialogues(tokenizer, prompts, [r for _, replies, _ in drawn for r in replies])
        truth = torch.tensor(np.array([t for *_, t in drawn]), dtype=torch.float32)
        scores = _scores(model, rows)
        return bradley_terry_loss(scores.view(truth.shape), truth)

    _fit(model, loss, schedule, f"training reward model {name}", monitor)


def _scores(model: nn.Module, rows: list[list[int]]) -> torch.Tensor:
    """Logits (n, K) of n texts, computed in parts of like length: half of the padding is saved."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    parts = []
    for start in range(0, len(order), ROWS_PER_FORWARD):
        ids, mask, _ = _pad([rows[i] for i in order[start : start + ROWS_PER_FORWARD]])
        parts.append(model(input_ids=ids, attention_mask=mask).logits.float())
    return torch.cat(parts)[torch.tensor(order).argsort()]


def _config(tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        intermediate_size=INTERMEDIATE,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=MAX_POSITIONS,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        attn_implementation=ATTENTION,
    )


def _dialogues(
    tokenizer: PreTrainedTokenizerFast, prompts: list[str], replies: list[str]
) -> tuple[list[list[int]], list[int]]:
    """Token ids of exchanges, and where each reply starts."""
    heads = tokenizer([f"{USER}{prompt}{END}{ASSISTANT}" for prompt in prompts]).input_ids
    tails = tokenizer([f"{reply}{END}" for reply in replies]).input_ids
    rows = [head + tail for head, tail in zip(heads, tails, strict=True)]
    return rows, [len(head) for head in heads]


def _pad(
    rows: list[list[int]], starts: list[int] | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Right-pad to (B, T): ids, attention mask, labels (-100 before `starts` and on padding)."""
    length = max(map(len, rows))
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, -100)
    for i, row in enumerate(rows):
        start = starts[i] if starts else 0
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
        labels[i, start : len(row)] = ids[i, start : len(row)]
    return ids, mask, labels


def _fit(
    model: nn.Module,
    loss: Callable[[], torch.Tensor],
    schedule: Schedule,
    stage: str,
    monitor: Monitor,
) -> None:
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=0.01, betas=(0.9, 0.98))
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schedule.learning_rate, schedule.steps, pct_start=0.05, cycle_momentum=False
    )
    model.train()
    for step in range(1, schedule.steps + 1):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value = loss()
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        rates.step()
        monitor.report(stage, step, schedule.steps, loss=value.item())
    model.eval()


def _save(model: nn.Module, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)
