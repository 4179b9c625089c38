"""What the screens compute beside drawing: reasons, soups, stages, durations. By hand."""

import pytest

from vcsoup.evaluation.win_rates import WinRate
from vcsoup.numbers import DASH, MINUS, SIGMA, THIN, duration, signed
from vcsoup.reasons import keep_reason
from vcsoup.ui.pipeline import Stage, standing
from vcsoup.ui.soups import balance, base_rewards, on_axes, point_table, stored_weights, uneven_told
from vcsoup.workspace import Point

VALUES = ("helpful", "harmless")


@pytest.mark.parametrize(
    ("gaps", "kept", "reason"),
    [
        ({"a": 2.1, "b": -1.8}, False, f"b {MINUS}1.80 {SIGMA} against a +2.10 {SIGMA}"),
        ({"a": 2.1, "b": -0.3}, True, f"a +2.10 {SIGMA} outweighs b {MINUS}0.30 {SIGMA}"),
        ({"a": 1.0, "b": 0.5, "c": 2.0}, True, "all 3 values agree"),
        ({"a": 1.0, "b": 0.01, "c": 2.0}, True, "a and c agree, nothing against"),
        ({"a": 1.0, "b": 0.01}, True, "a agrees, nothing against"),
        ({"a": 1.0, "b": 0.01}, False, f"lopsided: a +1.00 {SIGMA}, b 0.01 {SIGMA}"),
        (
            {"a": -1.0, "b": -0.5},
            False,
            "both values prefer the rejected answer: the label may be flipped",
        ),
        (
            {"a": -1.0, "b": 0.0},
            False,
            "a prefers the rejected answer: the label may be flipped",
        ),
        ({"a": 0.0, "b": 0.0}, False, "no value prefers either answer"),
    ],
)
def test_reasons_read_like_sentences(gaps, kept, reason):
    assert keep_reason(gaps, kept=kept) == reason


def point(weights, rewards, *, n_prompts=8, recorded=False, created="2026-01-01"):
    named = dict(zip(VALUES, rewards, strict=True))
    return Point(
        set_key="k",
        group="filtered",
        weights=dict(zip(VALUES, weights, strict=True)),
        rewards=named,
        low={value: reward - 1 for value, reward in named.items()},
        high={value: reward + 1 for value, reward in named.items()},
        n_prompts=n_prompts,
        recorded=recorded,
        created=created,
    )


def soups():
    """Gains over the base (1, 1): (3, -1), (-1, 3), (1.5, 1), (0.5, 0.5); the last is beaten."""
    return point_table(
        [
            point((0, 0), (1, 1)),
            point((1, 0), (4, 0)),
            point((0, 1), (0, 4)),
            point((0.5, 0.5), (2.5, 2)),
            point((0.25, 0.75), (1.5, 1.5)),
        ],
        VALUES,
    )


def test_point_table_knows_roles_and_who_is_beaten():
    table = soups()
    assert table["role"].tolist() == ["base", "corner", "corner", "soup", "soup"]
    assert table["label"].tolist() == ["base", "helpful", "harmless", "", ""]
    assert table["beaten"].tolist() == [False, False, False, False, True]
    assert base_rewards(table, VALUES) == {"helpful": 1.0, "harmless": 1.0}


def test_the_best_balanced_soup_has_the_largest_worst_gain():
    best = balance(soups(), VALUES)
    assert (best.key, best.gain) == ("helpful=0.5,harmless=0.5", 1.0)


def test_gains_are_balanced_in_spreads_of_the_base_where_these_are_known():
    """Gains (1.5, 1) and (2.4, 0.6); in units of 4 and 1: (0.375, 1) and (0.6, 0.6)."""
    points = [point((0, 0), (1, 1)), point((0.5, 0.5), (2.5, 2)), point((0.2, 0.8), (3.4, 1.6))]
    assert balance(point_table(points, VALUES), VALUES).key == "helpful=0.5,harmless=0.5"
    best = balance(point_table(points, VALUES, spread=[4.0, 1.0]), VALUES)
    assert (best.key, best.unit) == ("helpful=0.2,harmless=0.8", " \N{GREEK SMALL LETTER SIGMA}")
    assert best.gain == pytest.approx(0.6)


def test_no_balance_without_the_base():
    assert balance(point_table([point((1, 0), (4, 0))], VALUES), VALUES) is None
    assert balance(point_table([], VALUES), VALUES) is None


def test_of_two_measurements_the_one_with_more_prompts_counts():
    """Thirds of both spellings are the same soup: 0.333333 and 1/3."""
    old = point((1 / 3, 2 / 3), (1, 1), n_prompts=64, created="2026-01-01")
    new = point((0.333333, 0.666667), (9, 9), n_prompts=8, created="2026-01-02")
    table = point_table([new, old], VALUES)
    assert table["helpful"].tolist() == [1.0]
    assert table["n_prompts"].tolist() == [64]


def test_a_measured_soup_gives_its_stored_weights_not_those_of_its_name():
    """(1/6, 5/6) to six decimals; the name has four, which sum to one only by luck."""
    table = point_table([point((1 / 6, 5 / 6), (1, 1)), point((0, 1), (1, 1))], VALUES)
    assert table["key"].iloc[0] == "helpful=0.1667,harmless=0.8333"
    assert stored_weights(table, table["key"].iloc[0], VALUES).tolist() == [0.166667, 0.833333]
    assert stored_weights(table, "harmless=1", VALUES).tolist() == [0.0, 1.0]


def test_soups_are_compared_on_the_seed_that_most_share():
    """The base was measured anew with seed 1, later; beside soups of seed 0 its seed 0 counts."""
    base = point((0, 0), (1, 1), created="2026-01-01")
    again = point((0, 0), (5, 5), created="2026-01-02").model_copy(update={"seed": 1})
    table = point_table([again, base, point((1, 0), (2, 2))], VALUES)
    assert base_rewards(table, VALUES) == {"helpful": 1.0, "harmless": 1.0}


def test_means_over_different_prompts_are_told():
    """Two soups on 8 prompts may beat those on 64 by easier prompts alone."""
    points = [point((k / 10, 1 - k / 10), (1, 1), n_prompts=64) for k in range(3)]
    assert uneven_told(point_table(points, VALUES)) == ""
    fewer = [point((1, 0), (9, 9)), point((0.9, 0.1), (9, 9))]
    assert uneven_told(point_table([*points, *fewer], VALUES)) == (
        " Not all measured on the same prompts: 3 points on 64, 2 points on 8; their means may "
        "differ by that alone."
    )
    assert uneven_told(point_table([], VALUES)) == ""


def test_axes_take_the_values_asked_for():
    drawn = on_axes(soups(), VALUES, x="harmless", y="helpful")
    assert drawn["x"].tolist() == [1, 0, 4, 2, 1.5]
    assert drawn["y_low"].tolist() == [0, 3, -1, 1.5, 0.5]
    assert "measured here, 8 prompts" in drawn["text"].iloc[1]


def test_blind_votes_are_told_beside_the_point():
    rate = WinRate(wins=5, votes=8, rate=0.625, low=0.306, high=0.863)
    key = soups()["key"].iloc[1]
    texts = on_axes(soups(), VALUES, x="helpful", y="harmless", votes={key: rate})["text"]
    assert (
        texts.iloc[1].replace(THIN, " ").endswith("won 62.5 % of 8 blind votes (30.6 % to 86.3 %)")
    )
    assert "blind" not in texts.iloc[0]


def test_standing_names_the_first_open_step():
    def stage(name, done):
        return Stage(name, "3 soups", "", done, None, "Go", "home")

    stages = [stage("pairs", True), stage("thresholds", False), stage("front", False)]
    assert standing(_Titled(), stages).text == "step 2 of 3, thresholds"
    finished = standing(_Titled(), [stage("pairs", True), stage("front", True)])
    assert (finished.text, finished.complete) == ("front of 3 soups", True)


class _Titled:
    title = "Mine"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (3725, "1 h 2 min")]
)
def test_durations(seconds, said):
    assert duration(seconds) == said


def test_what_is_not_there_is_a_dash():
    assert signed(float("nan")) == DASH
