"""The estimate of training memory against what autograd really keeps of a step of trl's trainer.

Within a factor of two for every architecture, number format and set of layers: what it is for is to
tell a base that fits from one that does not. Sizes are those at which blocks matter most.
"""

import weakref
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import AutoModelForCausalLM, GPT2Config, GPTNeoXConfig, LlamaConfig

from tests.tiny_models import build_tokenizer, tiny_causal
from tests.tiny_pairs import tiny_pairs
from vcsoup.base_models.anatomy import attention_names, decoder_linears, layer_names, sizes_of
from vcsoup.base_models.memory import Load, training_bytes
from vcsoup.base_models.settings import BaseLoading
from vcsoup.training.config import train_config
from vcsoup.training.rows import make_rows
from vcsoup.training.trainer import load_trainable, make_trainer

RANK = 16
WIDE = {"hidden_size": 256, "num_hidden_layers": 3, "num_attention_heads": 8}
CONFIGS = {
    "llama": lambda ids: LlamaConfig(**ids, **WIDE, intermediate_size=704, num_key_value_heads=4),
    "gpt_neox": lambda ids: GPTNeoXConfig(**ids, **WIDE, intermediate_size=1024),
    "gpt2": lambda ids: GPT2Config(**ids, n_embd=256, n_layer=3, n_head=8, n_positions=256),
}


@pytest.fixture(scope="module", params=CONFIGS)
def base(request, tmp_path_factory) -> Path:
    folder, tokenizer = tmp_path_factory.mktemp("base"), build_tokenizer()
    ids = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id")}
    config = CONFIGS[request.param]({**ids, "vocab_size": len(tokenizer)})
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(  # each pair of settings meets once
    ("everywhere", "dtype", "dropout"),
    [
        (False, "float32", 0.0),
        (False, "bfloat16", 0.05),
        (True, "float32", 0.05),
        (True, "bfloat16", 0.0),
    ],
)
def test_activations_are_estimated_within_a_factor_of_two(
    base, tmp_path, everywhere, dtype, dropout
):
    plain = AutoModelForCausalLM.from_pretrained(base)
    linears = decoder_linears(plain)
    names = layer_names(linears) if everywhere else attention_names(linears)
    config = train_config(
        "demo", steps=2, batch_size=8, rank=RANK, targets=tuple(names), dropout=dropout, holdout=0.0
    )
    tokens, kept = kept_bytes(base, config, BaseLoading(dtype=dtype), tmp_path)
    load = Load(RANK, 1, 1, dropout=dropout > 0)
    parts = training_bytes(sizes_of(plain, names), BaseLoading(), load, dtype=dtype)
    told = parts["activations"] * tokens / 2  # a pair is two sequences
    assert 0.5 < told / kept < 2.0


class Live(TorchDispatchMode):
    """Counts the bytes that live in what functions made under it, and the most at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.most, self._sizes = 0, {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for tensor in (part for part in tree_leaves(made) if isinstance(part, torch.Tensor)):
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in self._sizes:
                self._sizes[storage.data_ptr()] = storage.nbytes()
                weakref.finalize(storage, self._sizes.pop, storage.data_ptr(), None)
        self.most = max(self.most, sum(self._sizes.values()))
        return made


def test_logits_are_estimated_within_a_factor_of_two(tmp_path):
    """A vocabulary of 24,000 beside a width of 32: next to nothing but logits."""
    base = tiny_causal("llama", tmp_path / "base", vocab_size=24_000)
    config = train_config("demo", steps=1, batch_size=8, rank=4, holdout=0.0)
    tokenizer, model = load_trainable(str(base), config)
    rows = make_rows(tiny_pairs(16), config, tokenizer=tokenizer)
    trainer = make_trainer(model, tokenizer, rows, config=config, scratch=tmp_path / "scratch")
    batch = trainer.data_collator([trainer.train_dataset[row] for row in range(8)])
    trainer.model.train()
    with Live() as live:
        trainer.compute_loss(trainer.model, batch).backward()
    load = Load(4, 8, batch["input_ids"].shape[1])
    sizes = sizes_of(AutoModelForCausalLM.from_pretrained(base), ["q_proj"])
    parts = training_bytes(sizes, BaseLoading(), load, dtype="float32")
    assert parts["logits"] > 5 * parts["activations"]
    assert 0.5 < (parts["logits"] + parts["activations"]) / live.most < 2.0


def kept_bytes(base: Path, config, loading: BaseLoading, scratch: Path) -> tuple[int, int]:
    """Tokens of a batch, and the bytes that its loss keeps for the backward pass."""
    tokenizer, model = load_trainable(str(base), config, loading)
    rows = make_rows(tiny_pairs(16), config, tokenizer=tokenizer)
    trainer = make_trainer(model, tokenizer, rows, config=config, scratch=scratch, loading=loading)
    batch = trainer.data_collator([trainer.train_dataset[row] for row in range(8)])
    own = {part.untyped_storage().data_ptr() for part in trainer.model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if (place := tensor.untyped_storage().data_ptr()) not in own:
            kept[place] = tensor  # held, so that its place is not used again
        return tensor

    trainer.model.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        trainer.compute_loss(trainer.model, batch)
    total = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    return batch["input_ids"].numel(), total
