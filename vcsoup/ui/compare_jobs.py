"""The Compare page's jobs: measure two sets, or a chord, on the same prompts, and show how far."""

from collections.abc import Sequence

import streamlit as st

from vcsoup.jobs import Job
from vcsoup.ui import state
from vcsoup.ui.literal import literal, message
from vcsoup.ui.runs_words import progress_text
from vcsoup.ui.shell import shown_errors, trying
from vcsoup.workspace import Project

GRID = 4
CHORD_STEPS = 8


def at_work(project: Project, first: str, second: str) -> bool:
    """Say whether either set is being measured; asked before what is known of them is read."""
    jobs = _jobs(project, [f"compare {first}", f"compare {second}"])
    return any(job.active for job in jobs)


def offer_sets(project: Project, first: str, second: str, *, active: bool) -> None:
    """Offer to measure both sets, or show how far that is.

    Args:
        project: The project.
        first: One adapter set.
        second: The other.
        active: What `at_work` said before their comparison was looked for.
    """
    if not active:
        st.info(
            "A fair comparison needs the reward of every held-out prompt, of both sets, with the "
            "same random numbers. They are not all there yet.",
            icon=":material/info:",
        )
    st.fragment(run_every=0.6 if active else None)(_offer_sets)(project, (first, second), active)


def again(project: Project, first: str, second: str, *, recorded: bool, active: bool) -> None:
    """Show progress while compared sets are measured further, and offer it where it is due.

    Args:
        project: The project.
        first: One adapter set.
        second: The other.
        recorded: Whether the figures came with a bundle, so that measuring here replaces them.
        active: What `at_work` said before the figures were read.
    """
    if active:
        st.fragment(run_every=0.6)(_progress)(project, (first, second))
    elif recorded:
        st.button(
            "Measure both here",
            icon=":material/straighten:",
            type="tertiary",
            key="measure_both",
            on_click=trying,
            args=(_start_both, project, (first, second)),
        )


def chord_at_work(project: Project, group: str, ends: tuple[str, str]) -> bool:
    """Say whether a chord is being measured; asked before what is known of it is read."""
    return any(job.active for job in _jobs(project, [_chord_name(group, ends)]))


def offer_chord(
    project: Project, group: str, ends: tuple[str, str], *, known: bool, active: bool
) -> None:
    """Offer to measure the segment between two adapters, or show how far that is.

    Args:
        project: The project.
        group: The adapter set.
        ends: Values whose adapters are the ends.
        known: Whether a measured chord is on the screen already.
        active: What `chord_at_work` said before it was read.
    """
    st.fragment(run_every=0.6 if active else None)(_offer_chord)(
        project, group, ends, known, active
    )


def measure_args(project: Project, group: str, what: Sequence[str]) -> list[str]:
    """Write the command that measures soups of a set.

    Returns:
        The arguments behind `python -m vcsoup`.
    """
    args = ["evaluate", "--project", project.name, "--group", group, *what]
    return [*args, "--workspace", str(state.workspace().root)]


def _offer_sets(project: Project, groups: tuple[str, str], was_active: bool) -> None:
    with shown_errors():
        jobs = _jobs(project, [f"compare {group}" for group in groups])
        if _show_active(jobs):
            return
        if was_active:
            st.rerun()
        _show_errors(jobs)
        st.button(
            "Measure both sets",
            type="primary",
            icon=":material/straighten:",
            key="measure_both",
            help="Two jobs: the base, every value alone and an even grid of mixes of each set.",
            on_click=trying,
            args=(_start_both, project, groups),
        )


def _offer_chord(
    project: Project, group: str, ends: tuple[str, str], known: bool, was_active: bool
) -> None:
    with shown_errors():
        name = _chord_name(group, ends)
        jobs = _jobs(project, [name])
        if _show_active(jobs):
            return
        if was_active:
            st.rerun()
        _show_errors(jobs)
        label = "Measure it in finer steps" if known else "Measure the chord"
        what = ["--chord", *ends, "--steps", str(CHORD_STEPS)]
        st.button(
            label,
            icon=":material/timeline:",
            key="measure_chord",
            on_click=trying,
            args=(_start, project, group, what, name, f"{ends[0]} to {ends[1]}, {group}"),
        )


def _progress(project: Project, groups: tuple[str, str]) -> None:
    if not _show_active(_jobs(project, [f"compare {group}" for group in groups])):
        st.rerun()


def _show_active(jobs: Sequence[Job]) -> bool:
    active = [job for job in jobs if job.active]
    for job in active:
        done, text = progress_text(job)
        st.progress(done, text=f"{literal(job.title)}: {text}")
    return bool(active)


def _show_errors(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.error:
            st.error(message(job.error), icon=":material/error:")


def _start_both(project: Project, groups: Sequence[str]) -> None:
    for group in dict.fromkeys(groups):
        what = ["--grid", str(GRID)]
        _start(project, group, what, f"compare {group}", f"{group} soups to compare")


def _start(project: Project, group: str, what: list[str], name: str, title: str) -> None:
    state.jobs().start(
        measure_args(project, group, what),
        kind="evaluate",
        title=title,
        project=project.name,
        meta={"for": name, "adapters": state.set_key(project, group)},
    )


def _jobs(project: Project, names: Sequence[str]) -> list[Job]:
    """The newest job of each name."""
    known = state.jobs().list(kind="evaluate", project=project.name)
    found = (next((job for job in known if job.meta.get("for") == name), None) for name in names)
    return [job for job in found if job is not None]


def _chord_name(group: str, ends: tuple[str, str]) -> str:
    return f"chord {group} {ends[0]} {ends[1]}"
