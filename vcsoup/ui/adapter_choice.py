"""Which of several adapters stands for a value in its set: the newest, unless one is chosen.

A new adapter, also that of a stopped run, takes the place of the one before it and hides the soups
that were measured with it; here the former one comes back, and its soups with it.
"""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from vcsoup.ui import echoes
from vcsoup.ui.literal import literal
from vcsoup.ui.runs_lineage import filter_words
from vcsoup.ui.shell import trying
from vcsoup.workspace import AdapterInfo, Project
from vcsoup.workspace.adapters import candidates, newest_of


def show(project: Project, group: str, standing: Mapping[str, AdapterInfo]) -> None:
    """Let the user choose the adapters of a complete set, where a value has more than one.

    Args:
        project: The project.
        group: The set's name.
        standing: The adapter of each value as it stands now.
    """
    known = project.adapters()
    several = {
        value: found
        for value in project.values
        if len(found := candidates(known, value, group)) > 1
    }
    if not several:
        return
    with st.popover("Choose adapters", type="tertiary", icon=":material/tune:", key="adapters_of"):
        for value, found in several.items():
            titles = {info.name: title_of(info) for info in found}
            names = list(titles)
            now = standing[value].name
            key = f"adapter_{project.name}_{group}_{value}"
            shown = echoes.shown(key, now)
            st.selectbox(
                value.capitalize(),
                names,
                names.index(now) if shown else 0,
                key=key,
                format_func=titles.__getitem__,
                on_change=_choose,
                args=(project, key, now),
            )
        st.caption(
            "The newest stands for its value unless you choose another; soups are kept with the "
            "adapters they were mixed from. One that is trained later stands again."
        )


def show_place(project: Project, info: AdapterInfo) -> None:
    """Say whether an adapter stands in its set, and offer to use it when it does not.

    Args:
        project: The project.
        info: One of its adapters.
    """
    standing = newest_of(project.adapters(), info.value, info.group)
    if standing is None or standing.name == info.name:
        told = f"It stands for {info.value} in the {info.group} set; soups are mixed from it."
        st.badge("in use", color="blue", icon=":material/soup_kitchen:", help=told)
        return
    st.button(
        "Use in soups",
        key=f"use_{info.name}",
        icon=":material/soup_kitchen:",
        type="tertiary",
        help=f"{literal(standing.name)} stands for {info.value} in the {info.group} set now.",
        on_click=trying,
        args=(project.choose_adapter, info.name),
    )


def title_of(info: AdapterInfo) -> str:
    """Return an adapter's name, when it was made, and the filter that its pairs passed."""
    made = "recorded" if info.recorded else f"{pd.Timestamp(info.created):%d %b, %H:%M} UTC"
    kept = filter_words(info.pair_filter) if info.pair_filter else "all pairs"
    stopped = info.manifest.get("stopped")
    ended = f", stopped at step {info.manifest.get('steps_done')}" if stopped else ""
    return f"{info.name}: {made}, {kept}{ended}"


def _choose(project: Project, key: str, standing: str) -> None:
    if not echoes.is_echo(key, standing):
        st.session_state["taste"] = True
        trying(project.choose_adapter, st.session_state[key])
