"""A linear layer that holds K low-rank deltas and weighs them per row of the batch.

All A's are stacked (R, in), all s * B's lie side by side (out, R), and the middle (R numbers per
token) is scaled by its row's weights: exact, nothing is merged, nothing is loaded when weights
change. `vcsoup.soup.model` puts these layers into a base model.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from vcsoup.errors import AdapterError
from vcsoup.soup.adapters import Factors


def spread(weights: torch.Tensor, ranks: Sequence[int]) -> torch.Tensor:
    """Weights (B, K) over ranks, shape (B, R): column k repeated ranks[k] times.

    Example:
        >>> spread(torch.tensor([[0.25, 0.75]]), (1, 2)).tolist()
        [[0.25, 0.75, 0.75]]
    """
    return weights.repeat_interleave(torch.tensor(ranks, device=weights.device), dim=1)


class Mix(threading.local):
    """The weights of the batch that runs on this thread, spread over the ranks of each layer."""

    def __init__(self) -> None:
        self.rows: torch.Tensor | None = None
        self.tokens = 0  # of each row
        self.alike = False  # whether all rows are one soup
        self._spread: dict[tuple[int, ...], torch.Tensor] = {}

    @contextmanager
    def set(self, rows: torch.Tensor, tokens: int) -> Iterator[None]:
        """Use these weights, shape (B, K), for the block, in which each row has so many tokens."""
        self.rows, self.tokens, self._spread = rows, tokens, {}
        self.alike = bool((rows == rows[:1]).all())
        try:
            yield
        finally:
            self.rows, self._spread = None, {}

    def over_ranks(self, ranks: tuple[int, ...]) -> torch.Tensor:
        """Weights (B, 1, R): column k repeated ranks[k] times. Layers alike share one tensor."""
        if self.rows is None:
            raise RuntimeError("a soup layer ran without weights; call the SoupModel instead")
        if ranks not in self._spread:
            self._spread[ranks] = spread(self.rows, ranks).unsqueeze(1)
        return self._spread[ranks]


class SoupLayer(nn.Module):
    """A linear layer plus K low-rank deltas, weighted per row."""

    A: torch.Tensor
    B_T: torch.Tensor

    def __init__(
        self,
        inner: nn.Linear | Conv1D,
        parts: Sequence[Factors | None],
        mix: Mix,
        dtype: torch.dtype,
    ) -> None:
        super().__init__()
        present = [part for part in parts if part is not None]
        device = inner.weight.device
        self.inner = inner
        self.ranks = tuple(0 if part is None else part.rank for part in parts)
        self.register_buffer("A", torch.cat([part.A for part in present]).to(device, dtype))
        B = torch.cat([part.scale * part.B for part in present], dim=1)
        self.register_buffer("B_T", B.T.contiguous().to(device, dtype))
        self._mix = mix

    @property
    def weight(self) -> torch.Tensor:
        """The base layer's weight: some models look at its dtype."""
        return self.inner.weight

    @property
    def bias(self) -> torch.Tensor | None:
        """The base layer's bias."""
        return self.inner.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer for tokens (B, T, in), each row with its own soup; shape (B, T, out).

        Some models lay all tokens in one line, (B * T, in), or have further axes behind the rows.
        """
        mix = self._mix.over_ranks(self.ranks).to(x)  # a spread base has several devices
        lines = len(mix) * self._mix.tokens if x.dim() == 2 else len(mix)
        if x.dim() != 3 and len(x) == lines:
            return self(x.reshape(len(mix), -1, x.shape[-1])).view(*x.shape[:-1], -1)
        if x.dim() != 3 or x.shape[0] != mix.shape[0]:
            raise AdapterError(
                f"an adapted layer sees tokens of shape {tuple(x.shape)} with rows mixed together "
                "(mixture of experts?); one soup per row needs layers that keep rows apart"
            )
        if (
            self._mix.alike
            and not isinstance(self.inner, Conv1D)
            and self.weight.is_floating_point()  # a quantised weight has no room for a soup
            and self.merges(x.shape[0] * x.shape[1])
        ):
            merged = torch.addmm(self.weight, (self.B_T * mix[0].T).T, self.A)
            return nn.functional.linear(x, merged, self.bias)
        out = self.inner(x)
        middle = nn.functional.linear(x, self.A) * mix
        out.view(-1, out.shape[-1]).addmm_(middle.view(-1, middle.shape[-1]), self.B_T)
        return out

    def merges(self, tokens: int) -> bool:
        """Whether so many tokens of one soup come at once that merging is less arithmetic.

        Merging takes R * in * out products, running beside it R * (in + out) for each token.
        """
        into, out = self.A.shape[1], self.B_T.shape[1]
        return tokens * (into + out) > 2 * into * out
