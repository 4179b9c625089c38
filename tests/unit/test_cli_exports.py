"""`soup export`, `build`, `honesty`, `evaluate --chord` and `compare` on tiny but real models."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from peft import PeftModel
from transformers import AutoModelForCausalLM

from tests.tiny_project import tiny_project
from vcsoup.cli import main
from vcsoup.jobs import Jobs
from vcsoup.soup.model import SoupModel
from vcsoup.workspace import Project, Workspace

MIX = ("--weights", "helpful=0.25,harmless=0.75")
TOKENS = torch.tensor([[40, 41, 42, 43, 44]])
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    tiny_project(Workspace(folder / "w"), folder, prompts=6)
    return folder / "w"


@pytest.fixture
def project(root: Path) -> Project:
    return Workspace(root).project("demo")


@pytest.fixture
def run(root: Path, monkeypatch, capfd) -> Run:
    def run(*args: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["vcsoup", *map(str, args), "--workspace", str(root)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        return int(end.value.code or 0), out, err

    return run


def engine_logits(project: Project) -> torch.Tensor:
    adapters = [info.path for info in project.adapter_sets()["filtered"].values()]
    soup = SoupModel.load(project.config.base, adapters, device="cpu")
    return soup(TOKENS, weights=[[0.25, 0.75]]).logits


def test_an_exported_model_stands_alone(run, root, project, tmp_path):
    code, out, err = run("soup", "export", *MIX, "--as", "model", "--out", tmp_path / "m", "--json")
    figures = json.loads(out)
    assert (code, figures["kind"], figures["relative_error"] < 1e-6) == (0, "model", True), err
    assert "export" in {job.kind for job in Jobs(root / "jobs").list()}
    with torch.no_grad():
        found = AutoModelForCausalLM.from_pretrained(tmp_path / "m").eval()(TOKENS).logits
    torch.testing.assert_close(found, engine_logits(project), atol=1e-5, rtol=1e-5)
    card = (tmp_path / "m" / "README.md").read_text()
    assert "library_name: transformers" in card
    assert f"Relative error against the exact soup: {figures['relative_error']:.2g}" in card


def test_an_exported_adapter_is_built_again_from_its_recipe(run, project, tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    args = ("soup", "export", *MIX, "--method", "svd", "--rank", "3", "--out", first, "--json")
    figures = json.loads(run(*args)[1])
    assert figures["relative_error"] > 0.01
    again = json.loads(run("soup", "build", first / "recipe.yaml", "--out", second, "--json")[1])
    assert again["relative_error"] == figures["relative_error"]
    weights = [(folder / "adapter_model.safetensors").read_bytes() for folder in (first, second)]
    assert weights[0] == weights[1]
    loaded = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(project.config.base), second
    )
    assert loaded.peft_config["default"].r == 3


def test_building_refuses_what_differs_and_follows_what_moved(run, project, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    assert run("soup", "export", *MIX, "--as", "recipe", "--out", recipe)[0] == 0
    content = yaml.safe_load(recipe.read_text())
    moved = Path(shutil.copytree(content["adapters"][0]["path"], tmp_path / "moved"))
    content["adapters"][0]["path"] = str(tmp_path / "gone")
    recipe.write_text(yaml.safe_dump(content))
    code, _, err = run("soup", "build", recipe, "--out", tmp_path / "o")
    assert (code, "gone" in err, err.count("\n")) == (2, True, 1)
    built = run(
        *("soup", "build", recipe, "--out", tmp_path / "o"), *("--adapter", f"helpful={moved}")
    )
    assert built[0] == 0, built[2]
    other = content["adapters"][1]["path"]
    code, _, err = run(
        *("soup", "build", recipe, "--out", tmp_path / "p"), *("--adapter", f"helpful={other}")
    )
    assert code == 2
    assert "the recipe means" in err
    code, _, err = run("soup", "build", recipe, "--out", tmp_path / "p", "--adapter", "funny=x")
    assert (code, "helpful, harmless" in err) == (2, True)


def test_texts_are_files(run, tmp_path):
    for kind, sign in (
        ("card", "# A soup of 2 values: helpful 0.25 + harmless 0.75"),
        ("mergekit", "merge_method: task_arithmetic"),
        ("snippet", "set_sliders(SOUP)"),
        ("recipe", "vcsoup_recipe: 1"),
    ):
        out = tmp_path / "deep" / kind
        assert run("soup", "export", *MIX, "--as", kind, "--out", out)[0] == 0
        assert sign in out.read_text()
        assert run("soup", "export", *MIX, "--as", kind, "--out", out)[0] == 2


def test_mistakes_about_exports(run, tmp_path):
    out = ("--out", tmp_path / "x")
    for args, said in (
        (("--as", "gguf"), "choose adapter, model, recipe, card, mergekit, snippet"),
        (("--as", "model", "--method", "factor-average"), "merged model is exact"),
        (("--as", "model", "--dtype", "int4"), "--dtype 'int4' is unknown; choose float32,"),
        (("--dtype", "bfloat16"), "float32"),
        (("--rank", "4"), "--rank belongs to --method svd"),
        (("--group", "other"), "complete: filtered"),
    ):
        code, _, err = run("soup", "export", *MIX, *args, *out)
        assert code == 2, args
        assert said in err
        assert err.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_honesty_writes_its_figures(run, tmp_path):
    code, out, _ = run("soup", "honesty", *MIX, "--out", tmp_path / "h.json", "--json")
    figures = json.loads(out)
    assert (code, figures["rank"]) == (0, 8)
    assert figures == json.loads((tmp_path / "h.json").read_text())
    errors = [entry["relative_error"] for entry in figures["exports"]]
    assert errors[0] == 0.0
    assert errors[1:4] == sorted(errors[1:4], reverse=True)
    assert {row["layer"] for row in figures["layers"]} == {"layer 0", "layer 1", "all layers"}


def test_honesty_of_adapters_that_cancel_says_that_the_soup_is_the_base(run, project, tmp_path):
    first = project.adapter_sets()["filtered"]["helpful"].path
    for value in project.values:
        folder = Path(shutil.copytree(first, tmp_path / value))
        (folder / "manifest.json").write_text(json.dumps({"value": value, "group": "same"}))
        project.add_adapter(folder, project.new_adapter_name(value, "same"))
    opposite = ("--group", "same", "--free", "--weights", "helpful=0.5,harmless=-0.5")
    code, out, err = run("soup", "honesty", *opposite)
    assert code == 0, err
    assert "this soup is the base model" in out
    assert "relative error" not in out
    figures = json.loads(run("soup", "honesty", *opposite, "--json")[1])
    assert figures["base"]
    assert {entry["relative_error"] for entry in figures["exports"]} == {0.0}


def test_a_chord_is_measured_and_two_sets_are_compared(run, root, project, tmp_path):
    """Three steps: four soups and the base. The same adapters under a second name differ by 0."""
    code, out, err = run("evaluate", "--chord", "helpful", "harmless", "--steps", "3", "--json")
    assert code == 0, err
    points = json.loads(out)["points"]
    assert [round(p["weights"]["helpful"], 3) for p in points] == [0.0, 1.0, 0.667, 0.333, 0.0]
    key = project.set_key(project.adapter_sets()["filtered"])
    stored = project.samples.load(key)
    assert len(stored) == 5
    by_weight = {s.weights[0]: s for s in stored if s.weights.any()}
    for point in points[1:]:
        mean = by_weight[round(point["weights"]["helpful"], 6)].rewards.mean(axis=0)
        assert mean[0] == pytest.approx(point["rewards"]["helpful"])

    for info in project.adapter_sets()["filtered"].values():
        folder = Path(shutil.copytree(info.path, tmp_path / info.value))
        manifest = {**info.manifest, "group": "twin"}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        project.add_adapter(folder, project.new_adapter_name(info.value, "twin"))
    html = tmp_path / "report.html"
    args = ("--first", "filtered", "--second", "twin", "--html", html)
    code, out, err = run("compare", *args, "--json")
    assert code == 0, err
    figures = json.loads(out)
    assert figures["sentence"].startswith("Too few prompts to tell: 6 of the 10 that a")
    assert figures["differences"]["hypervolume"]["mean"] == 0.0
    assert "Plotly.newPlot" in html.read_text()
    assert run("compare", *args)[0] == 2  # the report exists
    assert "evaluate" in {job.kind for job in Jobs(root / "jobs").list()}


def test_mistakes_about_chords(run):
    for args, said in (
        (("--chord", "helpful", "funny"), "'funny' is no value"),
        (("--chord", "helpful", "helpful"), "twice"),
        (("--chord", "helpful", "harmless", "--explore", "3"), "--chord"),
    ):
        code, _, err = run("evaluate", *args)
        assert (code, said in err) == (2, True), err


def test_a_path_that_cannot_be_written_is_one_line(run, tmp_path):
    (tmp_path / "file").write_text("no folder")
    for kind in ("adapter", "card"):
        out = tmp_path / "file" / "below"
        code, _, err = run("soup", "export", *MIX, "--as", kind, "--out", out)
        assert (code, "Traceback" in err) == (2, False)
        assert "file" in err
        assert "Not a directory" in err or "exists" in err


def test_a_recipe_that_is_no_yaml_is_one_line(run, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    for text in ("a: 2023-02-30", "a: [1", "a: \x00"):
        recipe.write_text(text)
        code, _, err = run("soup", "build", recipe, "--out", tmp_path / "o")
        assert (code, err.count("\n")) == (2, 1)
        assert "recipe.yaml is not YAML" in err
