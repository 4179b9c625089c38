"""Soup: linked sliders, presets, clicks, predictions, download, the address, empty and error."""

import json

import numpy as np
import pytest

from tests.app.fixture_project import VALUES, add_adapter, full_project, hand_project
from tests.app.scripted_engine import component
from tests.job_processes import wait_until
from vcsoup.evaluation.predict import fit_surface
from vcsoup.exploring import measured_soups
from vcsoup.jobs import Jobs, job_worker
from vcsoup.jobs.folder import SPEC
from vcsoup.numbers import MINUS, signed
from vcsoup.soup.weights import format_weights
from vcsoup.workspace import Point, ProjectConfig


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
    assert sum(app.session_state["mix"].present.weights) == pytest.approx(1.0)


def test_balanced_takes_the_weights_that_were_measured(workspace, visit):
    """Sixths: the name 0.1667, 0.1667, 0.6667 scaled to one is 0.166683, another soup."""
    project = full_project(workspace, prompts=0)
    sixths = [1 / 6, 1 / 6, 2 / 3]
    known = next(p for p in project.points() if p.group == "filtered" and any(p.weights.values()))
    best = {
        "weights": dict(zip(VALUES, sixths, strict=True)),
        "rewards": dict.fromkeys(VALUES, 9.0),
    }
    project.save_point(known.model_copy(update=best))
    app = visit("soup")
    assert app.session_state["mix"].present.weights == pytest.approx(sixths, abs=1e-6)
    app.button(key="preset_even").click().run()
    app.button(key="preset_balanced").click().run()
    assert app.session_state["mix"].present.weights == pytest.approx(sixths, abs=1e-6)


def test_a_measured_soup_shows_its_numbers(workspace, visit):
    app = open_without_prompts(workspace, visit, weights="helpful=0,harmless=1,humorous=0")
    points = workspace.project("demo").points()
    point = next(p for p in points if p.group == "filtered" and p.weights["harmless"] == 1)
    assert app.metric[1].value == f"{point.rewards['harmless']:+.2f}"
    assert any("Recorded on 64 held-out prompts" in c.value for c in app.caption)


def test_the_numbers_of_many_values_stand_in_rows_of_four(workspace, visit):
    values = tuple(f"value-{place}" for place in range(8))
    project = workspace.create_project(ProjectConfig(name="m", values=values, base="org/base"))
    for value in values:
        add_adapter(project, value, "filtered", recorded=True, seed=0)
    columns = [column for column in visit("soup").columns if len(column.metric) == 1]
    assert [column.metric[0].label for column in columns] == [v.capitalize() for v in values]
    assert {column.weight for column in columns} == {0.25}, "wide enough for whole words"


def test_an_unmeasured_soup_is_predicted_and_says_so(workspace, visit):
    """The number is that of the library's regression on the measured soups, base left out."""
    app = open_without_prompts(workspace, visit, weights="helpful=0.9,harmless=0.1,humorous=0")
    points = [p for p in workspace.project("demo").points() if p.group == "filtered"]
    soups, rewards = measured_soups(points, VALUES)
    found = fit_surface(soups, rewards).predict([0.9, 0.1, 0.0])
    assert [metric.label for metric in app.metric] == [
        f"{v.capitalize()}, predicted" for v in VALUES
    ]
    assert [metric.value for metric in app.metric] == [f"about {signed(r)}" for r in found.mean[0]]
    low, high = (found.mean[0, 0] + side * found.reach[0, 0] for side in (-1, 1))
    assert any(c.value.startswith(f"{signed(low)} to {signed(high)}") for c in app.caption)
    (said,) = [c for c in app.caption if "Predicted, not measured yet" in c.value]
    assert "Leaving each of them out in turn, it errs by about" in said.help


def test_with_corners_alone_the_prediction_claims_no_error(workspace, visit):
    """Rewards 1 on the own value, 0 elsewhere: the straight line says 0.9, 0.1, 0."""
    project = full_project(workspace, prompts=0)
    for value in VALUES:
        add_adapter(project, value, "own", recorded=False, seed=7)
    key = project.set_key(project.adapter_sets()["own"])
    for value in VALUES:
        rewards = {other: float(other == value) for other in VALUES}
        project.save_point(
            Point(
                set_key=key,
                group="own",
                weights={value: 1.0},
                rewards=rewards,
                low=rewards,
                high=rewards,
                n_prompts=8,
            )
        )
    app = visit("soup", adapters="own", weights="helpful=0.9,harmless=0.1,humorous=0")
    assert [metric.value for metric in app.metric] == ["about +0.90", "about +0.10", "about +0.00"]
    assert sum(c.value == "error not known" for c in app.caption) == 3
    half = {"helpful": 0.5, "harmless": 0.5}
    project.save_point(project.points(key)[0].model_copy(update={"weights": half, "n_prompts": 4}))
    told = "Not all measured on the same prompts: 3 points on 8, 1 point on 4"
    app = visit("soup", adapters="own")
    assert any(told in c.value for c in app.caption)


def test_weights_that_do_not_sum_to_one_are_explained(workspace, visit):
    app = open_without_prompts(workspace, visit, weights="helpful=0.9,harmless=0.9")
    assert "sum 1.8" in app.warning[0].value
    assert sum(weights(app)) == pytest.approx(1.0)


def test_a_click_takes_the_weights_of_a_point(workspace, visit):
    """Components do not run in AppTest; the callback is a plain function on the session."""
    from streamlit.testing.v1 import AppTest

    def page():
        import numpy as np
        import streamlit as st

        from vcsoup.ui import bench, mixer
        from vcsoup.ui.history import History

        st.session_state["mix"] = History(mixer.Mix((1.0, 0.0, 0.0)))

        bench.take_point(np.array([0.3333, 0.3333, 0.3333]), "")
        assert abs(mixer.current() - 1 / 3).max() < 1e-12
        bench.take_point(np.array([0.0, 0.0, 0.0]), "")
        bench.take_point(np.array([1.5, -0.5, 0.0]), "")
        assert abs(mixer.current() - 1 / 3).max() < 1e-12
        assert st.session_state.get("group") is None
        bench.take_point(np.array([0.0, 1.0, 0.0]), "unfiltered")
        assert mixer.current().tolist() == [0.0, 1.0, 0.0]
        assert st.session_state["group"] == "unfiltered"
        mixer.set_free(True)
        bench.take_point(np.array([1.5, -0.5, 0.0]), "")
        assert mixer.current().tolist() == [1.5, -0.5, 0.0]

    app = AppTest.from_function(page).run()
    assert not app.exception
    assert app.session_state["taste"]


def test_a_merged_soup_is_offered_for_download(workspace, visit):
    from vcsoup.ui.download import zipped

    project = full_project(workspace, prompts=0)
    app = visit("soup", view="export", weights="helpful=0.5,harmless=0.5,humorous=0")
    assert app.button(key="merge").label == "Merge this soup"
    key = project.set_key(project.adapter_sets()["filtered"])
    folder = project.root / "merged" / f"{key}-helpful-0_5-harmless-0_5-humorous-0"
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    app.run()
    assert "Download the adapter" in [b.proto.label for b in app.get("download_button")]

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


def test_moves_can_be_undone_and_taken_again(workspace, visit):
    app = open_without_prompts(workspace, visit, weights="helpful=0.2,harmless=0.2,humorous=0.6")
    assert app.button(key="undo").disabled
    app.button(key="preset_harmless").click().run()
    app.slider(key="weight_helpful").set_value(0.5).run()
    assert weights(app) == [0.5, 0.5, 0.0]
    app.button(key="undo").click().run()
    assert weights(app) == [0.0, 1.0, 0.0]
    app.button(key="undo").click().run()
    assert weights(app) == [0.2, 0.2, 0.6]
    assert app.button(key="undo").disabled
    app.button(key="redo").click().run()
    assert weights(app) == [0.0, 1.0, 0.0]
    assert app.query_params["weights"] == "helpful=0,harmless=1,humorous=0"


def test_free_weights_are_an_expert_switch(workspace, visit):
    """Free: -0.5 stays and nothing else moves; back on the simplex (0, 0.2, 0.6) / 0.8."""
    app = open_without_prompts(workspace, visit, weights="helpful=0.2,harmless=0.2,humorous=0.6")
    app.toggle(key="expert").set_value(True).run()
    app.slider(key="free_helpful").set_value(-0.5).run()
    assert [app.slider(key=f"free_{v}").value for v in VALUES] == [-0.5, 0.2, 0.6]
    assert app.query_params["weights"] == "helpful=-0.5,harmless=0.2,humorous=0.6"
    assert app.query_params["free"] == "1"
    assert not [e for e in app.get("bidi_component") if "ternary" in e.proto.id]
    app.toggle(key="expert").set_value(False).run()
    assert weights(app) == [0.0, 0.25, 0.75]
    assert "free" not in app.query_params


def test_a_link_with_free_weights_opens_them(workspace, visit):
    app = open_without_prompts(workspace, visit, weights="helpful=1.5,harmless=-0.25", free="1")
    assert [app.slider(key=f"free_{v}").value for v in VALUES] == [1.5, -0.25, 0.0]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("helpful=0.333334,harmless=0.333333,humorous=0.333333", "0.3333, 0.3333, 0.3333"),
        ("helpful=0.37,harmless=-0.25,humorous=2.52", f"0.37, {MINUS}0.25, 2.52"),
    ],
)
def test_what_is_mixed_is_told_beyond_what_sliders_show(workspace, visit, asked, told):
    """A handle of a coarser step than two decimals would stand beside its figure."""
    app = open_without_prompts(workspace, visit, weights=asked, free="1")
    names = [f"{value} {weight}" for value, weight in zip(VALUES, told.split(", "), strict=True)]
    assert f"Mixed: {', '.join(names)}" in [caption.value for caption in app.caption]
    handles = [app.slider(key=f"free_{value}") for value in VALUES]
    assert [handle.step for handle in handles] == [0.01] * 3


def test_the_whole_screen_is_in_the_address(workspace, visit):
    full_project(workspace)
    asked = {
        "adapters": "unfiltered",
        "weights": "helpful=0.5,harmless=0.25,humorous=0.25",
        "x": "humorous",
        "y": "helpful",
        "view": "ask",
        "prompt": "What is a day?",
    }
    app = visit("soup", **asked)
    assert app.button_group(key="adapters").value == "unfiltered"
    assert weights(app) == [0.5, 0.25, 0.25]
    assert (app.selectbox(key="axis_x").value, app.selectbox(key="axis_y").value) == (
        "humorous",
        "helpful",
    )
    assert app.selectbox(key="prompt").value == "What is a day?"
    assert app.selectbox(key="ask_maximise").value == "helpful"
    assert {name: app.query_params[name] for name in asked} == asked


def test_nonsense_in_the_address_is_left_out(workspace, visit):
    app = open_without_prompts(workspace, visit, view="nope", x="nope", adapters="nope")
    assert app.selectbox(key="axis_x").value == "helpful"
    assert app.query_params["view"] == "answer"
    assert app.query_params["adapters"] == "filtered"


def test_the_triangle_shows_thousandths_and_takes_picks(workspace, visit):
    app = open_without_prompts(workspace, visit, weights="helpful=0.2,harmless=0.2,humorous=0.6")
    drawn = component(app, "ternary")
    assert drawn["values"] == list(VALUES)
    assert drawn["weights"] == [200, 200, 600]
    assert len(drawn["dots"]) == 21
    assert all(sum(dot[:3]) == 1000 for dot in drawn["dots"])
    app.button(key="preset_even").click().run()
    assert component(app, "ternary")["weights"] == [334, 333, 333]
    app.toggle(key="lock_humorous").set_value(True).run()
    assert component(app, "ternary")["locked"] == [2]


def test_two_values_have_no_triangle_and_no_axes(workspace, visit):
    project = hand_project(workspace)
    for value in project.values:
        add_adapter(project, value, "filtered", recorded=False, seed=3)
    app = visit("soup", project="hand")
    assert len(app.slider) == 2
    assert not [e for e in app.get("bidi_component") if "ternary" in e.proto.id]
    assert not [s for s in app.selectbox if s.key == "axis_x"]
    assert app.button(key="explore").label == "Measure the base and 5 soups"


def test_exploring_starts_the_command_with_the_wanted_number(workspace, visit, monkeypatch):
    started = []
    monkeypatch.setattr(
        "vcsoup.jobs.Jobs.start", lambda self, args, **about: started.append((args, about))
    )
    app = open_without_prompts(workspace, visit)
    app.number_input(key="explore_soups").set_value(9)
    app.button(key="explore_more").click().run()
    ((args, about),) = started
    assert args[:7] == ["evaluate", "--project", "demo", "--group", "filtered", "--explore", "9"]
    assert about["title"] == "Measuring 9 soups of filtered adapters"


def test_a_grid_that_was_stopped_is_gone_on_with(workspace, visit, monkeypatch):
    started = []
    monkeypatch.setattr("vcsoup.jobs.Jobs.start", lambda self, args, **about: started.append(args))
    project = full_project(workspace, prompts=0)
    key = project.set_key(project.adapter_sets()["filtered"])
    args = ["evaluate", "--project", "demo", "--group", "filtered", "--grid", "4"]
    about = {"group": "filtered", "adapters": key}
    jobs = Jobs(workspace.jobs_root)
    with job_worker(
        kind="evaluate", title="A grid", project="demo", args=args, jobs_root=jobs.root, slot=False
    ) as worker:
        (job,) = jobs.list()
        spec = job.path / SPEC
        spec.write_text(json.dumps({**json.loads(spec.read_text()), "meta": about}))
        job.stop()
        wait_until(lambda: worker.stop_requested)
    assert job.state == "stopped"
    app = visit("soup")
    app.button(key="explore_rest").click().run()
    assert started == [[*args, "--missing"]]


def test_the_chart_holds_the_measured_soups_and_the_predicted_one(workspace, visit):
    app = open_without_prompts(workspace, visit, weights="helpful=0.9,harmless=0.1,humorous=0")
    chart = component(app, "front")
    assert (chart["x"], chart["y"], len(chart["points"])) == ("helpful", "harmless", 22)
    shown = {point["key"]: point for point in chart["points"]}
    for point in workspace.project("demo").points():
        if point.group == "filtered" and point.weights["humorous"] == 0.4:
            found = shown[format_weights([round(w, 4) for w in point.weights.values()], VALUES)]
            assert found["x"] == point.rewards["helpful"]
            assert found["y"] == point.rewards["harmless"]
    now = chart["current"]
    assert now["state"] == "predicted"
    assert f"about {signed(now['x'])}" == app.metric[0].value
    assert now["xHigh"] - now["x"] == pytest.approx(now["x"] - now["xLow"])
    assert chart["twin"]
    assert {point["group"] for point in chart["twin"]} == {"unfiltered"}
    assert all(point["text"][0].endswith(", unfiltered") for point in chart["twin"])
    heard = [", ".join(point["text"]) for point in [*chart["points"], *chart["twin"]]]
    assert len(set(heard)) == len(heard)
    names = [name for name, _ in chart["legend"]]
    assert names[-2:] == ["unfiltered front", "this soup, predicted"]
    assert "recorded" not in names  # all of them are


def test_the_legend_tells_recorded_points_from_those_measured_here(workspace, visit):
    app = open_without_prompts(workspace, visit, weights="helpful=0.9,harmless=0.1,humorous=0")
    project = workspace.project("demo")
    point = next(p for p in project.points() if p.group == "filtered" and any(p.weights.values()))
    project.save_point(point.model_copy(update={"recorded": False, "seed": point.seed}))
    filled = {name: style["filled"] for name, style in component(app.run(), "front")["legend"]}
    assert (filled["recorded"], filled["measured here"]) == (False, True)


def test_the_chart_rings_a_measured_soup_with_its_interval(workspace, visit):
    app = open_without_prompts(workspace, visit, weights="helpful=0,harmless=1,humorous=0")
    now = component(app, "front")["current"]
    assert now["state"] == "measured"
    assert (now["xHigh"] - now["x"], now["y"] - now["yLow"]) == pytest.approx((0.12, 0.12))


def test_weights_of_an_address_are_named_and_never_obeyed(workspace, visit):
    hostile = "![seen](https://elsewhere.example/a.png)=1"
    app = open_without_prompts(workspace, visit, weights=hostile)
    (told,) = [warning.value for warning in app.warning]
    assert "elsewhere" in told
    assert "![seen](" not in told
