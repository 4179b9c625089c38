"""Decoding row by row against the library's own full forward, for every kind of attention.

Greedy tokens from the cache must be those that a forward over the whole text gives, with prompts
of different lengths in one batch, rows that come and go, adapters of all shapes, and windows that
are shorter than the texts.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from tests import odd_bases
from tests.tiny_models import build_tokenizer, random_adapter, tiny_causal
from vcsoup.soup.decoding import Decoding, Reply, Sampler
from vcsoup.soup.model import SoupModel
from vcsoup.soup.sampling import decode

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.15,
    "vocab_size": 300,
    "head_dim": 8,
}
KINDS = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SIZES, attention_bias=True)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SIZES)),
    "mistral": lambda: MistralForCausalLM(MistralConfig(**SIZES, sliding_window=None)),
    "mistral, window of 6": lambda: MistralForCausalLM(MistralConfig(**SIZES, sliding_window=6)),
    "gemma3, both kinds of layers": lambda: Gemma3ForCausalLM(
        Gemma3TextConfig(
            **SIZES, sliding_window=6, layer_types=["sliding_attention", "full_attention"]
        )
    ),
}


def saved(folder: Path, kind: str) -> tuple[Path, list[Path]]:
    base = folder / "base"
    if kind in ("gpt2", "gpt_neox"):
        tiny_causal(kind, base)
    else:
        torch.manual_seed(0)
        model = KINDS[kind]()
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                torch.nn.init.normal_(parameter, std=0.2)
        model.save_pretrained(base)
        build_tokenizer().save_pretrained(base)
    own = {"gpt2": ["c_attn"], "gpt_neox": ["query_key_value"]}
    few = {"target_modules": own.get(kind, ["q_proj", "v_proj", "up_proj"])}
    return base, [
        random_adapter(base, folder / "wide", seed=1, rank=4),
        random_adapter(base, folder / "narrow", seed=2, rank=2, **few),
    ]


@pytest.mark.parametrize("kind", ["gpt2", "gpt_neox", *KINDS])
def test_greedy_tokens_are_those_of_the_whole_forward(tmp_path: Path, kind: str) -> None:
    soup = SoupModel.load(*saved(tmp_path, kind), device="cpu")
    assert (soup.short_step is not None) == (kind in ("llama", "qwen2", "mistral"))
    decodes_as_the_whole_forward(soup)


@pytest.mark.parametrize("kind", odd_bases.KINDS)
def test_so_are_those_of_bases_of_many_kinds(tmp_path: Path, kind: str) -> None:
    base, adapters = odd_bases.odd_soup(kind, tmp_path, values=2)
    decodes_as_the_whole_forward(SoupModel.load(base, adapters, device="cpu"))


def decodes_as_the_whole_forward(soup: SoupModel) -> None:
    soup.model.generation_config.eos_token_id = None
    rng = np.random.default_rng(0)
    replies = [
        Reply(
            rng.integers(6, 290, size=length).tolist(),
            weights,
            np.zeros(14),
            Sampler(new, 0.0),
            draft=[7, 8, 9],
        )
        for length, weights, new in zip(
            (1, 3, 9, 14, 5), rng.normal(size=(5, 2)), (14, 5, 9, 14, 12), strict=True
        )
    ]
    stops = soup.tokenizer.eos_token_id
    for _ in decode(soup, replies, rows=3):
        pass
    for reply in replies:
        known = [*reply.prompt, *reply.tokens]
        logits = soup(torch.tensor([known]), weights=reply.weights[None]).logits[0]
        assert torch.isfinite(logits).all()
        expected = logits[len(reply.prompt) - 1 : -1].argmax(-1).tolist()
        assert reply.tokens == expected
        ended = int(logits[-1].argmax()) == stops
        assert len(reply.tokens) == reply.sampler.max_new_tokens or ended


@torch.inference_mode()
def test_the_short_step_has_the_librarys_logits(tmp_path: Path) -> None:
    base, adapters = saved(tmp_path, "qwen2")
    soup = SoupModel.load(base, adapters, device="cpu")
    before = AutoModelForCausalLM.from_pretrained(base).state_dict()
    for name, tensor in soup.model.state_dict().items():
        if (plain := name.replace(".inner.", ".")) in before:
            torch.testing.assert_close(tensor, before[plain], atol=0, rtol=0)
    weights = np.array([[0.3, 0.7], [-1.0, 2.0]])
    decoding = Decoding(soup)
    prompts = [[9, 8, 7, 6, 10, 11], [20, 21, 22]]
    decoding.join(
        [
            Reply(prompt, row, np.full(5, 0.5), Sampler(5))
            for prompt, row in zip(prompts, weights, strict=True)
        ]
    )
    rows = decoding.replies
    texts = [[*reply.prompt, *reply.tokens] for reply in rows]
    tensor = soup.rows([reply.weights for reply in rows], len(rows))
    got = soup.next_logits(torch.tensor([text[-1] for text in texts]), tensor, decoding._cache)
    for row, (text, reply) in enumerate(zip(texts, rows, strict=True)):
        expected = soup(torch.tensor([text]), weights=reply.weights[None]).logits[0, -1]
        torch.testing.assert_close(got[row], expected, atol=1e-5, rtol=1e-5)
