"""The view "Map": the gaps of two values as a density, with a lasso that leads to the pairs."""

import base64
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import streamlit as st

from vcsoup.errors import FilterError
from vcsoup.gap_shapes import BoolArray
from vcsoup.numbers import count, plain, plural
from vcsoup.plots.palette import Palette
from vcsoup.regions import in_polygon
from vcsoup.ui import pair_table, theme
from vcsoup.ui.components.drawn import colour_data, register_drawn, sent
from vcsoup.ui.drafting import Desk
from vcsoup.ui.look import Key
from vcsoup.ui.measures import Measures
from vcsoup.workspace import Project

CELLS = 96
_KEY = "gap_map"
_map = register_drawn("gap_map", "map")

Polygon = tuple[tuple[float, float], ...]


def show(project: Project, desk: Desk) -> None:
    """Show the map of two values, and the pairs of the region that was drawn."""
    measures = desk.look.measures(desk.focus)
    axes = _choose_axes(project.values)
    mask = measures.kept(desk.draft.filter_of(desk.focus))
    polygon = _polygon(desk, axes)
    tau = desk.draft.thresholds[desk.focus]
    cells = _cells(desk.look.keys[desk.focus], axes, _measures=measures)
    data = map_data(measures, cells, mask, axes=axes, tau=tau, colours=theme.colours())
    _map(
        key=_KEY,
        data={**data, "polygon": [list(corner) for corner in polygon]},
        on_picked_change=_picked,
    )
    if len(polygon) >= 3:
        _region(desk, measures, polygon, axes)


def map_data(
    measures: Measures,
    cells: npt.NDArray[np.uint16],
    kept: BoolArray,
    *,
    axes: tuple[int, int],
    tau: float,
    colours: Palette,
) -> dict[str, object]:
    """Lay the map out for the component.

    Args:
        measures: The dataset.
        cells: Cell of each pair (`cells_of`), shape (n,).
        kept: The kept pairs, shape (n,).
        axes: Which values go right and up, as places in `measures.values`.
        tau: The current threshold, for the cone.
        colours: The theme's palette.

    Returns:
        Plain JSON; density (logarithmic) and share kept as base64 of one byte per cell.
    """
    total = np.bincount(cells, minlength=CELLS * CELLS)
    inside = np.bincount(cells[kept], minlength=CELLS * CELLS)
    density = np.ceil(255 * np.log1p(total) / max(np.log1p(total.max()), 1e-9))
    part = np.divide(255 * inside, total, out=np.zeros(len(total)), where=total > 0)
    names = [measures.values[k] for k in axes]
    exact = len(measures.values) == 2
    told = (
        f"Map of the gaps in {names[0]} and {names[1]}: {count(int(kept.sum()))} of "
        f"{plural(measures.n, 'pair')} kept. Arrow keys move a box, Shift and arrows size it, "
        "Enter picks the pairs inside."
    )
    return {
        "axes": names,
        "cells": CELLS,
        "limit": float(measures.gap_edges[-1]),
        "density": _bytes(density),
        "kept": _bytes(np.round(part)),
        "cone": list(cone(tau)),
        "cone_name": f"kept cone at {plain(tau)}"
        + ("" if exact else f", if only {names[0]} and {names[1]} counted"),
        "colours": colour_data(colours),
        "told": told,
    }


def cone(tau: float) -> tuple[float, float]:
    """The directions of two gaps that a threshold keeps, around 45 degrees.

    Returns:
        First and last angle in radians, counted from the right.

    Example:
        >>> [round(math.degrees(angle)) for angle in cone(0.0)]
        [-45, 135]
    """
    half = math.acos(tau)
    return math.pi / 4 - half, math.pi / 4 + half


def cells_of(measures: Measures, axes: tuple[int, int]) -> npt.NDArray[np.uint16]:
    """The cell of each pair, row by row from the top left; the outer ones hold what lies beyond.

    Returns:
        Shape (n,), 0 to `CELLS`**2 - 1.
    """
    limit = np.float32(measures.gap_edges[-1])
    scale = np.float32(CELLS) / (2 * limit)
    column, row = (
        np.clip((sign * measures.gaps[axis] + limit) * scale, 0, CELLS - 1).astype(np.uint16)
        for axis, sign in zip(axes, (1, -1), strict=True)
    )
    return np.asarray(row * np.uint16(CELLS) + column, dtype=np.uint16)


def _choose_axes(values: Sequence[str]) -> tuple[int, int]:
    if len(values) == 2:
        return 0, 1
    with st.container(horizontal=True, gap="medium"):
        x = st.selectbox("Across", values, key="map_x", width=220, persist_state="session")
        others = [value for value in values if value != x]
        y = st.selectbox(
            "Up", others, key=f"map_y_{x}", index=0, width=220, persist_state="session"
        )
    return values.index(x), values.index(y)


@st.cache_resource(max_entries=8, show_spinner=False)
def _cells(key: Key, axes: tuple[int, int], *, _measures: Measures) -> npt.NDArray[np.uint16]:
    return cells_of(_measures, axes)


def _polygon(desk: Desk, axes: tuple[int, int]) -> Polygon:
    """The region drawn on this very map; on another one there is none."""
    here = (desk.project, desk.focus, desk.scale, axes)
    st.session_state["map_here"] = here
    where, polygon = st.session_state.get("map_region", (None, ()))
    return polygon if where == here else ()


def _picked() -> None:
    picked = sent(_KEY, "picked")
    if picked is None:
        return
    corners = tuple((float(x), float(y)) for x, y in picked["polygon"][:400])
    st.session_state["map_region"] = (st.session_state["map_here"], corners)
    pair_table.forget_page("map")


def _region(desk: Desk, measures: Measures, polygon: Polygon, axes: tuple[int, int]) -> None:
    try:
        inside = _inside(desk.look.keys[desk.focus], axes, polygon, _measures=measures)
    except FilterError as error:
        st.error(str(error), icon=":material/error:")
        return
    kept = int(np.count_nonzero(inside & measures.kept(desk.draft.filter_of(desk.focus))))
    total = int(np.count_nonzero(inside))
    st.markdown(f"**{plural(total, 'pair')} in the region**, {count(kept)} of them kept.")
    if total:
        pair_table.show(desk, inside, key="map")


@st.cache_resource(max_entries=8, show_spinner=False)
def _inside(key: Key, axes: tuple[int, int], polygon: Polygon, *, _measures: Measures) -> BoolArray:
    return in_polygon(_measures.gaps[axes[0]], _measures.gaps[axes[1]], polygon)


def _bytes(cells: npt.NDArray[np.floating]) -> str:
    return base64.b64encode(cells.astype(np.uint8).tobytes()).decode("ascii")
