"""Tiny random causal language models of many kinds, beside the five of `tests.tiny_models`."""

from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from tests.tiny_models import build_tokenizer, random_adapter, special_ids
from vcsoup.base_models.anatomy import attention_names, decoder_linears

_WIDE = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
}
_GROUPED = {**_WIDE, "num_key_value_heads": 2}
_HEADS = {**_GROUPED, "head_dim": 8}
_N = {"n_embd": 32, "n_layer": 2, "n_head": 4}
_FALCON = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "new_decoder_architecture": False,
}
_NEO = {
    "hidden_size": 32,
    "num_layers": 2,
    "num_heads": 4,
    "attention_types": [[["global", "local"], 1]],
}
KINDS: dict[str, dict[str, object]] = {
    "bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 4},
    "codegen": {**_N, "rotary_dim": 8, "n_positions": 256},
    "cohere": _GROUPED,
    "deepseek_v3": {  # a layer inside its attention gets tokens with one axis more
        **_WIDE,
        "num_key_value_heads": 4,
        "moe_intermediate_size": 16,
        "q_lora_rank": 16,
        "kv_lora_rank": 16,
        "qk_rope_head_dim": 8,
        "qk_nope_head_dim": 8,
        "v_head_dim": 8,
        "n_routed_experts": 4,
        "n_group": 1,
        "topk_group": 1,
        "num_experts_per_tok": 2,
    },
    "ernie4_5": _HEADS,
    "exaone4": _HEADS,
    "falcon": _FALCON,
    "falcon, biased by distance": {**_FALCON, "alibi": True},
    "gemma2": _HEADS,
    "gemma3_text": {**_HEADS, "layer_types": ["sliding_attention", "full_attention"]},
    "glm4": _HEADS,
    "gpt_bigcode": {**_N, "n_positions": 256},
    "gpt_neo": _NEO,
    "gpt_neo, window of 6": {**_NEO, "window_size": 6, "initializer_range": 0.2},
    "gpt_oss": {**_HEADS, "num_local_experts": 2, "num_experts_per_tok": 1},
    "gptj": {**_N, "rotary_dim": 8, "n_positions": 256},
    "granite": _GROUPED,
    "helium": _HEADS,
    "lfm2": _GROUPED,
    "mistral": _HEADS,
    "mixtral": {**_GROUPED, "num_local_experts": 2},
    "mpt": {"d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 256},
    "olmo2": _GROUPED,
    "opt": {  # lays the tokens of all rows in one line before its linear layers
        "hidden_size": 32,
        "word_embed_proj_dim": 32,
        "ffn_dim": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 256,
    },
    "phi": _WIDE,
    "phi3": _GROUPED,
    "qwen2_moe": {  # the expert that all tokens share gets them in one line
        **_GROUPED,
        "moe_intermediate_size": 16,
        "shared_expert_intermediate_size": 16,
        "num_experts": 2,
        "num_experts_per_tok": 1,
    },
    "qwen3": _HEADS,
    "smollm3": _GROUPED,
    "stablelm": _GROUPED,
    "starcoder2": _GROUPED,
}
"""Kind, what is odd about it -> its configuration."""
NOT_BY_ROW: dict[str, dict[str, object]] = {
    "llama4_text": {
        **_HEADS,
        "intermediate_size_mlp": 48,
        "num_local_experts": 2,
        "num_experts_per_tok": 1,
        "layer_types": ["chunked_attention", "full_attention"],
    },
    "openai-gpt": {**_N, "n_positions": 256},
}
"""Kinds that cannot be decoded row by row: windows that do not slide, no cache."""
FUSED = ("deepseek_v3", "gpt_oss", "mixtral")
"""Mixtures whose experts are no layers that an adapter could change."""


def odd_causal(kind: str, path: Path) -> Path:
    """A two-layer causal LM of width 32 and its tokenizer, saved in `path`."""
    tokenizer = build_tokenizer()
    ids = {**special_ids(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    torch.manual_seed(0)
    sizes = (KINDS | NOT_BY_ROW)[kind]
    config = AutoConfig.for_model(kind.partition(",")[0], **ids, **sizes)
    AutoModelForCausalLM.from_config(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def odd_soup(kind: str, folder: Path, *, values: int) -> tuple[Path, list[Path]]:
    """Such a base with adapters on all its linear layers; on attention alone beside `FUSED`."""
    base = odd_causal(kind, folder / "base")
    linears = decoder_linears(AutoModelForCausalLM.from_pretrained(base))
    targets = attention_names(linears) if kind in FUSED else "all-linear"
    return base, [
        random_adapter(base, folder / f"value{k}", seed=k, target_modules=targets)
        for k in range(values)
    ]
