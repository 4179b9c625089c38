"""Measuring the speed of training before starting: a few real steps, as a job of their own."""

import streamlit as st

from vcsoup.jobs import Job
from vcsoup.ui import state
from vcsoup.ui.literal import message
from vcsoup.ui.runs_words import progress_text
from vcsoup.ui.shell import shown_errors, trying
from vcsoup.ui.train_plan import Plan, train_args
from vcsoup.workspace import Project


def at_work(project: Project) -> bool:
    """Say whether a speed is being measured; asked before what was measured is read."""
    job = _newest(project)
    return job is not None and job.active


def show(project: Project, plan: Plan, *, active: bool) -> None:
    """Offer the calibration of the planned runs, and show the one at work.

    Args:
        project: The project.
        plan: The planned runs.
        active: What `at_work` said before their cost was drawn.
    """
    if not plan.runs:
        return
    st.fragment(run_every=1.0 if active else None)(_live)(project, plan, active)


def calibration_args(project: Project, plan: Plan) -> list[str]:
    """Write the command that measures the speed of the plan's first run.

    Returns:
        The arguments behind `python -m vcsoup`.
    """
    root = state.workspace().root
    return train_args(project.name, root, plan.runs[0], plan, extra=["--calibrate"])


def _live(project: Project, plan: Plan, was_active: bool) -> None:
    with shown_errors():
        job = _newest(project)
        active = job is not None and job.active
        if was_active != active:
            st.rerun()
        if job is not None and active:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                done, told = progress_text(job)
                st.progress(done, text=f"Measuring the speed: {told}")
                st.button(
                    "Stop",
                    key="calibrate_stop",
                    type="tertiary",
                    on_click=trying,
                    args=(job.stop,),
                )
            return
        st.button(
            "Measure the speed",
            type="tertiary",
            icon=":material/timer:",
            key="calibrate",
            help="Runs a few real steps with these settings, and keeps nothing of them.",
            on_click=trying,
            args=(_start, project, plan),
        )
        if job is not None and job.state in ("failed", "lost"):
            st.error(message(job.error or "the calibration ended"), icon=":material/error:")


def _start(project: Project, plan: Plan) -> None:
    value, group = plan.runs[0]
    state.jobs().start(
        calibration_args(project, plan),
        kind="calibrate",
        title=f"Speed of training {value}, {group}",
        project=project.name,
        meta={"value": value, "group": group},
    )


def _newest(project: Project) -> Job | None:
    return state.jobs().newest("calibrate", project.name)
