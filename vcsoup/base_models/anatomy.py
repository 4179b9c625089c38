"""What a base is made of: its sizes, and the linear layers of its decoder blocks by name.

Works on a loaded model and on one without memory (torch's meta device) alike, so a base can be
looked at before anything of it is loaded. The head and the embeddings are never named: a soup adds
its deltas to linear layers alone.
"""

import re
from collections.abc import Collection
from typing import NamedTuple

import torch
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.pytorch_utils import Conv1D

from vcsoup.base_models.memory import Sizes

_CONTEXT = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")  # the last: MPT's
_BLOCK = re.compile(r"(?:^|\.)\d+\.")  # decoder blocks are numbered: layers.0., h.0.
_ATTENTION = re.compile(r"(?:^|\.)\w*att\w*\.[^.]+$")


class Linear(NamedTuple):
    """A linear layer of a decoder block: its path, and how wide its ends are."""

    path: str
    out: int
    into: int

    @property
    def name(self) -> str:
        """The last part of the path, by which adapters are told what to change."""
        return self.path.rpartition(".")[2]


def empty_model(config: PretrainedConfig) -> PreTrainedModel:
    """Build a causal language model without memory for its weights.

    Raises:
        ValueError: transformers has no causal language model of this kind.
    """
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def context_of(config: PretrainedConfig) -> int:
    """Longest text in tokens; 0 when a (text) configuration sets no bound."""
    told = (int(getattr(config, name, None) or 0) for name in _CONTEXT)
    return next((length for length in told if length > 0), 0)


def stop_tokens(model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Tokens that end a reply: the tokenizer's end, and those that came with the model."""
    told = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    named = told if isinstance(told, list) else [told]
    return {token for token in (*named, tokenizer.eos_token_id) if token is not None}


def decoder_linears(model: nn.Module) -> list[Linear]:
    """List the linear layers of the decoder blocks.

    Args:
        model: A causal language model, its layers not wrapped.

    Example:
        >>> from transformers import GPTNeoXConfig
        >>> sizes = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
        >>> model = empty_model(GPTNeoXConfig(**sizes, intermediate_size=16, vocab_size=20))
        >>> layer_names(decoder_linears(model))
        ['query_key_value', 'dense', 'dense_h_to_4h', 'dense_4h_to_h']
    """
    found = []
    for path, layer in model.named_modules():
        shape = linear_shape(layer)
        if shape and _BLOCK.search(path):
            found.append(Linear(path, *shape))
    return found


def layer_names(linears: Collection[Linear]) -> list[str]:
    """Their names, each once, in the order of a block: what adapters can be told to change."""
    return list(dict.fromkeys(linear.name for linear in linears))


def attention_names(linears: Collection[Linear]) -> list[str]:
    """The names that only occur inside attention, which is where the paper puts its adapters."""
    inside = {linear.path for linear in linears if _ATTENTION.search(linear.path)}
    elsewhere = {linear.name for linear in linears if linear.path not in inside}
    return [
        name
        for name in layer_names([linear for linear in linears if linear.path in inside])
        if name not in elsewhere
    ]


def is_transposed(model: nn.Module) -> bool:
    """Tell whether linear layers store (in, out), which peft calls fan_in_fan_out."""
    return any(isinstance(module, Conv1D) for module in model.modules())


def linear_shape(layer: nn.Module) -> tuple[int, int] | None:
    """(out, in) of a linear layer, quantised or not; None for other layers.

    GPT-2's Conv1D stores its weight as (in, out).
    """
    if isinstance(layer, Conv1D):
        return layer.weight.shape[1], layer.weight.shape[0]
    if isinstance(layer, nn.Linear):
        return layer.out_features, layer.in_features
    return None


def sizes_of(model: PreTrainedModel, targets: Collection[str]) -> Sizes:
    """What memory depends on.

    Args:
        model: A causal language model, with or without memory.
        targets: Names of the layers that get an adapter.
    """
    config = model.config.get_text_config()
    linears = decoder_linears(model)
    adapted = [linear for linear in linears if linear.name in set(targets)]
    heads = getattr(config, "num_attention_heads", 1)
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    return Sizes(
        parameters=model.num_parameters(),
        block_linear=sum(linear.out * linear.into for linear in linears),
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        inner=max((max(linear.out, linear.into) for linear in linears), default=0),
        vocabulary=config.vocab_size,
        kv_width=(getattr(config, "num_key_value_heads", None) or heads) * width,
        adapted=sum(linear.out + linear.into for linear in adapted),
        adapted_in=sum(linear.into for linear in adapted),
        n_adapted=len(adapted),
    )
