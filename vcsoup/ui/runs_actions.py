"""What a visitor does with a run: stop, resume, retry, duplicate, rename, delete, undo.

Called from callbacks, before the page is drawn; a refusal is kept and shown at the next drawing.
"""

from collections.abc import Callable

import streamlit as st

from vcsoup.errors import VcsoupError
from vcsoup.numbers import minute, plural
from vcsoup.training.config import PRESETS, TrainConfig
from vcsoup.ui import runs_desk, state, train_form
from vcsoup.ui.literal import literal, message
from vcsoup.ui.runs_look import FILE_KIND, TRAIN_KIND, Run, option
from vcsoup.ui.shell import in_bin, offer_undo, shown_errors
from vcsoup.workspace import AdapterInfo, Project

_PROBLEM, _REMOVED, _WHOLE = "runs_problem", "runs_removed", "runs_whole_page"


def ask(command: str, run: str) -> None:
    """Do what the list asks for: one of `runs_list.show`'s commands but "tick", or "end"."""
    jobs = state.jobs()
    deeds: dict[str, Callable[[], object]] = {
        "open": lambda: runs_desk.open_run(run),
        "stop": lambda: jobs.get(run).stop(),
        "end": lambda: jobs.get(run).stop(grace=0.0),
        "cancel": lambda: jobs.get(run).stop(),
        "resume": lambda: jobs.resume(run),
        "up": lambda: _move(run, -1),
        "down": lambda: _move(run, 1),
    }
    if command in deeds:
        trying(deeds[command])


def trying(deed: Callable[[], object]) -> None:
    """Do something; a refusal is shown at the next drawing of the runs."""
    try:
        deed()
    except VcsoupError as error:
        st.session_state[_PROBLEM] = str(error)


def show_problem() -> None:
    """Show why the last wish was refused, once."""
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(message(problem), icon=":material/error:")


def redraw_if_wanted() -> None:
    """Draw the whole page anew when the last wish changed more than the runs' fragment."""
    if st.session_state.pop(_WHOLE, False):
        st.rerun()


def retry(run: str) -> None:
    """Start a run anew from the beginning, and read the new one."""
    trying(lambda: runs_desk.open_run(state.jobs().retry(run).id))


def duplicate(run: Run, adapters: list[AdapterInfo]) -> None:
    """Open the form with a run's settings."""
    recorded = adapters[0].manifest.get("config") if adapters else None
    given = recorded or run.config
    preset = str(run.job.meta.get("preset") or option(run, "--preset"))
    preset = preset if preset in PRESETS else next(iter(PRESETS))
    config = TrainConfig(**given) if given else PRESETS[preset]
    train_form.duplicate(
        str(run.job.project), (run.value, run.group), preset, config, run.job.title
    )
    st.session_state[_WHOLE] = True


def rename(run: str, key: str) -> None:
    """Give a run the name that was typed into a widget."""
    title = str(st.session_state[key]).strip()
    if title:
        trying(lambda: state.jobs().rename(run, title))


def delete(run: str, title: str) -> None:
    """Put a run into the bin; what it has trained stays."""

    def remove() -> None:
        state.jobs().remove(run)
        st.session_state[_REMOVED] = (run, title)
        st.session_state[_WHOLE] = True

    trying(remove)


def show_undo() -> None:
    """Offer to undo the deletion that has just happened."""
    run, title = st.session_state.get(_REMOVED) or ("", "")
    if run not in [job.id for job in state.jobs().removed()] if run else True:
        return
    told = f"**{literal(title, most=80)}** is in the bin; what it has trained stays."
    offer_undo(told, "undo_run", _restore, run)


def show_bin(project: Project) -> None:
    """Show what lies in the bin, to be put back."""
    kinds = (TRAIN_KIND, FILE_KIND)
    removed = [
        job for job in state.jobs().removed() if job.kind in kinds and job.project == project.name
    ]
    if not removed:
        return
    with (
        shown_errors(),
        st.expander(f"Bin: {plural(len(removed), 'run')}", icon=":material/delete:"),
    ):
        st.caption("The newest twenty jobs of the workspace are kept.")
        for job in removed:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                name, when = literal(job.title, most=80), f"started {minute(job.created)}"
                in_bin(f"**{name}**", when, f"restore_{job.id}", _restore, job.id)


def _restore(run: str) -> None:
    trying(lambda: state.jobs().restore(run))
    st.session_state.pop(_REMOVED, None)


def _move(run: str, by: int) -> None:
    jobs = state.jobs()
    waiting = [job.id for job in jobs.queue()]
    if run in waiting:
        jobs.move(run, max(0, waiting.index(run) + by))
