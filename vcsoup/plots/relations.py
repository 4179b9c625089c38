"""How alike the values' gaps are: a map of correlations with its numbers, safe without colours."""

from collections.abc import Sequence

import plotly.graph_objects as go

from vcsoup.numbers import MINUS
from vcsoup.plots.canvas import LONGEST_LABEL, canvas, pair_names, shortened
from vcsoup.plots.palette import Palette

_DEEPEST = 0.65  # share of full colour at a correlation of 1, so that numbers stay readable


def correlation_map(
    values: Sequence[str], table: Sequence[Sequence[float | None]], *, colours: Palette
) -> go.Figure:
    """Draw the correlations of K values' gaps.

    Args:
        values: Names, K of them.
        table: Correlations, K rows of K, -1 to 1; None where there is none.
        colours: The theme's palette.

    Returns:
        A square map, the first value on top; every cell says its number.
    """
    names = list(values)
    figure = canvas(90 + 58 * len(names), colours, legend=False, top=8)
    figure.add_heatmap(
        x=names,
        y=names,
        z=[list(row) for row in table],
        zmin=-1,
        zmax=1,
        colorscale=[
            [0.0, _mixed(colours.series[1], colours.paper)],
            [0.5, colours.paper],
            [1.0, _mixed(colours.accent, colours.paper)],
        ],
        showscale=False,
        xgap=3,
        ygap=3,
        text=[[_written(r) for r in row] for row in table],
        texttemplate="%{text}",
        textfont={"color": colours.ink, "size": 14},
        hovertext=pair_names(names),
        hovertemplate="%{hovertext}: %{text}<extra></extra>",
    )
    labels = {"tickvals": names, "ticktext": [shortened(name, LONGEST_LABEL) for name in names]}
    figure.update_xaxes(labels, type="category", showgrid=False)
    figure.update_yaxes(labels, type="category", autorange="reversed", showgrid=False)
    return figure


def _written(r: float | None) -> str:
    return "unknown" if r is None else f"{r:+.2f}".replace("-", MINUS)


def _mixed(colour: str, paper: str) -> str:
    """A colour laid thinly on the paper."""
    pairs = [(int(colour[at : at + 2], 16), int(paper[at : at + 2], 16)) for at in (1, 3, 5)]
    mixed = (round(_DEEPEST * one + (1 - _DEEPEST) * other) for one, other in pairs)
    return "#" + "".join(f"{part:02X}" for part in mixed)
