"""How the models of the embedded world are trained: texts as tokens, padding, the loop, saving.

Everything is drawn fresh from the generator while training, so nothing can be overfitted to a fixed
set. Weights are stored in bfloat16, which halves the bundle; every figure on the card was measured
after that rounding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from vcsoup.monitor import Monitor

PAD, USER, ASSISTANT, END = "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"
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


def dialogues(
    tokenizer: PreTrainedTokenizerFast, prompts: list[str], replies: list[str]
) -> tuple[list[list[int]], list[int]]:
    """Token ids of exchanges, and where each reply starts."""
    heads = tokenizer([f"{USER}{prompt}{END}{ASSISTANT}" for prompt in prompts]).input_ids
    tails = tokenizer([f"{reply}{END}" for reply in replies]).input_ids
    rows = [head + tail for head, tail in zip(heads, tails, strict=True)]
    return rows, [len(head) for head in heads]


def pad(
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


def fit(
    model: nn.Module,
    loss: Callable[[], torch.Tensor],
    schedule: Schedule,
    stage: str,
    monitor: Monitor,
) -> None:
    """Minimise `loss`, which draws its own batch at each call; reports every step."""
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


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """Save a model in bfloat16, and its tokenizer beside it."""
    model.bfloat16().save_pretrained(out)
    tokenizer.save_pretrained(out)
