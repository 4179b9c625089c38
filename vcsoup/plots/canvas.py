"""The empty figure that every chart starts from: quiet axes, no background, room for labels."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from vcsoup.plots.palette import Palette

SIGMA = "\N{GREEK SMALL LETTER SIGMA}"
LONGEST_LABEL = 24
"""Characters beside a point of a chart."""
CONFIG = {"displayModeBar": False, "scrollZoom": False}
"""Options of the chart's browser side: no tool bar, the wheel scrolls the page."""


def canvas(
    height: int | None, colours: Palette, *, legend: bool = True, top: int = 40
) -> go.Figure:
    """Make a figure with axes and fonts set, and nothing drawn.

    Args:
        height: Height in pixels; None leaves it to the page.
        colours: The theme's palette.
        legend: Whether a legend stands above the plot.
        top: Room above the plot in pixels, for the legend and landmark names.

    Returns:
        A new figure.

    Example:
        >>> from vcsoup.plots.palette import LIGHT
        >>> canvas(200, LIGHT).layout.height
        200
    """
    axis = axis_style(colours)
    return go.Figure(
        layout={
            "height": height,
            "margin": {"l": 8, "r": 8, "t": top, "b": 44},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"color": colours.ink, "size": 13},
            "hoverlabel": {
                "bgcolor": colours.paper,
                "font": {"color": colours.ink},
                "align": "left",
            },
            "showlegend": legend,
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "xaxis": {**axis, "showgrid": False},
            "yaxis": axis,
        }
    )


def axis_style(colours: Palette) -> dict[str, object]:
    """Say how an axis looks, for `update_xaxes`, `update_yaxes` and extra axes.

    Args:
        colours: The theme's palette.

    Returns:
        Plotly axis options.

    Example:
        >>> from vcsoup.plots.palette import LIGHT
        >>> axis_style(LIGHT)["zeroline"]
        False
    """
    return {
        "gridcolor": colours.line,
        "linecolor": colours.line,
        "zeroline": False,
        "automargin": True,
        "tickfont": {"color": colours.soft, "size": 12},
        "title": axis_title("", colours),
        "fixedrange": True,
    }


def axis_title(text: str, colours: Palette) -> dict[str, object]:
    """Write the title of an axis.

    Args:
        text: What the axis shows, with its unit.
        colours: The theme's palette.

    Returns:
        Plotly title options.

    Example:
        >>> from vcsoup.plots.palette import LIGHT
        >>> axis_title("step", LIGHT)["text"]
        'step'
    """
    return {"text": text, "font": {"color": colours.soft, "size": 13}, "standoff": 14}


def shortened(name: str, most: int) -> str:
    """Cut a name from behind to what a label has room for; the pointer shows it as a whole.

    Args:
        name: A value, a set or a run.
        most: Characters that may stand, the ellipsis among them.

    Example:
        >>> shortened("helpful", 10), shortened("harmlessness-under-pressure", 14)
        ('helpful', 'harmlessness…')
    """
    return name if len(name) <= most else name[: most - 1].rstrip("- ") + "\N{HORIZONTAL ELLIPSIS}"


def pair_names(names: Sequence[str]) -> list[list[str]]:
    """Name each cell of a square map for the pointer: of an axis it would tell the cut labels.

    Args:
        names: Of rows and columns, K.

    Returns:
        K rows of K, the row's name first.

    Example:
        >>> pair_names(["calm", "kind"])[1]
        ['kind and calm', 'kind and kind']
    """
    return [[f"{row} and {column}" for column in names] for row in names]


def interval_bars(
    mean: pd.Series,
    low: pd.Series,
    high: pd.Series,
    *,
    colour: str,
    thickness: float = 1.5,
    width: float | None = None,
) -> dict[str, object]:
    """Say how intervals look, for `error_x` and `error_y`.

    Args:
        mean: Where the n points are.
        low: Lower ends of their intervals.
        high: Upper ends.
        colour: A hex string.
        thickness: Of the lines, in pixels.
        width: Of the marks at their ends; None leaves it to plotly.

    Example:
        >>> one = pd.Series([1.0])
        >>> interval_bars(one, one - 0.5, one + 0.25, colour="#24292E")["array"]
        [0.25]
    """
    return {
        "type": "data",
        "symmetric": False,
        "array": (high - mean).tolist(),
        "arrayminus": (mean - low).tolist(),
        "color": colour,
        "thickness": thickness,
        "width": width,
    }


def faded(colour: str, alpha: float) -> str:
    """Turn a hex colour into one that lets the ground through.

    Args:
        colour: "#RRGGBB".
        alpha: 0 (invisible) to 1 (opaque).

    Returns:
        A CSS colour.

    Example:
        >>> faded("#0B6E7F", 0.25)
        'rgba(11,110,127,0.25)'
    """
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
