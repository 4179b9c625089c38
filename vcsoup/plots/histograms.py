"""Histograms of the Consistency page: value consistency with its kept part, and gaps per value.

They draw counts that are binned already (`vcsoup.ui.retention`), so a chart costs a few
milliseconds whatever the number of pairs.
"""

import math
from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from vcsoup.plots.canvas import MINUS, SIGMA, axis_style, canvas, faded
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
    # Left and right margins are those of the slider below (assets/theme/app.css).
    figure.update_layout(
        barmode="stack",
        bargap=0,
        legend_traceorder="normal",
        legend_y=1.11,
        margin={"l": 46, "r": 6},
    )
    figure.update_xaxes(range=[-1, 1], title_text="value consistency", automargin=False)
    figure.update_xaxes(tickvals=[-1, -0.5, 0, 0.5, 1], ticktext=TICKS)
    figure.update_yaxes(tickformat=",", automargin=False)
    for name, place in landmarks.items():
        _landmark(figure, name, place, colours)
    figure.add_vline(x=threshold, line={"color": colours.accent, "width": 2.5})
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
    for place, (value, panel) in enumerate(bins.groupby("value", sort=False)):
        start = place * (span + gutter)
        suffix = "" if place == 0 else str(place + 1)
        _gap_bars(figure, panel, axis=suffix, colour=colour_of[str(value)], colours=colours)
        figure.layout[f"xaxis{suffix}"] = {
            **axis_style(colours),
            "domain": [start, start + span],
            "anchor": f"y{suffix}",
            **_whole_ticks(panel["middle"].max()),
            "title": {
                "text": f"gap in {value}, {SIGMA}",
                "font": {"color": colours.soft, "size": 13},
            },
            "showgrid": False,
        }
        figure.layout[f"yaxis{suffix}"] = {
            **axis_style(colours),
            "anchor": f"x{suffix}",
            "range": [0, tallest],
            "showticklabels": place == 0,
            "tickformat": ",",
        }
    figure.update_layout(barmode="overlay", bargap=0.08)
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
    figure.add_shape(
        type="line",
        x0=0,
        x1=0,
        y0=0,
        y1=1,
        xref=f"x{axis}",
        yref=f"y{axis} domain",
        line={"color": colours.soft, "width": 1, "dash": "dot"},
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


def _landmark(figure: go.Figure, name: str, place: float, colours: Palette) -> None:
    figure.add_vline(
        x=place,
        line={"color": colours.soft, "width": 1, "dash": "dash"},
        annotation={
            "text": name,
            "font": {"size": 12, "color": colours.soft},
            "yanchor": "bottom",
            "y": 1.0,
            "textangle": 0,
        },
        annotation_position="top",
    )
