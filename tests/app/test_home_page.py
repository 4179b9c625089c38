"""Home: empty, happy and error state, the cards' numbers, the project picker."""

import json

import pytest

from tests.app.fixture_project import (
    HAND_GAPS,
    add_adapter,
    full_project,
    hand_project,
    store_gaps,
)
from tests.app.fixture_runs import training
from vcsoup.rewards.spec import RewardSpec


def texts(app):
    return [element.value for element in (*app.markdown, *app.caption)]


def test_an_empty_workspace_offers_the_demo(workspace, visit):
    app = visit("home")
    assert app.button(key="open_demo").label == "Open the demo"
    assert not app.metric


def test_cards_count_what_the_project_holds(workspace, visit):
    """3 x 600 pairs; 2 groups x 3 adapters; 21 grid points and the base per group."""
    full_project(workspace)
    app = visit("home")
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["pairs"] == "1,800"
    assert shown["thresholds"] == "0.30"
    assert shown["adapters"] == "6"
    assert shown["soups"] == "21"
    assert "0 trained here, 6 recorded" in texts(app)
    assert "filtered adapters, 21 recorded" in texts(app)


def test_the_front_says_which_of_its_marks_are_recorded(workspace, visit):
    project = full_project(workspace)
    assert any(text.endswith("All are recorded.") for text in texts(visit("home")))
    key = project.set_key(project.adapter_set("filtered"))
    corner = next(point for point in project.points(key) if point.weights.get("helpful") == 1)
    project.save_point(corner.model_copy(update={"recorded": False}))
    assert any("Filled: measured here." in text for text in texts(visit("home")))


def test_the_next_step_is_marked(workspace, visit):
    """Pairs and thresholds are there, nothing is trained: adapters come next."""
    hand_project(workspace)
    badges = " ".join(element.value for element in visit("home").markdown)
    assert "step 3 of 5, adapters" in badges
    assert badges.count("next") == 1


def test_pairs_that_are_still_to_come_are_next_not_to_be_looked_at_again(workspace, visit):
    """A new project: no pairs, then pairs without rewards, then rewards of a former judge."""
    hand = hand_project(workspace)
    pairs = {value: hand.pairs(value) for value in hand.values}
    project = workspace.create_project(hand.config.model_copy(update={"name": "new"}))

    def pairs_card() -> list[str]:
        shown = texts(visit("home", project="new"))
        marks = ("look again", "yet: ", "no current")
        return [text for text in shown if any(mark in text for mark in marks)]

    assert pairs_card() == ["no pairs yet: helpful, harmless"]
    for value in project.values:
        project.save_pairs(value, pairs[value], source="by hand", report={})
    assert pairs_card() == ["not scored yet: helpful, harmless"]
    store_gaps(project, "helpful", HAND_GAPS)
    project.set_reward("helpful", RewardSpec(kind="length"))
    again, told = pairs_card()
    assert "look again" in again
    assert told == "no current rewards: helpful, harmless"


@pytest.mark.parametrize("recorded", [False, True], ids=["own", "recorded"])
def test_changed_thresholds_mark_adapters_as_stale(workspace, visit, recorded):
    project = full_project(workspace)
    add_adapter(project, "harmless", "filtered", recorded=recorded, seed=7)
    assert "another filter" not in texts(visit("home"))
    project.set_threshold("harmless", 0.6)
    assert "trained with another filter: harmless" in texts(visit("home"))


def test_replaced_pairs_mark_own_adapters_as_stale(workspace, visit):
    project = full_project(workspace)
    add_adapter(project, "harmless", "filtered", recorded=False, seed=7)
    own = project.adapter_sets()["filtered"]["harmless"]
    path = own.path / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"data_hash": project.datasets()["harmless"].hash}))
    assert "former pairs" not in texts(visit("home"))
    path.write_text(json.dumps(manifest | {"data_hash": "0123456789abcdef"}))
    assert "trained on former pairs: harmless" in texts(visit("home"))


def test_the_picker_switches_the_project_and_its_numbers(workspace, visit):
    full_project(workspace)
    hand_project(workspace)
    app = visit("home")
    assert app.metric[0].value == "20"  # the newest project: two values of ten pairs
    assert app.selectbox(key="project_choice").options == ["Everyday helper", "By hand"]
    app.selectbox(key="project_choice").select("Everyday helper").run()
    assert app.metric[0].value == "1,800"
    assert app.query_params["project"] == "demo"


def test_projects_of_one_title_are_told_apart_by_their_names(workspace, visit):
    first = hand_project(workspace)
    workspace.create_project(first.config.model_copy(update={"name": "again"}))
    options = visit("home").selectbox(key="project_choice").options
    assert options == ["By hand (hand)", "By hand (again)"]


@pytest.mark.parametrize(
    ("name", "told"), [("nowhere", "hand"), ("No where", "cannot be used")], ids=["gone", "no name"]
)
def test_an_unknown_project_is_named_with_those_that_exist(workspace, visit, name, told):
    hand_project(workspace)
    app = visit("home", project=name)
    assert repr(name) in app.error[0].value
    assert told in app.error[0].value
    assert app.selectbox(key="project_choice").options == ["By hand"]


def test_what_a_project_is_called_is_shown_and_never_obeyed(workspace, visit):
    """A project file that somebody sent may carry pictures of another server and links."""
    project = full_project(workspace)
    hostile = "![seen](https://elsewhere.example/a.png) [log in](https://elsewhere.example)"
    changed = {"title": f"Mine {hostile}", "description": f"About {hostile}"}
    workspace.update_project(project.config.model_copy(update=changed))
    shown = texts(visit("home"))
    assert sum("elsewhere" in text for text in shown) == 3, "in the title, the text and the chip"
    assert not any(mark in text for text in shown for mark in ("![seen](", "[log in]("))
    assert not any("\\\\" in text for text in shown), (
        "brackets are escaped once, or they make links"
    )


def test_a_project_is_renamed_removed_and_brought_back(workspace, visit):
    full_project(workspace)
    hand = hand_project(workspace)
    app = visit("home", project=hand.name)
    app.text_input(key=f"title_of_{hand.name}").set_value("Kind and short")
    app.button(key="rename_project").click().run()
    assert "**Kind and short** balances helpful and harmless." in texts(app)
    app.button(key="remove_project").click().run()
    assert not app.exception
    assert app.query_params["project"] == "demo"  # the newest of those that are left
    assert ":material/delete: **Kind and short** is in the bin." in texts(app)
    app.button(key="undo_project").click().run()
    assert app.query_params["project"] == hand.name
    assert workspace.bin.entries() == []


def test_a_new_title_leaves_what_another_tab_has_changed(workspace, visit):
    project = full_project(workspace)
    app = visit("home")
    changed = workspace.update_project(project.config.model_copy(update={"base": "org/another"}))
    app.text_input(key="title_of_demo").set_value("Kind and short")
    app.button(key="rename_project").click().run()
    assert workspace.project("demo").config == changed.config.titled("Kind and short")


def test_a_project_of_the_bin_is_deleted_for_good(workspace, visit):
    full_project(workspace)
    app = visit("home")
    app.button(key="remove_project").click().run()
    assert app.button(key="open_demo").label == "Open the demo"  # nothing else is there
    app.button(key="delete_project_now_demo").click().run()
    assert not app.exception
    assert (workspace.projects(), workspace.bin.entries()) == ([], [])
    assert not [button for button in app.button if "undo" in str(button.key)]


def test_a_project_with_work_under_way_stays_and_says_why(workspace, visit):
    full_project(workspace)
    with training(workspace, "helpful"):
        app = visit("home")
        app.button(key="remove_project").click().run()
        told = "1 job of project demo runs or waits (helpful, filtered); stop before removing it"
        assert [error.value for error in app.error] == [told]
    assert [project.name for project in workspace.projects()] == ["demo"]


@pytest.mark.parametrize("name", ["data", "consistency", "train", "soup", "compare"])
def test_every_page_without_a_project_opens_the_demo_in_place(workspace, visit, name):
    app = visit(name)
    assert app.subheader[0].value == "No project yet"
    app.button(key="open_demo").click().run(timeout=120)
    assert not app.exception
    assert [project.name for project in workspace.projects()] == ["demo"]
    assert "No project yet" not in [heading.value for heading in app.subheader]
