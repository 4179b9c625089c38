"""Charts for a stage: few marks, large type, readable from the last row."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from vcsoup.numbers import signed
from vcsoup.plots.canvas import SIGMA, canvas, faded, interval_bars, shortened
from vcsoup.plots.palette import Palette

FONT = 19
_BESIDE, _IN_ALL = 10, 60
"""Characters of a value's name beside a bar, and of all names together under groups of bars."""


def enlarged(figure: go.Figure) -> go.Figure:
    """Set a chart's type and marks for a stage; returns the same figure."""
    figure.update_layout(font={"size": FONT}, legend={"font": {"size": FONT}})
    figure.update_xaxes(tickfont={"size": FONT}, title={"font": {"size": FONT}})
    figure.update_yaxes(tickfont={"size": FONT}, title={"font": {"size": FONT}})
    figure.update_annotations(font={"size": FONT})
    return figure


def pair_gaps(
    gaps: Mapping[str, float], *, colour_of: Mapping[str, str], colours: Palette
) -> go.Figure:
    """Draw one pair's reward gaps: which answer each value prefers, and how much.

    Args:
        gaps: Gap per value, in standard deviations; above zero the chosen answer is preferred.
        colour_of: Colour per value.
        colours: The theme's palette.

    Returns:
        Horizontal bars around zero.
    """
    figure = canvas(90 + 64 * len(gaps), colours, legend=False, top=8)
    limit = max(1.0, *(abs(gap) for gap in gaps.values())) * 1.1
    told = {value: f" {signed(gap, 1)} {SIGMA}" for value, gap in gaps.items()}
    figure.add_bar(
        x=list(gaps.values()),
        y=[value + gap for value, gap in told.items()],
        orientation="h",
        marker={"color": [colour_of[value] for value in gaps]},
        hoverinfo="skip",
    )
    figure.update_xaxes(
        range=[-limit, limit],
        tickvals=[-limit * 0.55, limit * 0.55],
        ticktext=["rejected", "chosen"],
        title_text="preferred answer",
        showgrid=False,
    )
    figure.update_yaxes(
        autorange="reversed",
        showgrid=False,
        tickvals=[value + gap for value, gap in told.items()],
        ticktext=[shortened(value, _BESIDE) + gap for value, gap in told.items()],
    )
    figure.add_vline(x=0, line={"color": colours.ink, "width": 2})
    return enlarged(figure)


def kept_cloud(
    gaps: npt.NDArray[np.floating],
    kept: npt.NDArray[np.bool_],
    *,
    names: tuple[str, str],
    colours: Palette,
    threshold: float | None = None,
) -> go.Figure:
    """Draw pairs by two of their gaps, the kept ones coloured, and where both values agree.

    Args:
        gaps: Shape (n, 2), in standard deviations.
        kept: Which of them the filter keeps, shape (n,); it looks at all values.
        names: The two values.
        colours: The theme's palette.
        threshold: Least consistency, -1 to 1, whose cone is drawn; right where these two values
            are all there are.

    Returns:
        A scatter chart, as wide as high in its units, with the two axes of no preference.
    """
    figure = canvas(None, colours, top=48)
    looks = (
        (~kept, "dropped", faded(colours.soft, 0.35), "circle-open"),
        (kept, "kept", faded(colours.accent, 0.6), "circle"),
    )
    for mask, name, ink, symbol in looks:
        figure.add_scattergl(
            x=gaps[mask, 0].tolist(),
            y=gaps[mask, 1].tolist(),
            name=name,
            mode="markers",
            marker={"size": 7, "color": ink, "symbol": symbol},
            hoverinfo="skip",
        )
    figure.update_xaxes(title_text=f"gap in {names[0]}, {SIGMA}", range=[-4, 4], showgrid=True)
    figure.update_yaxes(title_text=f"gap in {names[1]}, {SIGMA}", range=[-4, 4])
    figure.update_yaxes(scaleanchor="x", constrain="domain")
    figure.update_xaxes(constrain="domain")
    figure.update_layout(legend={"x": 0.5, "xanchor": "center"})  # the square stands in the middle
    _ray(figure, 0.0, "all agree", {"color": colours.ink, "width": 1.5, "dash": "dot"})
    if threshold is not None:
        open_by = np.arccos(np.clip(threshold, -1.0, 1.0))
        edge = {"color": colours.accent, "width": 2}
        _ray(figure, open_by, f"consistency {threshold:.2f}", edge)
        _ray(figure, -open_by, "", edge)
    figure.add_hline(y=0, line={"color": colours.ink, "width": 1.5})
    figure.add_vline(x=0, line={"color": colours.ink, "width": 1.5})
    return enlarged(figure)


def _ray(figure: go.Figure, turned: float, name: str, line: Mapping[str, Any]) -> None:
    """Draw a line from the origin, turned by an angle from where both gaps are alike."""
    angle = np.pi / 4 + turned
    figure.add_scatter(
        x=[0.0, 9.0 * float(np.cos(angle))],
        y=[0.0, 9.0 * float(np.sin(angle))],
        mode="lines",
        name=name,
        showlegend=bool(name),
        line=line,
        hoverinfo="skip",
    )


def adapter_gains(
    rows: pd.DataFrame,
    *,
    values: Sequence[str],
    colour_of: Mapping[str, str],
    colours: Palette,
    unit: str = SIGMA,
) -> go.Figure:
    """Draw what each adapter alone gains over the base, value by value.

    Args:
        rows: Columns adapter, value, gain, low and high (95 % interval; nan where it is not
            known).
        values: The values, in order.
        colour_of: Colour per value.
        colours: The theme's palette.
        unit: Of the gains; standard deviations of the base's rewards by default.

    Returns:
        Bars grouped by adapter.
    """
    figure = canvas(None, colours, top=56)
    for value in values:
        bars = rows[rows["value"] == value]
        error = interval_bars(
            bars["gain"], bars["low"], bars["high"], colour=colours.ink, thickness=2
        )
        figure.add_bar(
            x=bars["adapter"].tolist(),
            y=bars["gain"].tolist(),
            name=f"judged on {value}",
            marker={"color": colour_of[value]},
            error_y=error if bars["low"].notna().all() else None,
            hovertext=bars["adapter"].tolist(),  # "%{x}" would be the label, which may be cut
            hovertemplate=f"%{{hovertext}} on {value}: %{{y:+.2f}}<extra></extra>",
        )
    adapters = list(dict.fromkeys(rows["adapter"]))
    room = max(_BESIDE - 2, _IN_ALL // max(1, len(adapters)))
    names = [shortened(name, room) for name in adapters]
    figure.update_xaxes(tickvals=adapters, ticktext=names)
    figure.update_layout(barmode="group", bargap=0.3)
    figure.update_yaxes(title_text=f"gain over the base, {unit}")
    figure.add_hline(y=0, line={"color": colours.ink, "width": 1.5})
    return enlarged(figure)
