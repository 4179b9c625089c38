"""From logits to a token: temperature, nucleus, and one uniform number per row.

A token is taken where the cumulative distribution, in vocabulary order, passes the row's uniform
number, so the random numbers decide and not the batch. The distribution is summed in blocks first,
the blocks in float64: one pass over the vocabulary, then one over the block that holds the token.
"""

from dataclasses import dataclass

import torch

from vcsoup.soup.prompts import PromptError

MAX_NEW_TOKENS = 96
TEMPERATURE = 0.7  # what soups are tasted and measured at, unless a caller says otherwise
NO_TOKEN = -1  # of a row whose logits give no distribution
_COLDEST = 1e-30  # below it, logits divided by the temperature overflow, and it is 0 anyway
_BLOCK = 64  # vocabulary entries summed together; of the order of the vocabulary's square root


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


def choose_tokens(
    logits: torch.Tensor, uniforms: torch.Tensor, *, sampler: Sampler
) -> torch.Tensor:
    """The token where the cumulative distribution, in vocabulary order, passes the uniform number.

    Args:
        logits: Shape (B, V).
        uniforms: Shape (B,), float64, in [0, 1).
        sampler: Temperature and top_p.

    Returns:
        Tokens, shape (B,), int64; a token of probability 0 is never taken. `NO_TOKEN` where the
        logits are nan or overflow.
    """
    if sampler.temperature < _COLDEST:
        largest, tokens = logits.max(-1)  # nan where one is
        return tokens.where(largest.isfinite(), NO_TOKEN)
    probabilities = torch.softmax(logits.float() * (1 / sampler.temperature), -1)
    if sampler.top_p < 1:
        probabilities = _nucleus(probabilities, sampler.top_p)
    return _passing(probabilities, uniforms)


def _passing(mass: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
    """First entry at which the running sum of each row passes `uniforms` times the row's sum."""
    if short := -mass.shape[-1] % _BLOCK:
        mass = torch.nn.functional.pad(mass, (0, short))
    blocks = mass.unflatten(-1, (-1, _BLOCK))
    sums = blocks.sum(-1).cumsum(-1, dtype=torch.float64)
    targets = _below(uniforms.unsqueeze(1) * sums[:, -1:], sums[:, -1:])
    block = torch.searchsorted(sums, targets, right=True).clamp_(max=sums.shape[-1] - 1)
    before = sums.gather(1, (block - 1).clamp_(min=0)) * (block > 0)
    rows = torch.arange(len(mass), device=mass.device)
    inside = blocks[rows, block.squeeze(1)].cumsum(-1, dtype=torch.float64)
    # A block's sum and its running sum round differently, so the target may lie past the end.
    entry = torch.searchsorted(inside, _below(targets - before, inside[:, -1:]), right=True)
    tokens = (block * _BLOCK + entry.clamp_(max=_BLOCK - 1)).squeeze(1)
    return tokens.where(sums[:, -1].isfinite(), NO_TOKEN)


def _below(targets: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
    """Targets, or the number just below `ends` where they are not below it."""
    return torch.minimum(targets, torch.nextafter(ends, torch.zeros_like(ends)))


def _nucleus(probabilities: torch.Tensor, top_p: float) -> torch.Tensor:
    """Zero all but the likeliest tokens that together hold `top_p`; the likeliest always stays."""
    ordered, order = probabilities.sort(-1, descending=True)
    before = ordered.cumsum(-1, dtype=torch.float64) - ordered
    return torch.zeros_like(probabilities).scatter(-1, order, ordered * (before < top_p))
