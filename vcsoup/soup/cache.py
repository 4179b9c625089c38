"""A KV cache with room for the whole reply.

The usual cache concatenates at every step: with many rows that copies more bytes than the model
computes. Here keys and values are written in place into a buffer made once, and read as views.
"""

from typing import Any

import torch
from transformers import DynamicCache, PretrainedConfig
from transformers.cache_utils import DynamicLayer


def roomy_cache(config: PretrainedConfig, room: int) -> DynamicCache:
    """A cache for `config` with room for `room` tokens after the prompt in full-attention layers.

    Layers of other kinds (sliding window, recurrent) stay as the library makes them.
    """
    cache = DynamicCache(config=config)
    cache.layers = [
        _RoomyLayer(room) if type(layer) is DynamicLayer else layer for layer in cache.layers
    ]
    return cache


class _RoomyLayer(DynamicLayer):
    """`DynamicLayer` whose `keys` and `values` (B, heads, T, width) are views of larger buffers."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room
        self._buffers: list[torch.Tensor] = []

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start, new = self.get_seq_length(), key_states.shape[-2]
        if not self._buffers or start + new > self._buffers[0].shape[-2]:
            self._grow(key_states, value_states)
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[..., start : start + new, :] = states
        self.keys, self.values = (buffer[..., : start + new, :] for buffer in self._buffers)
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        length = self.get_seq_length()
        self._buffers = [buffer.index_select(0, indices) for buffer in self._buffers]
        self.keys, self.values = (buffer[..., :length, :] for buffer in self._buffers)

    def _grow(self, *states: torch.Tensor) -> None:
        length = self.get_seq_length()
        grown = []
        for old, new in zip((self.keys, self.values), states, strict=True):
            B, heads, T, width = new.shape
            buffer = new.new_empty(B, heads, length + T + self._room, width)
            if length:
                buffer[..., :length, :] = old
            grown.append(buffer)
        self._buffers = grown
