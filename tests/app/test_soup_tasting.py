"""Soup while a tasting measures: what the first prompts say beside a base that has all of them."""

import numpy as np
import pytest

from tests.app.fixture_project import full_project
from tests.app.scripted_engine import POINT, ScriptedEngine, settle
from vcsoup.ui.tasting import Taster
from vcsoup.workspace.held_out import prompt_key


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_gains_of_a_tasting_are_over_the_base_on_the_same_prompts(workspace, visit, known):
    """The base: +0.1 on the 8 prompts of the tasting, another mean on its 64; 0.50 - 0.10."""
    project = full_project(workspace)
    prompts = [prompt_key(prompt) for prompt in project.held_out_prompts()]
    assert len(prompts) == POINT["n_prompts"]
    if known:
        project.samples.save(
            project.set_key(project.adapter_sets()["filtered"]),
            {},
            seed=0,
            prompts=[*prompts, "another"],
            rewards=np.vstack([np.full((8, 3), 0.1), np.full((1, 3), 9.0)]),
        )
    engine = ScriptedEngine({"state": "measuring", "text": "", "point": POINT})
    app = visit("soup", weights="helpful=0.9,harmless=0.1,humorous=0")
    app.session_state["taster"] = taster = Taster(lambda: engine)
    app.button(key="taste_button").click().run()
    settle(taster, "measuring")
    app.run()
    told = [c.value for c in app.caption if "over\N{NO-BREAK SPACE}base" in c.value]
    assert [c.split(", ")[1].replace("\N{NO-BREAK SPACE}", " ") for c in told] == (
        ["0.40 over base", "0.15 over base"] if known else []
    )
