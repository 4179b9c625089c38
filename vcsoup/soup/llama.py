"""The short way through Llama, Mistral and Qwen2 models: reading texts, and decoding steps.

A step has one token per row, so on small and middle models most of its time goes into calls, not
into arithmetic. Here projections that read the same input are one matrix product, their adapters'
first factors included, and nothing of the library's general machinery (masks, hooks, records) runs
per layer. The weights are the model's own: its parameters become views of the joined matrices, so
they exist once. Tests hold it against the library's forward.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import (
    DynamicCache,
    LlamaForCausalLM,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2ForCausalLM,
)

from vcsoup.base_models.loading import is_quantised, is_spread
from vcsoup.soup.cache import RowCache, RowLayer
from vcsoup.soup.layer import SoupLayer, spread

Turn = tuple[torch.Tensor, torch.Tensor]
Attention = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
_KINDS = (LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM)


def llama_step(model: PreTrainedModel) -> "LlamaStep | None":
    """The short step of a model whose layers may be wrapped; None when it has none.

    Args:
        model: A causal LM in eval mode.
    """
    known = type(model) in _KINDS and type(getattr(model, "lm_head", None)) is nn.Linear
    odd = is_quantised(model) or is_spread(model)  # layers are no plain matrices in one place
    config = model.config
    sliding = "sliding_attention" in (getattr(config, "layer_types", None) or ()) or (
        type(model) is MistralForCausalLM and config.sliding_window
    )
    return LlamaStep(model) if known and not sliding and not odd else None


class LlamaStep:
    """The model's layers, read the short way."""

    def __init__(self, model: PreTrainedModel) -> None:
        """Join the projections of `model`; its parameters become views."""
        # The library's modules do not say what they hold.
        self._decoder: Any = model.get_submodule("model")
        self._head = model.get_submodule("lm_head")
        layers = model.get_submodule("model.layers")
        self._layers = [_Layer(layer) for layer in layers.children()]
        self._last = threading.local()  # each thread's last soups, spread over the ranks

    def __call__(
        self, tokens: torch.Tensor, weights: torch.Tensor, cache: RowCache
    ) -> torch.Tensor:
        """Run tokens (B,) with soups (B, K) at the cache's places; logits, shape (B, V)."""
        mix = self._last.mix if weights is getattr(self._last, "weights", None) else _Mix(weights)
        self._last.weights, self._last.mix = weights, mix
        x = self._decoder.embed_tokens(tokens)
        turn, mask = self._turn(x, cache.at.unsqueeze(1)), cache.mask(x.dtype)
        assert not isinstance(mask, dict)  # these models have one kind of layer
        B = len(tokens)

        def attention(layer: _Layer, kept: RowLayer) -> Attention:
            def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
                keys, values = kept.update(k.unsqueeze(2), v.unsqueeze(2))
                # Query heads that share a key head lie side by side: rows of one product.
                q = q.view(B, k.shape[1], -1, q.shape[2])
                return layer.attended(q, keys, values, attn_mask=mask).view(B, -1)

            return attend

        for layer, kept in zip(self._layers, cache.row_layers, strict=True):
            layer(x, turn, attention(layer, kept), mix)
        return self._head(_norm(self._decoder.norm, x))

    def read(self, ids: torch.Tensor, weights: torch.Tensor, cache: DynamicCache) -> torch.Tensor:
        """Read texts (B, T), padded on the right, with soups (B, K) into an empty cache.

        Returns:
            What the head makes logits of, shape (B, T, d).
        """
        B, T = ids.shape
        x = self._decoder.embed_tokens(ids.flatten())
        one = self._turn(x, torch.arange(T, device=ids.device).unsqueeze(0))
        cos, sin = (part.view(T, 1, -1).repeat(B, 1, 1) for part in one)
        mix = _Mix(weights, tokens=T, alike=bool((weights == weights[:1]).all()))

        def attention(layer: _Layer, place: int) -> Attention:
            def attend(*heads: torch.Tensor) -> torch.Tensor:
                q, k, v = (part.view(B, T, *part.shape[1:]).transpose(1, 2) for part in heads)
                keys, values = cache.update(k, v, place)
                shared = q.shape[1] != keys.shape[1]
                seen = layer.attended(q, keys, values, is_causal=True, enable_gqa=shared)
                return seen.transpose(1, 2).reshape(B * T, -1)

            return attend

        for place, layer in enumerate(self._layers):
            layer(x, (cos, sin), attention(layer, place), mix)
        return _norm(self._decoder.norm, x).view(B, T, -1)

    def _turn(self, x: torch.Tensor, places: torch.Tensor) -> Turn:
        """Cosine and sine of rotary positions (B, T), shape (B, T, width / 2) each."""
        cos, sin = self._decoder.rotary_emb(x, position_ids=places)
        half = cos.shape[-1] // 2
        return cos[..., :half], sin[..., :half]


@dataclass
class _Mix:
    """The soups of the rows that run, spread over the ranks of adapters as layers ask for them.

    Attributes:
        rows: Weights, shape (B, K).
        tokens: Tokens per row.
        alike: Whether all rows are known to be one soup.
    """

    rows: torch.Tensor
    tokens: int = 1
    alike: bool = False
    _spread: dict[tuple[int, ...], torch.Tensor] = field(default_factory=dict)

    def over(self, ranks: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """Shape (B * tokens, sum(ranks)), in the base's numbers; for rows alike (1, sum(ranks))."""
        if ranks not in self._spread:
            rows, K = self.rows[:1] if self.alike else self.rows, max(self.rows.shape[1], 1)
            parts = [spread(rows, ranks[at : at + K]) for at in range(0, len(ranks), K)]
            wide = torch.cat(parts, 1).to(dtype)
            self._spread[ranks] = wide if self.alike else wide.repeat_interleave(self.tokens, dim=0)
        return self._spread[ranks]


class _Layer:
    """One decoder layer; adds to the residual stream in place."""

    def __init__(self, layer: Any) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self._norms = layer.input_layernorm, layer.post_attention_layernorm
        self._width, self._scale = attention.head_dim, attention.scaling
        self._qkv = _Joined([(attention, "q_proj"), (attention, "k_proj"), (attention, "v_proj")])
        self._o = _Joined([(attention, "o_proj")])
        self._gate_up = _Joined([(mlp, "gate_proj"), (mlp, "up_proj")])
        self._down, self._act = _Joined([(mlp, "down_proj")]), mlp.act_fn

    def __call__(self, x: torch.Tensor, turn: Turn, attend: Attention, mix: _Mix) -> None:
        """Take the tokens' states x, shape (N, d), one layer further."""
        N = len(x)
        q, k, v = self._qkv(_norm(self._norms[0], x), mix)
        q, k = (_turned(part.view(N, -1, self._width), turn) for part in (q, k))
        x += self._o(attend(q, k, v.reshape(N, -1, self._width)), mix)[0]
        gate, up = self._gate_up(_norm(self._norms[1], x), mix)
        x += self._down(self._act(gate).mul_(up), mix)[0]

    def attended(
        self,
        q: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        *,
        attn_mask: torch.Tensor | None = None,
        is_causal: bool = False,
        enable_gqa: bool = False,
    ) -> torch.Tensor:
        """Attention of queries (B, heads, T, width) over keys and values."""
        return functional.scaled_dot_product_attention(
            q,
            keys,
            values,
            attn_mask,
            is_causal=is_causal,
            scale=self._scale,
            enable_gqa=enable_gqa,
        )


class _Joined:
    """Projections of one input as one product: their weights, then their adapters' A's."""

    def __init__(self, places: Sequence[tuple[nn.Module, str]]) -> None:
        layers = [getattr(module, name) for module, name in places]
        inner = [_inner(layer) for layer in layers]
        self._outs = [layer.out_features for layer in inner]
        self._soups = [
            (place, layer) for place, layer in enumerate(layers) if isinstance(layer, SoupLayer)
        ]
        self.ranks = tuple(rank for _, soup in self._soups for rank in soup.ranks)
        self._widths = [soup.A.shape[0] for _, soup in self._soups]
        self._weight = torch.cat(
            [layer.weight for layer in inner] + [soup.A for _, soup in self._soups]
        )
        self._bias = _joined_bias(inner, len(self._weight))
        _share(self._weight, inner, [soup for _, soup in self._soups])

    def __call__(self, x: torch.Tensor, mix: _Mix) -> list[torch.Tensor]:
        """Outputs of the projections for x (N, in), each (N, out)."""
        if mix.alike and self._soups and all(soup.merges(len(x)) for _, soup in self._soups):
            weight, bias = self._merged(mix), self._bias
            total = len(weight)
            return list(
                functional.linear(x, weight, None if bias is None else bias[:total]).split(
                    self._outs, dim=1
                )
            )
        y = functional.linear(x, self._weight, self._bias)
        *outs, middle = y.split([*self._outs, y.shape[1] - sum(self._outs)], dim=1)
        if self._soups:
            parts = (middle * mix.over(self.ranks, middle.dtype)).split(self._widths, dim=1)
            for (place, soup), part in zip(self._soups, parts, strict=True):
                outs[place].addmm_(part, soup.B_T)
        return list(outs)

    def _merged(self, mix: _Mix) -> torch.Tensor:
        """The projections' weights with the soup of all rows merged in, (sum of outs, in)."""
        total = sum(self._outs)
        weight = self._weight[:total].clone()
        outs = weight.split(self._outs)
        shares = mix.over(self.ranks, weight.dtype)[0].split(self._widths)
        for (place, soup), share in zip(self._soups, shares, strict=True):
            outs[place].addmm_((soup.B_T * share.unsqueeze(1)).T, soup.A)
        return weight


def _inner(layer: nn.Module) -> nn.Linear:
    """The model's own layer, without adapters: these models project by nothing but `nn.Linear`."""
    own = layer.inner if isinstance(layer, SoupLayer) else layer
    assert isinstance(own, nn.Linear)
    return own


def _joined_bias(layers: Sequence[nn.Linear], rows: int) -> torch.Tensor | None:
    if all(layer.bias is None for layer in layers):
        return None
    like = layers[0].weight
    parts = [like.new_zeros(len(p.weight)) if p.bias is None else p.bias for p in layers]
    short = rows - sum(map(len, parts))
    return torch.cat([*parts, like.new_zeros(short)])


def _share(joined: torch.Tensor, inner: Sequence[nn.Linear], soups: Sequence[SoupLayer]) -> None:
    """Let the layers' parameters be views of the joined matrix."""
    start = 0
    for layer in inner:
        view = joined[start : start + len(layer.weight)]
        layer.weight = nn.Parameter(view, requires_grad=False)
        start += len(view)
    for soup in soups:
        soup.A = joined[start : start + len(soup.A)]
        start += len(soup.A)


def _norm(module: Any, x: torch.Tensor) -> torch.Tensor:
    """What the library's module for the root mean square does."""
    weight = module.weight
    return functional.rms_norm(x, weight.shape, weight, module.variance_epsilon)


def _turned(x: torch.Tensor, turn: Turn) -> torch.Tensor:
    """Rotary positions: x (N, heads, width), cosine and sine (N, 1, width / 2)."""
    cos, sin = turn
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    (a, b), (left, right) = x.chunk(2, -1), out.chunk(2, -1)
    torch.mul(a, cos, out=left)
    left.addcmul_(b, sin, value=-1)
    torch.mul(b, cos, out=right)
    right.addcmul_(a, sin)
    return out
