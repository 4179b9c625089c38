"""A data set of the hub on its way in: looked up by a job, chosen from, fetched by another job.

What is fetched is a file like any other: what it does not say is asked (`vcsoup.ui.data_choice`),
then it is read, shown and stored (`vcsoup.ui.data_arrival`). Every step lies on disk, so that a
refreshed page goes on with it; the page itself never asks the hub.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from vcsoup.hub.dataset_id import PREFIX, HubOrigin, hub_id
from vcsoup.jobs import Job
from vcsoup.numbers import plural
from vcsoup.preferences.look import look_at
from vcsoup.preferences.readers import USUAL, Reading
from vcsoup.ui import data_arrival, data_choice, data_choice_kept, data_hub_part, data_limit, state
from vcsoup.ui.shell import shown_errors
from vcsoup.workspace import Project
from vcsoup.workspace.incoming import Incoming

Fetched = Callable[[Project, Incoming, HubOrigin], None]
"""Shows what is to be done with a data set whose rows are here."""


def ask(project: Project, value: str) -> None:
    """Ask for the id of a data set, and start to look it up.

    Args:
        project: The project.
        value: Which value's preferences; empty for those of several.
    """
    with st.form(f"hub_{value}", border=False):
        repo, revision = st.columns([3, 2])
        typed = repo.text_input(
            "Data set of the Hugging Face hub",
            key=f"hub_repo_{value}",
            placeholder="Anthropic/hh-rlhf",
            help="Its id, or the address of its page. Private and gated ones need "
            "`hf auth login` on this machine. Code that comes with a data set is never run.",
        )
        named = revision.text_input(
            "Revision (optional)",
            key=f"hub_revision_{value}",
            placeholder="main",
            help="Branch, tag or commit. The commit is stored with the pairs.",
        )
        if not st.form_submit_button("Look it up", icon=":material/travel_explore:") or not typed:
            return
    if not (repo_id := hub_id(typed)):
        st.error("This is no id of a data set; write it as org/name.", icon=":material/error:")
        return
    _look_up(project, value, repo_id, (f"--revision={named.strip()}",) if named else ())
    st.rerun()


def show(project: Project, arriving: Incoming, fetched: Fetched | None = None) -> None:
    """Show how far a data set is on its way, and ask what it takes next.

    Args:
        project: The project.
        arriving: The data set.
        fetched: What follows once its rows are here; without one they become the pairs of a value.
    """
    job = data_arrival.job_of(arriving)
    active = job is not None and job.active
    every = 1.0 if active else None
    st.fragment(run_every=every)(_live)(project, arriving, active, fetched or _read)


def _live(project: Project, arriving: Incoming, was_active: bool, fetched: Fetched) -> None:
    with shown_errors():
        job = data_arrival.job_of(arriving)
        if job is None:
            data_arrival.drop(arriving)
            st.rerun()
        if job.active:
            doing = "Looking up" if arriving.step == "look" else "Fetching"
            data_arrival.progress(arriving, job, doing)
        elif was_active:
            st.rerun()
        elif job.state != "done":
            data_arrival.trouble(arriving, job, "Choose something else")
        elif arriving.step == "look":
            _part(project, arriving, job.result or {})
        else:
            told = {name: part for name, part in (job.result or {}).items() if name != "path"}
            fetched(project, arriving, HubOrigin(**told))


def _part(project: Project, arriving: Incoming, result: Mapping[str, Any]) -> None:
    """Ask which part is wanted, and go for it."""
    discard = partial(data_arrival.drop, arriving)
    chosen = data_hub_part.show(result, key=f"hub_{arriving.value}", discard=discard)
    if chosen is None:
        return
    repo = str(result["hub"]["repo"])
    if chosen.then == "look":
        _look_up(project, arriving.value, repo, chosen.options)
    else:
        _fetch(arriving, repo, chosen.options)
    st.rerun()


def _read(project: Project, arriving: Incoming, origin: HubOrigin) -> None:
    """Read what was fetched, after asking what its columns do not say."""
    look = look_at(Path(arriving.file), name=origin.repo)
    how = USUAL
    if not look.settled and data_choice.can_choose(look):
        source = f"{origin.repo}, {plural(origin.rows, 'row')}"
        data_choice_kept.restore(project.name, arriving.value)
        shown = data_choice.show(look, project.name, arriving.value, source=source)
        data_choice_kept.keep(project.name, arriving.value)
        discard = partial(data_arrival.drop, arriving)
        decided = data_choice.decided(shown, key=arriving.value, discard=discard)
        if decided is None:
            return
        how = decided
    data_arrival.begin(
        project,
        arriving.value,
        Path(arriving.file),
        source=origin.words,
        owned=True,
        options=(*arriving.options, *data_arrival.reading_options(how)),
    )
    st.rerun()


def _look_up(project: Project, value: str, repo: str, options: tuple[str, ...]) -> None:
    incoming = state.workspace().incoming
    place = incoming.receive(io.BytesIO())
    args = ["look", *options, *_where(), "--", f"{PREFIX}{repo}"]
    job = _start(project.name, value, args, f"Looking at {repo}")
    limit = data_arrival.reading_options(Reading(longest=data_limit.chosen(project, value)))
    incoming.put(
        Incoming(
            project.name, value, repo, str(place), True, job=job.id, step="look", options=limit
        )
    )


def _fetch(arriving: Incoming, repo: str, part: tuple[str, ...]) -> None:
    args = ["fetch", *part, *_where(), "--", f"{PREFIX}{repo}", arriving.file]
    job = _start(arriving.project, arriving.value, args, f"Fetching {repo}")
    state.workspace().incoming.put(replace(arriving, job=job.id, step="fetch"))


def _start(project: str, value: str, args: list[str], title: str) -> Job:
    meta = {"value": value}
    return state.jobs().start(["data", *args], kind="data", title=title, project=project, meta=meta)


def _where() -> list[str]:
    return ["--workspace", str(state.workspace().root)]
