"""Consistency: the count under the threshold, saving, the pairs' reasons, empty and error state."""

import pytest

from tests.app.fixture_project import full_project, hand_project
from vcsoup.ui.numbers import MINUS, SIGMA


def figures(app):
    return {metric.label: metric.value for metric in app.metric}


def test_without_a_project_the_page_leads_home(visit):
    app = visit("consistency")
    assert app.subheader[0].value == "No project yet"
    assert not app.slider


def test_unscored_pairs_get_the_command_that_scores_them(workspace, visit):
    from vcsoup.preferences.pairs import make_pairs
    from vcsoup.workspace import ProjectConfig

    config = ProjectConfig(name="raw", values=("helpful", "harmless"), base="org/base")
    project = workspace.create_project(config)
    project.save_pairs("helpful", make_pairs(["q"], ["good"], ["bad"]), source="test")
    app = visit("consistency")
    assert app.subheader[0].value == "No scored pairs yet"
    assert any("vcsoup score --project raw" in element.value for element in app.markdown)


def test_an_unknown_project_is_an_error_message(workspace, visit):
    hand_project(workspace)
    assert "'nowhere'" in visit("consistency", project="nowhere").error[0].value


@pytest.mark.parametrize(("threshold", "kept"), [(-1.0, 10), (0.0, 9), (0.5, 5), (0.75, 3)])
def test_moving_the_threshold_changes_the_count(workspace, visit, threshold, kept):
    """By hand the ten consistencies are 1, 1, 1, .707, .707, .316, .316, 0, 0, -1."""
    hand_project(workspace)
    app = visit("consistency")
    app.slider(key="threshold").set_value(threshold).run()
    assert figures(app)["Pairs kept"] == str(kept)
    assert figures(app)["Share kept"].replace("\u202f", " ") == f"{kept * 10:.1f} %"


def test_mean_gaps_are_those_of_the_kept_pairs(workspace, visit):
    """At 0.5 the helpful gaps 2, 2, 2, 0, 3 stay: mean 1.8.

    Rewards are half the gaps and their negatives: sum of squares 16 over 20 rewards of mean 0, so
    sigma = sqrt(16 / 19) = 0.91766, and 1.8 / 0.91766 = 1.96.
    """
    hand_project(workspace)
    app = visit("consistency")
    app.slider(key="threshold").set_value(0.5).run()
    assert figures(app)["Gap, helpful"] == f"+1.96 {SIGMA}"
    assert [metric.delta for metric in app.metric][2] == "all pairs +0.87"


def test_the_address_carries_value_and_threshold(workspace, visit):
    full_project(workspace)
    app = visit("consistency", value="harmless", threshold="0.5")
    assert app.session_state["value"] == "harmless"
    assert app.slider(key="threshold").value == 0.5


def test_an_address_with_nonsense_opens_the_page_all_the_same(workspace, visit):
    full_project(workspace)
    app = visit("consistency", value="polite", threshold="high")
    assert app.session_state["value"] == "helpful"
    assert figures(app)["Pairs kept"]


def test_saving_stores_the_threshold_of_this_value_only(workspace, visit):
    project = hand_project(workspace)
    app = visit("consistency")
    app.slider(key="threshold").set_value(0.5).run()
    app.button(key="save_threshold").click().run()
    assert project.thresholds() == {"helpful": 0.5, "harmless": 0.0}
    app.button(key="save_all").click().run()
    assert project.thresholds() == {"helpful": 0.5, "harmless": 0.5}


def test_another_value_opens_at_its_own_saved_threshold(workspace, visit):
    project = hand_project(workspace)
    project.set_threshold("harmless", 0.75)
    app = visit("consistency")
    assert app.slider(key="threshold").value == 0.0
    app.segmented_control(key="value").set_value("harmless").run()
    assert app.slider(key="threshold").value == 0.75
    assert figures(app)["Pairs kept"] == "3"


def test_dropped_pairs_say_why(workspace, visit):
    """At 0.5 five pairs go; the one next to the threshold has gaps (2, -1) / 0.91766."""
    hand_project(workspace)
    app = visit("consistency")
    app.slider(key="threshold").set_value(0.5).run()
    table = app.dataframe[0].value
    assert len(table) == 5
    assert table["reason"].iloc[0] == f"harmless {MINUS}1.09 {SIGMA} against helpful +2.18 {SIGMA}"
    assert sum("may be flipped" in reason for reason in table["reason"]) == 1


def test_kept_pairs_are_listed_on_request(workspace, visit):
    hand_project(workspace)
    app = visit("consistency")
    app.slider(key="threshold").set_value(0.75).run()
    app.segmented_control(key="side").set_value("kept").run()
    table = app.dataframe[0].value
    assert table["reason"].tolist() == ["both values agree"] * 3
    assert table["consistency"].round(6).tolist() == [1.0, 1.0, 1.0]
