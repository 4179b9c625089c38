"""Presenter mode: every step shows its own numbers, the address turns pages, gaps are said."""

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import START
from tests.app.fixture_project import full_project, hand_project
from tests.measured_samples import put_samples
from vcsoup.comparing import compare_project
from vcsoup.evaluation.comparison import detail, headline
from vcsoup.ui.presenter_steps import STEPS


@pytest.fixture
def stage(visit):
    def open_step(step, **query):
        return visit("home", present="1", project="demo", step=step, **query)

    return open_step


def markdown(app):
    return " ".join(element.value for element in app.markdown)


def test_all_steps_run_and_name_their_place(workspace, stage):
    full_project(workspace, n=60, prompts=0)
    for place, step in enumerate(STEPS, start=1):
        app = stage(step.name)
        assert f"{place} of 5" in markdown(app)
        assert app.button(key="stage_previous").disabled == (place == 1)
        assert app.button(key="stage_next").disabled == (place == 5)


def test_the_share_of_conflicts_is_counted_over_all_pairs(workspace, stage):
    project = full_project(workspace, n=60)
    gaps = [project.gaps(value) for value in project.values]
    conflicting = sum(int((g < 0).any(axis=1).sum()) for g in gaps)
    app = stage("data")
    assert app.title[0].value == "Values disagree"
    assert "180 preference pairs" in markdown(app)
    share = f"{conflicting / 180 * 100:.1f}"
    assert f"**{share}" in markdown(app)


def test_another_pair_is_another_pair(workspace, stage):
    full_project(workspace, n=60)
    app = stage("data")
    before = markdown(app)
    app.button(key="stage_another").click().run()
    assert markdown(app) != before


def test_the_pair_is_right_for_its_value_and_wrong_for_another(workspace, stage):
    project = full_project(workspace, n=60)
    app = stage("data")
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)
    bars = figure["data"][0]
    gaps = {told.split()[0]: gap for told, gap in zip(bars["y"], bars["x"], strict=True)}
    own = project.gaps("helpful")
    rights = np.minimum(own[:, 0], -own[:, 1:].min(axis=1))
    assert min(gaps["helpful"], -min(gaps["harmless"], gaps["humorous"])) == pytest.approx(
        rights.max(), abs=1e-5
    )


def test_the_cone_counts_what_the_filter_keeps(workspace, stage):
    project = full_project(workspace, n=60)
    app = stage("cone")
    kept = int((project.consistency("helpful") >= 0.3).sum())
    assert f"**{kept} of 60** helpful pairs at a consistency of 0.30" in markdown(app)
    app.slider(key="stage_threshold").set_value(0.8).run()
    kept = int((project.consistency("helpful") >= 0.8).sum())
    assert f"**{kept} of 60**" in markdown(app)
    assert project.thresholds()["helpful"] == 0.3  # the stage changes nothing


def test_the_last_step_is_the_comparison(workspace, stage):
    project = full_project(workspace, n=60)
    put_samples(project, {"filtered": 1.0, "unfiltered": 0.4}, steps=3)
    found = compare_project(project, "filtered", "unfiltered")
    app = stage("front")
    assert app.title[0].value == headline(found)
    assert detail(found) in markdown(app)


def test_buttons_turn_pages_and_leave(workspace, stage):
    full_project(workspace, n=60)
    app = stage("data")
    app.button(key="stage_next").click().run()
    assert app.query_params["step"] == "cone"
    assert app.title[0].value == "Keep what all values like"
    app.button(key="stage_previous").click().run()
    assert app.title[0].value == "Values disagree"
    app.button(key="stage_leave").click().run()
    assert "present" not in app.query_params
    assert app.title[0].value == "Where does my project stand?"


def test_a_press_of_the_bar_that_still_stands_below_the_next_title_counts_from_that_title(
    workspace, stage
):
    full_project(workspace, n=60)
    app = stage("soup")
    app.query_params["step"] = "adapters"  # the arrow's page has come, but not yet its bar
    app.button(key="stage_next").click().run()
    assert app.query_params["step"] == "soup"


def test_a_strange_step_is_the_first(workspace, stage):
    full_project(workspace, n=60)
    assert stage("<b>").title[0].value == "Values disagree"


def test_a_project_that_is_gone_is_said_and_the_stage_can_be_left(workspace, visit):
    hand_project(workspace)
    app = visit("home", present="1", project="gone", step="cone")
    assert "'gone'" in app.error[0].value
    app.button(key="stage_leave").click().run()
    assert app.selectbox(key="project_choice").options == ["By hand"]


def test_an_address_without_a_project_presents_the_workspaces_own(workspace):
    """The demo is not opened where there is a project to show."""
    hand_project(workspace)
    app = AppTest.from_file(str(START), default_timeout=30)
    app.query_params["present"] = "1"
    app.run()
    assert "1 of 5" in markdown(app)
    assert [project.name for project in workspace.projects()] == ["hand"]


def test_a_step_that_a_judge_spoils_can_be_left(workspace, stage):
    project = full_project(workspace, n=40)
    for value in project.values:
        rewards = project.rewards(value)
        project.save_rewards(value, rewards.assign(harmless_chosen=1.0, harmless_rejected=1.0))
    app = stage("cone")
    assert "the rewards of harmless are all 1" in app.error[0].value
    assert not app.button(key="stage_next").disabled


def test_what_is_not_there_yet_is_said(workspace, visit):
    hand_project(workspace)
    for step in ("adapters", "soup", "front"):
        app = visit("home", present="1", project="hand", step=step)
        said = " ".join(c.value for c in app.caption) + markdown(app)
        assert "yet" in said.lower()


def test_home_offers_to_present(workspace, visit):
    full_project(workspace, n=60)
    app = visit("home")
    app.button(key="present").click().run()
    assert app.query_params["present"] == "1"
    assert app.title[0].value == "Values disagree"
