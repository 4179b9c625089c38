"""Several runs side by side: curves, differences of their settings, and the table of all."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from vcsoup.numbers import DASH, plural
from vcsoup.plots.palette import value_colours
from vcsoup.plots.training import ACCURACY_TOLD, mean_window
from vcsoup.ui import runs_curves, runs_desk, theme
from vcsoup.ui.runs_differences import differences, outcome_of, settings_of
from vcsoup.ui.runs_look import Run
from vcsoup.workspace import AdapterInfo, Project

_TABLE = "runs_table"
_MOST_TALL = 16


def show_curves(project: Project, runs: Sequence[Run]) -> None:
    """Show the curves of some runs in one board."""
    if not runs:
        st.caption("Tick runs in the list to see their curves here.")
        return
    colours = theme.colours()
    runs_curves.show(
        runs,
        colour_of=value_colours(project.values, colours),
        colours=colours,
        key="curves",
        height=200,
        on_open=runs_desk.open_run,
    )
    named = runs_curves.curves_of(runs, points=False)
    window = mean_window(max(curves.steps for curves in named))
    mean = f"mean of {window} steps" if window > 1 else "every step"
    st.caption(
        f"Thin: training, {mean}. Marked: held-out pairs. Colour: value. Dashes tell runs of one "
        "value apart. Point at a curve for its figures; a name opens the run. " + ACCURACY_TOLD
    )


def show_differences(runs: Sequence[Run], adapters: Mapping[str, Sequence[AdapterInfo]]) -> None:
    """Show what tells the ticked runs apart."""
    if len(runs) < 2:
        st.caption("Tick two or more runs in the list to see what tells them apart.")
        return
    everything = not st.toggle(
        "Differences only", value=True, key="differences_only", persist_state="session"
    )
    names = _names(runs)
    for title, read in (
        ("Settings", lambda run: settings_of(run, adapters.get(run.id, ()))),
        ("Outcome", outcome_of),
    ):
        columns = {name: read(run) for name, run in zip(names, runs, strict=True)}
        table = differences(columns, all_rows=everything)
        st.markdown(f"**{title}**")
        if len(table):
            st.dataframe(table, key=f"differences_{title}", alt=f"{title} of {len(runs)} runs")
        else:
            st.caption("No difference.")


def show_table(runs: Sequence[Run], stale: Mapping[str, Sequence[str]]) -> None:
    """Show all runs as a table, to sort, search and take away."""
    rows = []
    for run in runs:
        track = run.reports.track
        newest = track.newest if track else (lambda _: None)
        rows.append(
            {
                "run": run.job.title,
                "state": run.state,
                "value": ", ".join(run.values),
                "pairs": ", ".join(run.groups),
                "step": int(track.train[-1]["step"]) if track and track.train else None,
                "held-out loss": newest("heldout_loss"),
                "held-out accuracy": _percent(newest("heldout_accuracy")),
                "held-out pairs": track.heldout_pairs if track else None,
                "margin": newest("heldout_margin"),
                "KL": newest("kl"),
                "tokens/s": newest("tokens_per_s"),
                "attempt": run.job.attempt,
                "stale": "; ".join(stale.get(run.id, ())),
                "started": pd.Timestamp(run.job.created).tz_convert(None).floor("s"),
            }
        )
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content" if len(rows) <= _MOST_TALL else 600,
        on_select=lambda: _picked([run.id for run in runs]),
        selection_mode="single-row",
        placeholder=DASH,
        key=_TABLE,
        alt=f"{plural(len(rows), 'run')} with their figures",
        column_config={
            "held-out accuracy": st.column_config.NumberColumn(format="%.1f %%"),
            **{
                name: st.column_config.NumberColumn(format=f"%.{places}f")
                for name, places in (
                    ("held-out loss", 3),
                    ("margin", 2),
                    ("KL", 3),
                    ("tokens/s", 0),
                )
            },
            "started": st.column_config.DatetimeColumn(format="D MMM, HH:mm"),
        },
    )


def _picked(ids: Sequence[str]) -> None:
    """Open the run whose row was chosen."""
    rows = st.session_state[_TABLE].selection.rows
    if rows and rows[0] < len(ids):
        runs_desk.open_run(ids[rows[0]])


def _percent(part: float | None) -> float | None:
    return None if part is None else 100 * part


def _names(runs: Sequence[Run]) -> list[str]:
    """Titles, with a number where they repeat."""
    seen: dict[str, int] = {}
    names = []
    for run in runs:
        seen[run.job.title] = seen.get(run.job.title, 0) + 1
        again = seen[run.job.title]
        names.append(run.job.title if again == 1 else f"{run.job.title} ({again})")
    return names
