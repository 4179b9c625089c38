"""Win rates of soups in blind votes, each with its interval, the coin's half marked."""

import re
import textwrap

import pandas as pd
import plotly.graph_objects as go

from vcsoup.plots.canvas import canvas, interval_bars, shortened
from vcsoup.plots.palette import Palette

_A_LINE, _A_WORD = 30, 18
"""Characters of a soup's name beside the chart: in a line, and of a value's name in it."""


def win_rate_chart(rates: pd.DataFrame, *, colours: Palette) -> go.Figure:
    """Draw one dot with its interval per soup.

    Args:
        rates: Columns soup, rate, low, high (shares, 0 to 1) and votes; the first stands on top.
        colours: The theme's palette.

    Returns:
        A horizontal chart, about 34 pixels per soup, more where their names take three lines.
    """
    names = [_label(str(soup)) for soup in rates["soup"]]
    lines = max((name.count("<br>") + 1 for name in names), default=1)
    figure = canvas(70 + max(34, 18 * lines) * len(rates), colours, legend=False, top=10)
    figure.add_vline(x=0.5, line={"color": colours.soft, "width": 1, "dash": "dot"})
    figure.add_scatter(
        x=rates["rate"].tolist(),
        y=rates["soup"].tolist(),
        mode="markers",
        marker={"size": 11, "color": colours.accent},
        error_x=interval_bars(rates["rate"], rates["low"], rates["high"], colour=colours.ink),
        customdata=[[votes] for votes in rates["votes"]],
        hovertext=rates["soup"].tolist(),  # "%{y}" would be the label, which may be cut
        hovertemplate="%{hovertext}: %{x:.0%} of %{customdata[0]}<extra></extra>",
    )
    figure.update_xaxes(
        range=[-0.02, 1.02], tickformat=".0%", title_text="votes won", showgrid=True
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_yaxes(tickvals=rates["soup"].tolist(), ticktext=names)
    return figure


def _label(soup: str) -> str:
    """Write a soup's name in lines, long names of values cut, their weights whole."""
    told = re.sub(rf"\S{{{_A_WORD + 1},}}", lambda found: shortened(found[0], _A_WORD), soup)
    return "<br>".join(textwrap.wrap(told, _A_LINE, break_on_hyphens=False))
