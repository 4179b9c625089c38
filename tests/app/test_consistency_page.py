"""Consistency: the numbers on the strips, the rules, saving, views, empty and error states.

The components draw in a browser (`tests/e2e/test_cockpit.py`); here their data are looked at.
"""

import json

import numpy as np
import pandas as pd
import pytest

from tests.app.fixture_project import full_project, hand_project, store_gaps
from vcsoup.filtering import PairFilter
from vcsoup.numbers import MINUS, SIGMA, THIN
from vcsoup.pair_export import ExportPlan, export_bytes
from vcsoup.training.config import PRESETS
from vcsoup.ui import cockpit, cost, drafting
from vcsoup.ui.cost import TOKENS_TOLD
from vcsoup.workspace import ProjectConfig


def drawn(app, name):
    """Return the data of a drawn component; None when it is not on the page."""
    found = [part for part in app.get("bidi_component") if part.proto.component_name == name]
    return json.loads(found[0].proto.json) if found else None


def strips(app):
    return {strip["value"]: strip for strip in drawn(app, "vcsoup.cockpit")["sets"]}


def counts(app):
    return {value: strip["exact"] for value, strip in strips(app).items()}


def address(app):
    return dict(drawn(app, "vcsoup.cockpit")["address"]["query"])


def listed(app):
    """Return the page of pairs that is listed."""
    return pd.DataFrame(drawn(app, "vcsoup.pair_list")["pairs"])


def captions(app):
    return [element.value for element in app.caption]


def test_without_a_project_the_page_leads_home(visit):
    app = visit("consistency")
    assert app.subheader[0].value == "No project yet"
    assert drawn(app, "vcsoup.cockpit") is None


def test_unscored_pairs_get_the_command_that_scores_them(workspace, visit):
    from vcsoup.preferences.pairs import make_pairs

    config = ProjectConfig(name="raw", values=("helpful", "harmless"), base="org/base")
    project = workspace.create_project(config)
    project.save_pairs("helpful", make_pairs(["q"], ["good"], ["bad"]), source="test")
    app = visit("consistency")
    assert app.subheader[0].value == "No scored pairs yet"
    assert any("vcsoup score --project raw" in element.value for element in app.markdown)


def test_an_unknown_project_is_an_error_message(workspace, visit):
    hand_project(workspace)
    assert "nowhere" in visit("consistency", project="nowhere").error[0].value


@pytest.mark.parametrize(("threshold", "kept"), [("-1.0", 10), ("0.0", 9), ("0.5", 5), ("0.75", 3)])
def test_a_threshold_keeps_what_was_counted_by_hand(workspace, visit, threshold, kept):
    """By hand the ten consistencies are 1, 1, 1, .707, .707, .316, .316, 0, 0, -1."""
    hand_project(workspace)
    app = visit("consistency", **{"tau.helpful": threshold})
    assert counts(app) == {"helpful": kept, "harmless": 9}
    strip = strips(app)["helpful"]
    assert [strip["kept"][place] for place in (0, 100, 150, 175)] == [10, 9, 5, 3]
    assert sum(strip["bins"]) == 10


def test_mean_gaps_are_those_of_the_kept_pairs(workspace, visit):
    """At 0.5 the helpful gaps 2, 2, 2, 0, 3 stay: mean 1.8; all ten have mean 0.8.

    Rewards are half the gaps and their negatives: sum of squares 16 over 20 rewards of mean 0, so
    sigma = sqrt(16 / 19) = 0.91766, and 1.8 / 0.91766 = 1.96.
    """
    hand_project(workspace)
    app = visit("consistency", **{"tau.helpful": "0.5"})
    assert strips(app)["helpful"]["gaps"][0] == ["helpful", "+0.87", "+1.96"]
    panel = drawn(app, "vcsoup.panels")["panels"][0]
    assert panel["title"] == f"helpful: mean +0.87 → +1.96{THIN}{SIGMA}"
    assert [sum(series["ys"]) for series in panel["series"]] == [10, 5]


def test_tokens_and_passes_follow_the_kept_pairs(workspace, visit):
    """Five pairs are kept; a run reads each prompt with both answers, four characters a token.

    The "paper" preset sees steps x batch pairs in a run; five are kept.
    """
    project = hand_project(workspace)
    characters = (project.lengths("helpful")[[0, 1, 2, 3, 9]] @ [2, 1, 1]).sum()
    app = visit("consistency", **{"tau.helpful": "0.5"})
    tokens, passes = strips(app)["helpful"]["lines"]
    assert tokens == f"about {round(characters / 4)} tokens an epoch (guess)"
    assert TOKENS_TOLD in " ".join(caption.value for caption in app.caption)
    seen = PRESETS["paper"].steps * PRESETS["paper"].batch_size
    assert passes.startswith(f"{seen / 5:.1f} epochs a run")


def test_kept_pairs_with_a_held_out_prompt_are_not_trained_on(workspace, visit):
    """Of the five pairs that 0.5 keeps, two ask what soups are measured on: three are trained on.

    Train says the same number.
    """
    project = hand_project(workspace)
    pairs = project.pairs("helpful")["prompt"]
    project.save_held_out_prompts([pairs[0], pairs[1], pairs[7]])
    project.set_threshold("helpful", 0.5)
    app = visit("consistency")
    (load,) = cost.loads_of(project, [("helpful", "filtered")])
    assert (counts(app)["helpful"], load.kept) == (5, 3)
    seen = PRESETS["paper"].steps * PRESETS["paper"].batch_size
    characters = project.lengths("helpful")[[0, 1, 2, 3, 9]] @ [2, 1, 1]
    tokens, passes = strips(app)["helpful"]["lines"]
    assert tokens == f"about {round(characters.mean() * 3 / 4)} tokens an epoch (guess)"
    assert passes.startswith(f"{seen / 3:.1f} epochs a run")
    told = " ".join(captions(app))
    assert "not trained on, as their prompt is held out to measure soups: 2 of helpful" in told


def test_the_address_opens_what_it_names(workspace, visit):
    full_project(workspace)
    asked = {"tau.harmless": "0.5", "norm": "0.75", "scale": "shared", "view": "sweep"}
    app = visit("consistency", value="harmless", **asked)
    assert strips(app)["harmless"]["focus"]
    written = address(app)
    assert {key: written[key] for key in asked} == asked
    assert (written["value"], written["tau.helpful"]) == ("harmless", "0.3")
    gaps = workspace.project("demo").gaps("harmless", scale="shared")
    wanted = PairFilter(threshold=0.5, min_norm=0.75)
    assert counts(app)["harmless"] == wanted.mask(gaps).sum()
    assert drawn(app, "vcsoup.panels")["mark"] == 0.5


def test_an_address_with_nonsense_opens_the_page_and_says_so(workspace, visit):
    full_project(workspace)
    app = visit("consistency", value="polite", view="pie", **{"tau.helpful": "high"})
    assert strips(app)["helpful"]["focus"]
    assert counts(app)["helpful"] > 0
    told = " ".join(warning.value for warning in app.warning)
    assert all(word in told for word in ("polite", "pie", "high"))


@pytest.mark.parametrize("K", [2, 8])
def test_from_two_to_eight_values(workspace, visit, K):
    names = tuple(f"value-{k}" for k in range(K))
    config = ProjectConfig(name="many", values=names, base="org/base")
    project = workspace.create_project(config)
    rng = np.random.default_rng(K)
    for value in names:
        store_gaps(project, value, rng.normal(0.3, 1.0, (200, K)))
    for view in ("gaps", "map", "pairs", "flips", "sweep", "bias"):
        app = visit("consistency", view=view, **{"tau.value-1": "0.4"})
        assert not app.error
        expected = PairFilter(threshold=0.4).count(project.gaps("value-1"))
        assert counts(app)["value-1"] == expected
    assert any("in all 200 prompts (" in caption.value for caption in app.caption)
    assert len(strips(app)) == K


def test_saving_makes_the_draft_the_projects_filter(workspace, visit):
    project = hand_project(workspace)
    app = visit("consistency", norm="1.5", flip="helpful", **{"tau.helpful": "0.5"})
    told = "Not saved: helpful 0.50, helpful with flips, norm 1.50."
    assert told in captions(app)
    app.button(key="save_filter").click().run()
    assert project.filters() == {
        "helpful": PairFilter(threshold=0.5, min_norm=1.5, flip=True),
        "harmless": PairFilter(threshold=0.0, min_norm=1.5),
    }
    assert "Saved." in captions(app)
    assert app.button(key="save_filter").disabled


def test_copying_undoing_and_going_back_to_the_saved(workspace, visit):
    hand_project(workspace)
    app = visit("consistency", **{"tau.helpful": "0.5"})
    app.button(key="copy_to_all").click().run()
    assert counts(app) == {"helpful": 5, "harmless": 5}
    app.button(key="step_undo").click().run()
    assert counts(app) == {"helpful": 5, "harmless": 9}
    app.button(key="step_redo").click().run()
    assert counts(app) == {"helpful": 5, "harmless": 5}
    app.button(key="step_reset").click().run()
    assert counts(app) == {"helpful": 9, "harmless": 9}


def test_equal_sizes_raise_all_to_the_smallest(workspace, visit):
    project = full_project(workspace)
    app = visit("consistency", **{"tau.helpful": "0.8"})
    fewest = min(counts(app).values())
    app.button(key="equal_sizes").click().run()
    assert set(counts(app).values()) == {fewest}
    tau = float(address(app)["tau.harmless"])
    assert (project.consistency("harmless") >= tau).sum() == fewest


@pytest.mark.parametrize("percent", [0.1, 20.0, 100.0])
def test_keeping_a_share_keeps_exactly_so_many(workspace, visit, percent):
    """Of 600 pairs 0.1 % is 0.6, so one; the threshold is that pair's own consistency."""
    project = full_project(workspace)
    app = visit("consistency")
    app.number_input(key="share_wanted").set_value(percent).run()
    app.button(key="keep_share").click().run()
    kept = max(1, round(6 * percent))
    assert counts(app)["helpful"] == kept
    assert float(address(app)["tau.helpful"]) in project.consistency("helpful")


def test_the_minimum_norm_drops_weak_pairs_everywhere(workspace, visit):
    project = full_project(workspace)
    app = visit("consistency")
    app.slider(key="norm_choice").set_value(1.5).run()
    for value in project.values:
        expected = PairFilter(threshold=0.3, min_norm=1.5).count(project.gaps(value))
        assert counts(app)[value] == expected
        assert strips(app)[value]["passing"] < 600


def test_a_move_that_brings_the_address_of_the_one_before_counts(workspace, visit):
    """The browser writes the address when a drawing arrives, and a hand may be faster."""
    full_project(workspace)
    app = visit("consistency")
    app.slider(key="norm_choice").set_value(1.0).run()
    late = address(app)
    app.slider(key="norm_choice").set_value(1.5).run()
    app.query_params.update(late)
    app.slider(key="norm_choice").set_value(2.0).run()
    assert (late["norm"], address(app)["norm"]) == ("1", "2")
    app.query_params.update({**late, "norm": "3"})  # a link
    app.run()
    assert address(app)["norm"] == "3"


def test_a_move_of_the_hand_becomes_a_step(workspace, visit, monkeypatch):
    """The browser sends all thresholds and the number of its move; wild ones are left out."""
    project = hand_project(workspace)
    desk = drafting.adopt(
        drafting._new(project, project.values), drafting.read_address({}, project.values)
    )
    move = {"seq": 7, "focus": "harmless", "thresholds": {"helpful": 0.75, "harmless": 9.0}}
    session = {"filter_desk": desk, "cockpit": {"moved": move}}
    monkeypatch.setattr(drafting.st, "session_state", session)
    cockpit._moved()
    moved = session["filter_desk"]
    assert (moved.focus, moved.seq) == ("harmless", 7)
    assert dict(moved.draft.thresholds) == {"helpful": 0.75, "harmless": 0.0}
    session["cockpit"] = {"asked": {"seq": 8, "command": "undo"}}
    cockpit._asked()
    assert dict(session["filter_desk"].draft.thresholds) == {"helpful": 0.0, "harmless": 0.0}
    del session["cockpit"]  # the page was left before the message came
    cockpit._moved()
    cockpit._asked()


def test_dropped_pairs_say_why(workspace, visit):
    """At 0.5 five pairs go; the one next to the threshold has gaps (2, -1) / 0.91766."""
    hand_project(workspace)
    app = visit("consistency", view="pairs", **{"tau.helpful": "0.5"})
    table = listed(app)
    assert len(table) == 5
    assert table["reason"].iloc[0] == f"harmless {MINUS}1.09 {SIGMA} against helpful +2.18 {SIGMA}"
    assert sum("may be flipped" in reason for reason in table["reason"]) == 1
    assert any(part.value.startswith("**Dropped: harmless") for part in app.markdown)
    assert drawn(app, "vcsoup.gap_bars")["gaps"][1][1] == pytest.approx(-1.0897, abs=1e-4)


def test_a_pair_just_below_the_threshold_does_not_read_as_above(workspace, visit):
    """Two of the ten have the consistency 1 / sqrt(10) = 0.31623, which two decimals make 0.32."""
    hand_project(workspace)
    table = listed(visit("consistency", view="pairs", **{"tau.helpful": "0.32"}))
    assert table[["consistency", "side"]].values.tolist()[:2] == [["+0.316", "dropped"]] * 2


def test_kept_pairs_and_search(workspace, visit):
    hand_project(workspace)
    app = visit("consistency", view="pairs", **{"tau.helpful": "0.75"})
    app.segmented_control(key="side").set_value("kept").run()
    table = listed(app)
    assert table["reason"].tolist() == ["both values agree"] * 3
    assert table["consistency"].tolist() == ["+1.00"] * 3
    app.text_input(key="pair_search").set_value("NUMBER 9 for").run()
    assert listed(app)["prompt"].tolist() == ["How do I plan day number 9 for helpful?"]
    assert "Found in 1 pair, on both sides; searched 10 of 10." in captions(app)


def test_the_address_opens_a_pair(workspace, visit):
    project = hand_project(workspace)
    pair = project.pairs("helpful")["id"].iloc[8]
    app = visit("consistency", view="pairs", pair=pair, **{"tau.helpful": "0.5"})
    assert any(f"Pair {pair}." in caption for caption in captions(app))
    assert any("prefer the rejected answer" in part.value for part in app.markdown)


def test_weak_pairs_are_told_apart_from_conflicts(workspace, visit):
    """Gaps (1, -1) / 0.91766 have norm 1.54."""
    hand_project(workspace)
    app = visit("consistency", view="pairs", norm="2", **{"tau.helpful": "-1"})
    assert set(listed(app)["reason"]) == {"weak evidence: norm 1.54 below 2.00"}


def test_flips_are_listed_and_exchanged_on_request(workspace, visit):
    hand_project(workspace)
    app = visit("consistency", view="flips", **{"tau.helpful": "0.5"})
    assert any("**1 likely flip**" in part.value for part in app.markdown)
    assert not app.toggle(key="flip_choice").value
    app.toggle(key="flip_choice").set_value(True).run()
    assert strips(app)["helpful"]["exact_flips"] == 1
    assert listed(app)["side"].tolist() == ["exchanged"]
    assert address(app)["flip"] == "helpful"
    low = visit("consistency", view="flips", **{"tau.helpful": "-0.5"})
    assert "above 0" in low.info[0].value


def test_named_filters_are_saved_applied_deleted_and_brought_back(workspace, visit):
    project = hand_project(workspace)
    app = visit("consistency", **{"tau.helpful": "0.5"})
    app.text_input(key="filter_name").set_value("strict <b>one</b>")
    app.text_input(key="filter_note").set_value("for the demo")
    next(b for b in app.button if b.label == "Save under this name").click().run()
    (named,) = project.named_filters()
    assert (named.name, named.note, named.counts["helpful"]) == (
        *("strict <b>one</b>", "for the demo", (5, 10)),
    )
    assert "strict <b>one</b>" in [text.value for text in app.text]
    app.button(key="step_reset").click().run()
    assert counts(app)["helpful"] == 9
    app.button(key=f"apply_{named.created}").click().run()
    assert counts(app)["helpful"] == 5
    app.button(key=f"delete_{named.created}").click().run()
    assert project.named_filters() == []
    app.button(key="undelete_filter").click().run()
    assert project.named_filters() == [named]


def test_a_named_filter_that_is_gone_already_is_deleted_without_a_word(workspace, visit):
    project = hand_project(workspace)
    named = project.save_named_filter("old", project.filters(), scale="dataset")
    app = visit("consistency")
    project.delete_named_filter("old")  # by a second click, or in another window
    app.button(key=f"delete_{named.created}").click().run()
    assert not app.exception
    assert "undelete_filter" not in [button.key for button in app.button]
    assert project.named_filters() == []


def test_a_named_filter_of_other_rewards_is_marked(workspace, visit):
    project = hand_project(workspace)
    project.save_named_filter("old", project.filters(), scale="dataset")
    store_gaps(project, "helpful", np.random.default_rng(0).normal(size=(10, 2)))
    assert "stale" in [badge.value for badge in visit("consistency").get("badge")] or any(
        "stale" in part.value for part in visit("consistency").markdown
    )


def test_the_sweep_shows_conflicts_and_lengths(workspace, visit):
    """At 0.5 the pairs (2, 2), (2, 2), (2, 0), (0, 2), (3, 3) stay: no conflict, 3 characters."""
    hand_project(workspace)
    app = visit("consistency", view="sweep", **{"tau.helpful": "0.5"})
    kept, gaps, conflicts, lengths = drawn(app, "vcsoup.panels")["panels"]
    assert kept["series"][0]["now"] == 0.5
    assert gaps["series"][0]["now"] == pytest.approx(1.9615, abs=1e-3)
    assert conflicts["series"][0]["now"] == 0.0
    assert conflicts["series"][0]["ys"][0] == 0.5  # at -1: five of ten
    assert lengths["series"][0]["now"] == 3.0


def test_a_download_has_exactly_the_kept_pairs(workspace):
    project = hand_project(workspace)
    wanted = PairFilter(threshold=0.5)
    written = export_bytes(project, "helpful", ExportPlan(pair_filter=wanted))
    lines = [json.loads(line) for line in written.decode().splitlines()]
    kept = project.pairs("helpful").loc[wanted.mask(project.gaps("helpful"))]
    assert [line["prompt"][0]["content"] for line in lines] == [
        prompt[0]["content"] for prompt in kept["prompt"]
    ]
    assert [line["chosen"][0]["content"] for line in lines] == kept["chosen"].tolist()
