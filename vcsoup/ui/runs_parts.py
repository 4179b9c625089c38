"""The parts of one run, one at a time: sample, log, machine, settings, lineage."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from vcsoup.numbers import DASH
from vcsoup.plots.palette import value_colours
from vcsoup.plots.training import ACCURACY_TOLD, Measure
from vcsoup.ui import adapter_choice, runs_curves, theme
from vcsoup.ui.literal import literal
from vcsoup.ui.runs_differences import settings_of
from vcsoup.ui.runs_lineage import lineage
from vcsoup.ui.runs_look import Run
from vcsoup.ui.runs_track import Sample, Track
from vcsoup.workspace import AdapterInfo, Project


def show_curves(project: Project, run: Run, measures: Sequence[Measure]) -> None:
    """Show the curves of one run, a panel per measure."""
    colours = theme.colours()
    runs_curves.show(
        [run],
        colour_of=value_colours(project.values, colours),
        colours=colours,
        key=f"run_curves_{measures[0].name}",
        measures=measures,
        height=155,
    )
    if any(measure.name == "accuracy" for measure in measures):
        st.caption(ACCURACY_TOLD)


def show_sample(run: Run) -> None:
    """Show what the newest model answers to the run's fixed prompt."""
    track = run.reports.track
    if track is None or not track.samples:
        st.caption("At each look at the held-out pairs the run answers one fixed prompt here.")
        return
    newest = track.samples[-1]
    st.caption(f"To the fixed held-out prompt, seed fixed, at step {newest.step}:")
    if newest.prompt:
        st.text(newest.prompt)
    with st.container(border=True):
        st.text(newest.text or "(an empty reply)")
    _earlier(track)


def _earlier(track: Track) -> None:
    earlier: list[Sample] = track.samples[-2::-1]
    if earlier:
        with st.expander("Earlier replies", type="compact"):
            st.dataframe(
                pd.DataFrame([{"step": one.step, "reply": one.text} for one in earlier]),
                hide_index=True,
                key="run_samples",
                alt="Replies to the same prompt at earlier steps",
            )


def show_log(run: Run) -> None:
    """Show the end of what the run printed, and its command."""
    lines = run.job.log_tail(40)
    st.code("\n".join(lines) or "nothing printed yet", language=None, height=260)
    st.caption("The command:")
    st.code(run.job.command, language="bash", wrap_lines=True)


def show_settings(run: Run, adapters: Sequence[AdapterInfo]) -> None:
    """Show what the run was told to do."""
    settings = settings_of(run, adapters)
    table = pd.DataFrame({"setting": list(settings), "content": list(settings.values())})
    st.dataframe(table, hide_index=True, key="run_settings", alt="Settings of the run")
    if not run.config and not adapters:
        st.caption("This run was typed; the rest of its settings stands in its adapter, later.")


def show_lineage(project: Project, adapters: Sequence[AdapterInfo]) -> None:
    """Show where the run's adapters come from, and what has changed since."""
    if not adapters:
        st.caption("The lineage is written with the adapter, at the end of the run or at a stop.")
        return
    for info in adapters:
        origins = lineage(info, project)
        stale = any(one.changed for one in origins)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{literal(info.name)}**", width="content")
            st.badge(
                "stale" if stale else "up to date",
                color="orange" if stale else "green",
                icon=":material/update:" if stale else ":material/check_circle:",
            )
            adapter_choice.show_place(project, info)
            if info.manifest.get("stopped"):
                st.caption(
                    f"of the stop at step {info.manifest.get('steps_done')}", width="content"
                )
        st.dataframe(
            pd.DataFrame(
                {
                    "from": [one.name for one in origins],
                    "trained with": [one.was for one in origins],
                    "since then": [one.changed or DASH for one in origins],
                }
            ),
            hide_index=True,
            key=f"lineage_{info.name}",
            alt=f"Where adapter {info.name} comes from",
        )
