"""Ask a reward model: any sequence classifier, replies in, one reward per reply out.

Replies to one prompt go together, and a decoder computes what they share once, without padding
(`vcsoup.rewards.shared_prompts`). For any other model batches are sorted by length and padded on
the side that the record names; a tokenizer without a pad token gets one made up per batch: any
token that ends no row of it, because the classifier reads the last token that is no padding. Rows
that positions make a model read in different ways go apart (`vcsoup.rewards.positions`), and so do
rows of different lengths where padding is seen to change what a model says. A reply's reward is the
same alone and in any batch. All heads come from one pass (`logit_batches`).
No loading (`vcsoup.rewards.loading`) and no caching here (`vcsoup.rewards.cache`).
"""

import logging
import sys
from collections.abc import Container, Iterator, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from vcsoup.errors import RewardModelError
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.preferences.pairs import AnyPrompt
from vcsoup.rewards.heads import check_label, read_label, signed_rewards
from vcsoup.rewards.loading import load_classifier
from vcsoup.rewards.positions import most_tokens, rope_turns
from vcsoup.rewards.shared_prompts import SharedPrompts, moved_by, trial_rows
from vcsoup.rewards.spec import RewardSpec
from vcsoup.rewards.templates import Encoding, encode_replies
from vcsoup.rewards.token_tree import tree_batches

FloatArray = npt.NDArray[np.float32]

TOKENS_PER_BATCH = 8192
_FEWEST_TOKENS = 512
_WORK = 2**41  # most multiplications and additions of a batch on a CPU: some ten seconds
_CHUNK = 8192  # replies tokenised at a time, so that a million pairs fit in memory
_TRIED = 4  # rows of different lengths, padded: some models pool tokens two by two
_READABLE = {"input_ids", "attention_mask"}  # a row with more to it is not shared

logger = logging.getLogger(__name__)


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
        if spec.output == "logits":
            check_label(spec, model.config.num_labels or 0)
        positions = most_tokens(model) or spec.max_length
        self.max_length = min(spec.max_length, positions, tokenizer.model_max_length)
        self._turns = [turn for turn in rope_turns(model.config) if turn < self.max_length]
        may_share = spec.output == "logits" and spec.pad_side == "right" and not self._turns
        self._shared = SharedPrompts.of(model) if may_share else None
        self._tried = False
        self._pads = True if spec.pad_side == "left" else None  # None: not tried yet
        self._most_tokens = most_in_a_batch(model)

    @classmethod
    def load(
        cls,
        spec: RewardSpec,
        device: str | torch.device | None = None,
        *,
        consents: Container[str] = (),
    ) -> Self:
        """Load a reward model from a local folder or the hub.

        Args:
            spec: What to load and how to ask it.
            device: Where to; the GPU when there is one.
            consents: Keys of the consents to run a model's own code (`vcsoup.rewards.consent`).

        Raises:
            RewardModelError: no such model, not a sequence classifier, or no consent to its code.
        """
        place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        return cls(spec, *load_classifier(spec, place, consents=consents))

    def score(
        self,
        prompts: Sequence[AnyPrompt],
        replies: Sequence[str],
        *,
        tokens_per_batch: int = TOKENS_PER_BATCH,
        monitor: Monitor = SILENT,
    ) -> FloatArray:
        """Reward n replies; larger is better (the sign is applied).

        Args:
            prompts: n prompts, messages or plain strings.
            replies: n replies, in the same order.
            tokens_per_batch: Rows times longest row of a batch; trades memory for speed. A large
                model on a CPU takes fewer, so that progress shows and a stop is heard.
            monitor: Hears progress; a stop request raises `StopRequested`.

        Returns:
            Shape (n,), float32, in the model's own units.

        Raises:
            RewardModelError: a reward that is no number, or a template the tokenizer cannot make.
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
        prompts: Sequence[AnyPrompt],
        replies: Sequence[str],
        *,
        tokens_per_batch: int = TOKENS_PER_BATCH,
    ) -> Iterator[tuple[npt.NDArray[np.intp], FloatArray]]:
        """Yield (row numbers, rewards with the sign) batch by batch, each row once.

        Raises:
            RewardModelError: as `score` does.
        """
        for rows, raw in self.raw_batches(prompts, replies, tokens_per_batch=tokens_per_batch):
            yield rows, signed_rewards(rows, raw, self.spec)

    def raw_batches(
        self,
        prompts: Sequence[AnyPrompt],
        replies: Sequence[str],
        *,
        tokens_per_batch: int = TOKENS_PER_BATCH,
    ) -> Iterator[tuple[npt.NDArray[np.intp], FloatArray]]:
        """Yield (row numbers, raw rewards without the sign) batch by batch, each row once.

        A reward may be nan or infinite; the caller decides what becomes of it.
        """
        for rows, logits in self.logit_batches(prompts, replies, tokens_per_batch=tokens_per_batch):
            yield rows, read_label(logits, self.spec)

    def logit_batches(
        self,
        prompts: Sequence[AnyPrompt],
        replies: Sequence[str],
        *,
        tokens_per_batch: int = TOKENS_PER_BATCH,
    ) -> Iterator[tuple[npt.NDArray[np.intp], FloatArray]]:
        """Yield (row numbers, all that the model says: shape (rows, heads)) batch by batch.

        What the chat template refuses comes last, as nan.
        """
        order = _side_by_side(prompts)
        tokens_per_batch = min(tokens_per_batch, self._most_tokens)
        refused: list[int] = []
        heads = self.model.config.num_labels or 1
        for start in range(0, len(order), _CHUNK):
            chunk = order[start : start + _CHUNK]
            inputs = self.encode([prompts[row] for row in chunk], [replies[row] for row in chunk])
            taken = np.array([bool(row) for row in inputs])
            refused += chunk[~taken].tolist()
            chunk, inputs = chunk[taken], [row for row in inputs if row]
            for rows in self._batches(inputs, tokens_per_batch) if inputs else ():
                said = self._forward([inputs[row] for row in rows])
                heads = said.shape[1]
                yield chunk[rows], said
        if refused:
            yield np.array(refused), np.full((len(refused), heads), np.nan, dtype=np.float32)

    def encode(self, prompts: Sequence[AnyPrompt], replies: Sequence[str]) -> list[Encoding]:
        """Lay prompts and replies out as this model reads them: see `encode_replies`.

        Raises:
            RewardModelError: also a token that the model does not know.
        """
        rows = encode_replies(
            self.tokenizer,
            prompts,
            replies,
            template=self.spec.template,
            max_length=self.max_length,
            special_tokens=self.spec.special_tokens,
        )
        self._check_known(rows)
        return rows

    def _check_known(self, rows: list[Encoding]) -> None:
        known = getattr(self.model.config.get_text_config(), "vocab_size", None)
        top = max((max(row["input_ids"], default=0) for row in rows if row), default=0)
        if known and top >= known:
            raise RewardModelError(
                f"the tokenizer of reward model {self.spec.model} makes the token {top} "
                f"({self.tokenizer.decode([top])!r}), but the model knows {known}; "
                "give it the tokenizer that it was trained with"
            )

    def _batches(
        self, inputs: list[Encoding], tokens_per_batch: int
    ) -> Iterator[npt.NDArray[np.intp]]:
        lengths = np.array([len(row["input_ids"]) for row in inputs])
        told = np.flatnonzero(lengths if self._shares(inputs) else np.zeros_like(lengths))
        for rows in tree_batches([inputs[row]["input_ids"] for row in told], tokens_per_batch):
            yield told[rows]
        others = np.setdiff1d(np.arange(len(inputs)), told)
        kinds = np.searchsorted(self._turns, lengths[others])
        for alike in (others[kinds == kind] for kind in np.unique(kinds)):
            padded = self._may_pad([inputs[row] for row in alike])
            for rows in length_batches(lengths[alike], tokens_per_batch, padded=padded):
                yield alike[rows]

    def _shares(self, inputs: list[Encoding]) -> bool:
        """Whether what rows share is computed once: where that was seen to change nothing."""
        if self._shared is None or not inputs[0].keys() <= _READABLE:
            return False
        longest = max((row["input_ids"] for row in inputs), key=len)
        if not self._tried and longest:
            self._tried = True
            rows = trial_rows(longest)
            alone = [{"input_ids": row, "attention_mask": [1] * len(row)} for row in rows]
            plain = np.concatenate([self._padded([row]) for row in alone])
            if off := self._shared.disagreement([self._to_read(row) for row in rows], plain):
                logger.warning("%s: every reply is scored by itself: %s", self.spec.model, off)
                self._shared = None
        return self._shared is not None

    def _may_pad(self, inputs: list[Encoding]) -> bool:
        """Whether rows of unlike length go together: unless that was seen to change something.

        A record that pads on the left is obeyed as it stands: it says that this model wants it so.
        """
        of_length = {len(row["input_ids"]): row for row in inputs}
        if self._pads is None and len(of_length) > 1:
            spread = np.linspace(0, len(of_length) - 1, _TRIED).astype(int)
            trial = [of_length[length] for length in np.array(sorted(of_length))[np.unique(spread)]]
            plain = np.concatenate([self._padded([row]) for row in trial])
            moved = moved_by(self._padded(trial), plain, self.model.dtype)
            if moved:
                said = "%s: only texts of one length go together: padding moves its logits by %.2g"
                logger.warning(said, self.spec.model, moved)
            self._pads = not moved
        return self._pads is not False

    def _to_read(self, row: list[int]) -> list[int]:
        """A row up to the token that the reward is read from, the last that is no padding."""
        pad = self.tokenizer.pad_token_id
        last = next((place for place in reversed(range(len(row))) if row[place] != pad), 0)
        return row[: last + 1]

    @torch.inference_mode()
    def _forward(self, inputs: list[Encoding]) -> FloatArray:
        rows = [row["input_ids"] for row in inputs]
        if self._shared is None or not all(rows) or not inputs[0].keys() <= _READABLE:
            return self._padded(inputs)
        said = self._shared.logits([self._to_read(row) for row in rows]).float().cpu().numpy()
        for row in np.flatnonzero(~np.isfinite(said).all(axis=1)):
            said[row] = self._padded([inputs[row]])[0]  # nan of one row spreads to those beside it
        return said

    @torch.inference_mode()
    def _padded(self, inputs: list[Encoding]) -> FloatArray:
        pad = self._pad_token([row["input_ids"] for row in inputs])
        longest = max(1, *(len(row["input_ids"]) for row in inputs))
        left = self.spec.pad_side == "left"

        def padded(name: str, row: list[int]) -> list[int]:
            padding = [pad if name == "input_ids" else 0] * (longest - len(row))
            return padding + row if left else row + padding

        tensors = {
            name: torch.tensor(
                [padded(name, row[name]) for row in inputs], device=self.model.device
            )
            for name in inputs[0]
        }
        said = getattr(self.model(**tensors), self.spec.output, None)
        if said is None:
            raise RewardModelError(
                f"reward model {self.spec.model} gives no {self.spec.output!r}; "
                "set output to a field that it has, such as logits"
            )
        return np.asarray(said.float().reshape(len(inputs), -1).cpu().numpy(), dtype=np.float32)

    def _pad_token(self, rows: list[list[int]]) -> int:
        if self.tokenizer.pad_token_id is not None:
            pad = int(self.tokenizer.pad_token_id)
        else:
            last = {row[-1] for row in rows if row}
            pad = next(token for token in range(len(last) + 1) if token not in last)
        self.model.config.pad_token_id = pad
        return pad


def most_in_a_batch(model: PreTrainedModel) -> int:
    """Tokens that a model may read at a time: a CPU gains nothing by more, and is not heard of.

    Each number of the model is multiplied and added once for each token.
    """
    if model.device.type != "cpu":
        return sys.maxsize
    return max(_FEWEST_TOKENS, _WORK // (2 * model.num_parameters()))


def _side_by_side(prompts: Sequence[AnyPrompt]) -> npt.NDArray[np.intp]:
    """Row numbers, those of one prompt together, in order of first appearance."""
    first: dict[str, int] = {}
    places = [first.setdefault(str(prompt), row) for row, prompt in enumerate(prompts)]
    return np.argsort(np.array(places, dtype=np.intp), kind="stable")


def length_batches(
    lengths: npt.NDArray[np.integer], tokens_per_batch: int, *, padded: bool = True
) -> Iterator[npt.NDArray[np.intp]]:
    """Cut rows into batches of like length, longest first.

    Args:
        lengths: Tokens per row, shape (n,).
        tokens_per_batch: Rows times longest row stays at or below this (but one row always goes).
        padded: Whether rows of unlike length may go together.

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
        if not padded:
            stop = min(stop, int(np.sum(lengths >= lengths[order[start]])))
        yield order[start:stop]
        start = stop
