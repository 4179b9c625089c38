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
SCHEDULES = {  # helpful has the most parts to count, humorous the fewest
    "helpful": Schedule(steps=1200, batch=64, learning_rate=1e-3),
    "harmless": Schedule(steps=900, batch=64, learning_rate=1e-3),
    "humorous": Schedule(steps=600, batch=64, learning_rate=1e-3),
}


def train_reward_model(
    value: str,
    prompts: Prompts,
    base: Path,
    out: Path,
    *,
    rng: np.random.Generator,
    schedule: Schedule | None = None,
    monitor: Monitor = SILENT,
) -> None:
    """Train one value's reward model on the truth's comparisons, starting from the base policy."""
    schedule = schedule or SCHEDULES[value]
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    model = LlamaForSequenceClassification.from_pretrained(
        base, num_labels=1, dtype=torch.float32, attn_implementation=ATTENTION
    )
    groups = _reply_groups(prompts, VALUES.index(value), rng)

    def loss() -> torch.Tensor:
        drawn = list(islice(groups, schedule.batch // 4))
        asked = [prompt for prompt, replies, _ in drawn for _ in replies]
        rows, _ = dialogues(tokenizer, asked, [r for _, replies, _ in drawn for r in replies])
        truth = torch.tensor(np.array([t for *_, t in drawn]), dtype=torch.float32)
        return bradley_terry_loss(_scores(model, rows).view(truth.shape), truth)

    fit(model, loss, schedule, f"training reward model {value}", monitor)
    save(model, tokenizer, out)


def bradley_terry_loss(scores: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of all comparisons among the replies to each prompt.

    Args:
        scores: Model rewards, shape (n, m): m replies to each of n prompts.
        truth: True rewards, same shape.

    Returns:
        Scalar. The probability that a reply is preferred is `sigmoid(2 * difference)`, as for many
        annotators who weigh alike; ties have 1/2.
    """
    left, right = zip(*combinations(range(scores.shape[1]), 2), strict=True)
    margin = scores[:, left] - scores[:, right]
    target = torch.sigmoid(2.0 * (truth[:, left] - truth[:, right]))
    return nn.functional.binary_cross_entropy_with_logits(margin, target)


def _reply_groups(
    prompts: Prompts, k: int, rng: np.random.Generator
) -> Iterator[tuple[str, list[str], np.ndarray]]:
    """Yield (prompt, replies, their truth on value k) without end: two drawn, two edited."""
    while True:
        topic, prompt = prompts[int(rng.integers(len(prompts)))]
        first, second = compose(topic, rng), compose(topic, rng)
        third = edit(first, topic, rng)
        replies = [first, second, third, edit(third, topic, rng)]
        yield prompt, replies, np.array([true_rewards(topic, reply)[k] for reply in replies])


def _scores(model: nn.Module, rows: list[list[int]]) -> torch.Tensor:
    """Rewards (n, 1) of n texts, computed in parts of like length: half of the padding is saved."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    parts = []
    for start in range(0, len(order), ROWS_PER_FORWARD):
        ids, mask, _ = pad([rows[i] for i in order[start : start + ROWS_PER_FORWARD]])
        parts.append(model(input_ids=ids, attention_mask=mask).logits.float())
    return torch.cat(parts)[torch.tensor(order).argsort()]
