"""Two fronts in one chart: the Compare page's and the report's first picture.

Filled marks were measured here, open marks are recorded ones. Shape and line tell the sets apart as
well as colour: circles and a solid line, triangles and a dashed one.
"""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from vcsoup.plots.canvas import canvas, faded
from vcsoup.plots.front import joined_front
from vcsoup.plots.palette import Palette

_LOOKS = (("circle", "solid"), ("triangle-up", "dash"))


def two_fronts(
    sets: Sequence[pd.DataFrame],
    *,
    names: Sequence[str],
    axes: tuple[str, str],
    colours: Palette,
    height: int | None = 480,
) -> go.Figure:
    """Draw the measured soups of two sets and the front of each.

    Args:
        sets: Two tables with columns role ("base" or "soup"), recorded, balanced (the ringed
            soup), text (for the pointer), x and y.
        names: What to call them.
        axes: Values on the horizontal and the vertical axis.
        colours: The theme's palette.
        height: In pixels; None leaves it to the page.

    Returns:
        A scatter chart, larger is better on both axes.
    """
    figure = canvas(height, colours, top=44)
    figure.update_xaxes(title_text=f"mean reward, {axes[0]}", showgrid=True)
    figure.update_yaxes(title_text=f"mean reward, {axes[1]}")
    figure.update_layout(hovermode="closest", dragmode=False)
    inks = (colours.accent, colours.series[1])
    for table, name, ink, look in zip(sets, names, inks, _LOOKS, strict=True):
        _soups(figure, table, name, ink, look)
    for table, name, ink in zip(sets, names, inks, strict=True):
        _balanced(figure, table, name, ink)
    base = next((rows for t in sets if len(rows := t[t["role"] == "base"])), None)
    if base is not None:
        _base(figure, base, colours)
    return figure


def _soups(
    figure: go.Figure, table: pd.DataFrame, name: str, ink: str, look: tuple[str, str]
) -> None:
    symbol, dash = look
    soups = table[table["role"] != "base"]
    front = joined_front(soups)
    beaten = soups[~soups.index.isin(front.index)]
    line = {"color": faded(ink, 0.6), "width": 2, "dash": dash}
    _marks(figure, beaten, f"{name}, beaten here", faded(ink, 0.35), symbol)
    _marks(figure, front, f"{name}, front", ink, symbol, line=line)


def _marks(
    figure: go.Figure,
    rows: pd.DataFrame,
    name: str,
    ink: str,
    symbol: str,
    *,
    line: dict[str, object] | None = None,
) -> None:
    """Draw some soups; those that a line joins are named in the legend, with that line."""
    figure.add_scatter(
        x=rows["x"].tolist(),
        y=rows["y"].tolist(),
        name=name,
        mode="lines+markers" if line else "markers",
        line=line,
        showlegend=line is not None,
        hovertext=rows["text"].tolist(),
        hovertemplate="%{hovertext}<extra></extra>",
        marker={
            "size": 11,
            "color": ink,
            "symbol": [f"{symbol}-open" if old else symbol for old in rows["recorded"]],
            "line": {"width": 2, "color": ink},
        },
    )


def _balanced(figure: go.Figure, table: pd.DataFrame, name: str, ink: str) -> None:
    best = table[table["balanced"]]
    if len(best):
        figure.add_scatter(
            x=best["x"].tolist(),
            y=best["y"].tolist(),
            name=f"{name}, best balanced",
            mode="markers",
            hoverinfo="skip",
            marker={"size": 22, "symbol": "circle-open", "color": ink, "line": {"width": 2.5}},
        )


def _base(figure: go.Figure, rows: pd.DataFrame, colours: Palette) -> None:
    line = {"color": colours.soft, "width": 1, "dash": "dot"}
    figure.add_vline(x=float(rows["x"].iloc[0]), line=line)
    figure.add_hline(y=float(rows["y"].iloc[0]), line=line)
    figure.add_scatter(
        x=rows["x"].tolist(),
        y=rows["y"].tolist(),
        name="base",
        mode="markers",
        hovertext=rows["text"].tolist(),
        hovertemplate="%{hovertext}<extra></extra>",
        marker={"size": 13, "symbol": "x", "color": colours.ink},
    )
