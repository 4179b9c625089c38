"""Take it with you: every export says its error before it is made, and texts hold the sliders."""

import json

import pytest
import yaml
from safetensors.torch import load_file, save_file

from tests.app.fixture_project import full_project
from vcsoup.honesty_report import NO_SOUP, honesty_figures
from vcsoup.numbers import plain
from vcsoup.ui.download import Export, export_args
from vcsoup.ui.export_choice import Choice
from vcsoup.workspace.files import write_json

MIX = "helpful=0.5,harmless=0.3,humorous=0.2"


@pytest.fixture
def project(workspace):
    return full_project(workspace, n=40, prompts=0)


def figures(project):
    paths = [info.path for info in project.adapter_sets()["filtered"].values()]
    return honesty_figures(paths, [0.5, 0.3, 0.2], project.values)


def test_captions_are_the_computed_errors(project, visit):
    """Two layers of rank 2 in each of three adapters: the exact adapter has rank 6."""
    app = visit("soup", view="export", weights=MIX)
    found = figures(project)
    captions = app.radio(key="export_kind").proto.captions
    assert "rank 6" in captions[0]
    assert f"Error {plain(found['ranks'][5], 3)} at rank 5" in captions[1]
    average = found["exports"][-1]["relative_error"]
    assert f"Error {plain(average, 3)}: averages A and B separately" in captions[2]
    assert 0.3 < average < 3
    whole = [row["cosine"] for row in found["layers"] if row["layer"] == "all layers"]
    assert any(plain(whole[0]) in c.value for c in app.caption if "Cosine" in c.value)


def test_the_rank_is_chosen_and_said(project, visit):
    app = visit("soup", view="export", weights=MIX)
    app.radio(key="export_kind").set_value("svd").run()
    app.slider(key="export_rank").set_value(2).run()
    error = figures(project)["ranks"][2]
    assert f"Error {plain(error, 3)} at rank 2" in app.radio(key="export_kind").proto.captions[1]


def test_commands_name_what_was_chosen(project):
    folder = project.root / "merged" / "x"
    for choice, expected in (
        (Choice(), ["--as", "adapter"]),
        (Choice("svd", rank=4), ["--as", "adapter", "--method", "svd", "--rank", "4"]),
        (Choice("average"), ["--as", "adapter", "--method", "factor-average"]),
        (Choice("model", dtype="bfloat16"), ["--as", "model", "--dtype", "bfloat16"]),
    ):
        args = export_args(Export("demo", "filtered", MIX, choice, folder))
        assert " ".join(expected) in " ".join(args)
        assert args[args.index("--weights") + 1] == MIX


def test_a_soup_of_many_long_values_has_a_name_that_a_disk_takes(tmp_path):
    """Eight values of 40 letters are 376 with their weights; 255 bytes are what a name has."""
    names = []
    for last in ("0.3", "0.4"):
        weights = ",".join(f"{letter * 40}={last}" for letter in "abcdefgh")
        export = Export("p" * 40, "unfiltered", weights, Choice("model"), tmp_path)
        (tmp_path / export.file_name).touch()
        names.append(export.file_name)
    assert names[0] != names[1]


def test_four_texts_are_offered(project, visit):
    app = visit("soup", view="export", weights=MIX)
    labels = [offer.proto.label for offer in app.get("download_button")]
    assert labels == ["Recipe", "Model card", "mergekit", "Python"]


def test_texts_hold_the_weights(project):
    from vcsoup.exports import export_text, soup_recipe

    recipe = soup_recipe(project, "filtered", [0.5, 0.3, 0.2])
    loaded = yaml.safe_load(export_text(project, recipe, "recipe"))
    assert [part["weight"] for part in loaded["adapters"]] == [0.5, 0.3, 0.2]
    merge = yaml.safe_load(export_text(project, recipe, "mergekit"))
    assert [entry["parameters"]["weight"] for entry in merge["models"]] == [0.5, 0.3, 0.2]
    card = export_text(project, recipe, "card")
    assert "This soup was not measured" in card
    assert "'helpful': 0.5" in export_text(project, recipe, "snippet")
    assert json.dumps(loaded)


def test_a_measured_soup_has_its_numbers_on_the_card(project):
    from vcsoup.exports import soup_card, soup_picture, soup_recipe

    recipe = soup_recipe(project, "filtered", [0.4, 0.4, 0.2])
    weights = {"helpful": 0.4, "harmless": 0.4, "humorous": 0.2}
    point = next(p for p in project.points() if p.group == "filtered" and p.weights == weights)
    card = soup_card(project, recipe, picture="front.svg")
    assert f"{point.rewards['helpful']:.3f} ({point.low['helpful']:.3f} to" in card
    assert "Recorded when the project's bundle was built on 64 held-out prompts" in card
    assert "![" in card
    assert soup_picture(project, recipe).count("this soup") == 1


def test_a_card_compares_with_the_base_of_the_same_seed(project):
    """The base was measured anew with seed 1, later; the soups, and so the page, are of seed 0."""
    from vcsoup.exports import soup_card, soup_picture, soup_recipe
    from vcsoup.workspace.points import one_per_soup

    recipe = soup_recipe(project, "filtered", [1, 0, 0])
    card, picture = soup_card(project, recipe), soup_picture(project, recipe)
    points = project.points(project.set_key(project.adapter_sets()["filtered"]))
    base = one_per_soup(points, project.values)["0.000000,0.000000,0.000000"]
    moved = {value: reward + 5 for value, reward in base.rewards.items()}
    anew = {"seed": 1, "rewards": moved, "created": "2999-01-01T00:00:00Z"}
    project.save_point(base.model_copy(update=anew))
    assert soup_card(project, recipe) == card
    assert soup_picture(project, recipe) == picture


def test_adapters_that_cancel_have_no_errors_to_show(project, visit):
    """One adapter twice, once with its sign turned: evenly mixed they leave the base as it is."""
    first, second, _ = (info.path for info in project.adapter_sets()["filtered"].values())
    tensors = load_file(first / "adapter_model.safetensors")
    turned = {name: -t if "lora_B" in name else t for name, t in tensors.items()}
    save_file(turned, second / "adapter_model.safetensors")
    app = visit("soup", view="export", weights="helpful=0.5,harmless=0.5,humorous=0")
    assert NO_SOUP in [info.value for info in app.info]
    assert not any(caption.value.startswith("Relative error") for caption in app.caption)


def test_large_adapters_wait_for_their_job(project, visit, monkeypatch):
    monkeypatch.setattr("vcsoup.ui.honesty.SMALL_BYTES", 10)
    app = visit("soup", view="export", weights=MIX)
    assert app.button(key="honesty").label == "Compute the errors"
    assert app.radio(key="export_kind").proto.captions[0] == "Error 0."
    name = f"{project.set_key(project.adapter_sets()['filtered'])}-helpful-0.5_harmless-0.3"
    write_json(project.root / "honesty" / f"{name}_humorous-0.2.json", figures(project))
    app.run()
    assert "rank 6" in app.radio(key="export_kind").proto.captions[0]
