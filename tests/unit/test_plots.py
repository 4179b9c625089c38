"""Charts hold the numbers that they were given, where a reader looks for them."""

import pandas as pd
import pytest

from vcsoup.plots.front import FrontView, front_scatter, joined_front
from vcsoup.plots.histograms import consistency_histogram, gap_histograms
from vcsoup.plots.palette import LIGHT
from vcsoup.plots.training import training_curves


def trace(figure, name):
    return next(part for part in figure.data if part.name == name)


def test_consistency_histogram_colours_the_kept_part():
    bins = pd.DataFrame(
        {
            "left": [-1.0, 0.0],
            "right": [0.0, 1.0],
            "kept": [0, 3],
            "dropped": [2, 1],
            "chance": [2.5, 3.5],
        }
    )
    marks = {"all values agree": 0.816}
    figure = consistency_histogram(bins, threshold=0.25, landmarks=marks, colours=LIGHT)
    kept, dropped = trace(figure, "kept"), trace(figure, "dropped")
    assert list(kept.y) == [0, 3]
    assert kept.marker.color == LIGHT.accent
    assert list(dropped.y) == [2, 1]
    assert list(kept.x) == [-0.5, 0.5]
    assert [shape.x0 for shape in figure.layout.shapes] == [0.816, 0.25]
    assert [note.text for note in figure.layout.annotations] == ["all values agree"]
    chance = next(part for part in figure.data if part.type == "scatter")
    assert list(chance.y) == [2.5, 3.5]


def test_gap_histograms_give_each_value_its_panel():
    bins = pd.DataFrame(
        {
            "value": ["a", "a", "b", "b"],
            "middle": [-1.5, 1.5, -1.5, 1.5],
            "all": [4, 6, 5, 5],
            "kept": [1, 6, 2, 5],
        }
    )
    colour_of = {"a": "#000000", "b": "#ffffff"}
    figure = gap_histograms(bins, colour_of=colour_of, colours=LIGHT)
    assert [(part.name, part.xaxis, list(part.y)) for part in figure.data] == [
        ("all", "x", [4, 6]),
        ("kept", "x", [1, 6]),
        ("all", "x2", [5, 5]),
        ("kept", "x2", [2, 5]),
    ]
    assert list(figure.layout.xaxis.tickvals) == [-2, -1, 0, 1, 2]
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range


def front_rows(**columns):
    rows = pd.DataFrame(
        {
            "key": ["base", "corner", "mixed", "poor"],
            "role": ["base", "corner", "soup", "soup"],
            "label": ["base", "kind", "", ""],
            "beaten": [False, False, False, True],
            "recorded": [True, True, False, False],
            "x": [0.0, 3.0, 2.0, 1.0],
            "y": [0.0, 1.0, 2.0, 1.0],
        }
    )
    for axis in "xy":
        rows[f"{axis}_low"] = rows[axis] - 0.25
        rows[f"{axis}_high"] = rows[axis] + 0.5
    return rows.assign(text=rows["key"], **columns)


def test_front_marks_roles_and_hands_back_keys():
    view = FrontView(x="kind", y="wise", current="mixed")
    figure = front_scatter(front_rows(), view=view, colours=LIGHT)
    assert list(trace(figure, "front").x) == [2.0, 3.0]
    assert trace(figure, "beaten by another soup").customdata[0][0] == "poor"
    assert trace(figure, "beaten by another soup").marker.color == LIGHT.faint
    assert list(trace(figure, "one value alone").marker.symbol) == ["square-open"]
    assert list(trace(figure, "beaten by none").marker.symbol) == ["circle"]
    assert list(trace(figure, "base").text) == ["base"]


def test_the_current_soup_has_its_interval():
    view = FrontView(x="kind", y="wise", current="mixed")
    here = trace(front_scatter(front_rows(), view=view, colours=LIGHT), "this soup, measured")
    assert (here.x[0], here.y[0]) == (2.0, 2.0)
    assert here.error_x.array[0] == pytest.approx(0.5)
    assert here.error_x.arrayminus[0] == pytest.approx(0.25)


def test_an_unmeasured_soup_is_marked_as_a_guess():
    view = FrontView(x="kind", y="wise", current="new", guess=(1.5, 1.25))
    figure = front_scatter(front_rows(), view=view, colours=LIGHT)
    guess = trace(figure, "this soup, a straight-line guess")
    assert (guess.x[0], guess.y[0]) == (1.5, 1.25)
    assert "not measured" in guess.hovertext[0]
    assert not any(part.name == "this soup, measured" for part in figure.data)


def test_the_twin_front_is_drawn_apart():
    view = FrontView(x="kind", y="wise", twin="unfiltered")
    twin = front_rows().iloc[1:]
    figure = front_scatter(front_rows(), view=view, twin=twin, colours=LIGHT)
    drawn = trace(figure, "unfiltered front")
    assert drawn.line.dash == "dash"
    assert list(drawn.x) == [2.0, 3.0]


def test_no_points_make_an_empty_chart():
    figure = front_scatter(front_rows().iloc[:0], view=FrontView("kind", "wise"), colours=LIGHT)
    assert all(not len(part.x) for part in figure.data)


def test_the_joined_front_leaves_beaten_points_out():
    """(1, 1) is beaten by (2, 2); (3, 1) and (2, 2) are not."""
    points = pd.DataFrame({"x": [1, 3, 2], "y": [1, 1, 2]})
    assert joined_front(points)["x"].tolist() == [2, 3]


def test_training_curves_split_training_and_held_out():
    records = pd.DataFrame(
        {
            "run": ["a, filtered"] * 3,
            "value": "a",
            "filtered": True,
            "step": [1, 2, 2],
            "steps": 10,
            "loss": [0.7, 0.6, None],
            "heldout_loss": [None, None, 0.65],
        }
    )
    figure = training_curves(records, colour_of={"a": "#123456"}, colours=LIGHT)
    lines, held_out = figure.data[0], figure.data[1]
    assert (list(lines.x), list(lines.y)) == ([1, 2], [0.7, 0.6])
    assert (list(held_out.x), list(held_out.y)) == ([2], [0.65])
    assert held_out.mode == "lines+markers"
    assert tuple(figure.layout.xaxis.range) == (0, 10)


def test_unfiltered_runs_are_dashed():
    records = pd.DataFrame(
        {"run": "b", "value": "b", "filtered": False, "step": [1], "steps": 1, "loss": [0.5]}
    )
    figure = training_curves(records, colour_of={}, colours=LIGHT)
    assert figure.data[0].line.dash == "dash"
