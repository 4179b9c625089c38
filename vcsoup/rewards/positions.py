"""What a loaded classifier's positions allow: how many tokens it reads, and in one way.

Models count positions in ways of their own, and a text must never have more tokens than there are
positions. Rope with two sets of factors (longrope) takes the second one for every row of a pass
whose longest row is long, so such rows must not share a pass with short ones.
"""

from collections.abc import Mapping

from torch import nn
from transformers import PretrainedConfig, PreTrainedModel


def most_tokens(model: PreTrainedModel) -> int | None:
    """The most tokens that a classifier has positions for; None where there is no such limit."""
    told = getattr(model.config, "max_position_embeddings", None) or 0
    limits = [told] if told > 0 else []  # XLNet says -1
    for name, part in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, nn.Embedding):
            if part.padding_idx is not None:  # RoBERTa and its kin count from the one behind it
                limits.append(part.num_embeddings - part.padding_idx - 1)
    return min(limits, default=None)


def rope_turns(config: PretrainedConfig) -> list[int]:
    """Row lengths above which a model reads every token otherwise than below, in rising order.

    Example:
        >>> from transformers import LlamaConfig
        >>> rope_turns(LlamaConfig())
        []
    """
    told = getattr(config.get_text_config(), "rope_parameters", None) or {}
    ropes = [told, *(rope for rope in told.values() if isinstance(rope, Mapping))]
    turns = {
        int(rope["original_max_position_embeddings"])
        for rope in ropes
        if rope.get("rope_type") == "longrope"
    }
    return sorted(turns)
