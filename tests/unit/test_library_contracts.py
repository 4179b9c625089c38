"""Facts about libraries that this project relies on; a new version may change them."""

import inspect
from importlib.metadata import version

import moocore
import numpy as np
import pandas as pd
import streamlit as st
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM
from trl import DPOConfig, DPOTrainer

from tests.tiny_models import random_adapter, tiny_causal

TOKENS = torch.tensor([[1, 2, 3, 4, 5]])


def test_torch_is_the_pinned_build():
    assert version("torch").split("+")[0] == "2.13.0"


def test_peft_linear_is_not_the_sum_of_the_deltas_and_cat_is(tmp_path):
    """Why merges here are our own: `linear` averages factors, `cat` is exact."""
    base = tiny_causal("llama", tmp_path / "base")
    paths = [random_adapter(base, tmp_path / name, seed=i) for i, name in enumerate("ab")]
    model = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), paths[0], "a"
    )
    model.load_adapter(paths[1], "b")
    layer = model.base_model.model.get_submodule("model.layers.0.self_attn.q_proj")
    dense = 0.5 * layer.get_delta_weight("a") + 0.5 * layer.get_delta_weight("b")
    deltas = {}
    for kind in ("cat", "linear"):
        model.add_weighted_adapter(["a", "b"], [0.5, 0.5], kind, combination_type=kind)
        deltas[kind] = layer.get_delta_weight(kind)
    torch.testing.assert_close(deltas["cat"], dense, atol=1e-6, rtol=0)
    assert (deltas["linear"] - dense).norm() / dense.norm() > 0.3


def test_lora_b_starts_at_zero(tmp_path):
    """A fresh adapter is the base, so lambda = 0 and step 0 agree."""
    base = tiny_causal("llama", tmp_path / "base")
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    with torch.no_grad():
        before = model(TOKENS).logits
        after = get_peft_model(model, LoraConfig(r=2, target_modules="all-linear")).eval()
        torch.testing.assert_close(after(input_ids=TOKENS).logits, before, atol=0, rtol=0)


def test_trl_has_the_public_arguments_that_training_uses():
    expected = {"beta", "max_length", "max_steps", "train_sampling_strategy", "use_cpu"}
    expected |= {"save_strategy", "save_steps", "precompute_ref_log_probs"}
    assert expected <= set(inspect.signature(DPOConfig).parameters)
    given = set(inspect.signature(DPOTrainer.compute_ref_log_probs).parameters)
    assert given == {
        "self",
        "model",
        "inputs",
    }  # that its numbers are used: test_training_references


def test_moocore_knows_maximisation():
    assert moocore.is_nondominated([[1.0, 0.0], [0.0, 0.0]], maximise=True).tolist() == [1, 0]


def test_pandas_strings_and_read_only_arrays():
    column = pd.Series(["a", "b"])
    assert column.dtype == "str"
    assert not pd.Series(np.arange(3.0)).to_numpy().flags.writeable


def test_streamlit_has_app_and_bound_widgets():
    assert callable(st.App)
    assert "bind" in inspect.signature(st.slider).parameters
