"""Scoring: which reward models judge the pairs, and the job that asks them.

The job is `python -m vcsoup score`. Rewards are cached as they come, so a run that was stopped or
killed loses nothing: starting again skips what is known.
"""

from collections.abc import Mapping, Sequence
from itertools import takewhile

import pandas as pd
import streamlit as st

from vcsoup.jobs import Job
from vcsoup.jobs.job import ENDED_EARLY
from vcsoup.numbers import count, duration, share
from vcsoup.scoring_progress import (
    StageProgress,
    expected_stages,
    known_rewards,
    scoring_stages,
    seconds_left,
    share_done,
)
from vcsoup.ui import endpoint_cost, state
from vcsoup.ui.data_cards import Scoring, scoring
from vcsoup.ui.literal import message
from vcsoup.ui.navigation import page
from vcsoup.ui.runs_words import CHIPS
from vcsoup.ui.shell import shown_errors, trying
from vcsoup.workspace import Project


def at_work(project: Project) -> bool:
    """Say whether pairs are being scored; asked before what the scoring changes is read."""
    job = _newest(project)
    return job is not None and job.active


def show(project: Project, *, active: bool) -> None:
    """Show the state of scoring, and keep it fresh while a run is active.

    Args:
        project: The project.
        active: What `at_work` said before the rest of the page was drawn.
    """
    st.fragment(run_every=1.0 if active else None)(_live)(project, active)


def score_args(project: Project, values: Sequence[str]) -> list[str]:
    """Write the command that scores some values' pairs.

    Args:
        project: The project.
        values: Whose data sets.

    Returns:
        The arguments behind `python -m vcsoup`.
    """
    named = [part for value in values for part in ("--value", value)]
    root = str(state.workspace().root)
    return ["score", "--project", project.name, *named, "--workspace", root]


def _newest(project: Project) -> Job | None:
    jobs = state.jobs().list(kind="score", project=project.name)
    active = [job for job in jobs if job.active]
    return next(iter(active or jobs), None)


def _live(project: Project, was_active: bool) -> None:
    with shown_errors():
        job = _newest(project)
        if was_active != (job is not None and job.active):
            st.rerun()  # looks by itself from now on, or no longer
        with st.container(border=True, gap="small", key="scoring"):
            standing = scoring(project)
            open_values = [value for value, now in standing.items() if now != "scored"]
            _heading(project, job, open_values)
            if job is not None and job.active:
                _progress(project, job)
            elif open_values:
                endpoint_cost.show_estimate(project, open_values)
                if job is not None:
                    _ended(project, job)
            elif job is not None:
                endpoint_cost.show_spent(_runs(project, job), active=False)
            _models(project, job, standing)


def _heading(project: Project, job: Job | None, open_values: Sequence[str]) -> None:
    missing = [value for value in project.values if value not in project.config.rewards]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Scoring**", width="content")
        if job is not None and (job.active or (open_values and job.state != "done")):
            colour, icon = CHIPS[job.state]
            st.badge(job.state, color=colour, icon=icon)
        st.caption(_standing(project, open_values, missing), width="stretch")
        if job is not None and job.active:
            st.button(
                "Stop",
                key="stop_scoring",
                icon=":material/stop:",
                disabled=job.state == "stopping",
                on_click=trying,
                args=(job.stop,),
            )
        elif open_values and not missing:
            again = job is not None and job.state in ENDED_EARLY
            label = "Go on scoring" if again else "Score the pairs"
            st.button(
                label,
                type="primary",
                key="start_scoring",
                icon=":material/grade:",
                on_click=trying,
                args=(start, project, open_values),
            )
        elif project.datasets() and not open_values:
            st.page_link(
                page("consistency"),
                label="What does a threshold keep?",
                icon=":material/arrow_forward:",
                query_params={"project": project.name},
                width="content",
            )


def _standing(project: Project, open_values: Sequence[str], missing: Sequence[str]) -> str:
    if not project.datasets():
        return "Add pairs first; then the reward models judge both answers of every pair."
    if not open_values:
        return "All pairs have current rewards."
    if missing:
        return (
            f"No reward model for {', '.join(missing)}. Choose what judges each value in the view "
            "Reward models below."
        )
    return f"Waiting: {', '.join(open_values)}. Every reward model judges every answer once."


def start(project: Project, values: Sequence[str]) -> None:
    """Start scoring some values' pairs, as a job."""
    state.jobs().start(
        score_args(project, values),
        kind="score",
        title=f"Scoring {', '.join(values)}",
        project=project.name,
        meta={"values": list(values), "n": [project.datasets()[v].n for v in values]},
    )


def _progress(project: Project, job: Job) -> None:
    stages, expected = _stages(job), _expected(project, job)
    if not stages:
        waits = "waiting for another job to end" if job.state == "queued" else "starting"
        st.progress(0.0, text=waits.capitalize())
        return
    now = stages[-1]
    done = share_done(stages, expected)
    parts = [
        f"Step {len(stages)} of {expected}, the reward model of {now.model}: "
        f"{count(now.done)} of {count(now.total)} answers",
        share(done),
    ]
    left = seconds_left(stages, expected)
    parts += [f"about {duration(left)} left"] if left is not None else []
    st.progress(done, text=", ".join(parts))
    if cached := sum(stage.cached for stage in stages):
        st.caption(f"{count(cached)} rewards were known already and are not computed again.")
    endpoint_cost.show_spent(_runs(project, job), active=True)


def _ended(project: Project, job: Job) -> None:
    stages = _stages(job)
    known, wanted = known_rewards(stages)
    if job.state in ("failed", "lost") and (error := job.error):
        st.error(message(error), icon=":material/error:")
    if job.state in ENDED_EARLY and known:
        st.caption(
            f"{count(known)} of {count(wanted)} rewards of the steps that had begun are kept; "
            "going on skips them."
        )
    endpoint_cost.show_spent(_runs(project, job), active=False)


def _models(project: Project, job: Job | None, standing: Mapping[str, Scoring]) -> None:
    with st.expander("Reward models, command and log", type="compact"):
        specs = project.config.rewards
        st.dataframe(
            pd.DataFrame(
                {
                    "value": list(project.values),
                    "reward model": [_model(project, value) for value in project.values],
                    "layout": [
                        specs[v].template if v in specs and specs[v].kind == "model" else ""
                        for v in project.values
                    ],
                    "its pairs": [standing.get(value, "no pairs") for value in project.values],
                }
            ),
            key="reward_models",
            hide_index=True,
            alt="Which reward model judges for which value",
        )
        if job is not None:
            st.code(job.command, language="bash", wrap_lines=True)
            st.code("\n".join(job.log_tail(20)) or "nothing printed yet", language=None, height=180)


def _model(project: Project, value: str) -> str:
    spec = project.config.rewards.get(value)
    if spec is None:
        return "none"
    return spec.title + (" (cost: larger is worse)" if spec.sign < 0 else "")


def _stages(job: Job) -> tuple[StageProgress, ...]:
    """The stages of a job; its records are read once, however long it runs."""
    key = f"scoring_{job.id}"
    offset, stages = st.session_state.get(key, (0, ()))
    records, offset = job.progress_since(offset)
    stages = scoring_stages(records, stages)
    st.session_state[key] = (offset, stages)
    return stages


def _runs(project: Project, job: Job) -> list[tuple[StageProgress, ...]]:
    """The stages of all runs of one scoring: a run, and those that ended early before it."""
    jobs = [one for one in state.jobs().list(kind="score", project=project.name) if one.id < job.id]
    early = list(takewhile(lambda one: one.resumable, jobs))
    return [_stages(one) for one in [*reversed(early), job]]


def _expected(project: Project, job: Job) -> int:
    """How many steps a run has: every model on every data set that it scores."""
    values = job.meta.get("values") or list(project.datasets())
    return expected_stages(project.config.rewards, len(values))
