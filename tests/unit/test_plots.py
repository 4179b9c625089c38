"""Charts hold the numbers that they were given, where a reader looks for them."""

import pandas as pd
import pytest

from vcsoup.plots.front import FrontView, front_scatter, joined_front
from vcsoup.plots.palette import LIGHT
from vcsoup.plots.win_rates import win_rate_chart


def trace(figure, name):
    return next(part for part in figure.data if part.name == name)


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


def test_front_marks_roles():
    view = FrontView(x="kind", y="wise", current="mixed")
    figure = front_scatter(front_rows(), view=view, colours=LIGHT)
    assert list(trace(figure, "front").x) == [2.0, 3.0]
    assert (
        list(trace(figure, "beaten by another soup").x)
        == front_rows().query("key == 'poor'")["x"].tolist()
    )
    assert trace(figure, "beaten by another soup").marker.color == LIGHT.faint
    assert list(trace(figure, "one value alone").marker.symbol) == ["square-open"]
    assert list(trace(figure, "beaten by none").marker.symbol) == ["circle"]
    assert list(trace(figure, "base").text) == ["base"]


def test_labels_of_near_points_stand_apart():
    """Three corners at one place: above, below, and beside it; one far away is above again."""
    rows = pd.concat([front_rows().iloc[[1]]] * 4, ignore_index=True)
    rows["x"], rows["y"] = [1.0, 1.0, 1.001, 9.0], [1.0, 1.0, 1.0, 5.0]
    figure = front_scatter(rows, view=FrontView(x="kind", y="wise"), colours=LIGHT)
    places = trace(figure, "one value alone").textposition
    assert list(places) == ["top center", "bottom center", "middle right", "top center"]


def test_long_labels_end_inside_the_chart():
    """Forty letters are 280 pixels of 900: the left one goes right, the right one goes left."""
    rows = pd.concat([front_rows().iloc[[1]]] * 2, ignore_index=True)
    rows["x"], rows["y"], rows["label"] = [5.0, 9.0], [5.0, 1.0], ["a" * 40, "b" * 40]
    figure = front_scatter(rows, view=FrontView(x="kind", y="wise"), colours=LIGHT)
    places = trace(figure, "one value alone").textposition
    assert list(places) == ["middle right", "middle left"]


def test_a_long_name_beside_a_point_is_cut():
    rows = front_rows()
    rows.loc[rows["role"] == "corner", "label"] = "harmlessness-under-adversarial-pressure"
    corners = trace(
        front_scatter(rows, view=FrontView("kind", "wise"), colours=LIGHT), "one value alone"
    )
    assert set(corners.text) == {"harmlessness-under-adve…"}


def test_the_current_soup_has_its_interval():
    view = FrontView(x="kind", y="wise", current="mixed")
    here = trace(front_scatter(front_rows(), view=view, colours=LIGHT), "this soup, measured")
    assert (here.x[0], here.y[0]) == (2.0, 2.0)
    assert here.error_x.array[0] == pytest.approx(0.5)
    assert here.error_x.arrayminus[0] == pytest.approx(0.25)


def test_no_points_make_an_empty_chart():
    figure = front_scatter(front_rows().iloc[:0], view=FrontView("kind", "wise"), colours=LIGHT)
    assert all(not len(part.x) for part in figure.data)


def test_the_joined_front_leaves_beaten_points_out():
    """(1, 1) is beaten by (2, 2); (3, 1) and (2, 2) are not."""
    points = pd.DataFrame({"x": [1, 3, 2], "y": [1, 1, 2]})
    assert joined_front(points)["x"].tolist() == [2, 3]


def test_win_rates_stand_with_their_intervals():
    rates = pd.DataFrame(
        {"soup": ["a", "b"], "rate": [0.75, 0.25], "low": [0.3, 0.05], "high": [0.95, 0.7]}
    ).assign(votes=4)
    dots = win_rate_chart(rates, colours=LIGHT).data[0]
    assert (list(dots.x), list(dots.y)) == ([0.75, 0.25], ["a", "b"])
    assert list(dots.error_x.array) == pytest.approx([0.2, 0.45])
    assert list(dots.error_x.arrayminus) == pytest.approx([0.45, 0.2])


def test_long_names_of_voted_soups_leave_room_for_the_chart():
    """The values' names are cut, the weights stay; lines end between them."""
    soups = ["harmlessness-under-adversarial 0.50, helpful 0.50 (filtered)", "base"]
    rates = pd.DataFrame({"soup": soups, "rate": 0.5, "low": 0.2, "high": 0.8, "votes": 4})
    axis = win_rate_chart(rates, colours=LIGHT).layout.yaxis
    assert axis.tickvals == tuple(soups)
    assert axis.ticktext == ("harmlessness-unde… 0.50,<br>helpful 0.50 (filtered)", "base")
