"""Pictures of the honesty meter: what each rank leaves out, and how far adapters agree by layer."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from vcsoup.plots.canvas import canvas, faded, pair_names, shortened
from vcsoup.plots.palette import Palette

_HEIGHT = 300
_MOST_LINES = 6
_LEGEND, _TICK = 18, 14
"""Characters of a value's name in the legend, which names two in a line, and beside the table."""
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_MARKS = ("circle", "square", "diamond", "triangle-up", "x", "cross")


def rank_errors(
    errors: Sequence[float],
    *,
    average: float | None,
    rank: int | None,
    colours: Palette,
) -> go.Figure:
    """Draw the relative error of the best adapter of every rank.

    Args:
        errors: Entry r is the error at rank r; the last one is the exact adapter's, 0.
        average: Error of the factor average, or None where it cannot be made.
        rank: The rank that is chosen for export, marked; None marks none.
        colours: The theme's palette.

    Returns:
        A line from rank 0 to the exact adapter's.
    """
    figure = canvas(_HEIGHT, colours, top=44)
    figure.update_xaxes(title_text="rank of the exported adapter", rangemode="tozero")
    figure.update_yaxes(title_text="relative error", rangemode="tozero")
    figure.add_scatter(
        x=list(range(len(errors))),
        y=list(errors),
        name="best adapter of each rank (SVD)",
        mode="lines",
        line={"color": colours.accent, "width": 2.5},
        fill="tozeroy",
        fillcolor=faded(colours.accent, 0.12),
        hovertemplate="rank %{x}: error %{y:.3f}<extra></extra>",
    )
    _dot(figure, len(errors) - 1, errors[-1], "exact", "circle", colours.accent)
    if rank is not None and rank < len(errors):
        _dot(figure, rank, errors[rank], f"rank {rank}", "diamond", colours.ink)
    if average is not None:
        figure.add_scatter(
            x=[0, len(errors) - 1],
            y=[average, average],
            name="factor average",
            mode="lines",
            line={"color": colours.series[1], "width": 2, "dash": "dash"},
            hovertemplate="factor average: error %{y:.3f}<extra></extra>",
        )
    return figure


def layer_agreement(rows: pd.DataFrame, *, colours: Palette) -> go.Figure:
    """Draw the cosine between every two adapters' deltas, layer by layer.

    Args:
        rows: Columns layer, first, second, cosine (None where one adapter leaves it alone).
        colours: The theme's palette.

    Returns:
        A line per pair of adapters; beyond six pairs, a table of colours for all layers together.
    """
    pairs = rows[["first", "second"]].drop_duplicates()
    if len(pairs) > _MOST_LINES:
        return _matrix(rows[rows["layer"] == "all layers"], colours)
    figure = canvas(_HEIGHT, colours, top=44)
    single = rows[rows["layer"] != "all layers"]
    figure.update_yaxes(title_text="cosine of the deltas", range=[-1.05, 1.05], zeroline=True)
    figure.update_yaxes(zerolinecolor=colours.soft, zerolinewidth=1)
    inks = (*colours.series, colours.accent, colours.ink)
    for place, (first, second) in enumerate(pairs.itertuples(index=False)):
        line = single[(single["first"] == first) & (single["second"] == second)]
        figure.add_scatter(
            x=[name.removeprefix("layer ") for name in line["layer"]],
            y=line["cosine"].tolist(),
            name=f"{shortened(first, _LEGEND)} and {shortened(second, _LEGEND)}",
            mode="lines+markers",
            line={"color": inks[place], "width": 2, "dash": _DASHES[place]},
            marker={"size": 8, "symbol": _MARKS[place]},
            hovertemplate=f"{first} and {second}, layer %{{x}}: %{{y:+.2f}}<extra></extra>",
        )
    figure.update_xaxes(title_text="layer", type="category")
    return figure


def _matrix(rows: pd.DataFrame, colours: Palette) -> go.Figure:
    names = list(dict.fromkeys([*rows["first"], *rows["second"]]))
    place = {name: i for i, name in enumerate(names)}
    table = np.eye(len(names))
    for row in rows.itertuples():
        i, j = place[str(row.first)], place[str(row.second)]
        table[i, j] = table[j, i] = np.nan if row.cosine is None else float(str(row.cosine))
    figure = canvas(_HEIGHT, colours, legend=False)
    figure.add_heatmap(
        x=names,
        y=names,
        z=table,
        zmin=-1,
        zmax=1,
        texttemplate="%{z:.2f}",
        colorscale=[[0, colours.series[1]], [0.5, colours.paper], [1, colours.accent]],
        showscale=False,
        hovertext=pair_names(names),
        hovertemplate="%{hovertext}: %{z:+.2f}<extra></extra>",
    )
    labels = {"tickvals": names, "ticktext": [shortened(name, _TICK) for name in names]}
    figure.update_xaxes(labels)
    figure.update_yaxes(labels, autorange="reversed")
    return figure


def _dot(figure: go.Figure, x: float, y: float, name: str, symbol: str, ink: str) -> None:
    figure.add_scatter(
        x=[x],
        y=[y],
        name=name,
        mode="markers",
        cliponaxis=False,
        marker={"size": 12, "symbol": symbol, "color": ink},
        hovertemplate=f"{name}: error %{{y:.3f}}<extra></extra>",
    )
