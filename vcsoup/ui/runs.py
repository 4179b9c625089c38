"""The runs of a project: chips, progress, live curves, stop, log and command.

Everything is read from the jobs' folders, so a refreshed page, another tab or a restarted server
shows the same. The list looks again every second while a run is active.
"""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from vcsoup.jobs import Job
from vcsoup.plots.canvas import CONFIG
from vcsoup.plots.palette import value_colours
from vcsoup.plots.training import training_curves
from vcsoup.ui import state, theme
from vcsoup.ui.numbers import duration, plain, share
from vcsoup.ui.shell import shown_errors
from vcsoup.workspace import Project

SHOWN = 12
CURVES = ("loss", "accuracy", "margin", "heldout_loss", "heldout_accuracy")
CHIPS = {
    "queued": ("gray", ":material/schedule:"),
    "running": ("blue", ":material/play_circle:"),
    "stopping": ("orange", ":material/pending:"),
    "stopped": ("orange", ":material/stop_circle:"),
    "done": ("green", ":material/check_circle:"),
    "failed": ("red", ":material/error:"),
    "lost": ("red", ":material/help:"),
}
"""Colour and icon of each state; the chip also names the state, so colour never stands alone."""


def show(project: Project) -> None:
    """Show the project's runs, newest first, and keep them fresh while one is active."""
    st.subheader("Runs", anchor=False)
    active = any(job.active for job in _of(project))
    st.fragment(run_every=1.0 if active else None)(_live)(project, active)


def curve_records(jobs: Sequence[Job]) -> pd.DataFrame:
    """Lay the reports of training jobs out for `training_curves`.

    Args:
        jobs: Training jobs, newest first; each may have trained several values in turn.

    Returns:
        One row per report with a loss or a held-out figure: run, value, filtered, step, steps
        and the figures. Of each value and group the newest run is taken. Empty when nothing
        was reported.
    """
    rows: list[dict[str, object]] = []
    seen: set[str] = set()
    for job in jobs:
        group = group_of(job)
        found = [row for record in job.progress_since(0)[0] if (row := _curve_row(record, group))]
        rows += [row for row in found if row["run"] not in seen]
        seen |= {str(row["run"]) for row in found}
    return pd.DataFrame(rows)


def group_of(job: Job) -> str:
    """Return the group of adapters that a training job makes, from its command."""
    if "--group" in job.args:
        return job.args[job.args.index("--group") + 1]
    return "unfiltered" if "--unfiltered" in job.args else "filtered"


def _curve_row(record: Mapping[str, object], group: str) -> dict[str, object] | None:
    figures = {name: record[name] for name in CURVES if isinstance(record.get(name), (int, float))}
    if not figures:
        return None
    value = str(record["stage"]).split()[-1]
    run = {"run": f"{value}, {group}", "value": value, "filtered": group != "unfiltered"}
    return {**run, "step": record["done"], "steps": record["total"], **figures}


def progress_text(job: Job) -> tuple[float, str]:
    """Say how far a run is.

    Args:
        job: The run.

    Returns:
        Share done, 0 to 1, and a line such as "step 42 of 100, loss 0.61, 35 s left".
    """
    record = job.latest()
    if record is None:
        return 0.0, "waiting for its turn" if job.state == "queued" else "starting"
    done, total = int(record["done"]), max(1, int(record["total"]))
    parts = [f"{record['stage']}: {done} of {total}"]
    parts += [f"loss {plain(record['loss'])}"] if isinstance(record.get("loss"), float) else []
    if isinstance(record.get("accuracy"), float):
        parts.append(f"accuracy {share(record['accuracy'])}")
    left = job.seconds_left()
    parts += [f"{duration(left)} left"] if left is not None else []
    return min(1.0, done / total), ", ".join(parts)


def _of(project: Project) -> list[Job]:
    return state.jobs().list(kind="train", project=project.name)


def _live(project: Project, was_active: bool) -> None:
    with shown_errors():
        jobs = _of(project)
        if was_active and not any(job.active for job in jobs):
            st.rerun()
        if not jobs:
            st.caption("No runs yet. The first one shows here with its loss as it learns.")
            return
        _curves(project, jobs)
        for job in jobs[:SHOWN]:
            _row(job)
        if len(jobs) > SHOWN:
            st.caption(f"{len(jobs) - SHOWN} older runs are on disk and not listed.")


def _curves(project: Project, jobs: Sequence[Job]) -> None:
    records = curve_records(jobs)
    if not len(records):
        return
    colours = theme.colours()
    figure = training_curves(
        records, colour_of=value_colours(project.values, colours), colours=colours
    )
    st.plotly_chart(figure, key="curves", config=CONFIG, alt="Loss, accuracy and margin by step")
    st.caption("Newest run per value. Thin: training. Marked: held-out pairs. Dashed: unfiltered.")


def _row(job: Job) -> None:
    now = job.state
    with st.container(border=True, gap="small", key=f"run_{job.id}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{job.title}**", width="content")
            colour, icon = CHIPS[now]
            st.badge(now, color=colour, icon=icon)
            st.caption(_started(job), width="stretch")
            _buttons(job, now)
        if job.active:
            done, text = progress_text(job)
            st.progress(done, text=text)
        elif error := job.error:
            st.error(error, icon=":material/error:")
        with st.expander("Command and log", type="compact"):
            st.code(job.command, language="bash", wrap_lines=True)
            st.code("\n".join(job.log_tail(20)) or "nothing printed yet", language=None, height=220)


def _buttons(job: Job, now: str) -> None:
    if now in ("queued", "running"):
        if st.button(
            "Stop",
            key=f"stop_{job.id}",
            icon=":material/stop:",
            help="Ends the run and keeps the adapter as trained so far.",
        ):
            job.stop()
            st.rerun()
    elif now in ("failed", "lost", "stopped") and st.button(
        "Start again", key=f"again_{job.id}", icon=":material/replay:"
    ):
        state.jobs().start(
            job.args, kind=job.kind, title=job.title, project=job.project, meta=job.meta
        )
        st.rerun()


def _started(job: Job) -> str:
    started = pd.Timestamp(job.created)
    text = f"started {started:%d %b, %H:%M} UTC"
    if finished := job.finished:
        text += f", ended after {duration((pd.Timestamp(finished) - started).total_seconds())}"
        text += _outcome(job)
    return text


def _outcome(job: Job) -> str:
    """Say how good the adapter was at the last look, on held-out pairs where there are some."""
    record = job.latest() or {}
    for prefix, said in (("heldout_", "held-out "), ("", "")):
        loss, accuracy = record.get(f"{prefix}loss"), record.get(f"{prefix}accuracy")
        if isinstance(loss, float) and isinstance(accuracy, float):
            return f", {said}loss {plain(loss)}, accuracy {share(accuracy)}"
    return ""
