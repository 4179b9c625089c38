"""Training one value for real, on a two-layer model: what it keeps, when it stops or refuses."""

import json
import shutil

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.odd_bases import odd_causal
from tests.tiny_models import tiny_causal
from tests.tiny_pairs import Recorder, tiny_pairs
from vcsoup.base_models.looking import look_at_base
from vcsoup.base_models.memory import Load
from vcsoup.errors import BaseModelError, TrainingError
from vcsoup.fingerprint import model_fingerprint
from vcsoup.soup.adapters import load_adapter
from vcsoup.training.config import TrainConfig, train_config
from vcsoup.training.dpo import train_value
from vcsoup.training.rows import make_rows
from vcsoup.training.trainer import load_trainable, make_trainer

MANIFEST = {"value": "kind", "group": "filtered", "threshold": 0.3}


def small(**changes: object) -> TrainConfig:
    fields = {"steps": 8, "batch_size": 4, "micro_batch": 2, "rank": 4, "alpha": 8, "eval_every": 4}
    fields |= {"holdout": 0.25, "learning_rate": 5e-3, "beta": 0.1}
    return train_config("demo", **{**fields, **changes})


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return str(tiny_causal("llama", tmp_path_factory.mktemp("base")))


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory):
    """One ordinary run: folder, manifest, what the monitor heard."""
    out = tmp_path_factory.mktemp("adapters") / "kind-1"
    monitor = Recorder()
    train_value(tiny_pairs(32), small(), base=base, out=out, manifest=MANIFEST, monitor=monitor)
    return out, json.loads((out / "manifest.json").read_text()), monitor


def test_adapters_on_the_experts_of_a_mixture_are_refused_before_training(tmp_path):
    base = str(odd_causal("deepseek_v3", tmp_path / "base"))
    told = {"base": base, "out": tmp_path / "a", "manifest": MANIFEST}
    with pytest.raises(TrainingError, match=r"reach the experts .*targets: attention"):
        train_value(tiny_pairs(32), small(targets="all-linear"), **told)
    train_value(tiny_pairs(32), small(targets="attention", steps=2), **told)
    assert load_adapter(tmp_path / "a").factors


def test_it_learns_and_says_so(trained):
    _, manifest, monitor = trained
    assert manifest["metrics"]["heldout_loss"] < 0.69
    assert manifest["metrics"]["heldout_accuracy"] > 0.5
    stage, done, total, figures = monitor.reports[-1]
    assert (stage, done, total) == ("training kind", 8, 8)
    assert figures["heldout_loss"] == manifest["metrics"]["heldout_loss"]
    assert figures["heldout_pairs"] == manifest["n_heldout"]
    steps = [(done, figures) for _, done, _, figures in monitor.reports if "loss" in figures]
    assert [done for done, _ in steps] == list(range(1, 9))
    assert set(steps[0][1]) == {"loss", "accuracy", "margin", "lr", "tokens_per_s", "memory_mb"}


def test_a_look_that_lasts_says_how_far_it_is(base, tmp_path, monkeypatch):
    """Eight held-out pairs in passes of two; ordinary looks of this base are over at once."""
    monkeypatch.setattr("vcsoup.training.watch._TELL_S", 0.0)
    told, monitor = {"base": base, "manifest": MANIFEST}, Recorder()
    train_value(tiny_pairs(32), small(), out=tmp_path / "a", monitor=monitor, **told)
    looks = [(done, figures) for _, done, _, figures in monitor.reports if "looked_at" in figures]
    assert [done for done, _ in looks] == [4] * 4 + [8] * 4
    assert [figures["looked_at"] for _, figures in looks] == [2, 4, 6, 8] * 2
    assert {figures["to_look_at"] for _, figures in looks} == {8}


def test_the_first_loss_is_that_of_the_base(trained):
    """LoRA B starts at zero, so policy = reference, margin 0, loss -log sigmoid(0) = log 2."""
    _, _, monitor = trained
    first = next(figures for *_, figures in monitor.reports if "loss" in figures)
    assert first["loss"] == pytest.approx(0.693147, abs=1e-5)
    assert first["margin"] == pytest.approx(0, abs=1e-5)


def test_pairs_that_tie_since_nothing_has_moved_count_half(base, tmp_path):
    """The rate warms up from 0 at step 1, so the pairs of step 2 and of look 1 are the base's.

    Their margins are rounding, about 1e-6; from look 2 on they are what was learnt.
    """
    monitor = Recorder()
    config = small(steps=4, warmup=0.5, eval_every=1)
    told = {"base": base, "out": tmp_path / "a", "manifest": MANIFEST}
    train_value(tiny_pairs(32), config, monitor=monitor, **told)
    for name, ties in (("accuracy", 2), ("heldout_accuracy", 1)):
        steps = [figures for *_, figures in monitor.reports if name in figures]
        margins = [abs(figures[name.replace("accuracy", "margin")]) for figures in steps]
        assert max(margins[:ties]) < 1e-5 < min(margins[ties:])
        assert [figures[name] for figures in steps[:ties]] == [0.5] * ties
        assert steps[-1][name] > 0.5


def test_the_manifest_holds_the_run(trained, base):
    _, manifest, _ = trained
    assert MANIFEST.items() <= manifest.items()
    assert TrainConfig(**manifest["config"]) == small()
    assert (manifest["n_pairs"], manifest["n_train"], manifest["n_heldout"]) == (32, 24, 8)
    assert (manifest["steps_done"], manifest["n_shown"]) == (8, 32)
    assert (manifest["stopped"], manifest["collapsed"]) == (False, None)
    assert manifest["base_fingerprint"] == model_fingerprint(base)
    assert [look["step"] for look in manifest["looks"]] == [4, 8]
    assert manifest["seconds"] > 0


def test_the_folder_is_plain_peft_and_nothing_else_is_left(trained):
    out, _, _ = trained
    assert sorted(path.name for path in out.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "manifest.json",
    ]
    assert list(out.parent.iterdir()) == [out]


def test_it_loads_in_plain_peft_and_changes_the_logits(trained, base):
    out, _, _ = trained
    model = AutoModelForCausalLM.from_pretrained(base)
    ids = torch.tensor([[3, 4, 5, 6]])
    with torch.no_grad():
        before = model(ids).logits
        after = PeftModel.from_pretrained(model, out)(ids).logits
    assert (after - before).abs().max() > 1e-2


def test_the_same_seed_gives_the_same_adapter(trained, base, tmp_path):
    out, _, _ = trained
    train_value(tiny_pairs(32), small(), base=base, out=tmp_path / "a", manifest=MANIFEST)
    first, again = (
        load_file(folder / "adapter_model.safetensors") for folder in (out, tmp_path / "a")
    )
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_all_values_start_from_the_same_factors(base, tmp_path):
    """Other pairs, another data seed: A is equal bit for bit, B zero; init_seed changes A."""

    def start(config: TrainConfig, pairs_seed: int) -> dict[str, torch.Tensor]:
        tokenizer, model = load_trainable(base, config)
        rows = make_rows(tiny_pairs(32, seed=pairs_seed), config, tokenizer=tokenizer)
        trainer = make_trainer(model, tokenizer, rows, config=config, scratch=tmp_path)
        return {n: p.detach() for n, p in trainer.model.named_parameters() if "lora_" in n}

    kind, funny = start(small(seed=0), 0), start(small(seed=7), 1)
    other = start(small(init_seed=1), 0)
    assert len(kind) == 2 * 2 * 7  # A and B, two layers, seven linear maps each
    assert all(torch.equal(kind[name], funny[name]) for name in kind)
    assert all((kind[name] == 0).all() for name in kind if "lora_B" in name)
    assert not any(torch.equal(kind[name], other[name]) for name in kind if "lora_A" in name)


def test_stop_keeps_the_adapter_of_that_step(base, tmp_path):
    monitor = Recorder(stop_at=3, within="training")
    out = tmp_path / "kind-1"
    manifest = train_value(
        tiny_pairs(32), small(), base=base, out=out, manifest=MANIFEST, monitor=monitor
    )
    assert (manifest["stopped"], manifest["steps_done"]) == (True, 3)
    assert manifest["looks"][-1]["step"] == 3
    weights = load_file(out / "adapter_model.safetensors")
    assert max(w.abs().max() for name, w in weights.items() if "lora_B" in name) > 0


def collapsing(**changes: object) -> TrainConfig:
    """A third of the labels is wrong and the rate climbs from 0 to 0.3: it learns, then breaks."""
    fields = {"steps": 24, "eval_every": 2, "learning_rate": 0.3, "warmup": 1.0, "patience": 2}
    return small(**{**fields, "max_drift": 5, **changes})


def test_a_collapsed_run_keeps_its_best_look(base, tmp_path):
    pairs = tiny_pairs(48, noise=0.35)
    out = tmp_path / "kind-1"
    manifest = train_value(pairs, collapsing(), base=base, out=out, manifest=MANIFEST)
    losses = {look["step"]: look["heldout_loss"] for look in manifest["looks"]}
    kept, done = manifest["steps_kept"], manifest["steps_done"]
    assert f"until step {done}" in manifest["collapsed"]
    assert kept < done < 24
    assert manifest["metrics"]["heldout_loss"] == losses[kept] == min(losses.values()) < 0.69

    stopped = train_value(
        pairs,
        collapsing(),
        base=base,
        out=tmp_path / "kind-2",
        manifest=MANIFEST,
        monitor=Recorder(stop_at=kept, within="training"),
    )
    assert stopped["steps_done"] == kept
    restored, there = (
        load_file(tmp_path / name / "adapter_model.safetensors") for name in ("kind-1", "kind-2")
    )
    assert all(torch.equal(restored[name], there[name]) for name in restored)


def test_a_run_that_breaks_at_once_saves_nothing(base, tmp_path):
    """A base with a broken weight: the very first loss is no number."""
    broken = AutoModelForCausalLM.from_pretrained(base)
    broken.model.layers[0].mlp.up_proj.weight.data[0, 0] = float("nan")
    folder = shutil.copytree(base, tmp_path / "broken")
    broken.save_pretrained(folder)
    words = r"collapsed before it learnt anything: the loss is no number at step 1; lower the"
    with pytest.raises(TrainingError, match=words):
        train_value(
            tiny_pairs(32), small(), base=str(folder), out=tmp_path / "x", manifest=MANIFEST
        )
    assert list(tmp_path.iterdir()) == [folder]


def test_gpt2_and_a_base_without_chat_template(tmp_path):
    base = tiny_causal("gpt2", tmp_path / "base", chat=False)
    config = small(steps=2, holdout=0)
    manifest = train_value(
        tiny_pairs(8), config, base=str(base), out=tmp_path / "a", manifest=MANIFEST
    )
    assert manifest["steps_done"] == 2
    assert (manifest["looks"], manifest["n_heldout"]) == ([], 0)


def test_texts_are_cut_to_the_context_of_the_base(tmp_path):
    """GPT-2 has no position behind its last one; a longer text would end in an IndexError."""
    base = tiny_causal("gpt2", tmp_path / "base", n_positions=24)
    config, pairs = small(steps=2), tiny_pairs(12)
    pairs["chosen"] += " and again" * 10
    assert config.max_length > 24
    out = tmp_path / "a"
    manifest = train_value(pairs, config, base=str(base), out=out, manifest=MANIFEST)
    assert manifest["steps_done"] == 2
    assert manifest["config"]["max_length"] == config.max_length
    shorter = small(steps=2, max_length=24)
    train_value(pairs, shorter, base=str(base), out=tmp_path / "b", manifest=MANIFEST)
    first, second = (load_adapter(folder).factors for folder in (out, tmp_path / "b"))
    assert all(torch.equal(part.B, second[module].B) for module, part in first.items())


@pytest.mark.parametrize(
    ("changes", "base_name", "words"),
    [
        ({"targets": "q_proj,w_proj"}, None, r"targets w_proj are no linear layers .*all-linear"),
        ({"targets": "q_proj,input_layernorm"}, None, "targets input_layernorm are no linear"),
        ({"targets": "embed_tokens,lm_head"}, None, "targets embed_tokens, lm_head are no linear"),
        ({}, "missing/folder", r"base model 'missing/folder' cannot be loaded .*; give a folder"),
        ({"batch_size": 64, "micro_batch": 0}, None, r"24 pairs .* fewer than one batch of 64"),
    ],
)
def test_bad_input_is_one_line_and_saves_nothing(base, tmp_path, changes, base_name, words):
    out = tmp_path / "kind-1"
    with pytest.raises((TrainingError, BaseModelError), match=words) as caught:
        train_value(
            tiny_pairs(32), small(**changes), base=base_name or base, out=out, manifest=MANIFEST
        )
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("chat", [True, False])
def test_a_tokenizer_without_the_end_that_training_needs_is_told_beforehand(tmp_path, chat):
    """With a chat template it is to fill batches, without one to end every answer."""
    base = tiny_causal("llama", tmp_path / "base", chat=chat)
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.eos_token = None
    if chat:
        tokenizer.pad_token = None
    tokenizer.save_pretrained(base)
    look = look_at_base(str(base), load=Load(rank=4, pairs=2, tokens=64))
    assert "names no end-of-text token" in look.problems[0].says
    assert not look.usable
    with pytest.raises(BaseModelError, match="names no end-of-text token"):
        load_trainable(str(base), small())


def test_an_existing_adapter_is_not_overwritten(trained, base):
    out, manifest, _ = trained
    with pytest.raises(TrainingError, match="exists already; choose another name"):
        train_value(tiny_pairs(32), small(), base=base, out=out, manifest=MANIFEST)
    assert json.loads((out / "manifest.json").read_text()) == manifest
