"""A base in 8 or 4 bits: its soups against plain peft, its exports against what was measured.

The layers are bitsandbytes' own. Widths are multiples of 64, the blocks that 4 bits come in.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from tests.tiny_models import random_adapter, tiny_causal
from tests.tiny_pairs import tiny_pairs
from vcsoup.base_models.anatomy import decoder_linears, layer_names
from vcsoup.base_models.loading import is_quantised, load_base
from vcsoup.base_models.settings import BaseLoading
from vcsoup.fingerprint import model_fingerprint
from vcsoup.soup.adapter_settings import delta_hash
from vcsoup.soup.decoding import Reply, Sampler
from vcsoup.soup.export import build
from vcsoup.soup.export_recipe import AdapterPart, BasePart, Recipe
from vcsoup.soup.model import SoupModel
from vcsoup.soup.sampling import decode
from vcsoup.training.config import train_config
from vcsoup.training.dpo import train_value

pytest.importorskip("bitsandbytes", reason="the extra for 8 and 4 bits is not installed")

WIDE = {
    "llama": {"hidden_size": 64, "intermediate_size": 128, "head_dim": 16},
    "gpt2": {"n_embd": 64},
    "gpt_neox": {"hidden_size": 64, "intermediate_size": 128},
}
TOKENS = torch.tensor([[40, 41, 42, 43, 44], [50, 51, 52, 53, 54], [60, 6, 62, 7, 64]])
WEIGHTS = [0.625, -0.25]


def made(folder: Path, arch: str) -> tuple[Path, list[Path]]:
    base = tiny_causal(arch, folder / "base", **WIDE[arch])
    return base, [random_adapter(base, folder / f"value{k}", seed=k) for k in range(2)]


@pytest.mark.parametrize("arch", WIDE)
@pytest.mark.parametrize("bits", ["8bit", "4bit"])
def test_a_soup_runs_beside_the_quantised_base(tmp_path, arch, bits):
    """e_k is plain peft on the same base; a mixed row is the sum of peft's deltas.

    8 bits also round what comes into a layer, by its largest number in a row: small differences
    grow there, so the tolerance is that of one such rounding.
    """
    base, adapters = made(tmp_path, arch)
    loading = BaseLoading(quantization=bits)
    soup = SoupModel.load(base, adapters, device="cpu", loading=loading)
    assert is_quantised(soup.model)
    assert soup.short_step is None
    exact = 1e-4 if bits == "4bit" else 0.1
    for k, adapter in enumerate(adapters):
        plain = PeftModel.from_pretrained(load_base(base, loading)[1], adapter).eval()
        with torch.no_grad():
            expected = plain(TOKENS).logits
        found = soup(TOKENS, weights=np.eye(2)[[k] * 3]).logits
        torch.testing.assert_close(found, expected, atol=exact, rtol=0)
    both = PeftModel.from_pretrained(load_base(base, loading)[1], adapters[0], adapter_name="v0")
    both.load_adapter(adapters[1], adapter_name="v1")
    both.add_weighted_adapter(["v0", "v1"], WEIGHTS, "soup", combination_type="cat")
    both.set_adapter("soup")
    with torch.no_grad():
        expected = both.eval()(TOKENS).logits
        unmixed = load_base(base, loading)[1](TOKENS).logits
    assert (expected - unmixed).abs().max() > 0.5
    torch.testing.assert_close(
        soup(TOKENS, weights=[WEIGHTS] * 3).logits, expected, atol=exact, rtol=0
    )


def test_replies_of_a_quantised_base_are_those_of_the_whole_forward(tmp_path):
    base, adapters = made(tmp_path, "gpt_neox")
    soup = SoupModel.load(base, adapters, device="cpu", loading=BaseLoading(quantization="4bit"))
    soup.model.generation_config.eos_token_id = None
    replies = [
        Reply(prompt, np.array(weights), np.zeros(6), Sampler(6, 0.0))
        for prompt, weights in (([40, 41, 42], [1.0, 0.0]), ([50, 51], WEIGHTS))
    ]
    for _ in decode(soup, replies, rows=2):
        pass
    for reply in replies:
        known = torch.tensor([[*reply.prompt, *reply.tokens]])
        logits = soup(known, weights=reply.weights[None]).logits[0]
        assert reply.tokens == logits[len(reply.prompt) - 1 : -1].argmax(-1).tolist()


@pytest.mark.parametrize("arch", WIDE)
def test_a_full_model_holds_the_weights_that_were_measured(tmp_path, arch):
    """The base is rounded to 4 bits and written out again; the soup's delta is added to that."""
    base, adapters = made(tmp_path, arch)
    parts = tuple(
        AdapterPart(value=path.name, weight=weight, path=str(path), hash=delta_hash(path))
        for path, weight in zip(adapters, WEIGHTS, strict=True)
    )
    named = BasePart(model=str(base), hash=model_fingerprint(str(base)), quantization="4bit")
    recipe = Recipe(project="p", group="g", base=named, adapters=parts, kind="model")
    built = build(recipe, tmp_path / "full")
    assert built.relative_error < 1e-5
    whole = AutoModelForCausalLM.from_pretrained(built.path).eval()
    assert not is_quantised(whole)
    loading = BaseLoading(quantization="4bit")
    soup = SoupModel.load(base, adapters, device="cpu", loading=loading)
    with torch.no_grad():
        found = whole(TOKENS).logits
    expected = soup(TOKENS, weights=[WEIGHTS] * 3).logits
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    published = SoupModel.load(base, adapters, device="cpu")
    assert (published(TOKENS, weights=[WEIGHTS] * 3).logits - expected).abs().max() > 0.1


@pytest.mark.parametrize("bits", ["8bit", "4bit"])
def test_a_value_is_trained_beside_a_quantised_base(tmp_path, bits):
    """The loss falls, the base stays, and the adapter is a plain one that a soup takes."""
    base = tiny_causal("gpt_neox", tmp_path / "base", **WIDE["gpt_neox"])
    loading = BaseLoading(quantization=bits)
    _, model = load_base(base, loading)
    config = train_config(
        "demo",
        steps=12,
        batch_size=8,
        rank=4,
        alpha=8,
        holdout=0.25,
        learning_rate=5e-3,
        targets=tuple(layer_names(decoder_linears(model))),
        sample_tokens=4,
        eval_every=6,
    )
    out = tmp_path / "kind"
    manifest = train_value(
        tiny_pairs(32),
        config,
        base=str(base),
        out=out,
        manifest={"value": "kind"},
        loading=loading,
        references=tmp_path / "references",
    )
    assert manifest["base_loading"] == {"quantization": bits}
    assert manifest["base_fingerprint"] == model_fingerprint(str(base))
    assert manifest["looks"][-1]["heldout_loss"] < manifest["looks"][0]["heldout_loss"]
    soup = SoupModel.load(base, [out], device="cpu", loading=loading)
    moved = soup(TOKENS, weights=[[1.0]] * 3).logits - soup(TOKENS, weights=[[0.0]] * 3).logits
    assert moved.abs().max() > 0.05
