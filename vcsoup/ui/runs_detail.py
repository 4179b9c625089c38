"""One run in full: where it stands, its figures and curves, what it says, and all one can do."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from vcsoup.jobs import LONGEST_TITLE
from vcsoup.numbers import DASH, count, memory, plain, share
from vcsoup.plots.training import LEARNING, MACHINE
from vcsoup.ui import runs_actions, runs_parts
from vcsoup.ui.literal import literal, message
from vcsoup.ui.runs_look import Run, outcome, share_done, told
from vcsoup.ui.runs_words import CHIPS, FEW_HELDOUT, heldout_told
from vcsoup.ui.shell import slot
from vcsoup.workspace import AdapterInfo, Project

_PARTS = ("Sample", "Log", "Machine", "Settings", "Lineage")


def show(project: Project, run: Run, adapters: Sequence[AdapterInfo], stale: Sequence[str]) -> None:
    """Show one run.

    Args:
        project: The project.
        run: The run.
        adapters: What it made, newest first.
        stale: What has changed upstream of the newest of them.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="run_head"):
        st.subheader(literal(run.job.title, most=80), anchor=False, width="content")
        colour, icon = CHIPS[run.state]
        st.badge(run.state, color=colour, icon=icon)
        if stale:
            changed = f"Changed since: {'; '.join(stale)}."
            st.badge("stale", color="orange", icon=":material/update:", help=literal(changed))
        st.space("stretch")
        _tools(run, list(adapters))
    st.caption(literal(_about(run)))
    with slot():
        if run.active:
            st.progress(share_done(run) or 0.0, text=told(run))
        elif run.state in ("failed", "lost"):
            st.error(message(run.job.error or outcome(run)), icon=":material/error:")
        _figures(run, adapters)
    runs_parts.show_curves(project, run, LEARNING)
    part = st.segmented_control(
        "Part",
        _PARTS,
        default=_PARTS[0],
        required=True,
        key="run_part",
        label_visibility="collapsed",
        persist_state="session",
    )
    {
        "Sample": lambda: runs_parts.show_sample(run),
        "Log": lambda: runs_parts.show_log(run),
        "Machine": lambda: runs_parts.show_curves(project, run, MACHINE),
        "Settings": lambda: runs_parts.show_settings(run, adapters),
        "Lineage": lambda: runs_parts.show_lineage(project, adapters),
    }[part]()


def _about(run: Run) -> str:
    """When, where and how long, in a line."""
    job = run.job
    parts = [f"Began {_when(job.began)}" if job.began else f"Queued {_when(job.created)}"]
    parts += [f"attempt {job.attempt}"] if job.attempt > 1 else []
    parts += [f"on {job.where}"] if job.where else []
    if run.state in ("done", "stopped"):
        return f"{', '.join(parts)}. {outcome(run)[:1].upper()}{outcome(run)[1:]}."
    return f"{', '.join(parts)}."


def _when(moment: str) -> str:
    return f"{pd.Timestamp(moment):%d %b, %H:%M} UTC"


def _tools(run: Run, adapters: list[AdapterInfo]) -> None:
    if run.state in ("queued", "running"):
        waits = run.place is not None
        st.button(
            "Cancel" if waits else "Stop",
            key="run_stop",
            icon=":material/close:" if waits else ":material/stop_circle:",
            help="Takes the run out of the queue."
            if waits
            else "Ends the run and keeps the adapter as trained so far.",
            on_click=runs_actions.ask,
            args=("stop", run.id),
        )
    if run.state == "stopping":
        st.button(
            "End now",
            key="run_end",
            icon=":material/cancel:",
            help="Does not wait for the present step. No adapter is kept; resuming goes on from "
            "the last checkpoint.",
            on_click=runs_actions.ask,
            args=("end", run.id),
        )
    if run.job.resumable:
        st.button(
            "Resume",
            type="primary",
            key="run_resume",
            icon=":material/resume:",
            help=_goes_on(run),
            on_click=runs_actions.ask,
            args=("resume", run.id),
        )
    if not run.active:
        st.button(
            "Retry",
            type="tertiary",
            key="run_retry",
            icon=":material/replay:",
            help="Starts a fresh run of the same command; nothing of this one is used.",
            on_click=runs_actions.retry,
            args=(run.id,),
        )
    if not run.of_file:
        st.button(
            "Duplicate",
            type="tertiary",
            key="run_duplicate",
            icon=":material/content_copy:",
            help="Opens the form with these settings, to change and start them.",
            on_click=runs_actions.duplicate,
            args=(run, adapters),
        )
    _more(run)


def _goes_on(run: Run) -> str:
    """What resuming does."""
    if run.of_file:
        return "Goes on with its project file: what is there and current is skipped."
    if run.job.has_checkpoint:
        return "Goes on from the last checkpoint, to the end that an unbroken run has."
    return "There is no checkpoint, so it begins anew."


def _more(run: Run) -> None:
    # By run: left open over the run that follows a deleted one, it would offer to delete that too.
    with st.popover("More about this run", type="tertiary", key=f"more_run_{run.id}"):
        key = f"run_name_{run.id}"
        st.text_input(
            "Name",
            run.job.title,
            max_chars=LONGEST_TITLE,
            key=key,
            on_change=runs_actions.rename,
            args=(run.id, key),
        )
        st.button(
            "Delete",
            key="run_delete",
            icon=":material/delete:",
            disabled=run.active,
            help="Stop it first." if run.active else "To the bin; what it has trained stays.",
            on_click=runs_actions.delete,
            args=(run.id, run.job.title),
        )


def _figures(run: Run, adapters: Sequence[AdapterInfo]) -> None:
    track = run.reports.track
    if track is None:
        return
    # Runs of an older version tell the number with their adapter alone.
    pairs = track.heldout_pairs or (adapters[0].manifest.get("n_heldout") if adapters else None)
    known = [
        ("Held-out loss", track.newest("heldout_loss"), plain),
        ("Held-out accuracy", track.newest("heldout_accuracy"), share),
        ("Held-out margin", track.newest("heldout_margin"), plain),
        ("KL to the base", track.newest("kl"), lambda kl: plain(kl, 3)),
        ("Tokens/s", track.newest("tokens_per_s"), lambda speed: count(round(speed))),
        ("Memory", track.newest("memory_mb"), lambda mb: memory(mb * 1e6)),
    ]
    with st.container(horizontal=True, gap="medium", key="run_figures"):
        for name, figure, write in known:
            st.metric(name, write(figure) if figure is not None else DASH, width="content")
    if pairs and track.looks:
        few = ":material/warning: " if pairs < FEW_HELDOUT else ""
        st.caption(few + heldout_told(pairs))
