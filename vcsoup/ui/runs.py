"""The runs of a project: queue, list, and the view that is open beside it.

Everything is read from the jobs' folders, so a refreshed page, another tab or a restarted server
shows the same. One fragment looks again every second, and only while a run is active; it reads what
was written since its last look.
"""

from collections.abc import Mapping, Sequence

import streamlit as st

from vcsoup.numbers import plural
from vcsoup.plots.palette import value_colours
from vcsoup.ui import (
    runs_actions,
    runs_compare,
    runs_curves,
    runs_desk,
    runs_detail,
    runs_filter,
    runs_list,
    soup_link,
    state,
    theme,
)
from vcsoup.ui.literal import literal, message
from vcsoup.ui.runs_lineage import adapters_by_job, stale_reasons
from vcsoup.ui.runs_look import Run, look
from vcsoup.ui.shell import shown_errors, slot
from vcsoup.workspace import AdapterInfo, Project

LOOK_SECONDS = 1.0
_MOST_PLACES = 16
_LINEAGES = "runs_lineages"


def known(project: Project) -> Mapping[str, Run]:
    """Look at the project's runs; what was read at the last look is not read again."""
    seen = st.session_state.setdefault("runs_seen", {})
    seen[project.name] = look(state.jobs(), project.name, seen.get(project.name, {}))
    return seen[project.name]


def show(project: Project) -> None:
    """Show the project's runs, and keep them fresh while one is active."""
    runs = known(project)
    if not runs:
        st.subheader("Runs", anchor=False)
        st.caption("No runs yet. The first one shows here with its loss as it learns.")
        runs_actions.show_problem()
        runs_actions.show_undo()
        runs_actions.show_bin(project)
        return
    with slot():
        for note in runs_desk.follow_address(runs):
            st.warning(message(f"The address asks in vain: {note}."), icon=":material/link_off:")
    st.session_state.pop(_LINEAGES, None)  # pairs, filters or rewards may have changed meanwhile
    active = any(run.active for run in runs.values())
    st.fragment(run_every=LOOK_SECONDS if active else None)(_live)(project, active)
    runs_actions.show_bin(project)


def _live(project: Project, was_active: bool) -> None:
    with shown_errors():
        runs_actions.redraw_if_wanted()
        runs = known(project)
        if was_active != any(run.active for run in runs.values()):
            st.rerun()
        if was_active:
            state.jobs().ensure_runner()
        _queue(runs)
        with slot():
            runs_actions.show_problem()
            runs_actions.show_undo()
        adapters, stale = _lineages(project, runs)
        ticked = runs_desk.ticked_runs(runs_desk.desk(), runs)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            chosen = runs_filter.show(project, list(runs.values()))
            st.space("stretch")
            runs_desk.show_views(len(ticked))
        if runs_desk.desk().view == "table":
            runs_compare.show_table(chosen, stale)
        else:
            left, right = st.columns([4, 7], gap="medium")
            with left:
                _list(project, chosen, runs, ticked=ticked, stale=stale)
            with right:
                _view(project, runs, ticked=ticked, adapters=adapters, stale=stale)
        runs_desk.write_address(runs_desk.desk(), runs)
        soup_link.run_ended()


def _queue(runs: Mapping[str, Run]) -> None:
    """How many run, how many wait, and how many may run at once."""
    waiting = sum(run.place is not None for run in runs.values())
    working = sum(run.active for run in runs.values()) - waiting
    parts = [f"{working} at work"] if working else []
    parts += [f"{waiting} waiting{_behind(runs)}"] if waiting else []
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("Runs", anchor=False, width="content")
        st.caption(", ".join(parts) or plural(len(runs), "run"), width="stretch")
        with st.popover(
            f"{state.jobs().places} at once",
            icon=":material/stacks:",
            type="tertiary",
            key="places",
        ):
            st.number_input(
                "Runs at once",
                1,
                _MOST_PLACES,
                state.jobs().places,
                key="runs_places",
                on_change=_set_places,
                help="Also counts commands that are typed. The usual number is one per device: "
                "runs that share one slow each other down.",
            )
            st.caption("The others wait in the queue, in the order of the list's arrows.")


def _behind(runs: Mapping[str, Run]) -> str:
    """Name what the runs wait for, where it is none of them."""
    others = [job for job in state.jobs().computing() if job.id not in runs]
    told = [f"{job.title} of {job.project}" if job.project else job.title for job in others]
    return f" behind {literal(', '.join(told), most=120)}" if told else ""


def _set_places() -> None:
    runs_actions.trying(lambda: state.jobs().set_places(int(st.session_state["runs_places"])))


def _list(
    project: Project,
    chosen: Sequence[Run],
    runs: Mapping[str, Run],
    *,
    ticked: Sequence[Run],
    stale: Mapping[str, Sequence[str]],
) -> None:
    here = runs_desk.desk()
    shown = runs_desk.open_one(here, runs) if here.view == "run" else None
    colours = theme.colours()
    signs = runs_curves.signs_of(
        ticked, colour_of=value_colours(project.values, colours), colours=colours
    )

    def asked(command: str, run: str) -> None:
        if command == "tick":
            runs_desk.toggle(run, [one.id for one in ticked])
        else:
            runs_actions.ask(command, run)

    if not chosen:
        st.caption("No run passes the filters.")
        return
    runs_list.show(
        chosen, open_id=shown.id if shown else None, signs=signs, stale=stale, on_ask=asked
    )


def _view(
    project: Project,
    runs: Mapping[str, Run],
    *,
    ticked: Sequence[Run],
    adapters: Mapping[str, Sequence[AdapterInfo]],
    stale: Mapping[str, Sequence[str]],
) -> None:
    here = runs_desk.desk()
    run = runs_desk.open_one(here, runs)
    if here.view == "run" and run is not None:
        runs_detail.show(project, run, adapters.get(run.id, ()), stale.get(run.id, ()))
    elif here.view == "differences":
        runs_compare.show_differences(ticked, adapters)
    else:
        runs_compare.show_curves(project, ticked)


def _lineages(
    project: Project, runs: Mapping[str, Run]
) -> tuple[dict[str, list[AdapterInfo]], dict[str, list[str]]]:
    """The adapters of each run and what is stale about the newest.

    Looked up when the page is drawn as a whole, and when a run ends.
    """
    key = (project.name, tuple((run.id, run.state) for run in runs.values()))
    former = st.session_state.get(_LINEAGES)
    if former is None or former[0] != key:
        adapters = project.adapters()
        made = adapters_by_job(adapters)
        for run in runs.values():
            names = run.made
            if own := [info for info in adapters if info.name in names]:
                made[run.id] = own
        reasons = {job: stale_reasons(infos[0], project) for job, infos in made.items()}
        former = st.session_state[_LINEAGES] = (key, made, reasons)
    return former[1], former[2]
