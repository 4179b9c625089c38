"""Consistency: what is said of the kept share: what chance would keep of it, of none, of flips."""

import numpy as np
import pytest

from tests.app.fixture_project import HAND_GAPS, hand_project, store_gaps
from tests.app.scripted_engine import component
from vcsoup.cli.filters import _retention
from vcsoup.filtering import PairFilter
from vcsoup.numbers import signed
from vcsoup.training.config import PRESETS


def strips(app):
    return {strip["value"]: strip for strip in component(app, "cockpit")["sets"]}


def test_chance_counts_as_the_share_beside_it_does(workspace, visit):
    """At random two values reach 0.5 in arccos(0.5) / pi, a third of all cases.

    As often they are at -0.5 or below, which counts where flips are exchanged. Two of the ten pairs
    of `HAND_GAPS` are shorter than 2 standard deviations, which leaves 8 of 10 of the third.
    """
    hand_project(workspace)
    at = {"tau.helpful": "0.5"}

    def by_chance(**query):
        app = visit("consistency", **at, **query)
        return app, strips(app)["helpful"]["chance"][150]  # hundredths, from -1

    assert by_chance()[1] == pytest.approx(1 / 3, abs=1e-4)
    assert by_chance(flip="helpful")[1] == pytest.approx(2 / 3, abs=1e-4)
    app, chance = by_chance(norm="2", view="sweep")
    assert chance == pytest.approx(0.8 / 3, abs=1e-4)
    curves = component(app, "sweep_panels")["panels"][0]["series"]
    assert curves[1]["ys"][150] == pytest.approx(0.8 / 3, abs=1e-4)


def test_pairs_that_only_watch_a_run_are_in_no_epoch(workspace, visit):
    """Of 50 kept pairs 5 %, rounded 2, are held out to watch the run: an epoch is of 48."""
    project = hand_project(workspace)
    store_gaps(project, "helpful", np.tile(HAND_GAPS, (10, 1)))
    characters = (project.lengths("helpful") @ [2, 1, 1]).reshape(10, 10)[:, [0, 1, 2, 3, 9]].sum()
    strip = strips(visit("consistency", **{"tau.helpful": "0.5"}))["helpful"]
    assert strip["exact"] == 50
    tokens, passes = strip["lines"]
    assert tokens == f"about {round(characters * 48 / 50 / 4):,} tokens an epoch (guess)"
    seen = PRESETS["paper"].steps * PRESETS["paper"].batch_size
    assert passes.startswith(f"{seen / 48:.1f} epochs a run")


def test_where_nothing_is_kept_the_bias_view_claims_nothing(workspace, visit):
    hand_project(workspace)
    app = visit("consistency", view="bias", norm="20")
    assert [strip["exact"] for strip in strips(app).values()] == [0, 0]
    assert "No pair of helpful is kept" in app.info[0].value
    assert not any("alike" in markdown.value for markdown in app.markdown)


def test_mean_gaps_with_exchanged_pairs_are_those_of_the_command_filter(workspace, visit):
    """11 / 6 in sigmas of 0.91766 is 2.00 with the exchanged pair; 9 / 5 without it is 1.96."""
    project = hand_project(workspace)
    wanted = PairFilter(threshold=0.5, flip=True)
    told = _retention(project, "helpful", wanted)["mean_gap"]
    project.set_filter("helpful", wanted)
    app = visit("consistency")
    assert strips(app)["helpful"]["gaps"] == [
        ["helpful", "+0.87", signed(told["helpful"])],
        ["harmless", "+0.87", signed(told["harmless"])],
    ]
    assert signed(told["helpful"]) == "+2.00"
    assert "their gaps turned" in " ".join(caption.value for caption in app.caption)
