"""Ask by constraint: "at least this much of some values, then as much as possible of another"."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from vcsoup.evaluation.choice import Choice, ask
from vcsoup.numbers import plain, plural, signed
from vcsoup.soup.weights import parse_weights
from vcsoup.ui import mixer
from vcsoup.ui.soups import base_rewards, mix_text
from vcsoup.workspace import Project

ANY, BASE, LEAST = "any", "at least the base", "at least"


def show(project: Project, table: pd.DataFrame) -> None:
    """Show the question and its answer among the measured soups.

    Args:
        project: The project.
        table: The measured soups (`soups.point_table`).
    """
    values = project.values
    soups = table[table["role"] != "base"].reset_index(drop=True)
    if not len(soups):
        st.caption("No soup is measured yet, so there is nothing to choose from.")
        return
    base = base_rewards(table, values)
    maximise, minimums = _question(values, base)
    found = ask(soups[list(values)].to_numpy(float), minimums, maximise=values.index(maximise))
    if found.chosen is None:
        _out_of_reach(found, soups, values, minimums)
    else:
        _chosen(found, soups, values, maximise)


def verdict(found: Choice, soups: pd.DataFrame, values: Sequence[str], maximise: str) -> str:
    """Say what the chosen soup beat.

    Args:
        found: A choice that found a soup.
        soups: The measured soups, rows as they were asked.
        values: The project's values.
        maximise: The value that was to be largest.
    """
    of = f"{found.met} of {plural(len(soups), 'measured soup')} meet this"
    if found.met == 1:
        return f"1 of {plural(len(soups), 'measured soup')} meets this: no other to beat."
    second = mix_text(soups.iloc[found.runner_up], values)
    return f"{of}. The next best, {second}, has {plain(found.lead or 0)} less of {maximise}."


def refusal(
    found: Choice, soups: pd.DataFrame, values: Sequence[str], minimums: Mapping[int, float]
) -> str:
    """Say which constraint nobody meets, and which soup comes nearest.

    Args:
        found: A choice that found no soup.
        soups: The measured soups, rows as they were asked.
        values: The project's values.
        minimums: What was asked for.
    """
    parts = [
        f"No measured soup has {values[column]} of {signed(minimums[column])} or more: the best "
        f"reaches {signed(best)}."
        for column, best in (found.beyond or {}).items()
    ] or ["Each of these is met by some soup, but no measured soup meets all of them."]
    lacks = " and ".join(
        f"{plain(lacking)} of {values[column]}"
        for column, lacking in (found.shortfalls or {}).items()
    )
    nearest = mix_text(soups.iloc[found.nearest], values)
    return " ".join([*parts, f"Nearest is {nearest}; it lacks {lacks}."])


def _question(
    values: Sequence[str], base: Mapping[str, float] | None
) -> tuple[str, dict[int, float]]:
    minimums: dict[int, float] = {}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        maximise = st.selectbox(
            "As much as possible of", values, key="ask_maximise", persist_state="session", width=190
        )
        for value in values:
            if value == maximise:
                continue
            bound = _bound(value, base)
            if bound is not None:
                minimums[values.index(value)] = bound
    return maximise, minimums


def _bound(value: str, base: Mapping[str, float] | None) -> float | None:
    offers = {ANY: ANY, **({BASE: f"{BASE}, {signed(base[value])}"} if base else {}), LEAST: LEAST}
    kind = st.selectbox(
        f"and {value}",
        list(offers),
        key=f"ask_{value}",
        persist_state="session",
        width=210,
        format_func=offers.__getitem__,
    )
    if kind == LEAST:
        return float(
            st.number_input(
                f"Least {value}",
                value=round(base[value], 2) if base else 0.0,
                step=0.05,
                key=f"ask_least_{value}",
                persist_state="session",
                width=140,
            )
        )
    return base[value] if kind == BASE and base else None


def _chosen(found: Choice, soups: pd.DataFrame, values: Sequence[str], maximise: str) -> None:
    row = soups.iloc[found.chosen]
    st.markdown(f"**{mix_text(row, values)}**")
    rewards = ", ".join(f"{value} {signed(row[value])}" for value in values)
    st.caption(f"{rewards}. {verdict(found, soups, values, maximise)}")
    _take(row, values, "Take this soup")


def _out_of_reach(
    found: Choice, soups: pd.DataFrame, values: Sequence[str], minimums: Mapping[int, float]
) -> None:
    st.info(refusal(found, soups, values, minimums), icon=":material/block:")
    _take(soups.iloc[found.nearest], values, "Take the nearest")


def _take(row: pd.Series, values: Sequence[str], label: str) -> None:
    weights = parse_weights(str(row["key"]), values, free=True)
    st.button(
        label,
        icon=":material/soup_kitchen:",
        key="ask_take",
        disabled=not mixer.fits(weights),
        on_click=mixer.take,
        args=(weights,),
    )
