"""The Soup page's bench: the adapter set, the live chart and the current soup's numbers."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from vcsoup.numbers import DASH, decimals_of, plain, signed
from vcsoup.ui import adapter_choice, echoes, mixer, soup_link, state, theme
from vcsoup.ui.answer import live_points
from vcsoup.ui.components import front_chart
from vcsoup.ui.pipeline import main_group
from vcsoup.ui.prediction import Guess, predicted
from vcsoup.ui.shell import beside_each_other, slot
from vcsoup.ui.soups import base_rewards, key_of, on_axes, stored_weights, uneven_told
from vcsoup.ui.vote_counts import rates_of
from vcsoup.workspace import Project

FloatArray = npt.NDArray[np.float64]


def group_in_use(project: Project) -> str:
    """Return the set of adapters to mix: the address's, the chosen one, or the main one."""
    sets = project.adapter_sets()
    # The choice lives outside the widget, which forgets when another page is open.
    asked = soup_link.followed("adapters") or st.session_state.get("group")
    group = str(asked if asked in sets else main_group(sets))
    st.session_state["group"] = group
    return group


def choose_group(project: Project, group: str) -> None:
    """Let the user pick the set of adapters to mix."""
    sets = project.adapter_sets()
    default = echoes.shown("adapters", group)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.segmented_control(
            "Adapters",
            list(sets),
            default=default,
            key="adapters",
            required=True,
            on_change=_choose_others,
            help="Filtered ones learned from consistent pairs, unfiltered ones from all pairs.",
        )
        adapter_choice.show(project, group, sets[group])
        _recorded_badge(project, [v for v, info in sets[group].items() if info.recorded])


def _choose_others() -> None:
    if not echoes.is_echo("adapters", st.session_state.get("group")):
        mix_others(st.session_state["adapters"])


def mix_others(group: str) -> None:
    """Mix another set of adapters with the same weights."""
    st.session_state["group"] = group
    st.session_state["taste"] = True


def soups(project: Project, group: str) -> pd.DataFrame:
    """Return the measured soups, with the point that the running tasting is refining."""
    points = [*state.stored_points(project, group), *live_points(project, group)]
    return state.with_points(project, group, points)


def guess_of(project: Project, table: pd.DataFrame, weights: FloatArray) -> Guess | None:
    """Predict the current soup; None when it is measured, or when nothing can be said."""
    if (table["key"] == key_of(weights, project.values)).any():
        return None
    return predicted(table, weights, project.values, free=mixer.is_free())


def chart(
    project: Project,
    group: str,
    table: pd.DataFrame,
    guess: Guess | None,
    *,
    axes: tuple[str, str],
    height: int = front_chart.HEIGHT,
) -> None:
    """Show the measured soups on two values; a click takes a point's weights.

    Args:
        project: The project.
        group: The set of adapters.
        table: The measured soups.
        guess: Prediction of the current soup while it is not measured.
        axes: The values across and up.
        height: As in `front_chart.chart_data`.
    """
    values, (x, y) = project.values, axes
    other, twin = _twin(project, group)
    if not len(table):
        told = "No soup of these adapters is measured yet. Taste one to draw the first point."
        if any(point.group == group for point in project.points()):
            told += " Soups by former judges, or of former adapters, are kept and not shown."
        st.caption(told)
    data = front_chart.chart_data(
        on_axes(table, values, x=x, y=y, votes=rates_of(project, group)),
        on_axes(twin, values, x=x, y=y) if twin is not None else None,
        front_chart.Current(
            key_of(mixer.current(), values),
            guess=(guess.rewards[x], guess.rewards[y]) if guess else None,
            spread=(guess.spread[x], guess.spread[y]) if guess and guess.spread else None,
        ),
        names=(x, y, other),
        colours=theme.colours(),
        height=height,
    )

    def pick(key: str, group: str) -> None:
        shown = twin if group and twin is not None else table
        take_point(stored_weights(shown, key, values), group)

    front_chart.show(data, pick)
    with slot():
        if len(table) or (twin is not None and len(twin)):
            lines = "; dotted lines are the base" if (table["role"] == "base").any() else ""
            st.caption(
                f"Right and up is better{lines}. Click a point to take its weights."
                f"{uneven_told(table)}",
                help="Open marks are recorded, filled ones measured here. A soup is beaten when "
                "another one is at least as good on every value of the project, not on these two "
                "alone.",
            )


def measured(
    project: Project,
    group: str,
    table: pd.DataFrame,
    weights: FloatArray,
    guess: Guess | None,
) -> None:
    """Show the current soup's mean rewards: measured with interval, or predicted and said so."""
    values = project.values
    rows = table[table["key"] == key_of(weights, values)]
    row = rows.iloc[0] if len(rows) else None
    base = _base_beside(project, group, table, row)
    with st.container(key="readings"):
        for column, value in beside_each_other(values):
            with column, st.container(gap=None):
                _metric(value, row, base) if row is not None else _guessed(value, guess, base)
    if row is not None:
        origin = "Recorded" if row["recorded"] else "Measured here"
        st.caption(f"{origin} on {row['n_prompts']} held-out prompts; 95 % intervals by bootstrap.")
    elif guess is not None:
        st.caption(
            "Predicted, not measured yet: the diamond in the chart, with a 95 % interval.",
            help=guess.told,
        )
    else:
        st.caption("This soup is not measured yet.")


def _base_beside(
    project: Project, group: str, table: pd.DataFrame, row: pd.Series | None
) -> dict[str, float] | None:
    """The base's rewards on as many prompts as a soup has so far; None where they are not known."""
    known = table[table["role"] == "base"]
    if row is None or not len(known) or row["n_prompts"] == known["n_prompts"].iloc[0]:
        return base_rewards(table, project.values)
    return state.base_rewards_on(project, group, int(row["n_prompts"]))


def take_point(weights: FloatArray, group: str) -> None:
    """Take the weights and adapters of a point of the chart; the base has none to take.

    Args:
        weights: The soup's stored weights, shape (K,).
        group: Its group of adapters; "" for the one in use.
    """
    if not weights.any():
        st.toast("The base has no adapters in it, so there are no weights to take.")
        return
    if not mixer.fits(weights):
        st.toast("This soup has free weights. Turn on the switch Free weights to take it.")
        return
    if group:
        mix_others(group)
    mixer.take(weights)


def address(project: Project, group: str) -> dict[str, str | None]:
    """Return the address's entries for the adapters and the axes."""
    axes: dict[str, str | None] = {"adapters": group}
    if len(project.values) > 2:
        axes |= {"x": st.session_state.get("axis_x"), "y": st.session_state.get("axis_y")}
    return axes


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


def _metric(value: str, row: pd.Series, base: Mapping[str, float] | None) -> None:
    low, high = row[f"{value}_low"], row[f"{value}_high"]
    decimals = decimals_of(high - low)
    st.metric(value.capitalize(), signed(row[value], decimals))
    over = f", {_over(row[value] - base[value], decimals)}" if base else ""
    st.caption(f"{signed(low, decimals)} to {signed(high, decimals)}{over}")


def _guessed(value: str, guess: Guess | None, base: Mapping[str, float] | None) -> None:
    if guess is None:
        st.metric(value.capitalize(), DASH)
        return
    reward, spread = guess.rewards[value], guess.spread[value] if guess.spread else None
    decimals = 2 if spread is None else decimals_of(2 * spread)
    st.metric(f"{value.capitalize()}, predicted", f"about {signed(reward, decimals)}")
    over = f", about {_over(reward - base[value], decimals)}" if base else ""
    if spread is not None:
        low, high = signed(reward - spread, decimals), signed(reward + spread, decimals)
        st.caption(f"{low} to {high}{over}")
    else:
        st.caption(f"error not known{over}")


def _over(gain: float, decimals: int) -> str:
    """A gain in words that stay on one line."""
    side = "below" if gain < 0 else "over"
    return f"{plain(abs(gain), decimals)} {side} base".replace(" ", "\N{NO-BREAK SPACE}")


def choose_axes(values: tuple[str, ...]) -> tuple[str, str]:
    """Let the user pick the values across and up; two values need no choice."""
    if len(values) == 2:
        return values[0], values[1]
    x = _choose_axis("Across", "x", values)
    return x, _choose_axis("Up", "y", [value for value in values if value != x])


def _choose_axis(label: str, name: str, values: Sequence[str]) -> str:
    key = f"axis_{name}"
    chosen = next(
        (v for v in (soup_link.followed(name), st.session_state.get(key)) if v in values),
        values[0],
    )
    index = values.index(chosen) if echoes.shown(key, chosen) else 0
    return st.selectbox(label, values, index, key=key, width=150, persist_state="session")


def _twin(project: Project, group: str) -> tuple[str, pd.DataFrame | None]:
    other = {"filtered": "unfiltered", "unfiltered": "filtered"}.get(group, "")
    if other not in project.adapter_sets():
        return "", None
    table = state.points_of(project, other)
    return other, table if len(table) else None
