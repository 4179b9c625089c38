"""What is told of a base before it is loaded, and what is said to stand in its way."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM, MambaConfig, MixtralConfig, T5Config

from tests.tiny_models import TARGETS, build_tokenizer, random_adapter, tiny_causal
from vcsoup.base_models.anatomy import decoder_linears, empty_model, layer_names
from vcsoup.base_models.looking import look_at_base
from vcsoup.base_models.memory import Load
from vcsoup.base_models.settings import BaseLoading
from vcsoup.errors import BaseModelError
from vcsoup.room import Room, room_here
from vcsoup.training.config import train_config
from vcsoup.training.trainer import lora_config

LOAD = Load(rank=4, pairs=2, tokens=64)
LARGE = Room("a machine", 2.0**40, 2.0**40, 1)
LLAMA = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LAYERS = {
    "llama": (LLAMA, LLAMA[:4]),
    "qwen2": (LLAMA, LLAMA[:4]),
    "gemma": (LLAMA, LLAMA[:4]),
    "gpt_neox": (
        ["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"],
        ["query_key_value", "dense"],
    ),
    # c_proj is a name inside attention and outside of it, so it cannot mean attention alone
    "gpt2": (["c_attn", "c_proj", "c_fc"], ["c_attn"]),
}


@pytest.mark.parametrize("arch", LAYERS)
def test_a_base_is_told_as_it_is(tmp_path, arch):
    base = tiny_causal(arch, tmp_path / "base")
    look = look_at_base(str(base), load=LOAD, room=LARGE)
    model = AutoModelForCausalLM.from_pretrained(base)
    told = look.to_dict()
    assert look.usable
    assert told["problems"] == []
    assert (told["targets"], told["attention"]) == LAYERS[arch]
    assert told["parameters"] == model.num_parameters()
    assert told["fan_in_fan_out"] == (arch == "gpt2")
    assert (told["layers"], told["context"], told["vocabulary"]) == (2, 256, 300)
    assert told["architecture"] == type(model).__name__
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize("arch", LAYERS)
def test_the_usual_training_adapts_the_attention_of_every_architecture(tmp_path, arch):
    """The "paper" preset, without a word about layers, on bases that name them in their own way."""
    base = tiny_causal(arch, tmp_path / "base")
    model = AutoModelForCausalLM.from_pretrained(base)
    assert sorted(lora_config(model, train_config("paper")).target_modules) == sorted(
        LAYERS[arch][1]
    )
    every = lora_config(model, train_config("paper", targets="all-linear"))
    assert every.target_modules == "all-linear"


def test_a_base_without_layers_of_attention_alone_is_adapted_everywhere():
    """`proj` stands in attention and in the MLP: by its name, neither can be meant alone."""
    block = nn.ModuleDict(
        {"attn": nn.ModuleDict({"proj": nn.Linear(4, 4)}), "proj": nn.Linear(4, 4)}
    )
    model = nn.ModuleDict({"layers": nn.ModuleList([block])})
    assert lora_config(model, train_config("paper")).target_modules == "all-linear"


@pytest.mark.parametrize("arch", LAYERS)
def test_the_suggested_layers_are_what_peft_calls_all_linear(tmp_path, arch):
    """Every suggested layer takes an adapter, and neither the head nor the embeddings do."""
    base = tiny_causal(arch, tmp_path / "base")
    model = AutoModelForCausalLM.from_pretrained(base)
    names = layer_names(decoder_linears(model))
    adapters = [
        random_adapter(base, tmp_path / name, target_modules=targets)
        for name, targets in (("ours", names), ("theirs", "all-linear"))
    ]
    ours, theirs = (set(_changed(path)) for path in adapters)
    assert ours == theirs
    assert set(TARGETS.get(arch, LLAMA)) <= set(names)


def _changed(adapter: Path) -> list[str]:
    from vcsoup.soup.adapters import load_adapter

    return list(load_adapter(adapter).factors)


def test_exact_parts_of_the_memory_are_the_bytes_of_the_real_thing(tmp_path):
    base = tiny_causal("gpt_neox", tmp_path / "base")
    names = ["query_key_value", "dense"]
    adapter = random_adapter(base, tmp_path / "adapter", target_modules=names)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    tensors = _changed_bytes(adapter)
    look = look_at_base(str(base), load=LOAD, room=Room("a CPU", 1e9, 1e9, 0))
    training, serving = look.memory["training"]["parts"], look.memory["serving"]["parts"]
    assert training["weights"] == serving["weights"] == 4 * model.num_parameters()
    assert training["adapters"] == tensors
    assert training["optimiser"] == 3 * tensors
    assert serving["adapters"] == 2 * tensors
    # keys and values, 2 layers of width 32 in float32, for 32 replies of 64 tokens
    assert serving["cache"] == 2 * 2 * 32 * 4 * 32 * 64
    assert look.memory["training"]["total"] == sum(training.values())


def _changed_bytes(adapter: Path) -> int:
    from safetensors.torch import load_file

    tensors = load_file(adapter / "adapter_model.safetensors")
    return sum(tensor.numel() * 4 for tensor in tensors.values())


@pytest.mark.parametrize(
    ("loading", "gpus", "training", "serving"),
    [
        ({}, 0, "float32", "float32"),
        ({}, 1, "bfloat16", "float32"),
        ({"dtype": "float16"}, 1, "float16", "float16"),
    ],
)
def test_numbers_are_those_that_training_and_serving_use(
    tmp_path, loading, gpus, training, serving
):
    base = tiny_causal("llama", tmp_path / "base")
    room = LARGE._replace(gpus=gpus)
    memory = look_at_base(str(base), BaseLoading(**loading), load=LOAD, room=room).memory
    assert (memory["training"]["dtype"], memory["serving"]["dtype"]) == (training, serving)


def test_what_will_not_fit_is_said_plainly_with_what_saves_most(tmp_path):
    base = str(tiny_causal("llama", tmp_path / "base"))
    need = look_at_base(base, load=LOAD, room=LARGE).memory["training"]["total"]
    small = Room("this GPU", need / 2, need / 2, 1)
    look = look_at_base(base, load=LOAD, room=small)
    assert look.usable  # another load may fit
    assert look.memory["training"]["verdict"] == "will not fit"
    (problem, *_) = look.problems
    assert problem.level == "warning"
    assert problem.says.startswith("training will not fit: it takes about ")
    assert "lower micro_batch or max_length" in problem.remedy
    tight = look_at_base(base, load=LOAD, room=Room("this GPU", need / 2, 2 * need, 1))
    assert tight.memory["training"]["verdict"] == "fits when other programs make room"
    spread = BaseLoading(device_map="auto")
    four = look_at_base(base, spread, load=LOAD, room=small._replace(gpus=4))
    assert four.memory["training"]["verdict"] == "fits"
    (alone,) = [one for one in look_at_base(base, spread, load=LOAD, room=LARGE).problems]
    assert (alone.level, alone.says) == (
        "note",
        "it is to be spread over all GPUs, and here is one GPU",
    )


def test_checkpoints_and_fewer_bits_take_less(tmp_path):
    base = str(tiny_causal("llama", tmp_path / "base", hidden_size=64, intermediate_size=128))

    def parts(**loading):
        look = look_at_base(base, BaseLoading(**loading), load=LOAD, room=LARGE)
        return look.memory["training"]["parts"]

    plain = parts()
    assert parts(gradient_checkpointing=True)["activations"] < 0.7 * plain["activations"]
    assert parts(quantization="4bit")["weights"] < parts(quantization="8bit")["weights"]
    assert parts(quantization="8bit")["weights"] < plain["weights"]


def test_texts_are_cut_to_the_context(tmp_path):
    base = str(tiny_causal("llama", tmp_path / "base"))
    look = look_at_base(base, load=replace(LOAD, tokens=9999), room=LARGE)
    assert look.memory["training"]["load"]["tokens"] == 256


def saved(config, folder: Path) -> str:
    config.architectures = ["Mine"] if config.architectures is None else config.architectures
    config.save_pretrained(folder)
    build_tokenizer().save_pretrained(folder)
    return str(folder)


SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "vocab_size": 300}


@pytest.mark.parametrize(
    ("config", "level", "words"),
    [
        (
            T5Config(d_model=16, num_layers=1, architectures=["T5ForConditionalGeneration"]),
            "fault",
            "transformers builds no causal language model of it (it knows none of the kind t5)",
        ),
        (
            MambaConfig(**SMALL, architectures=["MambaForCausalLM"]),
            "fault",
            "its layers are of another kind",
        ),
        (
            MixtralConfig(
                **SMALL,
                num_attention_heads=2,
                num_key_value_heads=2,
                intermediate_size=16,
                architectures=["MixtralForCausalLM"],
            ),
            "warning",
            "it is a mixture of experts",
        ),
    ],
)
def test_bases_that_soups_cannot_run_on(tmp_path, config, level, words):
    look = look_at_base(saved(config, tmp_path / "base"), load=LOAD, room=LARGE)
    found = [problem for problem in look.problems if words in problem.says]
    assert [problem.level for problem in found] == [level], look.problems
    assert found[0].remedy


def test_a_folder_that_is_none_or_lacks_things(tmp_path):
    with pytest.raises(BaseModelError, match=r"there is no folder .*/none; give a folder"):
        look_at_base(str(tmp_path / "none"), load=LOAD, room=LARGE)
    (tmp_path / "empty").mkdir()
    look = look_at_base(str(tmp_path / "empty"), load=LOAD, room=LARGE)
    assert {problem.says for problem in look.problems} == {
        "it has no config.json",
        "there are no weights (model.safetensors)",
    }
    (tmp_path / "empty" / "model.gguf").write_bytes(b"GGUF")
    look = look_at_base(str(tmp_path / "empty"), load=LOAD, room=LARGE)
    assert "its weights are in GGUF" in look.problems[0].says
    base = tiny_causal("llama", tmp_path / "base")
    random_adapter(base, tmp_path / "adapter")
    look = look_at_base(str(tmp_path / "adapter"), load=LOAD, room=LARGE)
    assert look.problems[0].says == "it is an adapter, not a whole model"
    weights = base / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(BaseModelError, match=r"the safetensors of .* cannot be read"):
        look_at_base(str(base), load=LOAD, room=LARGE)
    weights.rename(base / "pytorch_model.bin")
    (problem,) = look_at_base(str(base), load=LOAD, room=LARGE).problems
    assert problem.says.startswith("its weights are pickles (pytorch_model.bin)")


def test_quantisation_names_the_missing_library(tmp_path, monkeypatch):
    from vcsoup.base_models import settings

    monkeypatch.setattr(settings.importlib.util, "find_spec", lambda name: None)
    base = str(tiny_causal("llama", tmp_path / "base"))
    look = look_at_base(base, BaseLoading(quantization="4bit"), load=LOAD, room=LARGE)
    assert not look.usable
    assert look.problems[0].says == "4 bits need bitsandbytes, which is not installed"
    assert "pip install -r requirements-quant.txt" in look.problems[0].remedy


def test_this_machine_has_memory():
    room = room_here()
    assert 0 < room.free <= room.total


def test_an_empty_model_takes_no_memory(tmp_path):
    """Seven billion parameters, built in this test's own memory."""
    from transformers import LlamaConfig

    config = LlamaConfig(hidden_size=4096, intermediate_size=11008, num_hidden_layers=32)
    model = empty_model(config)
    assert model.num_parameters() == 6_738_415_616
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}
