"""Measured soups on two of the project's values, as Home shows them at a glance.

Filled marks were measured here, open marks are recorded ones. Faint points are beaten on every
value by another soup; the line joins those that no other soup beats on the two values shown.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from vcsoup.evaluation.front import pareto_front
from vcsoup.plots.canvas import LONGEST_LABEL, canvas, faded, interval_bars, shortened
from vcsoup.plots.palette import Palette

_BESIDE = {
    "top center": (0, 1),
    "bottom center": (0, -1),
    "middle right": (1, 0),
    "middle left": (-1, 0),
}
"""Where a label may stand, and in which direction from its point."""
_USUAL_PIXELS = (900, 220)
_LETTER, _LINE, _APART = 7.0, 16.0, 8.0
_BORDER = 45.0  # room that the chart leaves on either side of its points


@dataclass(frozen=True)
class FrontView:
    """What the chart shows besides the points.

    Attributes:
        x: Value on the horizontal axis.
        y: Value on the vertical axis.
        current: Key of the soup under the sliders; ringed when it was measured.
        name: What to call the current soup in the legend.
    """

    x: str
    y: str
    current: str = ""
    name: str = "this soup"


def front_scatter(
    points: pd.DataFrame,
    *,
    view: FrontView,
    colours: Palette,
    height: int = 480,
) -> go.Figure:
    """Draw measured soups, their front, base and corners, and the current soup.

    Args:
        points: Columns key (names the weights), text (for the pointer),
            role ("base", "corner" or "soup"), label (shown beside base and corners), beaten (on
            every value, by another soup), recorded, x, y, x_low, x_high, y_low, y_high.
        view: Axes and current soup.
        colours: The theme's palette.
        height: In pixels.

    Returns:
        A scatter chart.
    """
    figure = canvas(height, colours, top=44)
    figure.update_xaxes(title_text=f"mean reward, {view.x}", showgrid=True)
    figure.update_yaxes(title_text=f"mean reward, {view.y}")
    figure.update_layout(hovermode="closest", dragmode=False)
    base = points[points["role"] == "base"]
    if len(base):
        _better_than_base(figure, base.iloc[0], colours)
    soups = points[points["role"] == "soup"]
    _marks(figure, soups[soups["beaten"]], "beaten by another soup", "circle", colours.faint)
    _joined(figure, points, colours.accent)
    front = soups[~soups["beaten"]]
    _marks(figure, front, "beaten by none", "circle", colours.accent)
    _marks(figure, points[points["role"] == "corner"], "one value alone", "square", colours.accent)
    _marks(figure, base, "base", "x", colours.ink)
    _place_labels(figure, points)
    _current(figure, points, view, colours)
    return figure


def joined_front(points: pd.DataFrame) -> pd.DataFrame:
    """Take the points that no other beats on the two values shown, from left to right.

    Args:
        points: Columns x and y, larger is better.

    Returns:
        Those rows, sorted by x.

    Example:
        >>> joined_front(pd.DataFrame({"x": [0, 2, 1], "y": [3, 1, 0]}))["x"].tolist()
        [0, 2]
    """
    if not len(points):
        return points
    on_front = pareto_front(points[["x", "y"]].to_numpy(dtype=np.float64))
    return points[np.asarray(on_front)].sort_values("x", kind="stable")


def _marks(figure: go.Figure, rows: pd.DataFrame, name: str, symbol: str, colour: str) -> None:
    if not len(rows):
        return
    labelled = bool(rows["label"].astype(bool).any())
    figure.add_scatter(
        x=rows["x"].tolist(),
        y=rows["y"].tolist(),
        name=name,
        mode="markers+text" if labelled else "markers",
        text=[shortened(one, LONGEST_LABEL) for one in rows["label"]] if labelled else None,
        cliponaxis=False,
        hovertext=rows["text"].tolist(),
        hovertemplate="%{hovertext}<extra></extra>",
        marker={
            "size": 11 if symbol == "circle" else 12,
            "color": colour,
            "symbol": [f"{symbol}-open" if old else symbol for old in rows["recorded"]],
            "line": {"width": 2, "color": colour},
        },
    )


def _place_labels(figure: go.Figure, points: pd.DataFrame) -> None:
    """Put each label where it covers no other and ends in the chart, taken to be of usual size."""
    spans = np.array([np.ptp(points[axis]) or 1.0 for axis in ("x", "y")])
    least = points[["x", "y"]].min().to_numpy()
    taken: list[tuple[float, float, float]] = []  # middle and half a width, in pixels
    for trace in figure.data:
        if trace.text is None:
            continue
        order = tuple(_BESIDE)[1:] if trace.name == "base" else tuple(_BESIDE)
        places = []
        for x, y, text in zip(trace.x, trace.y, trace.text, strict=True):
            across, up = (np.array([x, y]) - least) / spans * _USUAL_PIXELS
            half = _LETTER * len(text) / 2
            spots = {
                name: (across + (half + _APART) * side, up + _LINE * rise, half)
                for name, (side, rise) in _BESIDE.items()
            }
            inside = [name for name in order if _ends_inside(spots[name])] or order
            free = (name for name in inside if not any(_cover(spots[name], t) for t in taken))
            places.append(next(free, inside[0]))
            taken.append(spots[places[-1]])
        trace.textposition = places


def _ends_inside(spot: tuple[float, float, float]) -> bool:
    across, _, half = spot
    return half - _BORDER < across < _USUAL_PIXELS[0] - half + _BORDER


def _cover(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    beside = abs(one[0] - other[0]) < one[2] + other[2]
    return beside and abs(one[1] - other[1]) < _LINE


def _joined(figure: go.Figure, rows: pd.DataFrame, colour: str) -> None:
    front = joined_front(rows[rows["role"] != "base"])
    figure.add_scatter(
        x=front["x"].tolist(),
        y=front["y"].tolist(),
        name="front",
        showlegend=False,
        mode="lines",
        line={"color": faded(colour, 0.55), "width": 2},
        hoverinfo="skip",
    )


def _better_than_base(figure: go.Figure, base: pd.Series, colours: Palette) -> None:
    line = {"color": colours.soft, "width": 1, "dash": "dot"}
    across = {"xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": base["y"], "y1": base["y"]}
    up = {"xref": "x", "x0": base["x"], "x1": base["x"], "yref": "paper", "y0": 0, "y1": 1}
    figure.update_layout(shapes=[{"type": "line", "line": line, **ends} for ends in (across, up)])


def _current(figure: go.Figure, points: pd.DataFrame, view: FrontView, colours: Palette) -> None:
    here = points[points["key"] == view.current].iloc[:1]
    if len(here):
        figure.add_scatter(
            x=here["x"].tolist(),
            y=here["y"].tolist(),
            name=f"{view.name}, measured",
            mode="markers",
            marker={"size": 22, "symbol": "circle-open", "color": colours.ink, "line_width": 2.5},
            error_x=_interval(here, "x", colours),
            error_y=_interval(here, "y", colours),
            hoverinfo="skip",
        )


def _interval(rows: pd.DataFrame, axis: str, colours: Palette) -> dict[str, object]:
    low, high = rows[f"{axis}_low"], rows[f"{axis}_high"]
    return interval_bars(rows[axis], low, high, colour=colours.ink, width=5)
