"""Train the reward models of the embedded world: one sequence classifier per value.

They start from the base policy and learn from the truth's comparisons alone, with a Bradley-Terry
loss. They are loaded through `vcsoup.rewards` like any reward model from a hub.
"""

from collections.abc import Iterator
from itertools import combinations, islice
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import LlamaForSequenceClassification, PreTrainedTokenizerFast

from vcsoup.demo.fitting import ATTENTION, Schedule, dialogues, fit, pad, save
from vcsoup.demo.grammar import compose, edit
from vcsoup.demo.truth import true_rewards
from vcsoup.demo.world import VALUES, Prompts
from vcsoup.monitor import SILENT, Monitor

ROWS_PER_FORWARD = 32
TRUNK_SCHEDULE = Schedule(steps=900, batch=96, learning_rate=1e-3)
REWARD_SCHEDULE = Schedule(steps=250, batch=96, learning_rate=3e-4)


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
    save(model, tokenizer, out)


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
    save(model, tokenizer, out)


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
        rows, _ = dialogues(tokenizer, prompts, [r for _, replies, _ in drawn for r in replies])
        truth = torch.tensor(np.array([t for *_, t in drawn]), dtype=torch.float32)
        scores = _scores(model, rows)
        return bradley_terry_loss(scores.view(truth.shape), truth)

    fit(model, loss, schedule, f"training reward model {name}", monitor)


def _scores(model: nn.Module, rows: list[list[int]]) -> torch.Tensor:
    """Logits (n, K) of n texts, computed in parts of like length: half of the padding is saved."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    parts = []
    for start in range(0, len(order), ROWS_PER_FORWARD):
        ids, mask, _ = pad([rows[i] for i in order[start : start + ROWS_PER_FORWARD]])
        parts.append(model(input_ids=ids, attention_mask=mask).logits.float())
    return torch.cat(parts)[torch.tensor(order).argsort()]
