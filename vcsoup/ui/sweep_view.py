"""The view "Sweep": what every threshold would keep, and what it would bring along."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import numpy as np
import numpy.typing as npt
import streamlit as st

from vcsoup.consistency import chance_retention
from vcsoup.numbers import share, signed
from vcsoup.plots.palette import Palette, value_colours
from vcsoup.sweep import Sweep
from vcsoup.ui import theme
from vcsoup.ui.components.drawn import colour_data
from vcsoup.ui.drafting import Desk
from vcsoup.ui.gap_view import panels
from vcsoup.ui.measures import GRID, Measures
from vcsoup.workspace import Project

Floats = npt.NDArray[np.float64]


class Line(TypedDict):
    """One curve of a chart, as the component takes it; `now` is its height at the filter."""

    name: str
    colour: str
    ys: list[float | None]
    now: NotRequired[float | None]
    dash: NotRequired[bool]


def show(project: Project, desk: Desk) -> None:
    """Show kept share, mean gaps, conflict rate and length bias against the threshold."""
    tau = desk.draft.thresholds[desk.focus]
    found = desk.look.swept(desk.focus, min_norm=desk.draft.min_norm)
    measures = desk.look.measures(desk.focus)
    mask = measures.kept(desk.draft.filter_of(desk.focus))
    now = figures_now(measures, mask)
    st.caption(
        f"Every threshold of the {desk.focus} pairs at once; the line marks the current one. "
        "Conflict: some value prefers the rejected answer. Length bias: characters by which the "
        "chosen answer is longer. Likely flips are not part of these curves."
    )
    panels(key="sweep_panels", data=sweep_panels(found, now, tau, project.values, theme.colours()))


def figures_now(measures: Measures, mask: npt.NDArray[np.bool_]) -> dict[str, list[float]]:
    """Say the sweep's figures for exactly the kept pairs, whether or not the grid has them.

    Args:
        measures: The dataset.
        mask: The kept pairs, shape (n,).

    Returns:
        share, gaps (K), conflict and length, each as a list; nan where none is kept.
    """
    kept = int(np.count_nonzero(mask))
    if not kept:
        gaps, nothing = list(measures.mean_gaps(mask)), [float("nan")]
        return {"share": [0.0], "gaps": gaps, "conflict": nothing, "length": nothing}
    _, chosen, rejected = (
        np.multiply(side, mask).sum(dtype=np.int64) for side in measures.lengths.T
    )
    return {
        "share": [kept / measures.n],
        "gaps": list(measures.mean_gaps(mask)),
        "conflict": [int(np.count_nonzero(measures.conflict & mask)) / kept],
        "length": [int(chosen - rejected) / kept],
    }


def sweep_panels(
    found: Sweep,
    now: dict[str, list[float]],
    tau: float,
    values: Sequence[str],
    colours: Palette,
) -> dict[str, object]:
    """Lay the four charts out for the component.

    Args:
        found: The sweep over `GRID`.
        now: Figures of the current filter (`figures_now`).
        tau: The current threshold.
        values: The K values.
        colours: The theme's palette.

    Returns:
        Plain JSON, about ten kilobytes.
    """
    colour_of = value_colours(values, colours)
    accent, ink = colours.accent, colours.ink
    strong = found.share[0]  # every pair that reaches the least norm is at -1 or above
    chance = strong * chance_retention(GRID, len(values))
    gaps = [
        _line(value, colour_of[value], found.mean_gap[:, k], now["gaps"][k])
        for k, value in enumerate(values)
    ]
    kept = [
        _line("kept", accent, found.share, now["share"][0]),
        Line(**_line("chance", ink, chance, None), dash=True),
    ]
    return {
        "colours": colour_data(colours),
        "height": 220,
        "mark": tau,
        "panels": [
            _panel("Kept share", "share", kept, told=f"kept {share(now['share'][0])}"),
            _panel("Mean gap of the kept", "sigma", gaps, told=_gaps_told(values, now["gaps"])),
            _panel(
                "Conflict rate of the kept",
                "share",
                [_line("conflicts", accent, found.conflict_rate, now["conflict"][0])],
                told=f"conflict rate {share(now['conflict'][0])}",
            ),
            _panel(
                "Length bias of the kept, characters",
                "signed",
                [_line("longer by", accent, found.length_bias, now["length"][0])],
                told=f"chosen longer by {signed(now['length'][0], 1)} characters",
            ),
        ],
    }


def _gaps_told(values: Sequence[str], gaps: Sequence[float]) -> str:
    return ", ".join(f"{value} {signed(gap)}" for value, gap in zip(values, gaps, strict=True))


def _line(name: str, colour: str, ys: Floats, now: float | None) -> Line:
    drawn = [None if np.isnan(y) else round(float(y), 4) for y in ys]
    line: Line = {"name": name, "colour": colour, "ys": drawn}
    return line if now is None else {**line, "now": None if np.isnan(now) else now}


def _panel(title: str, kind: str, series: Sequence[Line], *, told: str) -> dict[str, object]:
    return {
        "title": title,
        "told": f"{title} against the threshold; now {told}",
        "axis": "threshold",
        "bars": False,
        "format": kind,
        "x": [-1.0, 1.0],
        "xs": GRID.tolist(),
        "y": _reach(series, kind),
        "series": series,
    }


def _reach(series: Sequence[Line], kind: str) -> list[float]:
    """The vertical axis: 0 to 1 for shares, else from the least to the largest, with zero."""
    if kind == "share":
        return [0.0, 1.0]
    drawn = [y for line in series for y in line["ys"] if y is not None]
    low, high = min([0.0, *drawn]), max([0.0, *drawn])
    room = 0.06 * ((high - low) or 1.0)
    return [low - room if low < 0 else 0.0, high + room]
