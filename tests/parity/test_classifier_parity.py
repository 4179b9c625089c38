"""Classifiers of many kinds: the score of each text is the library's own of that text alone.

Prompts are shared, lengths differ, and the window of sliding layers is shorter than the texts. Some
models read their padding (they mix tokens, pool or convolve them without a mask), or expect it on
the left.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES as CLASSIFIERS,
)

from tests.odd_bases import KINDS
from tests.tiny_models import build_tokenizer, special_ids
from tests.tiny_pairs import tiny_pairs
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.spec import RewardSpec

_ENCODER = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
}
_SLIDING = {"sliding_window": 8, "num_key_value_heads": 2, **_ENCODER}
OTHERS: dict[str, dict[str, object]] = {
    "albert": {**_ENCODER, "embedding_size": 16},
    "bert": _ENCODER,
    "deberta-v2": {
        **_ENCODER,
        "relative_attention": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_biased_input": False,
        "type_vocab_size": 0,
        "pooler_hidden_size": 32,
    },
    "distilbert": {"dim": 32, "hidden_dim": 48, "n_layers": 2, "n_heads": 4},
    "electra": {**_ENCODER, "embedding_size": 16},
    "convbert": {**_ENCODER, "embedding_size": 16, "conv_kernel_size": 3},
    "fnet": _ENCODER,
    "funnel": {"d_model": 32, "n_head": 4, "d_head": 8, "d_inner": 48, "block_sizes": [1, 1, 1]},
    "gpt_neox": _ENCODER,
    "mistral, sliding": _SLIDING,
    "modernbert": _ENCODER,
    "qwen2, sliding": {**_SLIDING, "use_sliding_window": True, "max_window_layers": 1},
    "roberta": _ENCODER,
    "xlnet": {"d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48},
}
READS_PADDING = {"convbert", "fnet", "funnel", "xlnet"}
JUDGES = {kind: told for kind, told in KINDS.items() if kind.partition(",")[0] in CLASSIFIERS}
JUDGES |= OTHERS


def classifier(kind: str, path: Path) -> Path:
    """A random classifier of two layers of width 32, saved with its tokenizer."""
    tokenizer = build_tokenizer()
    ids = {**special_ids(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind.partition(",")[0], **ids, num_labels=2, **JUDGES[kind])
    model = AutoModelForSequenceClassification.from_config(config)
    for weight in model.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.15)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.mark.parametrize("kind", JUDGES)
def test_each_text_scores_as_the_library_scores_it_alone(kind, tmp_path, caplog):
    folder = classifier(kind, tmp_path)
    judge = RewardModel.load(RewardSpec(model=str(folder), label=1), "cpu")
    pairs = tiny_pairs(12)
    prompts = [
        [{"role": "user", "content": f"{row.prompt[0]['content']} please " * (1 + k % 3)}]
        for k, row in enumerate(pairs.itertuples())
        for _ in range(2)
    ]
    replies = [reply for row in pairs.itertuples() for reply in (row.chosen, row.rejected)]
    told = judge.score(prompts, replies)
    assert ("padding moves its logits" in caplog.text) == (kind in READS_PADDING)
    plain = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        alone = [
            plain(**{name: torch.tensor([row]) for name, row in text.items()}).logits[0, 1].item()
            for text in judge.encode(prompts, replies)
        ]
    assert np.ptp(alone) > 0.02  # a thousand times what may differ
    np.testing.assert_allclose(told, alone, atol=2e-5)
