"""The wizard's last step: what scoring costs on this machine, then one click.

Counting and timing are the job `score --estimate`: it loads each reward model and lets it judge a
few real answers. Before it is done, the number of answers is known from the pairs alone.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import pandas as pd
import streamlit as st

from vcsoup.cost import Cost
from vcsoup.jobs import Job
from vcsoup.numbers import DASH, count, duration, memory, money, plural
from vcsoup.rewards.bill import limit_told
from vcsoup.rewards.spec import RewardSpec
from vcsoup.scoring_cost import JudgeCost, judging_cost
from vcsoup.ui import data_scoring, reward_changes, state, wizard_pairs
from vcsoup.ui.literal import literal, message
from vcsoup.ui.navigation import page
from vcsoup.ui.runs_words import progress_text
from vcsoup.ui.shell import shown_errors, slot, trying
from vcsoup.workspace import Project

_STARTED = "wizard_started"


def score_step(project: Project, back: Callable[[], None]) -> None:
    """Show the cost, and start scoring.

    Args:
        project: The project.
        back: Draws the way back.
    """
    if st.session_state.pop(_STARTED, False):
        st.switch_page(page("data"), query_params={"project": project.name})
    missing = wizard_pairs.not_ready(project), wizard_pairs.without_pairs(project)
    trouble = " ".join(filter(None, missing))
    scored = project.rewards_stamps()
    values = [value for value in project.datasets() if value not in scored]
    can = bool(values) and not missing[0]
    with slot():
        if trouble:
            st.info(trouble, icon=":material/info:")
    if can:
        _estimate(project, values)
    elif project.datasets() and not values:
        st.success("All pairs are scored already.", icon=":material/check_circle:")
        st.page_link(
            page("consistency"),
            label="Go on: what does a threshold keep?",
            icon=":material/arrow_forward:",
            query_params={"project": project.name},
        )
    st.space("small")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        back()
        st.button(
            "Start scoring",
            key="wizard_score",
            type="primary",
            icon=":material/grade:",
            disabled=not can,
            on_click=trying,
            args=(_start, project, values),
        )
        if not can:
            st.page_link(page("data"), label="To the Data page", icon=":material/arrow_forward:")
        else:
            st.caption("It runs on when this page is closed, and goes on where it was stopped.")


def estimate_args(project: Project, values: Sequence[str]) -> list[str]:
    """Write the command that counts and times.

    Returns:
        The arguments behind `python -m vcsoup`.
    """
    return [*data_scoring.score_args(project, values), "--estimate"]


def _estimate(project: Project, values: Sequence[str]) -> None:
    stamp = _stamp(project, values)
    known = state.jobs().newest(
        "estimate", project.name, fits=lambda job: job.meta.get("stamp") == stamp
    )
    job = known or _begin(project, values, stamp)
    st.fragment(run_every=1.0 if job.active else None)(_live)(project, job.id, job.active)


def _start(project: Project, values: Sequence[str]) -> None:
    _stop_timing(project)
    data_scoring.start(project, values)
    st.session_state[_STARTED] = True


def _stop_timing(project: Project) -> None:
    """End a timing that is at work: it holds a reward model, and its answer is not needed."""
    for job in state.jobs().list(kind="estimate", project=project.name):
        job.stop()


def _begin(project: Project, values: Sequence[str], stamp: str) -> Job:
    _stop_timing(project)
    return state.jobs().start(
        estimate_args(project, values),
        kind="estimate",
        title="Timing the reward models",
        project=project.name,
        meta={"stamp": stamp, "values": list(values)},
    )


def _live(project: Project, job_id: str, was_active: bool) -> None:
    with shown_errors():
        job = state.jobs().get(job_id)
        if was_active and not job.active:
            st.rerun()
        with st.container(border=True, gap="small", key="scoring_cost"):
            st.markdown("**What it costs**")
            if job.active:
                _waiting(project, job)
            elif job.result:
                _costs(project.config.rewards, [_judge_cost(one) for one in job.result["judges"]])
            else:
                _waiting(project, job)
                said = job.error or "The timing was stopped."
                st.warning(message(said), icon=":material/warning:")
                st.button(
                    "Time again",
                    key="estimate_again",
                    icon=":material/refresh:",
                    on_click=trying,
                    args=(_begin, project, job.meta["values"], job.meta["stamp"]),
                )


def _waiting(project: Project, job: Job) -> None:
    """What is known without loading a model."""
    answers = 2 * sum(info.n for info in project.datasets().values())
    specs = project.config.rewards.values()
    models = {s.model_dump_json(exclude={"label", "sign"}) for s in specs if s.kind == "model"}
    endpoints = [spec for spec in specs if spec.kind == "endpoint"]
    most = Cost(passes=answers * len(models), requests=answers * len(endpoints))
    judges = [plural(len(models), "model")] if models else []
    judges += [plural(len(endpoints), "endpoint")] if endpoints else []
    if judges:
        st.markdown(
            f"At most {most.told()}: {count(answers)} answers, each judged by "
            f"{' and '.join(judges)}."
        )
    if job.active:
        done, text = progress_text(job)
        st.progress(done, text=f"Loading each model and timing it on a few answers: {text}")


def _costs(rewards: Mapping[str, RewardSpec], judges: Sequence[JudgeCost]) -> None:
    rows = [
        {
            "value": ", ".join(one.values),
            "judged by": reward_changes.plain_name_of(rewards[one.values[0]]),
            "takes": one.takes,
            "known already": count(one.known) if one.known else None,
            "tokens, about": count(one.tokens) if one.tokens else None,
            "time, about": None if one.seconds is None else duration(one.seconds),
            "memory": None if one.memory is None else memory(one.memory),
            "money, at most": None if one.money is None else money(one.money),
        }
        for one in judges
    ]
    st.dataframe(
        pd.DataFrame(rows).dropna(axis="columns", how="all").fillna(DASH),
        hide_index=True,
        alt="What scoring costs, model by model",
    )
    if together := judging_cost(judges):
        st.markdown(f"Together: {literal(together.told())}.")
    for one in judges:
        if limit := limit_told(rewards[one.values[0]], one.money):
            st.caption(f":material/payments: {literal(', '.join(one.values))}: {literal(limit)}.")
    told = []
    if any(one.seconds is not None for one in judges):
        told.append("Time and memory as measured just now on a few of these answers.")
    if any(one.requests for one in judges):
        told.append("An endpoint is not timed, since its answers cost money.")
    if told:
        st.caption(" ".join(told))


def _judge_cost(told: Mapping[str, Any]) -> JudgeCost:
    """What the job said of one judge."""
    return JudgeCost(**{field.name: told[field.name] for field in fields(JudgeCost)})


def _stamp(project: Project, values: Sequence[str]) -> str:
    """Changes when pairs, reward models or known answers do, or what is told of them."""
    scored = state.jobs().list(kind="score", project=project.name)
    parts = [f"{job.id} {job.attempt}" for job in scored if not job.active]
    parts += [*(field.name for field in fields(JudgeCost))]
    parts += [f"{v} {project.datasets()[v].hash}" for v in values]
    parts += [f"{v} {spec.model_dump_json()}" for v, spec in project.config.rewards.items()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
