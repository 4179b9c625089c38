"""Charts of the Compare page, the honesty meter and the stage: what is drawn is what was given."""

import itertools

import numpy as np
import pandas as pd
import pytest

from vcsoup.consistency import value_consistency
from vcsoup.numbers import MINUS
from vcsoup.plots.canvas import SIGMA
from vcsoup.plots.chord import chord_panels
from vcsoup.plots.fronts import two_fronts
from vcsoup.plots.honesty import layer_agreement, rank_errors
from vcsoup.plots.palette import DARK, LIGHT, value_colours
from vcsoup.plots.presenting import FONT, adapter_gains, enlarged, kept_cloud, pair_gaps
from vcsoup.plots.relations import correlation_map
from vcsoup.plots.win_rates import win_rate_chart


def soups(*rows: tuple[str, float, float], recorded: bool = False) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["role", "x", "y"])
    return table.assign(recorded=recorded, balanced=False, text="t")


def by_name(figure) -> dict[str, object]:
    return {trace.name: trace for trace in figure.data if trace.name}


def test_two_fronts_keep_their_own_front_and_one_base():
    first = soups(("base", 0, 0), ("soup", 0, 2), ("soup", 2, 0), ("soup", -1, -1))
    first.loc[1, "balanced"] = True
    second = soups(("base", 0, 0), ("soup", 1, 1), ("soup", 0, 0), recorded=True)
    figure = two_fronts([first, second], names=("a", "b"), axes=("x", "y"), colours=LIGHT)
    traces = by_name(figure)
    assert sorted(traces["a, front"].x) == [0, 2]
    assert list(traces["b, front"].x) == [1]
    assert list(traces["a, beaten here"].x) == [-1]
    named = [trace for trace in figure.data if trace.showlegend and trace.name.endswith("front")]
    assert [(trace.mode, trace.line.dash) for trace in named] == [
        ("lines+markers", "solid"),
        ("lines+markers", "dash"),
    ]
    assert list(traces["a, best balanced"].y) == [2]
    assert "b, best balanced" not in traces
    assert traces["a, front"].marker.symbol == ("circle", "circle")
    assert traces["b, front"].marker.symbol == ("triangle-up-open",)
    assert len([trace for trace in figure.data if trace.name == "base"]) == 1


def test_an_empty_set_leaves_the_other():
    full = soups(("base", 0, 0), ("soup", 1, 1))
    figure = two_fronts([full, full.iloc[:0]], names=("a", "b"), axes=("x", "y"), colours=DARK)
    assert list(by_name(figure)["a, front"].x) == [1]


def test_chord_panels_draw_line_and_intervals_per_value():
    rows = pd.DataFrame(
        [
            {"value": v, "place": t, "mean": t, "low": t - 1, "high": t + 2, "line": 3.0}
            for v in ("a", "b", "c")
            for t in (0.0, 0.5, 1.0)
        ]
    )
    colour_of = value_colours(["a", "b", "c"], LIGHT)
    figure = chord_panels(rows, ends=("a", "b"), colour_of=colour_of, colours=LIGHT)
    lines = [t for t in figure.data if t.name == "straight line between the ends"]
    measured = [t for t in figure.data if t.name == "measured, 95 % interval"]
    assert [len(lines), len(measured)] == [3, 3]
    assert list(measured[0].error_y.array) == [2, 2, 2]
    assert list(measured[0].error_y.arrayminus) == [1, 1, 1]
    assert [t.showlegend for t in measured] == [True, False, False]
    assert figure.layout.xaxis3.domain[1] == 1.0
    assert figure.layout.xaxis.ticktext == ("a", "half", "b")


def test_a_chord_panel_says_of_a_long_name_what_has_room_and_all_to_the_pointer():
    """Ten characters under a corner, sixteen along the side: so much do three panels leave."""
    long = "harmlessness-under-adversarial-pressure"
    rows = pd.DataFrame({"value": long, "place": [0.0, 1.0], "mean": 1.0, "low": 0.0, "high": 2.0})
    figure = chord_panels(
        rows.assign(line=1.0), ends=(long, "b"), colour_of={long: "#000000"}, colours=LIGHT
    )
    assert figure.layout.xaxis.ticktext == ("harmlessn…", "half", "b")
    assert figure.layout.yaxis.title.text == "mean reward, harmlessness-un…"
    assert all(trace.hovertemplate.startswith(f"{long}: ") for trace in figure.data)


def test_rank_errors_mark_the_exact_and_the_chosen_rank():
    figure = rank_errors([1.0, 0.5, 0.0], average=0.8, rank=1, colours=LIGHT)
    traces = by_name(figure)
    assert list(traces["best adapter of each rank (SVD)"].y) == [1.0, 0.5, 0.0]
    assert (traces["exact"].x[0], traces["exact"].y[0]) == (2, 0.0)
    assert (traces["rank 1"].x[0], traces["rank 1"].y[0]) == (1, 0.5)
    assert list(traces["factor average"].y) == [0.8, 0.8]
    bare = by_name(rank_errors([0.0], average=None, rank=None, colours=LIGHT))
    assert set(bare) == {"best adapter of each rank (SVD)", "exact"}


def agreement(names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"layer": layer, "first": a, "second": b, "cosine": 0.1 * i if i else None}
            for layer in ("layer 0", "layer 1", "all layers")
            for i, (a, b) in enumerate(itertools.combinations(names, 2))
        ]
    )


def test_long_names_of_adapters_are_cut_in_the_legend_and_whole_for_the_pointer():
    long = "harmlessness-under-adversarial-pressure"
    (line,) = layer_agreement(agreement(["helpful", long]), colours=LIGHT).data
    assert line.name == "helpful and harmlessness-unde…"
    assert f"helpful and {long}" in line.hovertemplate


def test_a_label_that_is_cut_is_whole_for_the_pointer():
    """Plotly's "%{x}" and "%{y}" say the labels of an axis, cut as they are: none is asked for."""
    long = "harmlessness-under-adversarial-pressure"
    rows = pd.DataFrame({"adapter": long, "value": "a", "gain": [1.0], "low": 0.0, "high": 2.0})
    rates = pd.DataFrame({"soup": [long], "rate": 0.5, "low": 0.2, "high": 0.8, "votes": 4})
    maps = (
        correlation_map([long, "b"], [[1.0, 0.5], [0.5, 1.0]], colours=LIGHT),
        layer_agreement(agreement([long, *"bcde"]), colours=LIGHT),
    )
    bars = adapter_gains(rows, values=["a"], colour_of={"a": "#123456"}, colours=LIGHT)
    (dots,) = win_rate_chart(rates, colours=LIGHT).data
    assert [drawn.data[0].hovertext[1][0] for drawn in maps] == [f"b and {long}"] * 2
    assert [bars.data[0].hovertext, dots.hovertext] == [(long,)] * 2
    for trace in (*(drawn.data[0] for drawn in maps), bars.data[0], dots):
        assert trace.hovertemplate.startswith("%{hovertext}")


def test_few_adapters_are_lines_and_many_a_table():
    few = layer_agreement(agreement(["a", "b", "c"]), colours=LIGHT)
    assert [trace.name for trace in few.data] == ["a and b", "a and c", "b and c"]
    assert list(few.data[1].x) == ["0", "1"]
    assert len({trace.line.dash for trace in few.data}) == 3
    names = list("abcdefgh")
    (table,) = layer_agreement(agreement(names), colours=LIGHT).data
    assert table.z.shape == (8, 8)
    assert np.isnan(table.z[0, 1])
    assert table.z[0, 2] == table.z[2, 0] == 0.1
    assert (np.diag(table.z) == 1).all()


@pytest.mark.parametrize("threshold", [0.5, -0.3, 1.0])
def test_the_cone_on_the_stage_lies_where_the_consistency_is_the_threshold(threshold):
    kept = np.array([True])
    rays = [
        trace
        for trace in kept_cloud(
            np.ones((1, 2)), kept, names=("a", "b"), colours=LIGHT, threshold=threshold
        ).data
        if trace.mode == "lines"
    ]
    ends = np.array([[ray.x[1], ray.y[1]] for ray in rays])
    assert ends[0] @ [1, -1] == pytest.approx(0.0)  # both gaps alike
    np.testing.assert_allclose(value_consistency(ends[1:]), threshold, atol=1e-12)
    assert ends[1] @ [1, -1] == pytest.approx(-(ends[2] @ [1, -1]))


def test_stage_charts_are_large_and_exact():
    colour_of = value_colours(["a", "b"], LIGHT)
    bars = pair_gaps({"a": 2.04, "b": -1.0}, colour_of=colour_of, colours=LIGHT).data[0]
    assert list(bars.y) == [f"a +2.0 {SIGMA}", f"b {MINUS}1.0 {SIGMA}"]
    gaps = np.array([[1.0, 2.0], [-1.0, 0.0], [0.5, 0.5]])
    cloud = kept_cloud(gaps, np.array([True, False, True]), names=("a", "b"), colours=LIGHT)
    assert list(by_name(cloud)["kept"].y) == [2.0, 0.5]
    assert list(by_name(cloud)["dropped"].x) == [-1.0]
    assert enlarged(cloud).layout.xaxis.tickfont.size == FONT
    assert cloud.layout.yaxis.scaleanchor == "x"  # angles are angles
    rows = pd.DataFrame(
        [
            {"adapter": a, "value": v, "gain": 1.0, "low": 0.5, "high": np.nan if v == "b" else 2}
            for a in ("a", "b")
            for v in ("a", "b")
        ]
    )
    rows.loc[rows["value"] == "b", "low"] = np.nan
    drawn = adapter_gains(rows, values=["a", "b"], colour_of=colour_of, colours=LIGHT, unit="r")
    assert list(drawn.data[0].error_y.arrayminus) == [0.5, 0.5]
    assert drawn.data[1].error_y.array is None
    assert drawn.layout.yaxis.title.text == "gain over the base, r"


def test_long_names_leave_the_stage_room_for_its_bars():
    """Ten characters beside a bar; three adapters share sixty below their groups."""
    long = "harmlessness-under-adversarial-pressure"
    colour_of = dict.fromkeys((long, "b", "c"), "#000000")
    axis = pair_gaps({long: -1.0, "b": 2.0}, colour_of=colour_of, colours=LIGHT).layout.yaxis
    assert axis.ticktext == (f"harmlessn… {MINUS}1.0 {SIGMA}", f"b +2.0 {SIGMA}")
    rows = pd.DataFrame({"adapter": [long, "b", "c"], "gain": 1.0, "low": 0.5, "high": 2.0})
    drawn = adapter_gains(rows.assign(value="b"), values=["b"], colour_of=colour_of, colours=LIGHT)
    assert drawn.layout.xaxis.ticktext == ("harmlessness-under…", "b", "c")
