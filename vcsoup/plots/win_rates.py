"""Win rates of soups in blind votes, each with its interval, the coin's half marked."""

import pandas as pd
import plotly.graph_objects as go

from vcsoup.plots.canvas import canvas, interval_bars
from vcsoup.plots.palette import Palette


def win_rate_chart(rates: pd.DataFrame, *, colours: Palette) -> go.Figure:
    """Draw one dot with its interval per soup.

    Args:
        rates: Columns soup, rate, low, high (shares, 0 to 1) and votes; the first stands on top.
        colours: The theme's palette.

    Returns:
        A horizontal chart, about 34 pixels per soup.
    """
    figure = canvas(70 + 34 * len(rates), colours, legend=False, top=10)
    figure.add_vline(x=0.5, line={"color": colours.soft, "width": 1, "dash": "dot"})
    figure.add_scatter(
        x=rates["rate"].tolist(),
        y=rates["soup"].tolist(),
        mode="markers",
        marker={"size": 11, "color": colours.accent},
        error_x=interval_bars(rates["rate"], rates["low"], rates["high"], colour=colours.ink),
        customdata=[[votes] for votes in rates["votes"]],
        hovertemplate="%{y}: %{x:.0%} of %{customdata[0]}<extra></extra>",
    )
    figure.update_xaxes(
        range=[-0.02, 1.02], tickformat=".0%", title_text="votes won", showgrid=True
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure
