"""A large file on its way in: read by one job, shown, and stored by another once confirmed.

What is known lies on disk, so a refreshed page or a second tab goes on with it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from vcsoup.errors import NotFoundError
from vcsoup.jobs import Job
from vcsoup.preferences.readers import Reading
from vcsoup.ui import data_preview, state
from vcsoup.ui.literal import literal, message
from vcsoup.ui.runs_words import progress_text
from vcsoup.ui.shell import shown_errors, trying
from vcsoup.workspace import Project
from vcsoup.workspace.incoming import Incoming
from vcsoup.workspace.problems import load_problems


def begin(
    project: Project,
    value: str,
    file: Path,
    *,
    source: str,
    owned: bool,
    options: tuple[str, ...] = (),
) -> None:
    """Start looking through a file.

    Args:
        project: The project.
        value: Which value's preferences.
        file: Where the file lies.
        source: Where it comes from, for people.
        owned: Whether it is an upload of ours, to be removed at the end.
        options: How it is to be read, as options of `data add`.

    Raises:
        JobError: the job cannot be started.
    """
    how = ["--preview", *options]
    job = start_adding(project.name, value, str(file), how, source=source)
    state.workspace().incoming.put(
        Incoming(project.name, value, source, str(file), owned, job=job.id, options=options)
    )


def show(project: Project, arriving: Incoming) -> None:
    """Show how far the file is, and what it would become once it was read."""
    active = (job := job_of(arriving)) is not None and job.active
    st.fragment(run_every=1.0 if active else None)(_live)(project, arriving, active)


def _live(project: Project, arriving: Incoming, was_active: bool) -> None:
    with shown_errors():
        job = job_of(arriving)
        if job is None:
            drop(arriving)
            st.rerun()
        if job.active:
            progress(arriving, job, "Storing" if arriving.store_job else "Looking through")
        elif was_active:
            st.rerun()
        elif job.state == "done" and arriving.store_job:
            drop(arriving)
            st.toast(f"The pairs of {arriving.value} are stored.", icon=":material/check_circle:")
            st.session_state["data_view"] = "read"
            st.rerun()
        elif job.state == "done":
            _confirm(project, arriving, *_result(str(job.path)))
        else:
            trouble(arriving, job, "Choose another file")


def progress(arriving: Incoming, job: Job, doing: str) -> None:
    """Show how far a job is, with a way to stop it.

    Args:
        arriving: What it is about.
        job: The job.
        doing: What it does, as the beginning of a sentence.
    """
    st.markdown(f"{doing} **{literal(arriving.source, most=200)}**")
    done, text = progress_text(job)
    st.progress(done, text=text)
    st.button(
        "Stop", key=f"stop_{job.id}", icon=":material/stop:", on_click=trying, args=(job.stop,)
    )
    st.caption("This goes on when the page is closed. Nothing is stored before you confirm.")


def _confirm(
    project: Project, arriving: Incoming, preview: dict[str, Any], problems: pd.DataFrame
) -> None:
    data_preview.show(preview, problems)

    def store(title: str) -> None:
        how = [f"--sha256={preview['sha256']}", *arriving.options]
        how += [f"--title={title}"] if title else []
        file, source = arriving.file, arriving.source
        job = start_adding(arriving.project, arriving.value, file, how, source=source)
        state.workspace().incoming.storing(arriving, job.id)

    data_preview.decide(
        project, arriving.value, preview["n"], store=store, discard=lambda: drop(arriving)
    )


def trouble(arriving: Incoming, job: Job, label: str) -> None:
    """Say why a job ended without a result, with a way back.

    Args:
        arriving: What it was about.
        job: The job.
        label: What the way back is called.
    """
    said = job.error or "It was stopped; nothing was stored."
    st.error(message(said), icon=":material/error:")
    st.caption("The pairs that were there before, if any, are as they were.")
    st.button(
        label,
        key=f"drop_{job.id}",
        icon=":material/arrow_back:",
        on_click=trying,
        args=(drop, arriving),
    )


def reading_options(how: Reading) -> tuple[str, ...]:
    """Write how a file is to be read, as options of `data add`."""
    options = [f"--aspect={how.aspect}"] if how.aspect else []
    options += [f"--columns={how.columns.written()}"] if how.columns else []
    return (*options, *([f"--longest={how.longest}"] if how.longest else []))


def start_adding(
    project: str, value: str, file: str, options: Sequence[str], *, source: str, **noted: object
) -> Job:
    """Start `data add` on a file.

    Args:
        project: Name of the project.
        value: Which value's preferences.
        file: Where the file lies.
        options: Of the command, beside where the file comes from.
        source: Where it comes from, for people.
        **noted: What else the job is to be found by.
    """
    where = ["--project", project, "--workspace", str(state.workspace().root)]
    # Options first, then "--": a name that begins with a hyphen is no option.
    return state.jobs().start(
        ["data", "add", f"--source={source}", *options, *where, "--", value, file],
        kind="data",
        title=f"Pairs of {value}",
        project=project,
        meta={"value": value, "source": source, **noted},
    )


def job_of(arriving: Incoming) -> Job | None:
    """Return the job that is at work on a file; None when it is known no more."""
    try:
        return state.jobs().get(arriving.store_job or arriving.job)
    except NotFoundError:
        return None


def drop(arriving: Incoming) -> None:
    """Forget a file on its way in; an upload is removed."""
    state.workspace().incoming.drop(arriving)


@st.cache_resource(max_entries=4, show_spinner=False)
def _result(path: str) -> tuple[dict[str, Any], pd.DataFrame]:
    """What an ended job found out, and all problems of the file; neither changes any more."""
    result = Job(Path(path)).result or {}
    return result, load_problems(Path(path), result.get("report", {}))
