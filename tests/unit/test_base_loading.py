"""How a base is loaded is honoured wherever one is: in training, in soups, in exports."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from tests.tiny_models import random_adapter, tiny_causal
from tests.tiny_pairs import Recorder, tiny_pairs
from vcsoup.base_models.loading import is_quantised, load_base
from vcsoup.base_models.settings import AS_ALWAYS, BaseLoading, base_loading
from vcsoup.errors import BaseModelError, TrainingError
from vcsoup.fingerprint import model_fingerprint
from vcsoup.soup.decoding import Reply, Sampler
from vcsoup.soup.export_model import load_mergeable
from vcsoup.soup.export_recipe import BasePart
from vcsoup.soup.model import SoupModel
from vcsoup.soup.sampling import decode
from vcsoup.training.config import train_config
from vcsoup.training.dpo import train_value
from vcsoup.training.identity import is_run, run_identity
from vcsoup.workspace import ProjectConfig, Workspace, project_config

TOKENS = torch.tensor([[40, 41, 42, 43], [60, 6, 62, 7]])
HALF = BaseLoading(dtype="bfloat16")


def small(**changes):
    return train_config("demo", steps=6, batch_size=4, rank=4, alpha=8, **changes)


# The record


def test_older_records_stay_as_they_are_and_new_ones_come_back():
    plain = project_config(name="p", values=("a", "b"), base="org/base")
    assert "loading" not in json.loads(plain.model_dump_json())
    chosen = BaseLoading(revision="v1", quantization="4bit")
    other = project_config(name="p", values=("a", "b"), base="org/base", loading=chosen)
    assert json.loads(other.model_dump_json())["loading"] == chosen.model_dump()
    assert ProjectConfig.model_validate_json(other.model_dump_json()) == other


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dtype": "bf16"}, "base model dtype = 'bf16': expected 'auto', 'float32'"),
        ({"trust_remote_code": True}, "base model trust_remote_code = True: there is no"),
        ({"quantization": "2bit"}, "base model quantization = '2bit'"),
    ],
)
def test_a_wrong_entry_is_one_line(fields, words):
    with pytest.raises(BaseModelError, match=words) as caught:
        base_loading(fields)
    assert "\n" not in str(caught.value)


def test_points_of_another_number_format_are_others(tmp_path):
    """Placement changes no number, so points stay; a number format does."""
    workspace = Workspace(tmp_path)
    config = project_config(name="p", values=("a", "b"), base="org/base")
    project = workspace.create_project(config)
    keys = [
        workspace.update_project(config.model_copy(update={"loading": loading})).set_key({})
        for loading in (HALF, BaseLoading(device_map="auto", gradient_checkpointing=True))
    ]
    assert keys[0] != project.set_key({})
    assert keys[1] == project.set_key({})


# In memory


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("device_map", ["none", "auto"])
def test_a_base_comes_in_the_numbers_that_were_asked_for(tmp_path, dtype, device_map):
    base = tiny_causal("gpt_neox", tmp_path / "base")
    tokenizer, model = load_base(base, BaseLoading(dtype=dtype, device_map=device_map))
    assert {part.dtype for part in model.parameters()} == {getattr(torch, dtype)}
    assert not is_quantised(model)
    assert tokenizer.chat_template


def test_what_cannot_be_loaded_is_one_line_with_a_way_on(tmp_path, monkeypatch):
    base = tiny_causal("llama", tmp_path / "base")
    (base / "model.safetensors").rename(base / "pytorch_model.bin")
    with pytest.raises(BaseModelError, match=r"cannot be loaded .* tells more") as caught:
        load_base(base)
    assert "\n" not in str(caught.value)
    monkeypatch.setattr("vcsoup.base_models.settings.importlib.util.find_spec", lambda name: None)
    with pytest.raises(BaseModelError, match=r"in 4 bits needs bitsandbytes.*requirements-quant"):
        load_base(base, BaseLoading(quantization="4bit"))


def test_a_download_that_broke_off_is_named_with_its_file(tmp_path):
    base = tiny_causal("llama", tmp_path / "base")
    AutoModelForCausalLM.from_pretrained(base).save_pretrained(base, max_shard_size="40KB")
    (base / "model.safetensors").unlink()
    torn = sorted(base.glob("*.safetensors"))[1]
    torn.write_bytes(torn.read_bytes()[:-9])
    with pytest.raises(BaseModelError) as caught:
        load_base(base)
    assert f"cannot be loaded: {torn} is incomplete or damaged (" in str(caught.value)
    assert "incomplete metadata" in str(caught.value)
    assert str(caught.value).endswith("); download or copy it again")


@pytest.mark.parametrize("arch", ["llama", "gpt_neox"])
def test_a_soup_runs_in_bfloat16_and_says_what_peft_says(tmp_path, arch):
    """Tolerance: bfloat16 keeps 8 bits of a number, logits are of size 4, errors add up."""
    base = tiny_causal(arch, tmp_path / "base")
    adapters = [random_adapter(base, tmp_path / name, seed=k) for k, name in enumerate("ab")]
    soup = SoupModel.load(base, adapters, device="cpu", loading=HALF)
    assert soup.model.dtype == torch.bfloat16
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    with torch.no_grad():
        expected = PeftModel.from_pretrained(plain, adapters[0]).eval()(TOKENS).logits
    found = soup(TOKENS, weights=[[1.0, 0.0]] * 2).logits.float()
    assert (found - expected).abs().max() < 0.15
    full = SoupModel.load(base, adapters, device="cpu")
    mixed = [[0.5, 0.5], [0.25, -0.5]]
    gap = soup(TOKENS, weights=mixed).logits.float() - full(TOKENS, weights=mixed).logits
    assert gap.abs().max() < 0.15
    soup.model.generation_config.eos_token_id = None
    replies = [Reply([40, 41], np.array(row), np.zeros(5), Sampler(5, 0.0)) for row in mixed]
    for _ in decode(soup, replies, rows=2):
        pass
    assert [len(reply.tokens) for reply in replies] == [5, 5]


def test_an_export_is_in_its_own_dtype_whatever_the_project_computes_in(tmp_path):
    base = tiny_causal("gpt_neox", tmp_path / "base")
    named = BasePart(model=str(base), hash=model_fingerprint(str(base)))
    _, model = load_mergeable(named, dtype="float16")
    assert model.dtype == torch.float16


# In training


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return tiny_causal("gpt_neox", tmp_path_factory.mktemp("base") / "base")


def trained(base: Path, out: Path, loading: BaseLoading = AS_ALWAYS) -> tuple[dict, list[float]]:
    heard = Recorder()
    manifest = train_value(
        tiny_pairs(24),
        small(),
        base=str(base),
        out=out,
        manifest={"value": "kind"},
        monitor=heard,
        loading=loading,
    )
    return manifest, [figures["loss"] for *_, figures in heard.reports if "loss" in figures]


def test_gradient_checkpoints_change_memory_and_no_loss(base, tmp_path, monkeypatch):
    """The same numbers to float noise; that blocks run twice is counted."""
    from transformers.models.gpt_neox import modeling_gpt_neox

    runs = []
    forward = modeling_gpt_neox.GPTNeoXMLP.forward
    monkeypatch.setattr(
        modeling_gpt_neox.GPTNeoXMLP,
        "forward",
        lambda self, *args, **told: runs.append(self.training) or forward(self, *args, **told),
    )
    plain, losses = trained(base, tmp_path / "plain")
    once = sum(runs)
    runs.clear()
    manifest, again = trained(base, tmp_path / "twice", BaseLoading(gradient_checkpointing=True))
    assert sum(runs) == 2 * once
    assert again == pytest.approx(losses, abs=1e-6)
    assert manifest["base_loading"] == {"gradient_checkpointing": True}
    assert "base_loading" not in plain


def test_a_value_is_trained_beside_a_base_in_bfloat16(base, tmp_path):
    """The loss is that of the whole numbers but for rounding; the adapter is still float32."""
    from safetensors.torch import load_file

    _, losses = trained(base, tmp_path / "plain")
    manifest, rounded = trained(base, tmp_path / "half", BaseLoading(dtype="bfloat16"))
    assert rounded != losses
    assert rounded == pytest.approx(losses, abs=0.05)
    assert manifest["base_loading"] == {"dtype": "bfloat16"}
    tensors = load_file(tmp_path / "half" / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}


def test_a_run_is_another_one_when_the_base_computes_other_numbers(base, tmp_path):
    pairs, config = tiny_pairs(24), small()
    manifest, _ = trained(base, tmp_path / "kind", BaseLoading(dtype="bfloat16"))

    def same(loading):
        return is_run(manifest, run_identity(pairs, config, base=str(base), loading=loading))

    assert same(BaseLoading(dtype="bfloat16"))
    assert same(BaseLoading(dtype="bfloat16", device_map="auto"))
    assert not same(AS_ALWAYS)
    assert not same(BaseLoading(dtype="float16"))


def test_wrong_targets_name_the_layers_that_there_are(base, tmp_path):
    words = r"own layers: query_key_value, dense, dense_h_to_4h, dense_4h_to_h"
    with pytest.raises(TrainingError, match=words):
        train_value(
            tiny_pairs(24),
            small(targets="q_proj,v_proj"),
            base=str(base),
            out=tmp_path / "kind",
            manifest={"value": "kind"},
        )
