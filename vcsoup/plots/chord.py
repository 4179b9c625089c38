"""The chord between two adapters: measured soups on the segment against the straight line.

One panel per value, the same horizontal axis in all: how much of the second adapter is in the soup.
"""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from vcsoup.plots.canvas import axis_style, axis_title, canvas, interval_bars, shortened
from vcsoup.plots.palette import Palette

_BELOW, _BESIDE = 10, 16
"""Characters that stand of a name under a panel's corner and along its side; more would run into
the next panel's."""


def chord_panels(
    rows: pd.DataFrame,
    *,
    ends: tuple[str, str],
    colour_of: Mapping[str, str],
    colours: Palette,
) -> go.Figure:
    """Draw the measured chord of each value.

    Args:
        rows: Columns value, place (0 to 1), mean, low, high (95 % interval) and line (the straight
            line between the ends), one block of rows per value, in order of place.
        ends: Names of the adapters at 0 and at 1.
        colour_of: Colour per value.
        colours: The theme's palette.

    Returns:
        Panels side by side, each with its own vertical axis.
    """
    values = list(dict.fromkeys(rows["value"]))
    figure = canvas(300, colours, top=44)
    gutter = 0.09
    span = (1 - gutter * (len(values) - 1)) / len(values)
    layout: dict[str, object] = {}
    for place, (value, panel) in enumerate(rows.groupby("value", sort=False)):
        suffix = "" if place == 0 else str(place + 1)
        start = place * (span + gutter)
        _panel(figure, panel, suffix, colour_of[str(value)], colours, first=place == 0)
        layout[f"xaxis{suffix}"] = {
            **axis_style(colours),
            "domain": [start, min(1.0, start + span)],
            "anchor": f"y{suffix}",
            "range": [-0.04, 1.04],
            "tickvals": [0, 0.5, 1],
            "ticktext": [shortened(ends[0], _BELOW), "half", shortened(ends[1], _BELOW)],
            "showgrid": False,
        }
        layout[f"yaxis{suffix}"] = {
            **axis_style(colours),
            "anchor": f"x{suffix}",
            "title": axis_title(f"mean reward, {shortened(str(value), _BESIDE)}", colours),
        }
    figure.update_layout(layout)
    return figure


def _panel(
    figure: go.Figure,
    panel: pd.DataFrame,
    suffix: str,
    ink: str,
    colours: Palette,
    *,
    first: bool,
) -> None:
    axes = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
    value = str(panel["value"].iloc[0])
    figure.add_scatter(
        x=panel["place"].tolist(),
        y=panel["line"].tolist(),
        name="straight line between the ends",
        mode="lines",
        line={"color": colours.soft, "width": 1.5, "dash": "dot"},
        hovertemplate=f"{value}: line %{{y:.3f}}<extra></extra>",
        showlegend=first,
        legendgroup="line",
        **axes,
    )
    figure.add_scatter(
        x=panel["place"].tolist(),
        y=panel["mean"].tolist(),
        name="measured, 95 % interval",
        mode="lines+markers",
        line={"color": ink, "width": 2},
        marker={"size": 8},
        error_y=interval_bars(
            panel["mean"], panel["low"], panel["high"], colour=ink, thickness=1.2, width=3
        ),
        hovertemplate=f"{value}: measured %{{y:.3f}}<extra></extra>",
        showlegend=first,
        legendgroup="measured",
        **axes,
    )
