"""The address of a hub's page stands for its id, where a model or a data set is asked for."""

import pytest

from vcsoup.hub.addresses import data_named, model_named

PAGES = {
    "https://huggingface.co/org/judge": "org/judge",
    "https://hf.co/org/judge/": "org/judge",
    "https://huggingface.co/org/judge/tree/main?library=transformers#files": "org/judge",
    "https://huggingface.co/gpt2": "gpt2",
}
OTHERS = (
    "org/judge",
    "/models/judge",
    "https://huggingface.co/org/judge/tree/older",
    "https://huggingface.co/org/judge/blob/main/config.json",
    "https://huggingface.co/datasets/org/pairs",
    "https://huggingface.co/spaces/org/demo",
    "https://elsewhere.example/org/judge",
    "https://huggingface.co.elsewhere.example/org/judge",
)


@pytest.mark.parametrize("typed", PAGES)
def test_a_models_page_is_its_id(typed):
    assert model_named(typed) == PAGES[typed]


@pytest.mark.parametrize("typed", OTHERS)
def test_what_is_no_models_page_stays_as_it_stands(typed):
    assert model_named(typed) == typed


def test_a_page_of_data_names_no_model_and_the_other_way_round():
    assert data_named("https://huggingface.co/datasets/org/pairs") == "org/pairs"
    assert data_named("https://huggingface.co/org/judge") == "https://huggingface.co/org/judge"
