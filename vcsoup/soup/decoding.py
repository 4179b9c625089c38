"""One batch of replies in flight: our own decoding loop with a KV cache, one step at a time.

Each row takes the token where its cumulative distribution passes the uniform number of that row and
step, so the random numbers, not the batch, decide. Prompts are padded on the left; finished rows
leave the batch. The owner calls `step`; the engine steps several decodings in turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from transformers import DynamicCache

from vcsoup.soup.cache import roomy_cache
from vcsoup.soup.model import SoupModel
from vcsoup.soup.prompts import FloatArray, PromptError

MAX_NEW_TOKENS = 96
TEMPERATURE = 0.7  # what soups are tasted and measured at, unless a caller says otherwise


@dataclass(frozen=True)
class Sampler:
    """How tokens are chosen.

    Attributes:
        max_new_tokens: Longest reply, in tokens, >= 1.
        temperature: 0 takes the likeliest token; 1 samples the model's own distribution.
        top_p: Keep the likeliest tokens that together hold this probability, in (0, 1].
    """

    max_new_tokens: int = MAX_NEW_TOKENS
    temperature: float = TEMPERATURE
    top_p: float = 1.0

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.max_new_tokens < 1 or self.temperature < 0 or not 0 < self.top_p <= 1:
            raise PromptError(
                "expected max_new_tokens >= 1, temperature >= 0 and top_p in (0, 1], got "
                f"{self.max_new_tokens}, {self.temperature:g}, {self.top_p:g}; correct these"
            )


class Decoding:
    """One batch of replies in flight.

    Attributes:
        replies: Tokens so far per row, without the end token.
        finished: Per row, whether its reply is complete.
    """

    def __init__(
        self,
        soup: SoupModel,
        prompts: Sequence[Sequence[int]],
        weights: npt.ArrayLike,
        *,
        uniforms: FloatArray,
        sampler: Sampler,
    ) -> None:
        """Prepare a batch; no model call yet.

        Args:
            soup: The resident model.
            prompts: B token lists.
            weights: Shape (B, K).
            uniforms: Shape (B, >= max_new_tokens), in [0, 1).
            sampler: How tokens are chosen.

        Raises:
            PromptError: an empty prompt, or one that leaves no room for the reply.
        """
        check_lengths(soup, prompts, sampler.max_new_tokens)
        B, T = len(prompts), max(map(len, prompts))
        self._soup, self._sampler, self._stops = soup, sampler, _stop_tokens(soup)
        self._uniforms = torch.tensor(uniforms, dtype=torch.float64, device=soup.device)
        self._weights = torch.as_tensor(np.array(weights), dtype=torch.float32, device=soup.device)
        self._rows = np.arange(B)  # which reply each row of the running batch belongs to
        self._width, self._step = T, 0
        self._tokens, self._mask = _left_pad(soup, prompts, T + sampler.max_new_tokens)
        self._positions = (self._mask[:, :T].cumsum(1) - 1).clamp(min=0)
        self._cache: DynamicCache = roomy_cache(soup.model.config, sampler.max_new_tokens)
        self.replies: list[list[int]] = [[] for _ in prompts]
        self.finished = np.zeros(B, dtype=bool)

    @property
    def done(self) -> bool:
        """True once every reply is complete."""
        return bool(self.finished.all())

    @torch.inference_mode()
    def step(self) -> list[tuple[int, int]]:
        """Sample one token for every unfinished row; returns (row, token) without end tokens."""
        if self.done:
            return []
        chosen = choose_tokens(
            self._next_logits(), self._uniforms[:, self._step], sampler=self._sampler
        )
        new = self._record(chosen.tolist())
        self._tokens, self._positions = chosen.unsqueeze(1), self._positions[:, -1:] + 1
        self._step, self._width = self._step + 1, self._width + 1
        if self._step >= self._sampler.max_new_tokens:
            self.finished[:] = True
        elif not self.done:
            self._drop_finished()
        return new

    def stop(self, row: int) -> None:
        """End one reply early; its tokens so far stay."""
        self.finished[row] = True

    def _next_logits(self) -> torch.Tensor:
        out = self._soup(
            self._tokens,
            weights=self._weights,
            attention_mask=self._mask[:, : self._width],
            position_ids=self._positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return out.logits[:, -1]

    def _record(self, chosen: list[int]) -> list[tuple[int, int]]:
        new = []
        for row, token in zip(self._rows.tolist(), chosen, strict=True):
            if self.finished[row]:
                continue
            if token in self._stops:
                self.finished[row] = True
            else:
                self.replies[row].append(token)
                new.append((row, token))
        return new

    def _drop_finished(self) -> None:
        """Leave finished rows out of the batch once they are an eighth of it."""
        live = np.flatnonzero(~self.finished[self._rows])
        if len(self._rows) - len(live) < max(1, len(self._rows) // 8):
            return
        keep = torch.from_numpy(live).to(self._soup.device)
        self._rows = self._rows[live]
        self._tokens, self._mask = self._tokens[keep], self._mask[keep]
        self._positions, self._weights = self._positions[keep], self._weights[keep]
        self._uniforms = self._uniforms[keep]
        self._cache.batch_select_indices(keep)


def choose_tokens(
    logits: torch.Tensor, uniforms: torch.Tensor, *, sampler: Sampler
) -> torch.Tensor:
    """The token where the cumulative distribution, in vocabulary order, passes the uniform number.

    Args:
        logits: Shape (B, V).
        uniforms: Shape (B,), float64, in [0, 1).
        sampler: Temperature and top_p.

    Returns:
        Tokens, shape (B,), int64; a token of probability 0 is never taken.
    """
    if sampler.temperature == 0:
        return logits.argmax(-1)
    probabilities = torch.softmax(logits.float() / sampler.temperature, -1)
    if sampler.top_p < 1:
        probabilities = _nucleus(probabilities, sampler.top_p)
    cumulative = probabilities.cumsum(-1, dtype=torch.float64)
    targets = uniforms.unsqueeze(1) * cumulative[:, -1:]
    return (
        torch.searchsorted(cumulative, targets, right=True)
        .squeeze(1)
        .clamp(max=logits.shape[-1] - 1)
    )


def _nucleus(probabilities: torch.Tensor, top_p: float) -> torch.Tensor:
    """Zero all but the likeliest tokens that together hold `top_p`; the likeliest always stays."""
    ordered, order = probabilities.sort(-1, descending=True)
    before = ordered.cumsum(-1, dtype=torch.float64) - ordered
    return torch.zeros_like(probabilities).scatter(-1, order, ordered * (before < top_p))


def check_lengths(soup: SoupModel, prompts: Sequence[Sequence[int]], new: int) -> None:
    """Refuse prompts that are empty or leave no room for `new` tokens.

    Raises:
        PromptError: names the prompt, its length and the model's context.
    """
    context = getattr(soup.model.config.get_text_config(), "max_position_embeddings", None)
    for row, prompt in enumerate(prompts):
        if not len(prompt):
            raise PromptError(f"prompt {row + 1} of {len(prompts)} is empty; write some text")
        if context and len(prompt) + new > context:
            raise PromptError(
                f"prompt {row + 1} has {len(prompt)} tokens, with {new} new ones more than the "
                f"model's context of {context}; shorten the prompt or ask for fewer new tokens"
            )


def _stop_tokens(soup: SoupModel) -> set[int]:
    generation = getattr(soup.model, "generation_config", None)
    stops = getattr(generation, "eos_token_id", None)
    named = stops if isinstance(stops, list) else [stops]
    return {token for token in (*named, soup.tokenizer.eos_token_id) if token is not None}


def _left_pad(
    soup: SoupModel, prompts: Sequence[Sequence[int]], room: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens (B, T) padded on the left, and a mask (B, room) that is one for all that follows."""
    T = max(map(len, prompts))
    tokens = torch.zeros(len(prompts), T, dtype=torch.int64)
    mask = torch.ones(len(prompts), room, dtype=torch.int64)
    for row, prompt in enumerate(prompts):
        tokens[row, T - len(prompt) :] = torch.tensor(prompt)
        mask[row, : T - len(prompt)] = 0
    return tokens.to(soup.device), mask.to(soup.device)
