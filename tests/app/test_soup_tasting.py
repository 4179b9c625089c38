"""Soup while a tasting is under way: its text and point, what supersedes it, and what fails."""

import threading
import time

import numpy as np
import pytest

from tests.app.fixture_project import add_adapter, full_project
from tests.app.scripted_engine import POINT, ScriptedEngine, component, settle
from tests.app.test_soup_page import weights
from vcsoup.errors import EngineError, EngineGoneError
from vcsoup.numbers import MINUS
from vcsoup.ui import bench
from vcsoup.ui.tasting import Taster
from vcsoup.workspace.held_out import prompt_key


def test_a_tasting_shows_text_and_the_measured_point(workspace, visit):
    full_project(workspace)
    engine = ScriptedEngine({"state": "done", "text": "Start with a *list*.", "point": POINT})
    app = visit("soup", weights="helpful=0.9,harmless=0.1,humorous=0")
    app.session_state["taster"] = taster = Taster(lambda: engine)
    app.button(key="taste_button").click().run()
    settle(taster, "done")
    app.run()
    assert engine.requests[0]["weights"] == {"helpful": 0.9, "harmless": 0.1, "humorous": 0.0}
    assert engine.requests[0]["prompt"] == "How do I plan day number 1?"
    assert [metric.value for metric in app.metric] == ["+0.50", "+0.25", f"{MINUS}0.12"]
    assert component(app, "answer")["text"] == "Start with a *list*."
    assert any("Measured here on 8 held-out prompts" in c.value for c in app.caption)


def test_a_recorded_point_that_is_tasted_stays_recorded(workspace, visit):
    full_project(workspace)
    known = {**POINT, "n_prompts": 64, "recorded": True}
    engine = ScriptedEngine({"state": "done", "text": "", "point": known})
    app = visit("soup", weights="helpful=0,harmless=1,humorous=0")
    app.session_state["taster"] = taster = Taster(lambda: engine)
    app.button(key="taste_button").click().run()
    settle(taster, "done")
    app.run()
    assert [metric.value for metric in app.metric] == ["+0.50", "+0.25", f"{MINUS}0.12"]
    assert any("Recorded on 64 held-out prompts" in c.value for c in app.caption)
    told = "Answered and measured, point from an earlier measuring"
    assert told in [c.value for c in app.caption]
    told = {"state": "done", "text": "", "point": POINT, "seconds_to_point": 1.25}
    app.session_state["taster"] = taster = Taster(lambda: ScriptedEngine(told))
    app.button(key="taste_button").click().run()
    settle(taster, "done")
    assert "Answered and measured, point after 1.2 s" in [c.value for c in app.run().caption]


def test_a_point_that_comes_while_the_page_is_drawn_is_not_missed(workspace, visit, monkeypatch):
    """The tasting ends after the chart's points were read: the page is drawn once more."""
    full_project(workspace)
    first = {"state": "measuring", "text": "A list.", "point": {**POINT, "n_prompts": 2}}
    engine = ScriptedEngine(first)
    app = visit("soup", weights="helpful=0.9,harmless=0.1,humorous=0")
    app.session_state["taster"] = taster = Taster(lambda: engine)
    read = bench.soups

    def then_it_ends(project, group):
        settle(taster, "measuring" if engine.states == [first] else "done")
        found = read(project, group)
        engine.states[:] = [{"state": "done", "text": "A list.", "point": POINT}]
        settle(taster, "done")
        return found

    monkeypatch.setattr(bench, "soups", then_it_ends)
    app.button(key="taste_button").click().run()
    assert any("Measured here on 8 held-out prompts" in c.value for c in app.caption)


def test_a_moved_slider_tastes_by_itself(workspace, visit):
    full_project(workspace)
    engine = ScriptedEngine({"state": "done", "text": "", "point": POINT})
    app = visit("soup", weights="helpful=0.2,harmless=0.2,humorous=0.6")
    app.session_state["taster"] = taster = Taster(lambda: engine)
    app.slider(key="weight_helpful").set_value(0.6).run()
    settle(taster, "done")
    assert engine.requests[0]["weights"] == {"helpful": 0.6, "harmless": 0.1, "humorous": 0.3}


def test_text_of_the_model_is_never_markup(workspace, visit):
    full_project(workspace)
    engine = ScriptedEngine({"state": "done", "text": "<script>x</script>", "point": None})
    app = visit("soup")
    app.session_state["taster"] = taster = Taster(lambda: engine)
    app.button(key="taste_button").click().run()
    settle(taster, "done")
    app.run()
    assert component(app, "answer")["text"] == "<script>x</script>"
    shown = [element.proto.body for element in app.get("html")] + [m.value for m in app.markdown]
    assert not any("<script>x" in text for text in shown)


def test_an_engine_that_does_not_start_is_one_line(workspace, visit):
    full_project(workspace)

    def broken():
        raise EngineError("the engine did not start: no memory left")

    app = visit("soup")
    app.session_state["taster"] = taster = Taster(broken)
    app.button(key="taste_button").click().run()
    settle(taster, "failed")
    app.run()
    assert [e.value for e in app.error] == ["the engine did not start: no memory left"]


def test_a_new_tasting_supersedes_the_old_one():
    from vcsoup.ui.tasting import Request

    busy = {"state": "sampling", "text": "a", "point": None}
    engine = ScriptedEngine(busy)
    taster = Taster(lambda: engine)
    first, second = (Request("p", "filtered", {"a": w}, "q", 8) for w in (0.0, 1.0))
    taster.taste(first)
    settle(taster, "sampling")
    taster.taste(second)
    deadline = time.monotonic() + 10
    while engine.cancelled != ["t1"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    engine.states[:] = [{"state": "done", "text": "b", "point": None}]
    settle(taster, "done")
    assert taster.view.request == second
    assert taster.view.text == "b"


def test_an_engine_that_dies_is_told_and_the_weights_stay(workspace, visit):
    full_project(workspace)
    dying = ScriptedEngine({"state": "sampling", "text": "Begin"}, EngineGoneError("gone"))
    steady = ScriptedEngine({"state": "done", "text": "Begin again.", "point": POINT})
    ready, waiting = threading.Event(), [dying, steady]

    def connect():
        if len(waiting) == 1:
            ready.wait(10)
        return waiting.pop(0)

    app = visit("soup", weights="helpful=0.2,harmless=0.2,humorous=0.6")
    app.session_state["taster"] = taster = Taster(connect)
    app.slider(key="weight_helpful").set_value(0.6).run()
    settle(taster, "restarting")
    app.run()
    assert app.warning[0].value.startswith("The engine died. It is started again")
    assert component(app, "answer")["text"] == "Begin"
    assert weights(app) == [0.6, 0.1, 0.3]
    ready.set()
    settle(taster, "done")
    app.run()
    assert not app.warning
    assert component(app, "answer")["text"] == "Begin again."
    assert any("after the engine was started again" in c.value for c in app.caption)
    assert steady.requests[0]["weights"] == {"helpful": 0.6, "harmless": 0.1, "humorous": 0.3}


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


def test_a_point_of_former_adapters_is_not_drawn_among_those_of_new_ones(workspace, visit):
    project = full_project(workspace)
    key = project.set_key(project.adapter_sets()["filtered"])
    engine = ScriptedEngine({"state": "done", "text": "A.", "point": {**POINT, "set_key": key}})
    app = visit("soup", weights="helpful=0.9,harmless=0.1,humorous=0")
    app.session_state["taster"] = taster = Taster(lambda: engine)
    app.button(key="taste_button").click().run()
    settle(taster, "done")
    app.run()
    assert any("Measured here on 8 held-out prompts" in c.value for c in app.caption)
    add_adapter(project, "helpful", "filtered", recorded=False, seed=5)
    app.run()
    assert not any("Measured here" in c.value for c in app.caption)
    assert any(c.value == "This soup is not measured yet." for c in app.caption)
