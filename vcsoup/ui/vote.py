"""Blind vote: two anonymous answers, one choice by key or click, then who they were."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from vcsoup.numbers import plain, share
from vcsoup.plots.canvas import CONFIG
from vcsoup.plots.win_rates import win_rate_chart
from vcsoup.soup.weights import parse_weights
from vcsoup.ui import mixer, theme, views
from vcsoup.ui.answer import STATES, connector, prompts_of
from vcsoup.ui.ballot import CHOICES, Ballot, new_ballot, vote_of
from vcsoup.ui.components import reading
from vcsoup.ui.literal import message
from vcsoup.ui.pouring import Glass, Round, make_pourer, replies_of
from vcsoup.ui.shell import shown_errors, slot, trying
from vcsoup.ui.soups import balance, stored_weights, weights_told
from vcsoup.ui.vote_counts import counted
from vcsoup.ui.watching import Watch
from vcsoup.workspace import Project
from vcsoup.workspace.votes import Vote

LOOK_SECONDS = 0.15


def show(project: Project, group: str, table: pd.DataFrame, prompt: str) -> None:
    """Show the vote and the win rates so far.

    Args:
        project: The project.
        group: Group of adapters.
        table: The measured soups (`soups.point_table`).
        prompt: The prompt in use.
    """
    large = _controls(project, group, table, prompt)
    ballot, seen = _ballot(project), pourer().seen
    if ballot is None:
        st.caption(
            "Two soups answer the same prompt. Choose with 1, 2 or 0, then see which was which."
        )
    else:
        part = st.fragment(run_every=LOOK_SECONDS if seen.active else None)(_voting)
        part(project, ballot, large=large, was_active=seen.active)
    with slot():
        if ballot is None or ballot.vote is not None:  # who leads would sway an open vote
            _rates(project)


def on_stage() -> bool:
    """Say whether the vote is shown to an audience: in large type, with the bench out of sight."""
    return bool(st.session_state.get("vote_large")) and views.chosen() == "vote"


def opponents(project: Project, group: str, table: pd.DataFrame) -> dict[str, Glass]:
    """Return the soups that the current one can meet, by the name in the list."""
    values, K = project.values, len(project.values)
    rows = {
        "the base": np.zeros(K),
        "the even mix": np.full(K, 1 / K),
    }
    rows |= {f"{value} alone": corner for value, corner in zip(values, np.eye(K), strict=True)}
    if best := balance(table, values):
        rows["the balanced soup"] = stored_weights(table, best.key, values)
    found = {name: Glass(name, group, _named(values, row)) for name, row in rows.items()}
    for bookmark in project.bookmarks():
        found[f"bookmark: {bookmark.name}"] = Glass(
            bookmark.name, bookmark.group, dict(bookmark.weights)
        )
    return found


def pourer() -> Watch[Round]:
    """Return the vote's pourer of this session."""
    if "vote_pourer" not in st.session_state:
        st.session_state["vote_pourer"] = make_pourer(connector())
    return st.session_state["vote_pourer"]


def _controls(project: Project, group: str, table: pd.DataFrame, prompt: str) -> bool:
    offers = opponents(project, group, table)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "This soup against",
            list(offers),
            key="vote_against",
            persist_state="session",
            width=240,
        )
        st.button(
            "Pour two answers" if _ballot(project) is None else "Pour the next two",
            type="primary",
            icon=":material/how_to_vote:",
            key="vote_pour",
            shortcut="N",
            disabled=not prompt or pourer().seen.active,
            on_click=lambda: _pour(project, group, offers, prompt),
        )
        st.toggle(
            "Another prompt each time",
            key="vote_vary",
            persist_state="session",
            help="Draws one of the held-out prompts; off asks the prompt above.",
        )
        return st.toggle(
            "For an audience",
            key="vote_large",
            persist_state="session",
            help="Large type, and nothing else on the page.",
        )


def _pour(project: Project, group: str, offers: dict[str, Glass], prompt: str) -> None:
    rng = np.random.default_rng()
    if st.session_state.get("vote_vary"):
        prompt = str(rng.choice(prompts_of(project) or [prompt]))
    current = Glass("this soup", group, _named(project.values, mixer.current()))
    against = offers[st.session_state["vote_against"]]
    ballot = new_ballot(project.name, prompt, (current, against), rng=rng)
    st.session_state["ballot"] = ballot
    pourer().start(ballot.asked)


def _voting(project: Project, ballot: Ballot, *, large: bool, was_active: bool) -> None:
    with shown_errors():
        seen = pourer().seen
        if seen.active != was_active:
            st.rerun()
        reading.show(ballot.asked.prompts[0], key="vote_prompt", large=large, low=True)
        if seen.state == "failed":
            st.error(message(seen.error or "The answers did not come."), icon=":material/error:")
            return
        if seen.state in ("starting", "restarting", "queued"):
            st.caption(STATES[seen.state])
        answers = replies_of(seen)[0]
        for place, column in enumerate(st.columns(2, gap="large")):
            with column, st.container(border=True):
                st.markdown(f"**{'AB'[place]}**")
                key = f"vote_answer_{place}"
                reading.show(answers[place], key=key, growing=seen.active, large=large)
                if ballot.vote is not None:
                    _revealed(project, ballot, place)
        if ballot.vote is not None:
            _after(project, ballot, ballot.vote)
        elif seen.state == "done" and answers[0] == answers[1]:
            st.info("Both soups say the same here, so there is nothing to vote on. Pour again.")
        else:
            _buttons(project, ballot, answers, ready=seen.state == "done")


def _buttons(project: Project, ballot: Ballot, answers: Sequence[str], *, ready: bool) -> None:
    offers = (("A is better", "first", "1"), ("No difference", "neither", "0"))
    with st.container(horizontal=True, gap="small", horizontal_alignment="center"):
        for label, winner, key in (*offers, ("B is better", "second", "2")):
            st.button(
                label,
                key=f"vote_{winner}",
                shortcut=key,
                disabled=not ready,
                on_click=trying,
                args=(_cast, project, ballot, answers, winner),
            )


def _revealed(project: Project, ballot: Ballot, place: int) -> None:
    glass = ballot.asked.glasses[place]
    won = ballot.vote is not None and ballot.vote.winner == ("first", "second")[place]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        mix = weights_told(glass.weights, project.values)
        told = f"{glass.name}: {mix}" if any(glass.weights.values()) else glass.name
        st.text(told, width="content")
        if won:
            st.badge("preferred", icon=":material/check:", color="green")


def _after(project: Project, ballot: Ballot, vote: Vote) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption(f"Voted: {CHOICES[vote.winner]}.", width="content")
        st.button(
            "Take the vote back",
            icon=":material/undo:",
            type="tertiary",
            key="vote_undo",
            on_click=trying,
            args=(_take_back, project, ballot, vote),
        )


def _cast(project: Project, ballot: Ballot, answers: Sequence[str], winner: str) -> None:
    if _ballot(project) != ballot:  # the second half of a double click
        return
    vote = vote_of(ballot, answers, winner)
    project.save_vote(vote)
    st.session_state["ballot"] = Ballot(ballot.asked, vote)


def _take_back(project: Project, ballot: Ballot, vote: Vote) -> None:
    project.delete_vote(vote.id)
    st.session_state["ballot"] = Ballot(ballot.asked)


def _rates(project: Project) -> None:
    found = counted(project.votes(), project.values)
    if not found:
        return
    rows = pd.DataFrame(
        {
            "soup": _name(project, group, key),
            "won": plain(rate.wins, 1).removesuffix(".0"),
            "votes": rate.votes,
            "share won, 95 % interval": f"{share(rate.rate)} ({share(rate.low)} to "
            f"{share(rate.high)})",
            **{part: getattr(rate, part) for part in ("rate", "low", "high")},
        }
        for (group, key), rate in found.items()
    )
    chart, listed = st.columns([2, 3], gap="large")
    with chart:
        st.plotly_chart(
            win_rate_chart(rows, colours=theme.colours()),
            key="win_rates",
            config=CONFIG,
            alt="Share of blind votes won by each soup",
        )
    with listed:
        st.dataframe(
            rows.drop(columns=["rate", "low", "high"]),
            hide_index=True,
            alt="Blind votes won and lost by each soup",
        )
        st.caption("No difference counts as half a win for both. Wilson intervals.")


def _name(project: Project, group: str, key: str) -> str:
    weights = parse_weights(key, project.values, free=True)
    text = weights_told(_named(project.values, weights), project.values)
    several = len(project.adapter_sets()) > 1 and group
    return f"{text} ({group})" if several else text


def _named(values: Sequence[str], weights: np.ndarray) -> dict[str, float]:
    return dict(zip(values, weights.tolist(), strict=True))


def _ballot(project: Project) -> Ballot | None:
    ballot = st.session_state.get("ballot")
    return ballot if ballot is not None and ballot.asked.project == project.name else None
