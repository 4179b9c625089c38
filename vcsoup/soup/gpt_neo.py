"""The local layers of GPT-Neo over rows of unequal lengths.

The library cuts their window out of a table by the place of the longest row, which hides from a
shorter row what it should see. Here the window is part of the mask, counted from each row's own
place; what they say of texts in one pass stays the same.
"""

from functools import partial
from typing import Any

import torch
from torch import nn
from transformers.models.gpt_neo.modeling_gpt_neo import GPTNeoSelfAttention

from vcsoup.soup.cache import RowCache


def count_windows_by_row(model: nn.Module) -> None:
    """Let the local layers of a GPT-Neo, if it is one, count their windows from each row's place.

    Args:
        model: Any model; changed in place.
    """
    for layer in model.modules():
        if isinstance(layer, GPTNeoSelfAttention) and layer.attention_type == "local":
            window = layer.config.window_size
            everything = torch.ones_like(layer.bias).tril()  # as a global layer's
            layer.bias = nn.Buffer(everything, persistent=False)
            layer.register_forward_pre_hook(partial(_in_window, window=window), with_kwargs=True)


def _in_window(
    layer: GPTNeoSelfAttention, args: tuple[Any, ...], kwargs: dict[str, Any], *, window: int
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The layer's arguments, with the mask (B, 1, T, columns) narrowed to the window."""
    x, cache, mask = args[0], kwargs["layer_past"], kwargs["attention_mask"]
    if isinstance(cache, RowCache):
        at, width = cache.at[:, None], cache.width
    else:
        before = 0 if cache is None else cache.get_seq_length(layer.layer_id)
        width = before + x.shape[1]
        at = torch.arange(before, width, device=x.device)[None]
    far = torch.arange(width, device=x.device) <= (at - window)[..., None].to(x.device)
    low = torch.finfo(x.dtype).min
    near = x.new_zeros(far.shape).masked_fill_(far, low).unsqueeze(1)
    narrowed = near if mask is None else torch.minimum(mask, near)
    return args, {**kwargs, "attention_mask": narrowed}
