"""Soup: linked sliders, presets, clicks, a tasting's text and point, download, empty and error."""

import time

import numpy as np
import pytest

from tests.app.fixture_project import full_project, hand_project
from vcsoup.errors import EngineError
from vcsoup.ui.numbers import MINUS
from vcsoup.ui.tasting import Taster

POINT = {
    "rewards": {"helpful": 0.5, "harmless": 0.25, "humorous": -0.125},
    "low": {"helpful": 0.4, "harmless": 0.2, "humorous": -0.2},
    "high": {"helpful": 0.6, "harmless": 0.3, "humorous": 0.0},
    "n_prompts": 8,
}


class ScriptedEngine:
    """An engine in memory: answers every tasting with the given states, one per look."""

    def __init__(self, *states):
        self.states = list(states)
        self.requests = []
        self.cancelled = []

    def start_tasting(self, **request):
        self.requests.append(request)
        return f"t{len(self.requests)}"

    def tasting(self, tasting_id):
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def cancel(self, tasting_id):
        self.cancelled.append(tasting_id)


def settle(taster, state):
    deadline = time.monotonic() + 10
    while taster.view.state != state:
        assert time.monotonic() < deadline, taster.view
        time.sleep(0.01)


def weights(app):
    return [app.slider(key=f"weight_{v}").value for v in ("helpful", "harmless", "humorous")]


def open_without_prompts(workspace, visit, **query):
    """No prompt to answer, so no tasting and no engine."""
    full_project(workspace, prompts=0)
    return visit("soup", **query)


def test_without_a_project_the_page_leads_home(visit):
    assert visit("soup").subheader[0].value == "No project yet"


def test_without_adapters_the_page_leads_to_training(workspace, visit):
    hand_project(workspace)
    app = visit("soup")
    assert app.subheader[0].value == "No adapters to mix"
    assert not app.slider


def test_an_unknown_project_is_an_error_message(workspace, visit):
    full_project(workspace)
    assert "'nowhere'" in visit("soup", project="nowhere").error[0].value


def test_moving_one_weight_rescales_the_others(workspace, visit):
    """0.2, 0.2, 0.6 with helpful to 0.6: 0.4 is left for the others, one to three."""
    app = open_without_prompts(workspace, visit, weights="helpful=0.2,harmless=0.2,humorous=0.6")
    assert weights(app) == [0.2, 0.2, 0.6]
    app.slider(key="weight_helpful").set_value(0.6).run()
    assert weights(app) == [0.6, 0.1, 0.3]
    assert app.query_params["weights"] == "helpful=0.6,harmless=0.1,humorous=0.3"


def test_a_locked_weight_stays(workspace, visit):
    app = open_without_prompts(workspace, visit, weights="helpful=0.2,harmless=0.2,humorous=0.6")
    app.toggle(key="lock_humorous").set_value(True).run()
    app.slider(key="weight_helpful").set_value(0.3).run()
    assert weights(app) == [0.3, 0.1, 0.6]
    assert app.slider(key="weight_humorous").disabled


def test_presets_are_corners_and_even(workspace, visit):
    app = open_without_prompts(workspace, visit)
    app.button(key="preset_harmless").click().run()
    assert weights(app) == [0.0, 1.0, 0.0]
    app.button(key="preset_even").click().run()
    assert weights(app) == [0.33, 0.33, 0.33]
    assert sum(app.session_state["weights"]) == pytest.approx(1.0)


def test_a_measured_soup_shows_its_numbers(workspace, visit):
    app = open_without_prompts(workspace, visit, weights="helpful=0,harmless=1,humorous=0")
    points = workspace.project("demo").points()
    point = next(p for p in points if p.group == "filtered" and p.weights["harmless"] == 1)
    assert app.metric[1].value == f"{point.rewards['harmless']:+.2f}"
    assert any("Recorded on 64 held-out prompts" in c.value for c in app.caption)


def test_an_unmeasured_soup_says_so(workspace, visit):
    app = open_without_prompts(workspace, visit, weights="helpful=0.9,harmless=0.1,humorous=0")
    assert any("not measured yet" in c.value for c in app.caption)
    assert app.metric[0].value == "\N{EN DASH}"


def test_weights_that_do_not_sum_to_one_are_explained(workspace, visit):
    app = open_without_prompts(workspace, visit, weights="helpful=0.9,harmless=0.9")
    assert "sum 1.8" in app.warning[0].value
    assert sum(weights(app)) == pytest.approx(1.0)


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
    assert any("Start with a *list*." in element.proto.body for element in app.get("html"))
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
    shown = "".join(element.proto.body for element in app.get("html"))
    assert "&lt;script&gt;x" in shown
    assert "<script>x" not in shown


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


def test_a_click_takes_the_weights_of_a_point(workspace, visit):
    """Selections do not run in AppTest; the callback is a plain function on the session."""
    from streamlit.testing.v1 import AppTest

    def page():
        from vcsoup.ui import bench, mixer

        values = ("helpful", "harmless", "humorous")
        clicked = {"points": [{"customdata": ["helpful=0.3333,harmless=0.3333,humorous=0.3333"]}]}
        bench.take_clicked({"selection": {"points": []}}, values)
        bench.take_clicked({"selection": clicked}, values)
        assert abs(mixer.current() - 1 / 3).max() < 1e-12
        base = {"points": [{"customdata": ["helpful=0,harmless=0,humorous=0"]}]}
        bench.take_clicked({"selection": base}, values)
        assert abs(mixer.current() - 1 / 3).max() < 1e-12

    app = AppTest.from_function(page).run()
    assert not app.exception
    assert app.session_state["taste"]


def test_a_merged_soup_is_offered_for_download(workspace, visit):
    from vcsoup.ui.download import zipped

    project = full_project(workspace, prompts=0)
    app = visit("soup", weights="helpful=0.5,harmless=0.5,humorous=0")
    assert app.button(key="merge").label == "Merge this soup"
    key = project.set_key(project.adapter_sets()["filtered"])
    folder = project.root / "merged" / f"{key}-helpful-0_5-harmless-0_5-humorous-0"
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    app.run()
    (offer,) = app.get("download_button")
    assert offer.proto.label == "Download the adapter"

    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(zipped(folder, "soup"))) as archive:
        assert archive.namelist() == ["soup/adapter_config.json"]


def test_neat_weights_always_sum_to_one():
    from vcsoup.ui.mixer import neat

    rng = np.random.default_rng(0)
    for weights in rng.dirichlet([1, 1, 1], 200):
        tidy = neat(weights, keep=[])
        assert tidy.sum() == pytest.approx(1.0, abs=1e-9)
        assert np.abs(tidy - weights).max() <= 0.0151
