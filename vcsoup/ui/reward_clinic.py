"""The clinic on the page: starts `reward check`, shows how far it is, then what was found.

What was found lies on disk with the judges that were looked at (`vcsoup.workspace.checkups`), so a
refreshed page shows it again, and a changed judge makes it stale.
"""

import streamlit as st

from vcsoup.jobs import Job
from vcsoup.numbers import listed, minute, plural
from vcsoup.plots.canvas import CONFIG
from vcsoup.plots.relations import correlation_map
from vcsoup.ui import reward_findings, state, theme
from vcsoup.ui.literal import literal, message
from vcsoup.ui.runs_words import progress_text
from vcsoup.ui.shell import shown_errors, trying
from vcsoup.workspace import Project
from vcsoup.workspace.checkups import Checkup


def show(project: Project) -> None:
    """Show the clinic of a project, and keep it fresh while it works."""
    job = _newest(project)
    active = job is not None and job.active
    st.fragment(run_every=1.0 if active else None)(_live)(project, active)


def check_args(project: Project) -> list[str]:
    """Write the command that examines a project's judges.

    Returns:
        The arguments behind `python -m vcsoup`.
    """
    root = str(state.workspace().root)
    return ["reward", "check", "--project", project.name, "--workspace", root]


def _live(project: Project, was_active: bool) -> None:
    with shown_errors():
        job = _newest(project)
        active = job is not None and job.active
        if was_active != active:
            st.rerun()
        with st.container(border=True, gap="small", key="clinic"):
            checkup = project.checkup()
            _heading(project, job, checkup)
            if job is not None and active:
                done, told = progress_text(job)
                st.progress(done, text=told[:1].upper() + told[1:])
                return
            if job is not None and job.state in ("failed", "lost") and job.error:
                st.error(message(job.error), icon=":material/error:")
            if checkup is not None:
                _found(project, checkup)


def _heading(project: Project, job: Job | None, checkup: Checkup | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Clinic**", width="content")
        st.caption(_standing(project, checkup), width="stretch")
        if job is not None and job.active:
            st.button(
                "Stop",
                key="stop_check",
                icon=":material/stop:",
                on_click=trying,
                args=(job.stop,),
            )
        elif project.config.rewards:
            label = "Check the judges" if checkup is None else "Check again"
            stale = checkup is None or bool(_changed(project, checkup))
            st.button(
                label,
                type="primary" if stale else "secondary",
                key="start_check",
                icon=":material/stethoscope:",
                on_click=trying,
                args=(_start, project),
            )


def _standing(project: Project, checkup: Checkup | None) -> str:
    if not project.config.rewards:
        return "Name a judge per value first; then they are examined here."
    if checkup is None:
        return (
            "Shows a wrong sign, label, template or padding on example answers and a sample of "
            "your pairs, before hours are spent on scoring."
        )
    looked = ", ".join(f"{plural(n, 'pair')} of {value}" for value, n in checkup.pairs.items())
    told = f"Checked {minute(checkup.checked)} on {looked or 'example answers alone'}."
    if changed := _changed(project, checkup):
        told += f" Changed since: {', '.join(v for v in project.values if v in changed)}."
    return literal(told, most=600)


def _found(project: Project, checkup: Checkup) -> None:
    seen = reward_findings.seen_now(checkup, project)
    reward_findings.show(project, seen)
    values = list(checkup.judges)
    if len(values) < 2 or not any(checkup.pairs.values()):
        return
    with st.container(gap="xsmall", key="relations", width=110 + 130 * len(values)):
        st.markdown("**Do the values say the same?**")
        figure = correlation_map(values, checkup.correlations, colours=theme.colours())
        pairs = plural(sum(checkup.pairs.values()), "pair")
        st.plotly_chart(figure, key="correlations", config=CONFIG, alt="Correlations of the gaps")
        st.caption(
            f"Correlation of reward gaps on {pairs}: +1 says the same twice, "
            "0 is independent, near \N{MINUS SIGN}1 no pair pleases both."
        )
        if changed := [value for value in values if value in _changed(project, checkup)]:
            st.caption(
                f"Of the judges and pairs as they were: {literal(listed(changed))} "
                f"{'was' if len(changed) == 1 else 'were'} changed since; check again."
            )


def _changed(project: Project, checkup: Checkup) -> frozenset[str]:
    return checkup.changed(project.config.rewards, project.datasets())


def _start(project: Project) -> None:
    state.jobs().start(
        check_args(project),
        kind="check",
        title=f"Checking the judges of {project.title}",
        project=project.name,
    )


def _newest(project: Project) -> Job | None:
    return state.jobs().newest("check", project.name)
