"""Arms of a study with their intervals, one below the other: the Compare page's chart of it."""

import pandas as pd
import plotly.graph_objects as go

from vcsoup.plots.canvas import canvas, interval_bars
from vcsoup.plots.palette import Palette

_SYMBOLS = {"filtered": "circle", "random": "square", "unfiltered": "diamond"}


def arm_chart(
    rows: pd.DataFrame, *, x_name: str, colours: Palette, zero: float | None = 0.0
) -> go.Figure:
    """Draw one mark with its interval per arm.

    Args:
        rows: Columns arm, kind, mean, low, high, n_seeds and n_prompts; the first stands on top.
            Ends may be nan (one seed).
        x_name: What the axis shows, with its unit.
        colours: The theme's palette.
        zero: Where to draw a line; None draws none.

    Returns:
        A horizontal chart, 34 pixels per arm. Filtered arms have the accent's colour, and shapes
        tell filtered, random and unfiltered ones apart as well.
    """
    figure = canvas(90 + 34 * len(rows), colours, legend=False, top=10)
    if zero is not None:
        figure.add_vline(x=zero, line={"color": colours.soft, "width": 1, "dash": "dot"})
    ends = rows[["low", "high"]].fillna(rows["mean"], axis=0)
    inks = [colours.accent if kind == "filtered" else colours.series[1] for kind in rows["kind"]]
    figure.add_scatter(
        x=rows["mean"].tolist(),
        y=rows["arm"].tolist(),
        mode="markers",
        marker={
            "size": 11,
            "color": inks,
            "symbol": [_SYMBOLS.get(kind, "x") for kind in rows["kind"]],
        },
        error_x=interval_bars(rows["mean"], ends["low"], ends["high"], colour=colours.ink),
        customdata=rows[["low", "high", "n_seeds", "n_prompts"]].to_numpy().tolist(),
        hovertemplate=(
            "%{y}: %{x:.2f} (%{customdata[0]:.2f} to %{customdata[1]:.2f})<br>"
            "%{customdata[2]} seeds, %{customdata[3]} prompts<extra></extra>"
        ),
    )
    figure.update_xaxes(title_text=x_name, showgrid=True)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure
