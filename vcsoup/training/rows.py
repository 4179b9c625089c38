"""Pairs as the rows that trl trains on, in the order in which they are shown.

The order is drawn from the seed alone: a fresh shuffle per epoch, cut into batches, each batch
sorted by length so that the small passes inside one batch carry little padding. Conversations go
through the model's chat template where it has one, else as plain text. No training here.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from transformers import PreTrainedTokenizerBase

from vcsoup.errors import TrainingError
from vcsoup.numbers import plural
from vcsoup.rewards.templates import chat_text, plain_prompt, without_thoughts
from vcsoup.training.config import TrainConfig

_MOST_ROWS = 100_000  # longer runs repeat the order they began with


@dataclass(frozen=True)
class Rows:
    """Training and held-out pairs of one run.

    Attributes:
        shown: The different pairs that are trained on, each once.
        order: Which of them is shown when; a multiple of the batch size.
        heldout: Pairs that are only looked at.
        n_train: Different pairs that may be trained on.
        n_too_long: Pairs left out because the prompt alone fills `max_length`.
    """

    shown: list[dict[str, Any]]
    order: np.ndarray
    heldout: list[dict[str, Any]]
    n_train: int
    n_too_long: int

    @property
    def first_places(self) -> np.ndarray:
        """Where each shown pair stands first in the order, by pair."""
        return np.unique(self.order, return_index=True)[1]


def make_rows(
    pairs: pd.DataFrame, config: TrainConfig, *, tokenizer: PreTrainedTokenizerBase
) -> Rows:
    """Split, order and lay out the pairs of one run.

    Args:
        pairs: Canonical pair table (already filtered), n rows.
        config: Seeds, sizes and shares.
        tokenizer: Decides between chat template and plain text, and measures lengths.

    Raises:
        TrainingError: fewer pairs than one batch, or every prompt longer than `max_length`.
        ChatTemplateError: the base's chat template refuses a prompt.
    """
    lengths = _token_counts(pairs, tokenizer)
    fitting = np.flatnonzero(lengths[:, 0] < config.max_length)
    shuffled = np.random.default_rng(config.seed).permutation(fitting)
    n_heldout = config.n_heldout(len(fitting))
    heldout, train = shuffled[:n_heldout], shuffled[n_heldout:]
    check_enough(len(pairs), len(fitting), config=config)
    order = shown_order(train, lengths.sum(axis=1), config=config)
    shown, places = np.unique(order, return_inverse=True)
    return Rows(
        shown=_rows(pairs.iloc[shown], tokenizer),
        order=places,
        heldout=_rows(pairs.iloc[heldout], tokenizer),
        n_train=len(train),
        n_too_long=len(pairs) - len(fitting),
    )


def shown_order(train: np.ndarray, lengths: np.ndarray, *, config: TrainConfig) -> np.ndarray:
    """Order the pairs for training: shuffled epochs, each batch sorted by length.

    Args:
        train: Indices of the training pairs, shape (n,), n >= batch_size.
        lengths: Length of every pair that an index can name.
        config: Seed, steps and batch size.

    Returns:
        Indices, shape (steps * batch_size,) unless that is more than 100,000.
    """
    rng = np.random.default_rng([config.seed, 1])
    batch = config.batch_size
    steps = min(config.steps, max(_MOST_ROWS // batch, len(train) // batch))
    epochs = -(-steps * batch // len(train))
    order = np.concatenate([rng.permutation(train) for _ in range(epochs)])[: steps * batch]
    batches = order.reshape(steps, batch)
    within = np.argsort(lengths[batches], axis=1, kind="stable")
    return np.take_along_axis(batches, within, axis=1).ravel()


def _rows(pairs: pd.DataFrame, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
    return [_row(pair, tokenizer) for pair in pairs.to_dict("records")]


def _row(pair: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    sides = ("chosen", "rejected")
    if tokenizer.chat_template:
        prompt: Any = [dict(turn) for turn in pair["prompt"]]
        answers: Any = {side: [{"role": "assistant", "content": pair[side]}] for side in sides}
        if settings := without_thoughts(tokenizer):
            answers["chat_template_kwargs"] = settings  # trl's name
    else:
        prompt = plain_prompt(pair["prompt"])
        answers = {side: f" {pair[side].lstrip()}" for side in sides}
    return {"prompt": prompt, **answers}


def row_key(row: Mapping[str, Any]) -> str:
    """Name a row by its content, the same in every run: 16 hex characters."""
    text = json.dumps([row["prompt"], row["chosen"], row["rejected"]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def tokens_of(row: Mapping[str, Any]) -> int:
    """Tokens of a row as trl lays it out: its prompt and the longer of its answers."""
    return len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"]))


def _token_counts(pairs: pd.DataFrame, tokenizer: PreTrainedTokenizerBase) -> np.ndarray:
    """Tokens of prompt, chosen and rejected, shape (n, 3), counted as trl lays them out."""
    if tokenizer.chat_template:
        prompts = [chat_text(tokenizer, turns, answer_next=True) for turns in pairs["prompt"]]
    else:
        prompts = [plain_prompt(messages) for messages in pairs["prompt"]]
    columns = (prompts, pairs["chosen"].tolist(), pairs["rejected"].tolist())
    opened = not tokenizer.chat_template  # a plain prompt begins with the tokenizer's own mark
    counts = [
        [
            len(ids)
            for ids in tokenizer(texts, add_special_tokens=opened and texts is prompts)["input_ids"]
        ]
        for texts in columns
        if texts
    ]
    return np.array(counts, dtype=np.int64).reshape(3, len(pairs)).T


def check_enough(n_pairs: int, n_fitting: int, *, config: TrainConfig) -> None:
    """Refuse pairs that do not fill one batch.

    Args:
        n_pairs: How many there are.
        n_fitting: Those of them whose prompt is shorter than `max_length`.
        config: Batch size and share that is held out.

    Raises:
        TrainingError: says which number is too small, and what to change.
    """
    n_train = config.n_train(n_fitting)
    if n_pairs and not n_fitting:
        raise TrainingError(
            f"all {n_pairs} prompts are longer than max_length {config.max_length} tokens; "
            "raise max_length, as far as the base's context goes"
        )
    if n_train < config.batch_size:
        are = "is" if n_train == 1 else "are"
        raise TrainingError(
            f"{plural(n_train, 'pair')} to train on {are} fewer than one batch of "
            f"{config.batch_size}; lower the threshold or the batch size"
        )
