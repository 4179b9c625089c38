"""Which runs the list shows: by state, value, set of pairs, and text."""

from collections.abc import Sequence
from typing import Literal, TypedDict

import streamlit as st

from vcsoup.ui.runs_look import Run
from vcsoup.workspace import Project

STATES = ("any state", "active", "done", "stopped", "failed", "lost")
_ANY_VALUE, _ANY_GROUP = "any value", "any pairs"
_HINT = "name, setting, id"
_FEW = 4


class _Common(TypedDict):
    label_visibility: Literal["collapsed"]
    persist_state: Literal["session"]


def show(project: Project, runs: Sequence[Run]) -> list[Run]:
    """Show the filters in a row, and return the runs that pass; few runs need none."""
    if len(runs) < _FEW:
        return list(runs)
    groups = [_ANY_GROUP, *sorted({group for run in runs for group in run.groups})]
    values = [_ANY_VALUE, *project.values]
    common: _Common = {"label_visibility": "collapsed", "persist_state": "session"}
    state = st.selectbox("State", STATES, key="filter_state", width=140, **common)
    value = st.selectbox("Value", values, key="filter_value", width=150, **common)
    group = st.selectbox("Pairs", groups, key="filter_group", width=140, **common)
    text = st.text_input("Search", key="filter_text", placeholder=_HINT, width=180, **common)
    return [
        run
        for run in runs
        if passes(
            run,
            state=state,
            value=None if value == _ANY_VALUE else value,
            group=None if group == _ANY_GROUP else group,
            text=text or "",
        )
    ]


def passes(run: Run, *, state: str, value: str | None, group: str | None, text: str) -> bool:
    """Tell whether a run passes the filters.

    Args:
        run: The run.
        state: One of `STATES`.
        value: The value that it must train; None for any.
        group: The group that it must make; None for any.
        text: Words that must all stand in its name, command or id; case does not matter.
    """
    said = f"{run.job.title} {run.job.command} {run.id}".casefold()
    wanted = {"any state": True, "active": run.active}.get(state, run.state == state)
    return (
        wanted
        and (value is None or value in run.values)
        and (group is None or group in run.groups)
        and all(word in said for word in text.casefold().split())
    )
