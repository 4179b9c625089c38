"""Run a decoder once over what replies share: prompts, preambles, whatever begins alike.

The replies of a batch become one line of tokens without padding (`vcsoup.rewards.token_tree`), on
which every layer but attention works as ever. Attention is our own function for transformers'
`AttentionInterface` and lets a token see what comes before it in its own row, exactly as alone. The
head reads each row's last token, no other. Serves classifiers that read a decoder's last token with
a `score` layer, whether their attention is PyTorch's product or written out by the model (Gemma 2
caps its scores); whether one says the same this way is tried, not assumed (`disagreement`).
"""

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import eager_mask, sdpa_mask

from vcsoup.rewards.token_tree import Look, Stretch, TokenTree, token_tree

_ALONG = {"sdpa": "vcsoup_tree", "eager": "vcsoup_tree_eager"}
"""Attention that a model has -> ours along a tree, made of it."""
_MASKED = 1 << 22  # queries times keys whose mask is made at once
_EAGER = "eager_attention_forward"  # what the library calls a model's own, in the model's module


class SharedPrompts:
    """Rewards of rows of tokens, what they share computed once."""

    def __init__(self, model: PreTrainedModel) -> None:
        """Take over a model's attention; `of` is the usual way in."""
        self._model, self._head = model, model.get_submodule("score")
        name = model.config._attn_implementation
        model.set_attn_implementation(_ALONG.get(name, name))

    @classmethod
    def of(cls, model: PreTrainedModel) -> Self | None:
        """A way to share prompts, or None where the model is no decoder with a `score` layer."""
        if model.base_model is model or not isinstance(getattr(model, "score", None), nn.Module):
            return None
        name = model.config._attn_implementation
        if name not in (*_ALONG, *_ALONG.values()):
            return None
        if name == "eager" and not _writes_attention_out(model):
            return None
        shared = cls(model)  # some models keep the attention that they have
        return shared if model.config._attn_implementation in _ALONG.values() else None

    def disagreement(self, rows: list[list[int]], plain: npt.NDArray[np.float32]) -> str:
        """What speaks against sharing, in words; empty when nothing does.

        Some models mix tokens by other means than attention.

        Args:
            rows: n rows of tokens, such as `trial_rows` makes.
            plain: What the model says of each row alone, shape (n, heads).
        """
        try:
            told = self.logits(rows).float().cpu().numpy()
        except (TypeError, ValueError, RuntimeError) as error:
            return f"its layers cannot be told who sees whom ({error})"
        moved = moved_by(told, plain, self._model.dtype)
        return f"sharing the pass over a prompt moves its logits by {moved:.2g}" if moved else ""

    @torch.inference_mode()
    def logits(self, rows: list[list[int]]) -> torch.Tensor:
        """All that the model says at the last token of each of n rows: shape (n, heads)."""
        tree = _Placed(token_tree(rows), self._model.device)
        hidden = self._model.base_model(
            tree.tokens[None],
            # A mask of four dimensions is passed on unread; the tree says who sees whom.
            attention_mask=torch.zeros(1, 1, 1, 1, device=self._model.device),
            position_ids=tree.positions[None],
            use_cache=False,
            tree=tree,
        ).last_hidden_state
        return self._head(hidden[0, tree.ends])


def _writes_attention_out(model: PreTrainedModel) -> bool:
    """Whether each attention layer's module has the function that the library calls its own."""
    layers = [type(part) for part in model.modules() if type(part).__name__.endswith("Attention")]
    return bool(layers) and all(hasattr(sys.modules[kind.__module__], _EAGER) for kind in layers)


def moved_by(
    told: npt.NDArray[np.float32], plain: npt.NDArray[np.float32], dtype: torch.dtype
) -> float:
    """The largest difference between what a model says of rows in two ways; 0.0 where it is none.

    Two fifths of the digits that the model's numbers have may differ: sums in another order disturb
    fewer of them, a token too many or too few disturbs more, most of all in short rows.

    Args:
        told: Shape (n, heads).
        plain: Of the same rows, each alone: shape (n, heads).
        dtype: Of the model's numbers.
    """
    allowed = torch.finfo(dtype).eps ** 0.6 * max(1.0, float(np.abs(plain).max()))
    if np.allclose(told, plain, rtol=0, atol=allowed, equal_nan=True):
        return 0.0
    return float(np.abs(told - plain).max())


def trial_rows(row: list[int]) -> list[list[int]]:
    """Rows to try a model on: one, one that parts from it half-way, and short ones beside them."""
    half = len(row) // 2
    return [row, row[:half] + row[half:][::-1], row[-1:], row[-3:][::-1]]


class _Placed:
    """A tree on the model's device, with the masks that its layers ask for."""

    def __init__(self, tree: TokenTree, device: torch.device) -> None:
        self.tokens, self.positions, self.ends, self._nodes = (
            torch.from_numpy(part).to(device)
            for part in (tree.tokens, tree.positions, tree.ends, tree.nodes)
        )
        self.looks = tree.looks
        self._longest = int(tree.positions.max()) + 1
        self._seen: dict[tuple[int, int | None], torch.Tensor] = {}

    def pieces(
        self, place: int, window: int | None, *, causal: bool
    ) -> Iterator[tuple[slice, int, torch.Tensor | None]]:
        """Cut an attention product where its mask would be large.

        Args:
            place: Of the look.
            window: How far back this layer sees; None is all the way.
            causal: Whether plain causal attention can do without a mask.

        Yields:
            Some of its queries, how many of its keys they need, and who sees whom: shape (queries,
            keys), None for plain causal attention.
        """
        look = self.looks[place]
        if window is not None and window >= self._longest:
            window = None
        if causal and look.alone and window is None:
            yield slice(None), look.queries[1] - look.queries[0], None
            return
        begin, end = look.queries
        keys = sum(stop - start for start, stop in look.keys)
        step = max(1, _MASKED // keys)
        if end - begin <= step:  # all layers take the same one
            if (place, window) not in self._seen:
                self._seen[place, window] = self._look(look, (begin, end), keys, window)
            yield slice(None), keys, self._seen[place, window]
            return
        for first in range(begin, end, step):
            last = min(first + step, end)
            needed = keys - (end - last)  # the other ones come later in the same row
            seen = self._look(look, (first, last), needed, window)
            yield slice(first - begin, last - begin), needed, seen

    def _look(self, look: Look, queries: Stretch, keys: int, window: int | None) -> torch.Tensor:
        (first, last), begin = queries, look.queries[0]
        line = torch.arange(begin, last, device=self.tokens.device)
        here, own = line[first - begin :, None], self._nodes[begin:last]
        seen = self.tokens.new_ones(last - first, keys, dtype=torch.bool)
        # Above the queries all is seen; a node's tokens follow one another along the line.
        seen[:, keys - len(line) :] = (here >= line) & (own[first - begin :, None] == own)
        if window is not None:
            there = torch.cat([self.positions[slice(*span)] for span in look.keys])[:keys]
            seen &= self.positions[first:last, None] - there < window
        return seen


def tree_attention(
    written_out: bool,
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    tree: _Placed | None = None,
    **settings: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Attention along a tree; without one, the attention that the model had.

    Args:
        written_out: Whether that is the model's own function, else PyTorch's product.
        module: The attention layer.
        query: Shape (1, heads, T, head size).
        key: Shape (1, key heads, T, head size).
        value: As `key`.
        attention_mask: Used without a tree only.
        tree: Who sees whom.
        settings: Whatever else the layer says, such as `scaling` and `sliding_window`.

    Returns:
        Shape (1, T, heads, head size), and None; without a tree whatever the former one gives.
    """
    attend = sdpa_attention_forward
    if written_out:
        attend = getattr(sys.modules[type(module).__module__], _EAGER)
    if tree is None:
        return attend(module, query, key, value, attention_mask, **settings)
    window = settings.get("sliding_window")
    said = []
    for place, look in enumerate(tree.looks):
        k, v = (
            torch.cat([whole[:, :, slice(*span)] for span in look.keys], dim=2)
            if len(look.keys) > 1
            else whole[:, :, slice(*look.keys[0])]
            for whole in (key, value)
        )
        q = query[:, :, slice(*look.queries)]
        for some, keys, seen in tree.pieces(place, window, causal=not written_out):
            mask = None if seen is None else seen[None, None]
            if mask is not None and written_out:
                mask = _added(mask, q.dtype)
            part = q[:, :, some], k[:, :, :keys], v[:, :, :keys]
            said.append(attend(module, *part, mask, **settings)[0])
    return torch.cat(said, dim=1), None


def _added(seen: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """What is added to scores: nothing, or as little as `dtype` has where nothing is seen."""
    nothing = torch.zeros(seen.shape, dtype=dtype, device=seen.device)
    return nothing.masked_fill_(~seen, torch.finfo(dtype).min)


AttentionInterface.register(_ALONG["sdpa"], partial(tree_attention, False))
AttentionMaskInterface.register(_ALONG["sdpa"], sdpa_mask)
AttentionInterface.register(_ALONG["eager"], partial(tree_attention, True))
AttentionMaskInterface.register(_ALONG["eager"], eager_mask)
