"""How long the answers of a data set are: chosen and rejected over one axis."""

import plotly.graph_objects as go

from vcsoup.pair_statistics import LengthStatistics
from vcsoup.plots.canvas import axis_title, canvas, faded
from vcsoup.plots.palette import Palette


def length_histogram(found: LengthStatistics, *, colours: Palette) -> go.Figure:
    """Draw the lengths of chosen and rejected answers.

    Chosen answers are filled, rejected ones an outline, so that they differ without colour.

    Args:
        found: The counts.
        colours: The theme's palette.
    """
    figure = canvas(300, colours)
    figure.add_trace(
        go.Scatter(
            **_steps(found, "chosen"),
            name="chosen answers",
            fill="tozeroy",
            fillcolor=faded(colours.accent, 0.28),
            line={"color": colours.accent, "width": 1.5, "shape": "hv"},
            hovertemplate="%{y:,} chosen answers from %{x:,} characters<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            **_steps(found, "rejected"),
            name="rejected answers",
            line={"color": colours.ink, "width": 1.5, "shape": "hv", "dash": "dot"},
            hovertemplate="%{y:,} rejected answers from %{x:,} characters<extra></extra>",
        )
    )
    figure.update_xaxes(title=axis_title("characters of the answer", colours), tickformat=",d")
    figure.update_yaxes(title=axis_title("pairs", colours), tickformat=",d", rangemode="tozero")
    return figure


def _steps(found: LengthStatistics, side: str) -> dict[str, list[float]]:
    """The outline of a side: every bin's start with its count, and the end of the last one."""
    counts = getattr(found, side).tolist()
    return {"x": found.edges.tolist(), "y": [*counts, counts[-1]]}
