"""Changing what judges a value, with one step back, and the words for a judge."""

import streamlit as st

from vcsoup.numbers import count
from vcsoup.rewards.spec import RewardSpec
from vcsoup.ui.data_cards import scoring
from vcsoup.ui.literal import literal
from vcsoup.ui.reward_settings import words_of
from vcsoup.ui.shell import trying
from vcsoup.workspace import Project

_UNDO = "judge_undo"


def change(project: Project, value: str, spec: RewardSpec | None, *, told: str) -> None:
    """Store another judge of a value, or none.

    Args:
        project: The project.
        value: Whose judge.
        spec: The new one; None takes it away.
        told: What was done, for people; shown with the way back.
    """
    former = project.config.rewards.get(value)
    with st.spinner("Reading the judge's files"):
        project.set_reward(value, spec)
    st.session_state[_UNDO] = (project.name, value, former, told)


def show_undo(project: Project) -> None:
    """Say what was changed last, and offer the way back."""
    name, value, former, told = st.session_state.get(_UNDO) or ("", "", None, "")
    if name != project.name or project.config.rewards.get(value) == former:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="judge_undo"):
        st.markdown(f":material/check: {told}", width="content")
        st.caption(_stale(project, value, former), width="stretch")
        st.button(
            "Undo",
            key="undo_judge",
            icon=":material/undo:",
            on_click=trying,
            args=(_undo, project, value, former),
        )


def _undo(project: Project, value: str, former: RewardSpec | None) -> None:
    project.set_reward(value, former)
    st.session_state.pop(_UNDO, None)


def name_of(spec: RewardSpec) -> str:
    """Name a judge for people, in Markdown: a folder is cut to its last part.

    Example:
        >>> name_of(RewardSpec(kind="length"))
        'length in words'
    """
    return literal(plain_name_of(spec), most=80)


def plain_name_of(spec: RewardSpec) -> str:
    """The same where no Markdown is read, such as in a table."""
    cut = spec.kind == "model" and spec.model.startswith("/")
    return spec.model.rstrip("/").rpartition("/")[2] if cut else spec.title


def how_asked(spec: RewardSpec) -> str:
    """Say in a few words how a judge is asked.

    Example:
        >>> how_asked(RewardSpec(model="org/rm", template="hh", sign=-1))
        'hh-rlhf dialogue, output 0, larger is worse, up to 1,024 tokens'
    """
    sign = words_of("sign", spec.sign)
    if spec.kind == "endpoint":
        return f"{literal(spec.criterion, most=160)}, {sign}"
    if spec.kind != "model":
        return sign
    output = "output 1 minus output 0" if spec.label == "diff" else f"output {spec.label}"
    parts = [words_of("template", spec.template), output, sign]
    parts += [f"up to {count(spec.max_length)} tokens"]
    parts += [f"padded on the {spec.pad_side}"] if spec.pad_side != "right" else []
    if spec.special_tokens != "auto":
        parts.append(f"special tokens {words_of('special_tokens', spec.special_tokens)}")
    return ", ".join(parts)


def _stale(project: Project, value: str, former: RewardSpec | None) -> str:
    """Say which results of the former judge count no more; nothing where there are none."""
    if former is None:
        return ""
    told = []
    if "stale" in scoring(project).values():
        again = "; score again to use the new one" if value in project.config.rewards else ""
        told.append(f"Rewards by the former judge count no more{again}.")
    if project.points():
        told.append(
            "Soups measured so far were judged by the former one: they show again if you go back "
            "to it."
        )
    return " ".join(told)
