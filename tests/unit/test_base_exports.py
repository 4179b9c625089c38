"""Exports of a project whose base has a revision or is kept in few bits say so, everywhere."""

import ast

import pytest
import yaml

from tests.tiny_project import tiny_project
from vcsoup.base_models.settings import BaseLoading
from vcsoup.exports import export_text, soup_recipe
from vcsoup.soup.export_recipe import as_recipe, recipe_text
from vcsoup.workspace import Workspace


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    return tiny_project(Workspace(folder / "w"), folder)


def recipe(project, loading, **choices):
    project.config = project.config.model_copy(update={"loading": loading})
    return soup_recipe(project, "filtered", [0.5, 0.5], **choices)


def code_of(card: str) -> str:
    return card.partition("```python\n")[2].partition("```")[0]


def test_the_recipe_names_what_was_measured_and_older_ones_stay(project):
    found = recipe(project, BaseLoading(revision="v1", quantization="4bit", dtype="bfloat16"))
    assert (found.base.revision, found.base.quantization) == ("v1", "4bit")
    assert as_recipe(yaml.safe_load(recipe_text(found))) == found
    plain = recipe(project, BaseLoading(device_map="auto"))
    assert set(yaml.safe_load(recipe_text(plain))["base"]) == {"model", "hash"}


def test_the_code_loads_the_base_as_it_was(project):
    found = recipe(project, BaseLoading(revision="v1", quantization="4bit"))
    bits = "BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type='nf4')"
    for text in (
        code_of(export_text(project, found, "card")),
        export_text(project, found, "snippet"),
    ):
        ast.parse(text)
        assert "AutoTokenizer, BitsAndBytesConfig" in text
        assert f", revision='v1', quantization_config={bits})" in text
        tokenizer = next(line for line in text.splitlines() if "AutoTokenizer.from" in line)
        assert tokenizer.endswith(", revision='v1')")


def test_the_code_of_a_plain_base_is_plain(project):
    found = recipe(project, BaseLoading())
    for kind in ("card", "snippet"):
        text = export_text(project, found, kind)
        assert "BitsAndBytes" not in text
        assert "revision" not in text


def test_what_differs_from_the_published_weights_is_said(project):
    kept = BaseLoading(quantization="8bit")
    adapter = export_text(project, recipe(project, kept), "card")
    assert "It was trained and measured beside the base in 8 bits" in adapter
    model = export_text(project, recipe(project, kept, kind="model"), "card")
    assert "its weights here are those, written out again, not the published ones" in model
    merged = export_text(project, recipe(project, kept), "mergekit")
    assert "measured beside a base in 8 or 4 bits" in merged


def test_mergekit_gets_the_revision_in_its_own_words(project):
    found = recipe(project, BaseLoading(revision="v1"))
    told = yaml.safe_load(export_text(project, found, "mergekit"))
    assert told["base_model"] == f"{project.config.base}@v1"
    assert all(part["model"].startswith(f"{told['base_model']}+") for part in told["models"])
