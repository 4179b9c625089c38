"""Tiny reward models of several kinds that really prefer kind words to rude ones.

The network is random; only the head is fitted, by ridge regression on what the network says of
`tiny_pairs`. One built in a second orders those pairs nearly all.
"""

from pathlib import Path

import numpy as np
import torch
from tokenizers.processors import TemplateProcessing
from transformers import (
    DebertaV2Config,
    DebertaV2ForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    LlamaConfig,
    LlamaForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Qwen2Config,
    Qwen2ForSequenceClassification,
)

from tests.tiny_models import build_tokenizer
from tests.tiny_pairs import tiny_pairs
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.spec import RewardSpec

KINDS = ("gpt2", "deberta", "llama", "qwen2")


def fitted_judge(kind: str, path: Path, *, labels: int = 1, label: int = 0) -> Path:
    """Save a classifier whose logit `label` prefers kind words.

    With two labels the other logit is its mirror image, as in trained classifiers; with more, the
    others are noise. Its chat template and its tokenizer each write the start token.
    """
    tokenizer = start_tokenizer()
    torch.manual_seed(3)
    model = _network(kind, tokenizer, labels).eval()
    rows, targets = _features(model, tokenizer)
    weights = np.linalg.solve(rows.T @ rows + 1e-3 * np.eye(rows.shape[1]), rows.T @ targets)
    with torch.no_grad():
        head = _head(model)
        head.weight.normal_(std=0.05)
        head.weight[label] = torch.tensor(weights, dtype=torch.float32)
        if labels == 2:
            head.weight[1 - label] = -head.weight[label]
        if head.bias is not None:
            head.bias.zero_()
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def start_tokenizer() -> PreTrainedTokenizerBase:
    """A tokenizer that writes `<s>` before plain text, with a chat template that writes it too."""
    tokenizer = build_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", tokenizer.bos_token_id)]
    )
    tokenizer.chat_template = "<s>" + tokenizer.chat_template
    return tokenizer


def _network(kind: str, tokenizer: PreTrainedTokenizerBase, labels: int) -> PreTrainedModel:
    told = {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "num_labels": labels,
        "initializer_range": 0.15,
    }
    if kind == "gpt2":
        config = GPT2Config(**told, n_embd=64, n_layer=2, n_head=4, n_positions=256)
        return GPT2ForSequenceClassification(config)
    sizes = {
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 256,
    }
    if kind == "deberta":
        relative = {
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
            "type_vocab_size": 0,
            "pooler_hidden_size": 64,
        }
        config = DebertaV2Config(**told, **sizes, **relative)
        return DebertaV2ForSequenceClassification(config)
    if kind == "llama":
        return LlamaForSequenceClassification(LlamaConfig(**told, **sizes))
    return Qwen2ForSequenceClassification(Qwen2Config(**told, **sizes, num_key_value_heads=4))


def _head(model: PreTrainedModel) -> torch.nn.Linear:
    return model.classifier if hasattr(model, "classifier") else model.score


def _features(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> tuple[np.ndarray, np.ndarray]:
    """What the head sees of kind (+1) and rude (-1) answers, one row each."""
    pairs, seen = tiny_pairs(96), []
    hook = _head(model).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    judge = RewardModel(RewardSpec(model="tiny"), model, tokenizer)
    asked = [*pairs["prompt"]] * 2, [*pairs["chosen"], *pairs["rejected"]]
    ends = torch.tensor([len(row["input_ids"]) - 1 for row in judge.encode(*asked)])
    features = np.empty((len(ends), model.config.hidden_size))
    for rows, _ in judge.logit_batches(*asked):
        hidden = seen.pop()
        if hidden.ndim == 3:  # a decoder's head sees every token
            hidden = hidden[torch.arange(len(rows)), ends[rows]]
        features[rows] = hidden.double().numpy()
    hook.remove()
    return features, np.repeat([1.0, -1.0], len(pairs))
