"""Curves of training runs: loss, reward accuracy and margin against the step, one line per run."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from vcsoup.plots.canvas import axis_style, axis_title, canvas, faded
from vcsoup.plots.palette import Palette

PANELS = (
    ("loss", "DPO loss", ".2f"),
    ("accuracy", "reward accuracy", ".0%"),
    ("margin", "reward margin", ".2f"),
)


def training_curves(
    records: pd.DataFrame, *, colour_of: Mapping[str, str], colours: Palette
) -> go.Figure:
    """Draw the live figures of some runs in three panels.

    Training figures are thin lines, held-out figures (columns heldout_loss, heldout_accuracy, where
    present) marked lines of the same colour; unfiltered runs are dashed.

    Args:
        records: Columns run (label), value, filtered (bool), step, steps (of the whole run; the
            axes reach that far from the start), and any of loss, accuracy, margin, heldout_loss,
            heldout_accuracy; missing entries are NaN.
        colour_of: Colour per value.
        colours: The theme's palette.

    Returns:
        A figure with one panel per measure; empty panels when nothing was reported yet.
    """
    figure = canvas(260, colours, top=56)
    gutter = 0.07
    span = (1 - gutter * (len(PANELS) - 1)) / len(PANELS)
    for place, (_, title, form) in enumerate(PANELS):
        suffix = "" if place == 0 else str(place + 1)
        start = place * (span + gutter)
        figure.layout[f"xaxis{suffix}"] = {
            **axis_style(colours),
            "domain": [start, start + span],
            "anchor": f"y{suffix}",
            "showgrid": False,
            "range": [0, int(records["steps"].max())],
            "title": axis_title(f"{title}, by step", colours),
        }
        figure.layout[f"yaxis{suffix}"] = {
            **axis_style(colours),
            "anchor": f"x{suffix}",
            "tickformat": form,
        }
    for label, run in records.groupby("run", sort=False):
        _draw_run(figure, str(label), run, colour_of=colour_of, colours=colours)
    figure.update_layout(legend_y=1.08)
    return figure


def _draw_run(
    figure: go.Figure,
    label: str,
    run: pd.DataFrame,
    *,
    colour_of: Mapping[str, str],
    colours: Palette,
) -> None:
    colour = colour_of.get(str(run["value"].iloc[0]), colours.ink)
    dash = "solid" if bool(run["filtered"].iloc[0]) else "dash"
    for place, (measure, title, form) in enumerate(PANELS):
        axis = "" if place == 0 else str(place + 1)
        where = {"xaxis": f"x{axis}", "yaxis": f"y{axis}", "legendgroup": label}
        for column in (measure, f"heldout_{measure}"):
            seen = run.dropna(subset=[column]) if column in run else run.iloc[:0]
            held_out = column != measure
            figure.add_scatter(
                x=seen["step"].tolist(),
                y=seen[column].tolist() if len(seen) else [],
                name=label,
                showlegend=place == 0 and not held_out,
                mode="lines+markers" if held_out else "lines",
                marker={"size": 7, "color": colours.paper, "line": {"color": colour, "width": 2}},
                line={
                    "color": colour if held_out else faded(colour, 0.75),
                    "width": 2.4 if held_out else 1.6,
                    "dash": dash,
                },
                cliponaxis=False,
                hovertemplate=f"{label}, step %{{x}}<br>{'held-out ' if held_out else ''}"
                f"{title} %{{y:{form}}}<extra></extra>",
                **where,
            )
