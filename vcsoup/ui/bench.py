"""The Soup page's bench: the adapter set, the live chart and the current soup's numbers."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from vcsoup.plots.canvas import CONFIG
from vcsoup.plots.front import FrontView, front_scatter
from vcsoup.soup.weights import parse_weights
from vcsoup.ui import mixer, state, theme
from vcsoup.ui.answer import live_points
from vcsoup.ui.numbers import DASH, signed
from vcsoup.ui.pipeline import main_group
from vcsoup.ui.soups import base_rewards, on_axes, point_table, soup_key, straight_line
from vcsoup.workspace import Project

FloatArray = npt.NDArray[np.float64]


def choose_group(project: Project) -> str:
    """Let the user pick the set of adapters to mix; `?adapters=` carries it."""
    sets = project.adapter_sets()
    # The choice lives outside the widget, which forgets when another page is open.
    asked = st.session_state.get("group") or st.query_params.get("adapters")
    group = str(asked if asked in sets else main_group(sets))
    st.session_state["group"] = st.session_state["adapters"] = group
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.segmented_control(
            "Adapters",
            list(sets),
            key="adapters",
            required=True,
            on_change=_mix_others,
            help="Filtered ones learned from consistent pairs, unfiltered ones from all pairs.",
        )
        _recorded_badge(project, [v for v, info in sets[group].items() if info.recorded])
    if st.query_params.get("adapters") != group:
        st.query_params["adapters"] = group
    return group


def soups(project: Project, group: str) -> pd.DataFrame:
    """Return the measured soups, with the point that the running tasting is refining."""
    points = [*state.stored_points(project, group), *live_points(project, group)]
    return point_table(points, project.values)


def chart(project: Project, group: str, table: pd.DataFrame, weights: FloatArray) -> None:
    """Show the measured soups on two values; a click takes a point's weights."""
    values = project.values
    x, y = _axes(values)
    other, twin = _twin(project, group)
    guess = straight_line(table, weights, values)
    view = FrontView(
        x=x,
        y=y,
        current=_key(weights, values),
        guess=(guess[x], guess[y]) if guess else None,
        twin=other,
    )
    if not len(table):
        st.caption("No soup of these adapters is measured yet. Taste one to draw the first point.")
    figure = front_scatter(
        on_axes(table, values, x=x, y=y),
        view=view,
        twin=on_axes(twin, values, x=x, y=y) if twin is not None else None,
        colours=theme.colours(),
    )
    st.plotly_chart(
        figure,
        key="front",
        config=CONFIG,
        on_select=lambda: take_clicked(st.session_state["front"], values),
        selection_mode="points",
        alt=f"{len(table)} measured soups by mean reward on {x} and {y}",
    )
    st.caption(
        "Right and up is better; dotted lines are the base. Open marks are recorded, filled ones "
        "measured here. Click a point to take its weights."
    )


def measured(project: Project, table: pd.DataFrame, weights: FloatArray) -> None:
    """Show the current soup's mean rewards with interval, or say that it is not measured."""
    values = project.values
    rows = table[table["key"] == _key(weights, values)]
    row = rows.iloc[0] if len(rows) else None
    base = base_rewards(table, values)
    for column, value in zip(st.columns(len(values)), values, strict=True):
        with column:
            _metric(value, row, base)
    if row is None:
        guessed = straight_line(table, weights, values) is not None
        guess = " The diamond is a straight-line guess." if guessed else ""
        st.caption(f"This soup is not measured yet.{guess}")
        return
    origin = "Recorded" if row["recorded"] else "Measured here"
    st.caption(f"{origin} on {row['n_prompts']} held-out prompts; 95 % intervals by bootstrap.")


def take_clicked(event: Mapping[str, Mapping[str, list]], values: tuple[str, ...]) -> None:
    """Take the weights of a clicked point; a click on nothing or on the base changes nothing.

    Args:
        event: The chart's selection state.
        values: The project's values.
    """
    points = event["selection"]["points"]
    if not points:
        return
    weights = parse_weights(str(points[0]["customdata"][0]), values, free=True)
    if abs(weights.sum() - 1.0) > 1e-3 or (weights < 0).any():
        st.toast("This point has no weights that sum to one, so the sliders cannot take them.")
        return
    mixer.take(weights)


def _mix_others() -> None:
    st.session_state["group"] = st.session_state["adapters"]
    st.session_state["taste"] = True


def _recorded_badge(project: Project, recorded: list[str]) -> None:
    if not recorded:
        return
    which = "" if len(recorded) == len(project.values) else f": {', '.join(recorded)}"
    st.badge(
        f"recorded{which}",
        icon=":material/inventory_2:",
        color="gray",
        help="These adapters came with the project; train your own to replace them.",
    )


def _metric(value: str, row: pd.Series | None, base: Mapping[str, float] | None) -> None:
    if row is None:
        st.metric(value.capitalize(), DASH)
        return
    st.metric(
        value.capitalize(),
        signed(row[value]),
        delta=f"{signed(row[value] - base[value])} over base" if base else None,
        delta_color="off",
        delta_arrow="off",
    )
    st.caption(f"{signed(row[f'{value}_low'])} to {signed(row[f'{value}_high'])}")


def _axes(values: tuple[str, ...]) -> tuple[str, str]:
    if len(values) == 2:
        return values[0], values[1]
    with st.container(horizontal=True, gap="small"):
        x = st.selectbox(
            "Across", values, index=0, key="axis_x", width=180, persist_state="session"
        )
        y = st.selectbox(
            "Up",
            [v for v in values if v != x],
            index=0,
            key="axis_y",
            width=180,
            persist_state="session",
        )
    return x, y


def _twin(project: Project, group: str) -> tuple[str, pd.DataFrame | None]:
    other = {"filtered": "unfiltered", "unfiltered": "filtered"}.get(group, "")
    if other not in project.adapter_sets():
        return "", None
    table = state.points_of(project, other)
    return other, table if len(table) else None


def _key(weights: FloatArray, values: tuple[str, ...]) -> str:
    return soup_key(dict(zip(values, weights.tolist(), strict=True)), values)
