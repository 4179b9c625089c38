"""The tasting table: the same prompts and seed for the base, the corners and the current soup."""

import numpy as np
import streamlit as st

from vcsoup.ui import mixer, theme
from vcsoup.ui.answer import STATES, connector, prompts_of
from vcsoup.ui.components import answers
from vcsoup.ui.literal import message
from vcsoup.ui.pouring import Glass, Round, make_pourer, replies_of, rewards_of
from vcsoup.ui.shell import shown_errors
from vcsoup.ui.soups import weights_told
from vcsoup.ui.watching import Seen, Watch
from vcsoup.workspace import Project

LOOK_SECONDS = 0.25
MOST_PROMPTS = 8


def show(project: Project, group: str, prompt: str) -> None:
    """Show the table's form, and the table while it fills.

    Args:
        project: The project.
        group: Group of adapters.
        prompt: The prompt in use, the first row.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.number_input(
            "Prompts",
            1,
            MOST_PROMPTS,
            value=3,
            key="table_prompts",
            width=120,
            persist_state="session",
            help="The prompt above and more of the held-out ones.",
        )
        st.number_input(
            "Seed",
            0,
            10_000,
            value=0,
            key="table_seed",
            width=120,
            persist_state="session",
            help="Fixes the random numbers, the same for every soup.",
        )
        active = pourer().seen.active
        st.button(
            "Pour the table",
            type="primary",
            icon=":material/table_view:",
            key="table_pour",
            disabled=not prompt or active,
            on_click=_pour,
            args=(project, group, prompt),
        )
        if active:
            st.button("Cancel", key="table_cancel", on_click=pourer().cancel)
    st.fragment(run_every=LOOK_SECONDS if active else None)(_table)(project.name, active)


def glasses_of(project: Project, group: str) -> tuple[Glass, ...]:
    """Return the table's columns: base, every value alone, and the current soup."""
    values = project.values
    glasses = [Glass("base", group, dict.fromkeys(values, 0.0))]
    for place, value in enumerate(values):
        corner = np.eye(len(values))[place]
        glasses.append(Glass(value, group, dict(zip(values, corner.tolist(), strict=True))))
    weights = dict(zip(values, mixer.current().tolist(), strict=True))
    if weights not in [glass.weights for glass in glasses]:
        glasses.append(Glass(f"this soup: {weights_told(weights, values)}", group, weights))
    return tuple(glasses)


def pourer() -> Watch[Round]:
    """Return the table's pourer of this session."""
    if "pourer" not in st.session_state:
        st.session_state["pourer"] = make_pourer(connector())
    return st.session_state["pourer"]


def _pour(project: Project, group: str, prompt: str) -> None:
    others = [text for text in prompts_of(project) if text != prompt]
    wanted = int(st.session_state["table_prompts"])
    pourer().start(
        Round(
            project=project.name,
            prompts=(prompt, *others)[:wanted],
            glasses=glasses_of(project, group),
            seed=int(st.session_state["table_seed"]),
        )
    )


def _table(project: str, was_active: bool) -> None:
    with shown_errors():
        seen = pourer().seen
        if seen.active != was_active:
            st.rerun()
        if seen.request is None or seen.request.project != project:
            st.caption(
                "Every soup answers the same prompts with the same random numbers, so what differs "
                "is the mix. Marked words are not in the base's answer."
            )
            return
        _standing(seen)
        answers.show(
            seen.request,
            replies_of(seen),
            rewards_of(seen),
            colours=theme.colours(),
            whole=not seen.active,
        )


def _standing(seen: Seen[Round]) -> None:
    told = STATES | {
        "sampling": "The soups are answering",
        "scoring": "Scoring the answers",
        "done": "Rewards per answer; in brackets the difference to the base's answer",
        "failed": "The table is not complete",
    }
    if seen.state == "failed":
        st.error(message(seen.error or "The table failed."), icon=":material/error:")
    elif seen.state == "restarting":
        st.warning(told["restarting"] + ".", icon=":material/restart_alt:")
    else:
        st.caption(told[seen.state])
