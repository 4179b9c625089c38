"""What the screens compute beside drawing: retention counts, reasons, soups, stages. By hand."""

import numpy as np
import pytest

from vcsoup.consistency import keep_mask, value_consistency
from vcsoup.ui.numbers import MINUS, SIGMA, duration, signed
from vcsoup.ui.pipeline import Stage, standing
from vcsoup.ui.reasons import keep_reason
from vcsoup.ui.retention import GRID, count_retention
from vcsoup.ui.soups import balance, base_rewards, on_axes, point_table, straight_line
from vcsoup.workspace import Point

VALUES = ("helpful", "harmless")


@pytest.mark.parametrize("K", [2, 3, 5])
def test_every_threshold_counts_what_the_mask_keeps(K):
    gaps = np.random.default_rng(K).normal(0.2, 1, (500, K))
    counts = count_retention(gaps, tuple("abcde"[:K]))
    consistency = value_consistency(gaps)
    for threshold in GRID:
        mask = np.asarray(keep_mask(consistency, threshold))
        assert counts.kept_at(threshold) == mask.sum()
        if mask.any():
            means = list(counts.mean_gaps_at(threshold).values())
            np.testing.assert_allclose(means, gaps[mask].mean(axis=0), atol=1e-12)


@pytest.mark.parametrize("threshold", [-1.0, -0.37, 0.0, 0.3, 0.99, 1.0])
def test_bars_hold_every_pair_once(threshold):
    gaps = np.random.default_rng(1).normal(size=(400, 3))
    gaps[:3] = 1.0  # consistency exactly at the top edge
    counts = count_retention(gaps, ("a", "b", "c"))
    bins = counts.consistency_bins(threshold)
    assert bins["kept"].sum() == counts.kept_at(threshold)
    assert (bins["kept"] + bins["dropped"]).sum() == 400
    assert bins["chance"].sum() == pytest.approx(400)
    below = bins[(bins["right"] <= threshold) & (bins["right"] < 1)]  # the last bar is closed
    assert (below["kept"] == 0).all()
    panels = counts.gap_bins(threshold)
    assert panels.groupby("value")["all"].sum().tolist() == [400] * 3
    assert panels.groupby("value")["kept"].sum().tolist() == [counts.kept_at(threshold)] * 3


def test_a_threshold_inside_a_bar_splits_it():
    """Gaps (1, 0.2) have consistency 1.2 / sqrt(2 x 1.04) = 0.832, in the bar 0.80 to 0.84."""
    counts = count_retention(np.array([[1.0, 0.2], [1.0, 0.2]]), VALUES)
    for threshold, kept in ((0.83, 2), (0.84, 0)):
        bins = counts.consistency_bins(threshold)
        bar = bins[(bins["left"] - 0.80).abs() < 1e-9].iloc[0]
        assert (bar["kept"], bar["dropped"]) == (kept, 2 - kept)


def test_nothing_kept_has_no_mean():
    counts = count_retention(np.array([[-1.0, -1.0]]), VALUES)
    assert counts.share_at(0.5) == 0.0
    assert np.isnan(counts.mean_gaps_at(0.5)["helpful"])
    assert signed(float("nan")) == "\N{EN DASH}"


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


def test_the_straight_line_joins_the_corners():
    """0.25 x (4, 0) + 0.75 x (0, 4) = (1, 3)."""
    guess = straight_line(soups(), np.array([0.25, 0.75]), VALUES)
    assert guess == {"helpful": 1.0, "harmless": 3.0}
    assert straight_line(soups().iloc[:2], np.array([0.25, 0.75]), VALUES) is None


def test_axes_take_the_values_asked_for():
    drawn = on_axes(soups(), VALUES, x="harmless", y="helpful")
    assert drawn["x"].tolist() == [1, 0, 4, 2, 1.5]
    assert drawn["y_low"].tolist() == [0, 3, -1, 1.5, 0.5]
    assert "measured here, 8 prompts" in drawn["text"].iloc[1]


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
