"""Histograms of the Consistency page: value consistency with its kept part, and gaps per value.

They draw counts that are binned already (`vcsoup.ui.retention`), so a chart costs a few
milliseconds whatever the number of pairs.
"""

import math
from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from vcsoup.plots.canvas import MINUS, SIGMA, axis_style, axis_title, canvas, faded
from vcsoup.plots.palette import Palette

TICKS = [f"{MINUS}1", f"{MINUS}0.5", "0", "+0.5", "+1"]


def consistency_histogram(
    bins: pd.DataFrame, *, threshold: float, landmarks: Mapping[str, float], colours: Palette
) -> go.Figure:
    """Draw how many pairs have which value consistency, and which of them a threshold keeps.

    Args:
        bins: Columns left, right (edges in [-1, 1]), kept, dropped (counts) and chance (the count
            that independent gaps would give).
        threshold: The threshold under the hand, in [-1, 1].
        landmarks: Name to place on the axis, such as {"all values agree": 0.816}.
        colours: The theme's palette.

    Returns:
        A stacked bar chart with the chance curve and vertical lines.

    Example:
        >>> from vcsoup.plots.palette import LIGHT
        >>> bins = pd.DataFrame(
        ...     {"left": [-1, 0], "right": [0, 1], "kept": [0, 3], "dropped": [2, 0], "chance": 2.5}
        ... )
        >>> figure = consistency_histogram(bins, threshold=0, landmarks={}, colours=LIGHT)
        >>> [int(y) for y in figure.data[1].y]
        [0, 3]
    """
    figure = canvas(330, colours, top=64)
    middle = (bins["left"] + bins["right"]) / 2
    width = (bins["right"] - bins["left"]).tolist()
    edges = [f"{a:+.2f} to {b:+.2f}" for a, b in zip(bins["left"], bins["right"], strict=True)]
    for rank, (name, colour) in enumerate((("dropped", colours.faint), ("kept", colours.accent))):
        figure.add_bar(
            x=middle.tolist(),
            y=bins[name].tolist(),
            width=width,
            name=name,
            legendrank=2 - rank,
            marker={"color": colour, "line": {"width": 0.5, "color": colours.paper}},
            customdata=edges,
            hovertemplate=f"consistency %{{customdata}}<br>%{{y:,}} {name}<extra></extra>",
        )
    figure.add_scatter(
        x=middle.tolist(),
        y=bins["chance"].tolist(),
        name="kept and dropped if the values were independent",
        legendrank=3,
        mode="lines",
        line={"color": colours.ink, "width": 1.2, "dash": "dot"},
        hovertemplate="independent values: %{y:,.0f} pairs<extra></extra>",
    )
    lines = [_line(place, colours.soft, 1, "dash") for place in landmarks.values()]
    figure.update_layout(
        barmode="stack",
        bargap=0,
        margin={"l": 46, "r": 6},  # those of the slider below (assets/theme/app.css)
        legend={"traceorder": "normal", "y": 1.11},
        xaxis={
            "range": [-1, 1],
            "title": {"text": "value consistency"},
            "automargin": False,
            "tickvals": [-1, -0.5, 0, 0.5, 1],
            "ticktext": TICKS,
        },
        yaxis={"tickformat": ",", "automargin": False},
        shapes=[*lines, _line(threshold, colours.accent, 2.5, "solid")],
        annotations=[_name(name, place, colours) for name, place in landmarks.items()],
    )
    return figure


def gap_histograms(
    bins: pd.DataFrame, *, colour_of: Mapping[str, str], colours: Palette
) -> go.Figure:
    """Draw the reward gaps of each value side by side: kept pairs over all pairs.

    Args:
        bins: Columns value, middle (in standard deviations), all and kept (counts), one block of
            rows per value.
        colour_of: Colour per value.
        colours: The theme's palette.

    Returns:
        One panel per value with shared axes.
    """
    values = list(dict.fromkeys(bins["value"]))
    figure = canvas(230, colours, legend=False, top=34)
    gutter = 0.05
    span = (1 - gutter * (len(values) - 1)) / len(values)
    tallest = float(bins["all"].max()) * 1.05 or 1.0
    layout: dict[str, object] = {"barmode": "overlay", "bargap": 0.08}
    zeros: list[dict[str, object]] = []
    for place, (value, panel) in enumerate(bins.groupby("value", sort=False)):
        start = place * (span + gutter)
        suffix = "" if place == 0 else str(place + 1)
        _gap_bars(figure, panel, axis=suffix, colour=colour_of[str(value)], colours=colours)
        layout[f"xaxis{suffix}"] = {
            **axis_style(colours),
            **_whole_ticks(panel["middle"].max()),
            "domain": [start, start + span],
            "anchor": f"y{suffix}",
            "title": axis_title(f"gap in {value}, {SIGMA}", colours),
            "showgrid": False,
        }
        layout[f"yaxis{suffix}"] = {
            **axis_style(colours),
            "anchor": f"x{suffix}",
            "range": [0, tallest],
            "showticklabels": place == 0,
            "tickformat": ",",
        }
        zero = _line(0, colours.soft, 1, "dot")
        zeros.append({**zero, "xref": f"x{suffix}", "yref": f"y{suffix} domain"})
    figure.update_layout(layout, shapes=zeros)
    return figure


def _gap_bars(
    figure: go.Figure, panel: pd.DataFrame, *, axis: str, colour: str, colours: Palette
) -> None:
    for name, fill in (("all", faded(colours.faint, 0.75)), ("kept", colour)):
        figure.add_bar(
            x=panel["middle"].tolist(),
            y=panel[name].tolist(),
            name=name,
            marker={"color": fill},
            xaxis=f"x{axis}",
            yaxis=f"y{axis}",
            hovertemplate=f"gap %{{x:+.2f}} {SIGMA}<br>%{{y:,}} pairs, {name}<extra></extra>",
        )


def _whole_ticks(largest: float) -> dict[str, list[object]]:
    """Label whole sigmas, signed, about five of them."""
    limit = math.ceil(largest)
    step = max(1, limit // 2)
    places = [*range(-step * (limit // step), limit + 1, step)]
    return {
        "tickvals": places,
        "ticktext": [f"{p:+d}".replace("-", MINUS) if p else "0" for p in places],
    }


def _line(place: float, colour: str, width: float, dash: str) -> dict[str, object]:
    look = {"color": colour, "width": width, "dash": dash}
    ends = {"x0": place, "x1": place, "y0": 0, "y1": 1, "yref": "y domain"}
    return {"type": "line", "line": look, **ends}


def _name(name: str, place: float, colours: Palette) -> dict[str, object]:
    return {
        "text": name,
        "x": place,
        "y": 1,
        "yref": "y domain",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 12, "color": colours.soft},
    }
