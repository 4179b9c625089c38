"""What a visitor looks at among the runs: the view, the run that is open, the runs with curves.

Kept per session and written into the address, so that a link shows the same run or comparison.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from vcsoup.ui import echoes, soup_link
from vcsoup.ui.runs_look import Run, newest_of_each

VIEWS = {
    "curves": ("Curves", ":material/show_chart:"),
    "run": ("One run", ":material/search_insights:"),
    "differences": ("Differences", ":material/difference:"),
    "table": ("Table", ":material/table_view:"),
}
MOST_CURVES = 12
_DESK, _VIEW = "runs_desk", "runs_view"


@dataclass(frozen=True)
class Desk:
    """What is on the screen.

    Attributes:
        view: One of `VIEWS`.
        open: Id of the run that is read; None takes the newest.
        ticked: Ids of the runs with curves; None lets the page choose.
    """

    view: str = "curves"
    open: str | None = None
    ticked: tuple[str, ...] | None = None


def desk() -> Desk:
    """Return what this session looks at."""
    return st.session_state.get(_DESK, Desk())


def put(changed: Desk) -> None:
    """Look at something else."""
    st.session_state[_DESK] = changed


def open_run(run: str) -> None:
    """Read one run."""
    put(replace(desk(), view="run", open=run))


def compare_runs(ids: Iterable[str]) -> None:
    """Show the curves of some runs."""
    put(replace(desk(), view="curves", ticked=tuple(ids)[:MOST_CURVES]))


def toggle(run: str, shown: Sequence[str]) -> None:
    """Show a run's curves, or no longer.

    Args:
        run: Its id.
        shown: Ids of the runs with curves at present.
    """
    ticked = tuple(one for one in shown if one != run) if run in shown else (*shown, run)
    put(replace(desk(), ticked=ticked[-MOST_CURVES:]))


def follow_address(runs: Mapping[str, Run]) -> list[str]:
    """Take over what a link asks for.

    Returns:
        What it asks in vain, a sentence each.
    """
    here, notes = desk(), []
    run, compare, view = (soup_link.followed(name) for name in ("run", "compare", "view"))
    if run is not None and run in runs:
        here = replace(here, view="run", open=run)
    elif run is not None:
        notes.append(f"run {run[:60]!r} is not here; it may be in the bin")
    if compare is not None:
        asked = compare.split(",")[:MOST_CURVES]
        known = tuple(one for one in asked if one in runs)
        notes += [f"{len(asked) - len(known)} of {len(asked)} runs are not here"] * (
            len(known) < len(asked)
        )
        here = replace(here, ticked=known or None)
    if view in VIEWS:
        here = replace(here, view=view)
    put(here)
    return notes


def write_address(here: Desk, runs: Mapping[str, Run]) -> None:
    """Write what is on the screen into the address.

    Args:
        here: What is looked at.
        runs: The project's runs; the one that is read is named also where nobody chose it.
    """
    shown = open_one(here, runs) if here.view == "run" else None
    soup_link.write(
        {
            "run": shown.id if shown else None,
            "compare": ",".join(here.ticked) if here.ticked and here.view != "run" else None,
            "view": here.view if here.view in ("differences", "table") else None,
        }
    )


def ticked_runs(here: Desk, runs: Mapping[str, Run]) -> list[Run]:
    """Return the runs with curves: the chosen ones, else the newest of each and those at work."""
    ticked = [runs[one] for one in here.ticked or () if one in runs]
    if ticked or here.ticked == ():
        return ticked
    newest = newest_of_each(list(runs.values()))
    chosen = [run for run in runs.values() if run.active or run in newest]
    return sorted(chosen[:MOST_CURVES], key=lambda run: (run.group, run.id))


def open_one(here: Desk, runs: Mapping[str, Run]) -> Run | None:
    """Return the run that is read: the chosen one, else the one at work, else the newest."""
    if here.open is not None and here.open in runs:
        return runs[here.open]
    return next(iter(runs.values()), None)


def show_views(ticked: int) -> None:
    """Let the visitor choose a view.

    Args:
        ticked: How many runs have curves.
    """
    st.segmented_control(
        "View",
        list(VIEWS),
        default=echoes.shown(_VIEW, desk().view),
        format_func=lambda name: _view_label(name, ticked),
        key=_VIEW,
        required=True,
        label_visibility="collapsed",
        on_change=_turn_to,
    )


def _view_label(name: str, ticked: int) -> str:
    title, icon = VIEWS[name]
    return f"{icon} {title} ({ticked})" if name == "curves" else f"{icon} {title}"


def _turn_to() -> None:
    if not echoes.is_echo(_VIEW, desk().view):
        put(replace(desk(), view=st.session_state[_VIEW]))
