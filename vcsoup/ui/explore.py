"""Fill the chart: base, single values and a grid of mixes measured by one job."""

import math

import streamlit as st

from vcsoup.jobs import Job
from vcsoup.ui import state
from vcsoup.ui.numbers import count
from vcsoup.ui.runs import progress_text
from vcsoup.ui.shell import shown_errors
from vcsoup.workspace import Project

STEPS = 4


def explore_args(project: Project, group: str) -> list[str]:
    """Write the command that measures the base and a grid of soups.

    Returns:
        The arguments behind `python -m vcsoup`.
    """
    root = str(state.workspace().root)
    args = ["evaluate", "--project", project.name, "--group", group, "--grid", str(STEPS)]
    return [*args, "--workspace", root]


def show(project: Project, group: str, *, base_known: bool) -> None:
    """Offer to measure a grid, or show how far that is.

    Args:
        project: The project.
        group: Group of adapters.
        base_known: Whether the base is measured; without it there are no gains to speak of.
    """
    job = _job(project, group)
    active = job is not None and job.active
    if base_known and not active:
        return
    st.fragment(run_every=1.0 if active else None)(_offer)(project, group, active)


def _offer(project: Project, group: str, was_active: bool) -> None:
    with shown_errors():
        job = _job(project, group)
        if job is not None and job.active:
            done, text = progress_text(job)
            st.progress(done, text=text)
            return
        if was_active:
            st.rerun()
        if job is not None and job.error:
            st.error(job.error, icon=":material/error:")
        K = len(project.values)
        soups = math.comb(STEPS + K - 1, K - 1)
        if st.button(
            f"Measure the base and {count(soups)} soups",
            icon=":material/grid_on:",
            help="One job that measures the base, every value alone and an even grid of mixes.",
            key="explore",
        ):
            state.jobs().start(
                explore_args(project, group),
                kind="evaluate",
                title=f"{count(soups)} soups of {group} adapters",
                project=project.name,
                meta={"group": group, "adapters": state.set_key(project, group)},
            )
            st.rerun()


def _job(project: Project, group: str) -> Job | None:
    wanted = {"group": group, "adapters": state.set_key(project, group)}
    known = state.jobs().list(kind="evaluate", project=project.name)
    return next((job for job in known if job.meta == wanted), None)
