"""The view "Reward models": one card per value, the form that changes its judge, and the clinic."""

import hashlib
from typing import Any

import streamlit as st

from vcsoup.rewards.spec import RewardSpec
from vcsoup.ui import (
    reward_changes,
    reward_clinic,
    reward_consent,
    reward_draft,
    reward_findings,
    state,
)
from vcsoup.ui.literal import literal
from vcsoup.ui.reward_form import reward_form
from vcsoup.ui.runs_words import Colour
from vcsoup.ui.shell import beside_each_other, shown_errors, slot, trying
from vcsoup.workspace import Project
from vcsoup.workspace.checkups import Checkup

_OPEN = "judge_open"


def show(project: Project) -> None:
    """Show what judges every value of a project, and the clinic.

    Args:
        project: The project.
    """
    judges(project)
    reward_clinic.show(project)


def judges(project: Project) -> None:
    """Show a card per value, and the form of the one that is being changed."""
    checkup = project.checkup()
    go_on(project)
    for column, value in beside_each_other(project.values):
        with column, st.container(border=True, height="stretch", key=f"judge_card_{value}"):
            _card(project, value, checkup)
    with slot():
        reward_changes.show_undo(project)
    if st.session_state.get(_OPEN) in project.values:
        _form(project, st.session_state[_OPEN])


def open_form(value: str) -> None:
    """Let the form of a value's judge be open."""
    st.session_state[_OPEN] = value


def go_on(project: Project) -> None:
    """Open the form that the last visit left, where none is open."""
    if _OPEN not in st.session_state and (left := reward_draft.left(project)) is not None:
        open_form(left.value)


def open_value() -> str | None:
    """Return the value whose form is open."""
    return st.session_state.get(_OPEN)


def _card(project: Project, value: str, checkup: Checkup | None) -> None:
    judge = project.config.rewards.get(value)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{literal(value.capitalize())}**", width="content")
        chip: tuple[str, Colour, str] = ("no judge", "gray", ":material/person_off:")
        if judge is not None:
            chip = reward_findings.chip_of(project, checkup, value)
        text, colour, icon = chip
        st.badge(text, color=colour, icon=icon)
    if judge is None:
        st.caption("Nothing judges this value yet.")
    else:
        full = literal(judge.title, most=300)
        st.markdown(reward_changes.name_of(judge), help=full)
        st.caption(reward_changes.how_asked(judge))
        if agrees := reward_findings.agreement_words(project, checkup, value):
            st.caption(agrees)
        reward_consent.ask(state.workspace(), judge, key=f"card_{value}")
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Change" if judge else "Choose a judge",
            key=f"judge_{value}",
            icon=":material/edit:" if judge else ":material/add:",
            type="tertiary" if judge else "secondary",
            on_click=open_form,
            args=(value,),
        )
        if judge is not None:
            st.button(
                "Remove",
                key=f"unjudge_{value}",
                icon=":material/delete:",
                type="tertiary",
                on_click=trying,
                args=(_remove, project, value),
            )


def _remove(project: Project, value: str) -> None:
    told = f"Nothing judges **{literal(value)}** now."
    reward_changes.change(project, value, None, told=told)


def _form(project: Project, value: str) -> None:
    present = project.config.rewards.get(value)
    start, left, filled = present, reward_draft.left(project), dict[str, Any]()
    if left is not None and (left.value, left.of) == (value, _stamp(present)):
        start = left.start
    with st.container(border=True, key="judge_form"):
        columns = {name for info in project.datasets().values() for name in _scores(info.report)}
        spec = reward_form(
            f"judge_{project.name}_{value}_{_stamp(start)}",
            state.workspace(),
            value=value,
            start=start,
            columns=sorted(columns),
            heard=filled.update,
        )
        entries = spec.model_dump(mode="json") if spec is not None else filled
        shown = reward_draft.JudgeDraft(value=value, of=_stamp(present), entries=entries)
        reward_draft.keep(project, None if shown.start == present else shown)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            save = st.button(
                "Save",
                type="primary",
                key="judge_save",
                icon=":material/check:",
                disabled=spec is None or spec == present,
            )
            if st.button("Close", key="judge_close", icon=":material/close:"):
                _close(project)
        if save and spec is not None:
            told = f"**{literal(value)}** is judged by {reward_changes.name_of(spec)} now."
            with shown_errors():
                reward_changes.change(project, value, spec, told=told)
                _close(project)


def _scores(report: object) -> list[str]:
    """Names of the scores that a data set brings, from its report."""
    kept = report.get("scores") if isinstance(report, dict) else None
    return [str(name) for name in kept.get("names", [])] if isinstance(kept, dict) else []


def _stamp(judge: RewardSpec | None) -> str:
    """Tells one starting point of the form from another."""
    return hashlib.sha256(judge.model_dump_json().encode()).hexdigest()[:8] if judge else "new"


def _close(project: Project) -> None:
    reward_draft.forget(project)
    st.session_state.pop(_OPEN, None)
    st.rerun()
