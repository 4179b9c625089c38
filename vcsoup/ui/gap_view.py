"""The view "Gaps": reward gaps per value, kept pairs over all pairs of the dataset in focus."""

from collections.abc import Sequence

import streamlit as st

from vcsoup.gap_shapes import IntArray
from vcsoup.numbers import SIGMA, THIN, signed
from vcsoup.plots.palette import Palette, value_colours
from vcsoup.ui import theme
from vcsoup.ui.components.drawn import colour_data, register_drawn
from vcsoup.ui.drafting import Desk
from vcsoup.ui.measures import Measures
from vcsoup.workspace import Project

panels = register_drawn("panels", "panels")
"""Small charts side by side; the sweep uses it too."""


def show(project: Project, desk: Desk) -> None:
    """Show one histogram per value."""
    measures = desk.look.measures(desk.focus)
    wanted = desk.draft.filter_of(desk.focus)
    exact = desk.look.figures(desk.focus, wanted)
    st.caption(
        f"How much better each reward model likes the chosen answer of the {desk.focus} pairs, in "
        "its standard deviations. Colour: kept. Grey: all. The dotted line is no preference."
        + (" The mean counts exchanged pairs too, their gaps turned." if exact.flips else "")
    )
    told = [
        f"{value}: mean {signed(before)} → {signed(after)}{THIN}{SIGMA}"
        for value, before, after in zip(
            project.values, exact.all_gaps, exact.mean_gaps, strict=True
        )
    ]
    data = gap_panels(measures, measures.gap_counts(measures.kept(wanted)), told, theme.colours())
    panels(key="gap_panels", data=data)


def gap_panels(
    measures: Measures, kept: IntArray, titles: Sequence[str], colours: Palette
) -> dict[str, object]:
    """Lay the histograms out for the component.

    Args:
        measures: The dataset.
        kept: Kept pairs per value and bar, shape (K, 40).
        titles: A line per value.
        colours: The theme's palette.

    Returns:
        Plain JSON: one panel per value, all with the same axes.
    """
    colour_of = value_colours(measures.values, colours)
    everyone = measures.all_gap_counts
    limit = float(measures.gap_edges[-1])
    tallest = float(everyone.max()) * 1.04 or 1.0
    return {
        "colours": colour_data(colours),
        "height": 210,
        "mark": None,
        "panels": [
            {
                "title": titles[k],
                "told": titles[k],
                "axis": f"reward gap, {SIGMA}",  # whose, says the title: it has room for any name
                "bars": True,
                "format": "count",
                "x": [-limit, limit],
                "xs": [],
                "y": [0.0, tallest],
                "series": [
                    {"name": "all", "colour": colours.faint, "ys": everyone[k].tolist()},
                    {"name": "kept", "colour": colour_of[value], "ys": kept[k].tolist()},
                ],
            }
            for k, value in enumerate(measures.values)
        ],
    }
