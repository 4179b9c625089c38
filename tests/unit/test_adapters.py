"""Adapters: what is read, and what is refused by name because a sum of B @ A cannot carry it."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.tiny_models import random_adapter, tiny_causal
from vcsoup.errors import AdapterError, BaseModelError, NotFoundError, WeightsError
from vcsoup.soup.adapter_settings import pattern_value
from vcsoup.soup.adapters import check_same_base, load_adapter
from vcsoup.soup.merge import merge_exact, merge_factor_average, merge_svd
from vcsoup.soup.merged_folder import save_merged
from vcsoup.soup.model import SoupModel


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    tiny_causal("llama", folder / "base")
    random_adapter(folder / "base", folder / "plain")
    return folder


@pytest.fixture
def adapter(shelf: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shelf / "plain", tmp_path / "mine"))


def change(adapter: Path, **settings: object) -> None:
    file = adapter / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))


def test_scale_is_alpha_over_rank_or_its_root(adapter: Path) -> None:
    """Alpha 8, rank 4: 2; rsLoRA 8 / sqrt(4) = 4; the pattern's alpha 6 for one layer: 1.5."""
    assert {f.scale for f in load_adapter(adapter).factors.values()} == {2.0}
    change(adapter, use_rslora=True)
    assert {f.scale for f in load_adapter(adapter).factors.values()} == {8 / math.sqrt(4)}
    change(adapter, use_rslora=False, alpha_pattern={"layers.1.self_attn.q_proj": 6})
    factors = load_adapter(adapter).factors
    assert factors["model.layers.1.self_attn.q_proj"].scale == 1.5
    assert factors["model.layers.0.self_attn.q_proj"].scale == 2.0


def test_patterns_match_whole_names() -> None:
    assert pattern_value({"proj": 1}, "layers.0.q_proj", 8) == 8
    assert pattern_value({"0.q_proj": 1}, "layers.0.q_proj", 8) == 1
    assert pattern_value({".*q_proj": 3}, "layers.0.q_proj", 8) == 3


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"use_dora": True}, "use_dora.*plain LoRA"),
        ({"bias": "lora_only"}, "bias='lora_only'.*bias='none'"),
        ({"lora_bias": True}, "lora_bias"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"trainable_token_indices": [3]}, "trainable_token_indices"),
        ({"target_parameters": ["mlp.w"]}, "target_parameters"),
        ({"init_lora_weights": "pissa"}, "pissa.*changes the base"),
        ({"init_lora_weights": "olora"}, "olora"),
        ({"peft_type": "LOHA"}, "LOHA adapter, expected LORA"),
        ({"made_up_later": {"x": 1}}, "made_up_later"),
        ({"r": 0}, "r = 0, expected a whole number of at least 1"),
        ({"r": 4.5}, "r = 4.5, expected a whole number"),
        ({"r": None}, "r = None, expected a whole number"),
        ({"lora_alpha": "8"}, "lora_alpha = '8', expected a number"),
        ({"lora_alpha": math.nan}, "lora_alpha = nan, expected a number"),
        ({"lora_alpha": math.inf}, "lora_alpha = inf, expected a number"),
        ({"lora_alpha": 10**400}, "lora_alpha = 10+, expected a number"),
        ({"rank_pattern": {"q_proj": 0}}, r"rank_pattern\['q_proj'\] = 0, expected a whole"),
        ({"rank_pattern": {"(": 4}}, r"rank_pattern that names '\(', which is no reg"),
        ({"rank_pattern": [1]}, r"rank_pattern = \[1\], expected numbers by module"),
        ({"alpha_pattern": {"q_proj": "x"}}, r"alpha_pattern\['q_proj'\] = 'x', expected a number"),
        ({"r": 5}, r"expected A \(5, in\).*got \(4, 48\)"),
    ],
)
def test_refused_by_name(adapter: Path, settings: dict[str, object], said: str) -> None:
    change(adapter, **settings)
    with pytest.raises(AdapterError, match=said) as caught:
        load_adapter(adapter)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["[]", "{}", '{"base_fingerprint": null}'])
def test_a_manifest_of_another_kind_records_no_base(adapter: Path, content: str) -> None:
    known = load_adapter(adapter).base_fingerprint
    (adapter / "manifest.json").write_text(content)
    assert load_adapter(adapter).base_fingerprint == known


def test_a_manifest_that_is_no_json_is_named(adapter: Path) -> None:
    for content in (b"{", b"\xff"):
        (adapter / "manifest.json").write_bytes(content)
        with pytest.raises(AdapterError, match=r"manifest\.json is not JSON .*; copy the adapter"):
            load_adapter(adapter)


def rewrite(adapter: Path, edit: Callable[[dict[str, torch.Tensor]], None]) -> None:
    tensors = load_file(adapter / "adapter_model.safetensors")
    edit(tensors)
    save_file(tensors, adapter / "adapter_model.safetensors")


def test_embeddings_and_odd_tensors_are_refused(adapter: Path) -> None:
    name = "base_model.model.model.embed_tokens.lora_embedding_A"
    rewrite(adapter, lambda tensors: tensors.update({name: torch.zeros(4, 300)}))
    with pytest.raises(AdapterError, match=r"embed_tokens.lora_embedding_A, expected only lora_A"):
        load_adapter(adapter)


def test_not_finite_is_refused(adapter: Path) -> None:
    rewrite(adapter, lambda tensors: next(iter(tensors.values())).fill_(float("nan")))
    with pytest.raises(AdapterError, match="not finite"):
        load_adapter(adapter)


def test_missing_and_broken_files(adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no adapter_config.json in .*nothing"):
        load_adapter(tmp_path / "nothing")
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(NotFoundError, match=r"convert adapter_model.bin to safetensors"):
        load_adapter(adapter)
    (adapter / "adapter_model.safetensors").write_bytes(b"not a tensor file")
    with pytest.raises(AdapterError, match="cannot be read"):
        load_adapter(adapter)


def test_another_base_is_refused(shelf: Path, tmp_path: Path) -> None:
    """Same shapes, other weights: told apart by content, also after the base folder moved."""
    other = tiny_causal("llama", tmp_path / "other", seed=1)
    stranger = random_adapter(other, tmp_path / "stranger")
    with pytest.raises(AdapterError, match=r"stranger belongs to base model .*other"):
        SoupModel.load(shelf / "base", [shelf / "plain", stranger], device="cpu")
    with pytest.raises(AdapterError, match="one base model"):
        check_same_base([load_adapter(shelf / "plain"), load_adapter(stranger)])
    moved = Path(shutil.copytree(shelf / "base", tmp_path / "moved"))
    assert SoupModel.load(moved, [shelf / "plain"], device="cpu").K == 1


def test_shapes_decide_when_the_base_is_unknown(shelf: Path, adapter: Path, tmp_path: Path) -> None:
    change(adapter, base_model_name_or_path="/gone/base")
    assert SoupModel.load(shelf / "base", [adapter], device="cpu").K == 1
    gpt2 = tiny_causal("gpt2", tmp_path / "gpt2")
    with pytest.raises(AdapterError, match="mine belongs to another base model: it changes model"):
        SoupModel.load(gpt2, [adapter], device="cpu")
    wide = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
    rewrite(adapter, lambda tensors: tensors.update({wide: torch.zeros(4, 64)}))
    with pytest.raises(AdapterError, match=r"shape \(32, 64\) where the base has \(32, 32\)"):
        SoupModel.load(shelf / "base", [adapter], device="cpu")


def test_unknown_base_is_one_line(shelf: Path, tmp_path: Path) -> None:
    told = r"base model '.*nowhere' cannot be loaded \(there is no such folder\)"
    with pytest.raises(BaseModelError, match=told) as caught:
        SoupModel.load(tmp_path / "nowhere", [], device="cpu")
    assert "\n" not in str(caught.value)


def test_weights_have_one_column_per_adapter(shelf: Path) -> None:
    soup = SoupModel.load(shelf / "base", [shelf / "plain"], device="cpu")
    with pytest.raises(WeightsError, match=r"shape \(1, 1\).*got \(1, 2\)"):
        soup(torch.tensor([[5, 6]]), weights=[[0.5, 0.5]])


def test_merges_refuse_what_they_cannot_do(shelf: Path, tmp_path: Path) -> None:
    one = load_adapter(shelf / "plain")
    two = load_adapter(random_adapter(shelf / "base", tmp_path / "two", rank=2))
    with pytest.raises(AdapterError, match="factors cannot be averaged; use the exact merge"):
        merge_factor_average([one, two], [0.5, 0.5])
    with pytest.raises(WeightsError, match="expected 2 weights"):
        merge_exact([one, two], [1.0])
    with pytest.raises(AdapterError, match="rank of at least 1"):
        merge_svd([one, two], [0.5, 0.5], rank=0)
    with pytest.raises(AdapterError, match="at least one adapter"):
        merge_exact([], [])


def test_export_is_whole_or_absent_and_carries_its_recipe(shelf: Path, tmp_path: Path) -> None:
    merged = merge_exact([load_adapter(shelf / "plain")], [0.5])
    out = save_merged(merged, tmp_path / "deep" / "soup", recipe={"project": "demo"})
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["adapters"] == [{"name": "plain", "weight": 0.5}]
    assert manifest["method"] == "exact"
    assert manifest["relative_error"] == 0.0
    assert manifest["project"] == "demo"
    assert [path.name for path in out.parent.iterdir()] == ["soup"]
    with pytest.raises(AdapterError, match="exists already"):
        save_merged(merged, out)
    with pytest.raises(TypeError):
        save_merged(merged, tmp_path / "broken", recipe={"not json": object()})
    assert not (tmp_path / "broken").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]


def test_a_base_in_the_home_of_a_user_whom_nobody_knows_is_not_there(shelf, tmp_path):
    """Such as of an adapter that was trained on another machine."""
    shutil.copytree(shelf / "plain", tmp_path / "moved")
    settings = json.loads((tmp_path / "moved" / "adapter_config.json").read_text())
    settings["base_model_name_or_path"] = "~no such user/base"
    (tmp_path / "moved" / "adapter_config.json").write_text(json.dumps(settings))
    assert load_adapter(tmp_path / "moved").base == "~no such user/base"
