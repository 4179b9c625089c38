"""What a loaded classifier's positions allow: how many tokens it reads.

Models count positions in ways of their own, and a text must never have more tokens than there are
positions.
"""

from torch import nn
from transformers import PreTrainedModel


def most_tokens(model: PreTrainedModel) -> int | None:
    """The most tokens that a classifier has positions for; None where there is no such limit."""
    told = getattr(model.config, "max_position_embeddings", None) or 0
    limits = [told] if told > 0 else []  # XLNet says -1
    for name, part in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, nn.Embedding):
            if part.padding_idx is not None:  # RoBERTa and its kin count from the one behind it
                limits.append(part.num_embeddings - part.padding_idx - 1)
    return min(limits, default=None)
