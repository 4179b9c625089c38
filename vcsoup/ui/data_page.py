"""The Data page below its header: cards, scoring, and one view at a time.

Four views are about one data set; "Reward models" is about what judges all of them.

The address says which data set, which view, and what of it is read. It is written once a run, when
all of it is known, so "back" goes from one thing that was on the screen to the one before.
"""

import streamlit as st

from vcsoup.ui import (
    data_cards,
    data_intake,
    data_problems,
    data_reading,
    data_scoring,
    data_statistics,
    reward_view,
    soup_link,
)
from vcsoup.ui.shell import shown_errors
from vcsoup.workspace import Project

VIEWS = {
    "read": ("Read pairs", ":material/article:"),
    "statistics": ("Statistics", ":material/bar_chart:"),
    "reported": ("Reported rows", ":material/report:"),
    "add": ("Add or replace", ":material/upload_file:"),
    "judges": ("Reward models", ":material/gavel:"),
}
_WITHOUT_PAIRS = ["add", "judges"]


def show(project: Project) -> None:
    """Show everything about a project's pairs."""
    active = data_scoring.at_work(project)
    data_cards.show(project)
    data_scoring.show(project, active=active)
    st.space("small")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        value = _choose("data_value", "value", list(project.values), _first_value(project))
        has_pairs = value in project.datasets()
        views = list(VIEWS) if has_pairs else _WITHOUT_PAIRS
        view = _choose("data_view", "view", views, views[0])
    st.fragment(_view)(project, value, view)


def _view(project: Project, value: str, view: str) -> None:
    read = data_reading.NOTHING_READ
    with shown_errors():
        if view == "judges":
            reward_view.show(project)
        elif value not in project.datasets() or view == "add":
            data_intake.show(project, value)
        elif view == "statistics":
            data_statistics.show(project, value)
        elif view == "reported":
            data_problems.show(project, value)
        else:
            read = data_reading.show(project, value)
    soup_link.write({"value": value, "view": view, **read})
    soup_link.run_ended()


def _first_value(project: Project) -> str:
    return next(iter(project.datasets()), project.values[0])


def _choose(key: str, name: str, options: list[str], usual: str) -> str:
    """A choice that the address carries as `?name=`; nonsense in the address is ignored.

    The choice lives in the session under `key`, outside the widget, which forgets when another
    page is open.
    """
    asked = soup_link.followed(name) or st.session_state.get(key)
    chosen = asked if asked in options else usual
    st.session_state[key] = st.session_state[f"{key}_widget"] = chosen
    st.segmented_control(
        "Dataset" if name == "value" else "View",
        options,
        key=f"{key}_widget",
        required=True,
        on_change=_chosen,
        args=(key,),
        wrap=True,
        format_func=lambda option: " ".join(VIEWS[option][::-1]) if name == "view" else option,
    )
    return chosen


def _chosen(key: str) -> None:
    st.session_state[key] = st.session_state[f"{key}_widget"]
    if key == "data_value":
        st.session_state["data_pair"] = None
