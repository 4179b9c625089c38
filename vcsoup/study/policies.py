"""The units "policy" and "conditioned": one training each, through the trainers of the app.

A training that cannot be done (a filter that leaves fewer pairs than a batch, a run that collapses
at once) is a result as well: the unit says why, and the arms built on it have no figures there.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from transformers import AutoTokenizer

from vcsoup.errors import TrainingError
from vcsoup.monitor import Monitor, StopRequested
from vcsoup.study.conditioned import reward_levels, steered, train_conditioned
from vcsoup.study.ground import Ground
from vcsoup.study.worlds import World, taken
from vcsoup.training.config import TrainConfig
from vcsoup.training.dpo import train_value

ADAPTER = "adapter"


def make_policy(
    ground: Ground,
    world: World,
    spec: Mapping[str, Any],
    folder: Path,
    *,
    references: Path,
    monitor: Monitor,
) -> dict[str, Any]:
    """Train one DPO policy on the pairs that its arm takes.

    Args:
        ground: Whose base.
        world: Where the pairs come from.
        spec: Of a "policy" unit.
        folder: The adapter goes to `adapter` in it.
        references: What the base thinks of pairs, shared by trainings.
        monitor: Hears progress.

    Returns:
        Pairs, steps, tokens, why it collapsed (or null), or why there is no adapter (`error`).

    Raises:
        StopRequested: asked to stop; a part of a training is nothing to compare.
    """
    config = TrainConfig(**spec["config"])
    pairs = taken(world, spec["value"], spec["take"], config.seed)
    figures: dict[str, Any] = {"pairs": len(pairs)}
    try:
        record = train_value(
            pairs,
            config,
            base=ground.base,
            out=folder / ADAPTER,
            manifest={"value": spec["value"] or "weighted"},
            monitor=monitor,
            references=references,
        )
    except TrainingError as error:
        return {**figures, "error": str(error)}
    if record["stopped"]:
        raise StopRequested("stopped; the trainings that were finished are kept")
    per_pair = token_counts(pairs, ground.base) @ np.array([2, 1, 1])  # the prompt with each side
    return {
        **figures,
        "steps": record["steps_kept"],
        "collapsed": record["collapsed"],
        "tokens": record["n_shown"] * float(per_pair.mean()),
    }


def make_conditioned(
    ground: Ground, world: World, spec: Mapping[str, Any], folder: Path, *, monitor: Monitor
) -> dict[str, Any]:
    """Fine-tune one policy on every reply of every value, its reward levels told in the prompt.

    Returns:
        Replies, steps and tokens.

    Raises:
        StopRequested: asked to stop.
    """
    config = TrainConfig(**spec["config"])
    prompts, replies, levels = _told_replies(world, spec["levels"])
    told = [
        steered(prompt, dict(zip(world.values, row, strict=True)))
        for prompt, row in zip(prompts, levels.tolist(), strict=True)
    ]
    shown = train_conditioned(
        told, replies, config, base=ground.base, out=folder / ADAPTER, monitor=monitor
    )
    counts = token_counts(pd.DataFrame({"prompt": told, "chosen": replies}), ground.base)
    return {"replies": len(replies), "steps": config.steps, "tokens": shown * counts.sum(1).mean()}


def token_counts(table: pd.DataFrame, base: str) -> np.ndarray:
    """Tokens of the last turn of each prompt and of each answer column, shape (n, 2 or 3)."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    columns = [[prompt[-1]["content"] for prompt in table["prompt"]]]
    columns += [table[name].tolist() for name in ("chosen", "rejected") if name in table]
    counts = [[len(ids) for ids in tokenizer(texts)["input_ids"]] for texts in columns]
    return np.array(counts, dtype=np.int64).T


def _told_replies(world: World, levels: int) -> tuple[list[Any], list[str], np.ndarray]:
    """Every reply of the world with its prompt and its reward levels, shape (N, K)."""
    prompts: list[Any] = []
    replies: list[str] = []
    rewards: Sequence[np.ndarray] = []
    for value in world.values:
        pairs = world.pairs[value]
        prompts += [*pairs["prompt"], *pairs["prompt"]]
        replies += [*pairs["chosen"], *pairs["rejected"]]
        rewards = [*rewards, *world.rewards[value]]
    return prompts, replies, reward_levels(np.concatenate(rewards), levels)
