"""Soup, below the chart: asking by constraint, the tasting table, blind votes, bookmarks."""

import pytest
import streamlit as st

from tests.app.fixture_project import VALUES, full_project
from tests.app.scripted_engine import ScriptedEngine, component, settle
from vcsoup.evaluation.win_rates import wilson_interval
from vcsoup.numbers import plain, share, signed
from vcsoup.ui.pouring import make_pourer
from vcsoup.ui.vote import _cast as cast
from vcsoup.ui.vote import _take_back as take_back

HERE = "helpful=0.2,harmless=0.2,humorous=0.6"


def filtered(workspace):
    """Return the measured soups of the filtered adapters, and the base."""
    points = [p for p in workspace.project("demo").points() if p.group == "filtered"]
    return [p for p in points if any(p.weights.values())], next(
        p for p in points if not any(p.weights.values())
    )


def mix(point):
    return ", ".join(f"{v} {plain(w)}" for v, w in point.weights.items() if w)


def captions(app):
    return " | ".join(caption.value for caption in app.caption)


def test_asking_picks_the_best_that_meets_and_says_what_it_beat(workspace, visit):
    full_project(workspace, prompts=0)
    soups, _ = filtered(workspace)
    app = visit("soup", view="ask", weights=HERE)
    app.selectbox(key="ask_harmless").set_value("at least").run()
    app.number_input(key="ask_least_harmless").set_value(0.4).run()
    meets = sorted(
        (p for p in soups if p.rewards["harmless"] >= 0.4), key=lambda p: -p.rewards["helpful"]
    )
    first, second = meets[:2]
    assert any(m.value == f"**{mix(first)}**" for m in app.markdown)
    lead = first.rewards["helpful"] - second.rewards["helpful"]
    assert f"{len(meets)} of 21 measured soups meet this" in captions(app)
    assert f"The next best, {mix(second)}, has {plain(lead)} less of helpful" in captions(app)
    app.button(key="ask_take").click().run()
    shown = [app.slider(key=f"weight_{value}").value for value in VALUES]
    assert shown == pytest.approx([first.weights[value] for value in VALUES])


def test_asking_for_the_base_uses_its_measured_reward(workspace, visit):
    full_project(workspace, prompts=0)
    soups, base = filtered(workspace)
    app = visit("soup", view="ask", weights=HERE)
    for value in ("harmless", "humorous"):
        app.selectbox(key=f"ask_{value}").set_value("at least the base").run()
    met = [
        p for p in soups if all(p.rewards[v] >= base.rewards[v] for v in ("harmless", "humorous"))
    ]
    assert f"{len(met)} of 21 measured soup" in captions(app)


def test_asking_too_much_names_the_constraint_and_the_nearest(workspace, visit):
    full_project(workspace, prompts=0)
    soups, _ = filtered(workspace)
    app = visit("soup", view="ask", weights=HERE)
    app.selectbox(key="ask_harmless").set_value("at least").run()
    app.number_input(key="ask_least_harmless").set_value(9.0).run()
    best = max(soups, key=lambda p: p.rewards["harmless"])
    (said,) = [info.value for info in app.info]
    assert "No measured soup has harmless of +9.00 or more: the best reaches " in said
    assert signed(best.rewards["harmless"]) in said
    assert f"Nearest is {mix(best)}; it lacks {plain(9 - best.rewards['harmless'])} of" in said


def test_bookmarks_are_saved_taken_removed_and_restored(workspace, visit):
    project = full_project(workspace, prompts=0)
    app = visit("soup", view="bookmarks", weights=HERE)
    app.text_input(key="bookmark_name").set_value("*calm* <b>one</b>")
    app.button(key="bookmark_save").click().run()
    assert [b.name for b in project.bookmarks()] == ["*calm* <b>one</b>"]
    assert [text.value for text in app.text] == ["*calm* <b>one</b>"]
    point = next(p for p in filtered(workspace)[0] if list(p.weights.values()) == [0.2, 0.2, 0.6])
    assert f"helpful {signed(point.rewards['helpful'])}" in captions(app)
    app.button(key="preset_even").click().run()
    app.button(key="bookmark_take_0").click().run()
    assert [app.slider(key=f"weight_{v}").value for v in VALUES] == [0.2, 0.2, 0.6]
    app.button(key="bookmark_remove_0").click().run()
    assert project.bookmarks() == []
    app.button(key="bookmark_undo").click().run()
    assert [b.name for b in project.bookmarks()] == ["*calm* <b>one</b>"]
    app.selectbox(key="preset_bookmark").set_value("*calm* <b>one</b>").run()
    app.text_input(key="bookmark_name").set_value("*calm* <b>one</b>")
    app.button(key="bookmark_save").click().run()
    assert r"'\*calm\* \<b\>one\</b\>' already; choose another name" in app.error[0].value


def test_the_table_asks_for_base_corners_and_this_soup_and_shows_differences(workspace, visit):
    full_project(workspace)
    scores = [{"helpful": 0.5, "harmless": 0.0, "humorous": 1.0}]
    scores += [{"helpful": 0.75, "harmless": -0.25, "humorous": 1.0}] * 4
    told = {
        "state": "done",
        "replies": [["Start with a list.", *["Start with a joke."] * 4]] * 2,
        "rewards": [scores] * 2,
    }
    engine = ScriptedEngine(told)
    app = visit("soup", view="table", weights=HERE)
    app.session_state["pourer"] = pourer = make_pourer(lambda: engine)
    app.number_input(key="table_prompts").set_value(2)
    app.number_input(key="table_seed").set_value(5)
    app.button(key="table_pour").click().run()
    settle(pourer, "done")
    app.run()
    (asked,) = engine.requests
    assert asked["prompts"] == ["How do I plan day number 1?", "How do I plan day number 2?"]
    assert asked["seed"] == 5
    assert [list(soup["weights"].values()) for soup in asked["soups"]] == [
        [0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0],
        [0.2, 0.2, 0.6],
    ]
    table = component(app, "answers")
    assert table["columns"][:4] == ["base", *VALUES]
    base, first = table["rows"][0]["cells"][:2]
    assert base["rewards"][0] == ["helpful", "+0.50", "", 0]
    assert first["rewards"] == [
        ["helpful", "+0.75", "+0.25", 1],
        ["harmless", "\N{MINUS SIGN}0.25", "\N{MINUS SIGN}0.25", -1],
        ["humorous", "+1.00", "+0.00", 0],
    ]
    assert ["only", "joke"] in first["spans"]
    assert base["spans"] == [["same", "Start with a list."]]


def test_a_failed_table_is_one_line(workspace, visit):
    full_project(workspace)
    app = visit("soup", view="table", weights=HERE)
    engine = ScriptedEngine({"state": "failed", "error": "the prompt is too long; shorten it"})
    app.session_state["pourer"] = pourer = make_pourer(lambda: engine)
    app.button(key="table_pour").click().run()
    settle(pourer, "failed")
    app.run()
    assert [e.value for e in app.error] == ["the prompt is too long; shorten it"]


def vote_on(app, *answers):
    engine = ScriptedEngine({"state": "done", "replies": [list(answers)], "rewards": [[None] * 2]})
    app.session_state["vote_pourer"] = pourer = make_pourer(lambda: engine)
    app.button(key="vote_pour").click().run()
    settle(pourer, "done")
    app.run()
    return engine


def test_a_blind_vote_is_stored_revealed_counted_and_can_be_taken_back(workspace, visit):
    project = full_project(workspace)
    app = visit("soup", view="vote", weights=HERE)
    engine = vote_on(app, "One <b>way</b>.", "Another way.")
    assert engine.requests[0]["score"] is False
    assert component(app, "vote_answer_0")["text"] == "One <b>way</b>."
    assert "the base" not in [text.value for text in app.text]
    app.button(key="vote_first").click().run()
    (vote,) = project.votes()
    assert (vote.winner, vote.answers) == ("first", ("One <b>way</b>.", "Another way."))
    sides = [dict(vote.first.weights), dict(vote.second.weights)]
    assert sorted(sum(side.values()) for side in sides) == pytest.approx([0.0, 1.0])
    named = [text.value for text in app.text]
    assert "the base" in named
    assert "this soup: helpful 0.20, harmless 0.20, humorous 0.60" in named
    low, high = wilson_interval(1, 1)
    assert app.dataframe[0].proto.alt
    rates = app.dataframe[0].value
    assert rates["votes"].tolist() == [1, 1]
    shown = dict(zip(rates["won"], rates["share won, 95 % interval"], strict=True))
    assert shown["1"] == f"{share(1.0)} ({share(low)} to {share(high)})"
    vote_on(app, "A third way.", "A fourth way.")
    assert not app.dataframe  # who leads would sway the vote
    app.button(key="vote_second").click().run()
    assert app.dataframe[0].value["votes"].tolist() == [2, 2]
    app.button(key="vote_undo").click().run()
    assert project.votes() == [vote]


def test_a_double_click_is_one_vote(workspace, visit, monkeypatch):
    """A second click that comes while the page is drawn anew calls what the first one called."""
    project = full_project(workspace)
    app = visit("soup", view="vote", weights=HERE)
    vote_on(app, "One.", "Another.")
    ballot = app.session_state["ballot"]
    monkeypatch.setattr("streamlit.session_state", {"ballot": ballot})
    for winner in ("first", "first", "second"):
        cast(project, ballot, ("One.", "Another."), winner)
    assert [vote.winner for vote in project.votes()] == ["first"]
    shown = st.session_state["ballot"].vote
    assert shown == project.votes()[0]
    take_back(project, ballot, shown)
    cast(project, ballot, ("One.", "Another."), "second")
    assert [vote.winner for vote in project.votes()] == ["second"]


def test_equal_answers_are_no_vote(workspace, visit):
    full_project(workspace)
    app = visit("soup", view="vote", weights=HERE)
    vote_on(app, "The same.", "The same.")
    assert "say the same" in app.info[0].value
    assert not [button for button in app.button if button.key == "vote_first"]


def test_for_an_audience_only_the_vote_is_shown(workspace, visit):
    full_project(workspace)
    app = visit("soup", view="vote", weights=HERE)
    app.toggle(key="vote_large").set_value(True).run()
    assert not app.slider
    vote_on(app, "One.", "Two.")
    assert component(app, "vote_answer_1") == {
        "text": "Two.",
        "growing": False,
        "large": True,
        "low": False,
    }
