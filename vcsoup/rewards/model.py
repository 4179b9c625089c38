"""Ask a reward model: any sequence classifier, replies in, one reward per reply out.

Batches are sorted by length and hold a fixed number of tokens, padded on the right. A tokenizer
without a pad token gets one made up per batch: any token that ends no row of it, because the
classifier reads the last token that is no padding. A reply's reward is thus the same alone and in
any batch. No caching here (`vcsoup.rewards.cache`).
"""

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar

from vcsoup.errors import RewardModelError
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.rewards.spec import RewardSpec
from vcsoup.rewards.templates import Encoding, Prompt, encode_replies

FloatArray = npt.NDArray[np.float32]

TOKENS_PER_BATCH = 8192
_CHUNK = 8192  # replies tokenised at a time, so that a million pairs fit in memory
_LARGE = 1_000_000_000  # parameters; below it a GPU also computes in float32


class RewardModel:
    """A loaded reward model."""

    def __init__(
        self, spec: RewardSpec, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
    ) -> None:
        """Wrap a model and its tokenizer; `load` is the usual way in.

        Raises:
            RewardModelError: the model has no logit that `spec.label` names.
        """
        self.spec = spec
        self.tokenizer = tokenizer
        self.model = model.eval()
        needed = 2 if spec.label == "diff" else spec.label + 1
        if model.config.num_labels < needed:
            raise RewardModelError(
                f"label {spec.label!r} needs {needed} logits but reward model {spec.model} has "
                f"{model.config.num_labels}; set label to one it has"
            )
        positions = getattr(model.config, "max_position_embeddings", None) or spec.max_length
        self.max_length = min(spec.max_length, positions, tokenizer.model_max_length)

    @classmethod
    def load(cls, spec: RewardSpec, device: str | torch.device | None = None) -> Self:
        """Load a reward model from a local folder or the hub.

        Args:
            spec: What to load and how to ask it.
            device: Where to; the GPU when there is one.

        Raises:
            RewardModelError: no such model, or not a sequence classifier.
        """
        place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        source = {"revision": spec.revision, "trust_remote_code": spec.trust_remote_code}
        disable_progress_bar()
        try:
            tokenizer = AutoTokenizer.from_pretrained(
                spec.model, truncation_side="left", padding_side="right", **source
            )
            model, found = AutoModelForSequenceClassification.from_pretrained(
                spec.model, dtype="auto", output_loading_info=True, **source
            )
        except (OSError, ValueError, KeyError) as error:
            raise RewardModelError(
                f"reward model {spec.model!r} cannot be loaded ({_first_line(error)}); "
                "give a folder or hub id of a sequence classification model"
            ) from error
        if missing := sorted(found["missing_keys"]):
            raise RewardModelError(
                f"reward model {spec.model} has no trained head ({missing[0]} is missing); "
                "give a model trained for sequence classification"
            )
        large = place.type != "cpu" and model.num_parameters() >= _LARGE
        return cls(spec, model.to(place, None if large else torch.float32), tokenizer)

    def score(
        self,
        prompts: Sequence[Prompt],
        replies: Sequence[str],
        *,
        tokens_per_batch: int = TOKENS_PER_BATCH,
        monitor: Monitor = SILENT,
    ) -> FloatArray:
        """Reward n replies; larger is better (the sign is applied).

        Args:
            prompts: n prompts, messages or plain strings.
            replies: n replies, in the same order.
            tokens_per_batch: Rows times longest row of a batch; trades memory for speed.
            monitor: Hears progress; a stop request raises `StopRequested`.

        Returns:
            Shape (n,), float32, in the model's own units.

        Raises:
            RewardModelError: a reward that is no number, or a layout the tokenizer cannot make.
        """
        rewards = np.empty(len(replies), dtype=np.float32)
        done = 0
        for rows, scored in self.batches(prompts, replies, tokens_per_batch=tokens_per_batch):
            rewards[rows] = scored
            done += len(rows)
            monitor.report("scoring", done, len(replies))
            if monitor.stop_requested and done < len(replies):
                raise StopRequested("scoring was stopped")
        return rewards

    def batches(
        self,
        prompts: Sequence[Prompt],
        replies: Sequence[str],
        *,
        tokens_per_batch: int = TOKENS_PER_BATCH,
    ) -> Iterator[tuple[npt.NDArray[np.intp], FloatArray]]:
        """Yield (row numbers, rewards with the sign) batch by batch, each row once.

        Raises:
            RewardModelError: as `score` does.
        """
        for rows, raw in self.raw_batches(prompts, replies, tokens_per_batch=tokens_per_batch):
            self._check_finite(rows, raw)
            yield rows, raw * self.spec.sign

    def raw_batches(
        self,
        prompts: Sequence[Prompt],
        replies: Sequence[str],
        *,
        tokens_per_batch: int = TOKENS_PER_BATCH,
    ) -> Iterator[tuple[npt.NDArray[np.intp], FloatArray]]:
        """Yield (row numbers, raw rewards without the sign) batch by batch, each row once.

        A reward may be nan or infinite; the caller decides what becomes of it.
        """
        for start in range(0, len(replies), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            inputs = encode_replies(
                self.tokenizer,
                prompts[chunk],
                replies[chunk],
                template=self.spec.template,
                max_length=self.max_length,
            )
            lengths = np.array([len(row["input_ids"]) for row in inputs])
            for rows in length_batches(lengths, tokens_per_batch):
                yield start + rows, self._forward([inputs[row] for row in rows])

    def _check_finite(self, rows: npt.NDArray[np.intp], raw: FloatArray) -> None:
        if not np.isfinite(raw).all():
            raise RewardModelError(
                f"reward model {self.spec.model} gave no finite number for reply "
                f"{int(rows[~np.isfinite(raw)][0]) + 1}; leave this reply out or take another model"
            )

    @torch.inference_mode()
    def _forward(self, inputs: list[Encoding]) -> FloatArray:
        pad = self._pad_token([row["input_ids"] for row in inputs])
        longest = max(1, *(len(row["input_ids"]) for row in inputs))
        tensors = {
            name: torch.tensor(
                [
                    row[name] + [pad if name == "input_ids" else 0] * (longest - len(row[name]))
                    for row in inputs
                ],
                device=self.model.device,
            )
            for name in inputs[0]
        }
        logits = self.model(**tensors).logits.float()
        label = self.spec.label
        raw = logits[:, 1] - logits[:, 0] if label == "diff" else logits[:, label]
        return np.asarray(raw.cpu().numpy(), dtype=np.float32)

    def _pad_token(self, rows: list[list[int]]) -> int:
        if self.tokenizer.pad_token_id is not None:
            pad = int(self.tokenizer.pad_token_id)
        else:
            last = {row[-1] for row in rows if row}
            pad = next(token for token in range(len(last) + 1) if token not in last)
        self.model.config.pad_token_id = pad
        return pad


def length_batches(
    lengths: npt.NDArray[np.integer], tokens_per_batch: int
) -> Iterator[npt.NDArray[np.intp]]:
    """Cut rows into batches of like length, longest first.

    Args:
        lengths: Tokens per row, shape (n,).
        tokens_per_batch: Rows times longest row stays at or below this (but one row always goes).

    Yields:
        Row numbers; together every row once.

    Example:
        >>> [rows.tolist() for rows in length_batches(np.array([2, 9, 3]), 9)]
        [[1], [2, 0]]
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = max(int(lengths[order[start]]), 1)
        stop = start + max(tokens_per_batch // longest, 1)
        yield order[start:stop]
        start = stop


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
