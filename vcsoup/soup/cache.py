"""Keys and values of a batch whose rows come and go.

Every row fills its own columns from the left, so a row can join or leave at any step and no padding
lies between its tokens. Nothing is concatenated: new keys and values are written in place into
buffers, which the model reads as views; a row that leaves is overwritten by the last one. What lies
beyond a row's length is masked. Each layer keeps its part where the layer computes, so the base may
be spread over several devices.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import DynamicCache, PretrainedConfig
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from vcsoup.errors import AdapterError

Mask = torch.Tensor | dict[str, torch.Tensor] | None

_SPARE = 32  # columns made ahead, so that buffers grow seldom


class RowCache(DynamicCache):
    """The cache of B rows; a step of the model appends one token to each.

    Attributes:
        lengths: Tokens that each row holds, shape (B,), int64.
        at: The same on the model's first device while a step runs: where the step writes.
        width: Columns that the step reads, the longest row's with its new token.
    """

    def __init__(self, config: PretrainedConfig, device: torch.device) -> None:
        """Prepare an empty cache.

        Args:
            config: The model's configuration.
            device: Where the model takes tokens; its layers may lie elsewhere.

        Raises:
            AdapterError: a model with layers that keep something else than keys and values.
        """
        super().__init__(config=config)
        kinds = {type(layer) for layer in self.layers}
        odd = {kind.__name__ for kind in kinds - {DynamicLayer, DynamicSlidingWindowLayer}}
        named = getattr(config.get_text_config(decoder=True), "layer_types", None) or ()
        if odd := odd | ({"chunked_attention"} & set(named)):  # windows that do not slide
            raise AdapterError(
                f"the base model has {min(odd)} layers, expected "
                "full or sliding attention; soups run on attention models only"
            )
        self._windows = [getattr(layer, "sliding_window", None) for layer in self.layers]
        self._device = device
        self.lengths: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.at = torch.zeros(0, dtype=torch.int64, device=device)
        self.width = 0
        self.row_layers = [RowLayer() for _ in self._windows]
        self.layers = [*self.row_layers]  # what the model writes to

    def add(self, lengths: Sequence[int], read: DynamicCache, rows: Sequence[int]) -> None:
        """Append rows.

        Args:
            lengths: How many tokens of each new row count.
            read: What the model kept of a pass over texts, padded on the right.
            rows: Which rows of the pass are the new ones.

        Raises:
            AdapterError: a model that keeps no keys and values, as the first GPT.
        """
        if not len(rows):
            return
        if len(read.layers) != len(self.row_layers):
            raise AdapterError(
                f"the base model kept keys and values of {len(read.layers)} of its "
                f"{len(self.row_layers)} layers, and replies grow by them; take another base"
            )
        old = len(self.lengths)
        self.lengths = np.append(self.lengths, np.array(lengths, dtype=np.int64))
        T = max(lengths)
        for layer, source in zip(self.row_layers, read.layers, strict=True):
            # A pass over texts has filled its layers.
            assert isinstance(source, DynamicLayer)
            assert source.keys is not None
            assert source.values is not None
            which = torch.tensor(rows, device=source.keys.device)
            layer.put(source.keys[which, :, :T], source.values[which, :, :T], row=old)

    def begin_step(self) -> None:
        """Get ready for one more token in every row."""
        self.at = torch.from_numpy(self.lengths.copy()).to(self._device)
        self.width = int(self.lengths.max()) + 1
        for layer in self.row_layers:
            layer.at, layer.width = self.at, self.width

    def end_step(self) -> None:
        """Every row holds one token more."""
        self.lengths += 1

    def leave(self, rows: Sequence[int]) -> npt.NDArray[np.int64]:
        """Take rows out; the last ones move into their places.

        Args:
            rows: Places of the rows that leave.

        Returns:
            The former place of each row that stays, in the new order.
        """
        order = np.arange(len(self.lengths))
        gone = np.zeros(len(order), dtype=bool)
        gone[list(rows)] = True
        left = len(order) - int(gone.sum())
        holes, movers = np.flatnonzero(gone[:left]), left + np.flatnonzero(~gone[left:])
        order[holes] = movers
        if len(holes):
            to, source = (torch.from_numpy(i).to(self._device) for i in (holes, movers))
            longest = int(self.lengths[movers].max())
            for layer in self.row_layers:
                layer.move(source, to, longest)
        self.lengths = self.lengths[order[:left]]
        return order[:left]

    def flat_mask(self) -> torch.Tensor:
        """Which columns of a step hold a token: shape (B, width), ones and zeros."""
        columns = torch.arange(self.width, device=self._device)
        return (columns <= self.at[:, None]).long()

    def mask(self, dtype: torch.dtype) -> Mask:
        """The additive mask of a step, shape (B, 1, 1, width), as most models take it.

        None when every row fills its columns; by kind of layer for models that have two kinds.
        """
        columns, here = torch.arange(self.width, device=self._device), self.at[:, None, None, None]
        low = torch.finfo(dtype).min

        def additive(allowed: torch.Tensor) -> torch.Tensor:
            return torch.zeros(allowed.shape, dtype=dtype, device=self._device).masked_fill_(
                ~allowed, low
            )

        kinds = {"sliding_attention" if w else "full_attention": w for w in self._windows}
        masks = {}
        for kind, window in kinds.items():
            allowed = columns <= here
            masks[kind] = additive(allowed & (columns > here - window) if window else allowed)
        if len(masks) > 1:
            return masks
        full = not any(self._windows) and bool((self.lengths == self.width - 1).all())
        return None if full else next(iter(masks.values()))


class RowLayer(DynamicLayer):
    """One layer's keys and values, (rows, heads, columns, width): views of larger buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.at = torch.zeros(0, dtype=torch.int64)
        self.width = 0
        self._buffers: list[torch.Tensor] = []

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write one token per row, (B, heads, 1, width); return all that the step reads."""
        B, at = len(self.at), self.at.to(key_states.device)
        self._make_room(B, self.width, key_states, value_states)
        heads, columns = self._buffers[0].shape[1:3]
        places = torch.arange(B * heads, device=at.device).view(B, heads) * columns
        places = (places + at[:, None]).flatten()  # of (row, head, column) in the buffer
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            width = buffer.shape[3]
            buffer.view(-1, width).index_copy_(0, places, states.reshape(-1, width))
        self.keys, self.values = (buffer[:B, :, : self.width] for buffer in self._buffers)
        return self.keys, self.values

    def get_seq_length(self) -> int:
        """Columns that held tokens before this step: models without our mask make their own."""
        return max(0, self.width - 1)

    def put(self, keys: torch.Tensor, values: torch.Tensor, *, row: int) -> None:
        """Copy the prompts of new rows, (n, heads, T, width), to the rows from `row` on."""
        n, T = keys.shape[0], keys.shape[2]
        self._make_room(row + n, T, keys, values)
        for buffer, states in zip(self._buffers, (keys, values), strict=True):
            buffer[row : row + n, :, :T] = states

    def move(self, source: torch.Tensor, to: torch.Tensor, columns: int) -> None:
        """Copy rows over others, their first `columns` columns."""
        for buffer in self._buffers:
            there = buffer.device
            buffer[to.to(there), :, :columns] = buffer[source.to(there), :, :columns]

    def _make_room(self, rows: int, columns: int, *like: torch.Tensor) -> None:
        if self._buffers and rows <= len(self._buffers[0]) and columns <= self._buffers[0].shape[2]:
            return
        old = self._buffers
        if old:
            rows = max(rows, 2 * len(old[0]) if rows > len(old[0]) else len(old[0]))
            columns = max(columns, old[0].shape[2])
        else:
            self.lazy_initialization(*like)
        # Zeros, because what is masked must still be finite.
        self._buffers = [
            states.new_zeros(rows, states.shape[1], columns + _SPARE, states.shape[3])
            for states in like
        ]
        for buffer, former in zip(self._buffers, old, strict=False):
            buffer[: len(former), :, : former.shape[2]] = former
