"""Fill the chart by jobs: first the base and an even grid, then the soups that promise most."""

import math

import streamlit as st

from vcsoup.jobs import Job
from vcsoup.jobs.job import ENDED_EARLY
from vcsoup.numbers import count, plural
from vcsoup.ui import state
from vcsoup.ui.compare_jobs import measure_args
from vcsoup.ui.literal import literal, message
from vcsoup.ui.runs_words import progress_text
from vcsoup.ui.shell import shown_errors, trying
from vcsoup.workspace import Project

STEPS = 4
MORE, MOST = 6, 200


def grid_args(project: Project, group: str) -> list[str]:
    """Write the command that measures the base and a grid of soups.

    Returns:
        The arguments behind `python -m vcsoup`.
    """
    return measure_args(project, group, ["--grid", str(STEPS)])


def more_args(project: Project, group: str, soups: int) -> list[str]:
    """Write the command that measures the most promising soups.

    Returns:
        The arguments behind `python -m vcsoup`.
    """
    return measure_args(project, group, ["--explore", str(soups)])


def show(project: Project, group: str, *, base_known: bool, drawn: int) -> None:
    """Offer to measure more soups, or show how far that is.

    Args:
        project: The project.
        group: Group of adapters.
        base_known: Whether the base is measured; without it there are no gains to speak of.
        drawn: How many points were stored before the chart's were read.
    """
    job = _job(project, group)
    active = job is not None and job.active
    part = st.fragment(run_every=1.0 if active else None)(_offer)
    part(project, group, base_known=base_known, was_active=active, drawn=drawn)


def _offer(project: Project, group: str, *, base_known: bool, was_active: bool, drawn: int) -> None:
    with shown_errors():
        job = _job(project, group)
        active = job is not None and job.active
        if active != was_active or len(state.stored_points(project, group)) != drawn:
            st.rerun()
        if job is not None and active:
            _progress(job)
            return
        if job is not None and job.error:
            st.error(message(job.error), icon=":material/error:")
        if not base_known:
            _offer_grid(project, group)
            return
        if job is not None and job.state in ENDED_EARLY and "--grid" in job.args:
            _offer_rest(project, group, job)
        _offer_more(project, group)


def _progress(job: Job) -> None:
    done, text = progress_text(job)
    stopping = job.state == "stopping"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.progress(done, text=f"{literal(job.title)}: {text}")
        st.button(
            "Stopping" if stopping else "Cancel",
            key="explore_stop",
            disabled=stopping,
            on_click=trying,
            args=(job.stop,),
        )


def _offer_grid(project: Project, group: str) -> None:
    K = len(project.values)
    soups = math.comb(STEPS + K - 1, K - 1)
    st.button(
        f"Measure the base and {count(soups)} soups",
        icon=":material/grid_on:",
        help="One job that measures the base, every value alone and an even grid of mixes.",
        key="explore",
        on_click=trying,
        args=(_start, project, group, grid_args(project, group), _title(soups, group)),
    )


def _offer_rest(project: Project, group: str, job: Job) -> None:
    args = [*job.args, *([] if "--missing" in job.args else ["--missing"])]
    title = f"Measuring the rest of the grid of {group} adapters"
    st.button(
        "Measure the rest of the grid",
        icon=":material/grid_on:",
        help="The grid was not measured to its end. What is measured stays as it is.",
        key="explore_rest",
        on_click=trying,
        args=(_start, project, group, args, title),
    )


def _offer_more(project: Project, group: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        soups = st.number_input(
            "Soups to explore",
            min_value=1,
            max_value=MOST,
            value=MORE,
            key="explore_soups",
            width=140,
            persist_state="session",
            help="Those whose measuring promises to enlarge the front the most come first.",
        )
        st.button(
            f"Measure {count(soups)} more",
            icon=":material/travel_explore:",
            key="explore_more",
            on_click=trying,
            args=(_start_more, project, group),
        )


def _start_more(project: Project, group: str) -> None:
    soups = int(st.session_state["explore_soups"])
    _start(project, group, more_args(project, group, soups), _title(soups, group))


def _title(soups: int, group: str) -> str:
    return f"Measuring {plural(soups, 'soup')} of {group} adapters"


def _start(project: Project, group: str, args: list[str], title: str) -> None:
    state.jobs().start(
        args,
        kind="evaluate",
        title=title,
        project=project.name,
        meta=_meta(project, group),
    )


def _meta(project: Project, group: str) -> dict[str, str]:
    return {"group": group, "adapters": state.set_key(project, group)}


def _job(project: Project, group: str) -> Job | None:
    meta = _meta(project, group)
    return state.jobs().newest("evaluate", project.name, fits=lambda job: job.meta == meta)
