"""The list of runs beside the curves: two lines a run, with what one does most often.

One component for all rows: twelve runs that report every second cost one small message.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime

import streamlit as st

from vcsoup.numbers import plural
from vcsoup.ui.components.drawn import register_drawn, sent
from vcsoup.ui.runs_look import Run, share_done, told
from vcsoup.ui.runs_words import CHIPS, icon_name

MOST_ROWS = 40
_list = register_drawn("run_list", "runs")
_KEY = "run_list"


def show(
    runs: Sequence[Run],
    *,
    open_id: str | None,
    signs: Mapping[str, tuple[str, int]],
    stale: Mapping[str, Sequence[str]],
    on_ask: Callable[[str, str], None],
) -> None:
    """Show some runs.

    Args:
        runs: The runs, newest first.
        open_id: The one that is read.
        signs: Colour and dash of those with curves, by id.
        stale: What has changed upstream of a run's adapter, by id.
        on_ask: Called with a command ("open", "tick", "stop", "cancel", "resume", "up", "down") and
            the run's id.
    """
    everything = st.session_state.get("runs_all", False)
    shown = runs if everything else runs[:MOST_ROWS]
    _list(
        key=_KEY,
        data=list_data(shown, open_id=open_id, signs=signs, stale=stale),
        on_asked_change=lambda: _asked(on_ask),
    )
    if len(shown) > 1:
        st.caption(
            "Keys: Enter opens, space ticks, S stops, R resumes, Alt with an arrow reorders."
        )
    if len(runs) > len(shown):
        st.button(
            f"Show {plural(len(runs) - len(shown), 'older run')}",
            type="tertiary",
            key="runs_show_all",
            on_click=lambda: st.session_state.update(runs_all=True),
        )


def list_data(
    runs: Sequence[Run],
    *,
    open_id: str | None,
    signs: Mapping[str, tuple[str, int]],
    stale: Mapping[str, Sequence[str]],
) -> dict[str, object]:
    """Lay the rows out; see `show` for the arguments.

    Returns:
        Plain JSON, a few hundred bytes a run.
    """
    last = max((run.place for run in runs if run.place is not None), default=0)
    rows: list[dict[str, object]] = []
    for run in runs:
        colour, dash = signs.get(run.id, ("", 0))
        rows.append(
            {
                "id": run.id,
                "title": run.job.title,
                "state": run.state,
                "tone": CHIPS[run.state][0],
                "icon": icon_name(run.state),
                "share": share_done(run),
                "told": told(run),
                "when": started_at(run.job.created),
                "open": run.id == open_id,
                "ticked": run.id in signs,
                "colour": colour,
                "dash": dash,
                "stale": "; ".join(stale[run.id]) if stale.get(run.id) else None,
                "can": commands_of(run, last),
            }
        )
    return {"told": plural(len(rows), "run"), "runs": rows}


def commands_of(run: Run, last: int) -> list[str]:
    """Return what one can ask of a run in the list.

    Args:
        run: The run.
        last: The last place in the queue.
    """
    if run.place is not None:
        moves = ["up"] * (run.place > 0) + ["down"] * (run.place < last)
        return [*moves, "cancel"]
    if run.state in ("running", "queued"):
        return ["stop"]
    return ["resume"] if run.job.resumable else []


def started_at(created: str, today: date | None = None) -> str:
    """Say when a run was started: the time, with the day unless it is today's; UTC.

    Example:
        >>> started_at("2026-11-23T09:05:00.000+00:00", today=date(2026, 11, 24))
        '23 Nov 09:05'
    """
    moment = datetime.fromisoformat(created)
    same_day = moment.date() == (today or datetime.now(UTC).date())
    return f"{moment:%H:%M}" if same_day else f"{moment.day} {moment:%b %H:%M}"


def _asked(on_ask: Callable[[str, str], None]) -> None:
    message = sent(_KEY, "asked")
    if message is not None:
        on_ask(str(message["command"]), str(message["run"]))
