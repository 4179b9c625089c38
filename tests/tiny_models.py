"""Tiny models for tests: built in milliseconds, saved as ordinary Hugging Face folders.

Weights are random but wide, so that logits are far from uniform and an adapter moves them by
amounts that a wrong merge cannot hide. The tokenizer is byte-level: any text survives a round trip.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    GemmaConfig,
    GPT2Config,
    GPT2ForSequenceClassification,
    GPTNeoXConfig,
    LlamaConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
)

CHAT_TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
TEXTS = ("How do I boil an egg?", "Tell me a joke about soup.", "Is it safe to swim at night?")
TARGETS = {
    "gpt2": ["c_attn", "c_proj", "c_fc"],
    "gpt_neox": ["query_key_value", "dense", "dense_4h_to_h"],
}
LLAMA_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "down_proj"]


def build_tokenizer(
    texts: Iterable[str] = TEXTS, *, vocab_size: int = 300, chat: bool = True
) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer with `<s>`, `</s>`, `<pad>` and role marks."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<pad>", "<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )
    if chat:
        fast.chat_template = CHAT_TEMPLATE
    return fast


def tiny_causal(
    arch: str, path: Path, *, seed: int = 0, chat: bool = True, **sizes: object
) -> Path:
    """A two-layer causal LM of width 32 and its tokenizer, saved in `path`."""
    tokenizer = build_tokenizer(chat=chat)
    torch.manual_seed(seed)
    config = _causal_config(arch, tokenizer)
    config.update(sizes)
    model = AutoModelForCausalLM.from_config(config)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def tiny_classifier(path: Path, *, seed: int = 0, labels: int = 1) -> Path:
    """A two-layer GPT-2 reward model without a pad token in its tokenizer, saved in `path`."""
    tokenizer = build_tokenizer(chat=True)
    tokenizer.pad_token = None
    torch.manual_seed(seed)
    config = GPT2Config(
        **special_ids(tokenizer), n_embd=32, n_layer=2, n_head=2, n_positions=256, num_labels=labels
    )
    model = GPT2ForSequenceClassification(config)
    torch.nn.init.normal_(model.score.weight, std=0.5)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def random_adapter(
    base: Path, path: Path, *, rank: int = 4, alpha: int = 8, seed: int = 0, **lora: object
) -> Path:
    """A LoRA adapter with random A *and* B (peft's own B starts at zero), as a PEFT folder."""
    model = AutoModelForCausalLM.from_pretrained(base)
    lora.setdefault("target_modules", TARGETS.get(model.config.model_type, LLAMA_TARGETS))
    config = LoraConfig(r=rank, lora_alpha=alpha, task_type="CAUSAL_LM", **lora)
    peft_model = get_peft_model(model, config)
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in peft_model.named_parameters():
        if "lora_" in name:
            parameter.data.normal_(std=0.15, generator=generator)
    peft_model.save_pretrained(path)
    return path


def special_ids(tokenizer: PreTrainedTokenizerFast) -> Mapping[str, int]:
    return {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }


def _causal_config(
    arch: str, tokenizer: PreTrainedTokenizerFast
) -> LlamaConfig | Qwen2Config | GemmaConfig | GPT2Config | GPTNeoXConfig:
    wide = {
        **special_ids(tokenizer),
        "initializer_range": 0.15,
        "pad_token_id": tokenizer.pad_token_id,
    }
    if arch == "gpt2":
        return GPT2Config(**wide, n_embd=32, n_layer=2, n_head=2, n_positions=256)
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
    }
    if arch == "gpt_neox":
        del sizes["num_key_value_heads"]
        return GPTNeoXConfig(**wide, **sizes)
    if arch == "gemma":
        return GemmaConfig(**wide, **sizes, head_dim=8)
    if arch == "qwen2":
        return Qwen2Config(**wide, **sizes)
    return LlamaConfig(**wide, **sizes)
