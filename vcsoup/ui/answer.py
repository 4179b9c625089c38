"""The Soup page's tasting: the prompt, when a tasting starts, and the answer as it streams in."""

from html import escape

import numpy as np
import numpy.typing as npt
import streamlit as st

from vcsoup.jobs import Jobs
from vcsoup.preferences.pairs import prompt_text
from vcsoup.ui import state
from vcsoup.ui.numbers import plain
from vcsoup.ui.shell import shown_errors
from vcsoup.ui.tasting import Engine, Request, Taster, View
from vcsoup.workspace import Point, Project, Workspace

FloatArray = npt.NDArray[np.float64]

STATES = {
    "starting": "The engine is starting; the first time takes some seconds",
    "queued": "Waiting for the engine",
    "sampling": "The soup is answering",
    "measuring": "Measuring the soup on held-out prompts",
    "done": "Answered and measured",
    "cancelled": "Cancelled",
    "failed": "Not measured",
}
_READING = (
    "font-family:'Source Serif',Georgia,serif;font-size:1.15rem;line-height:1.6;"
    "white-space:pre-wrap;margin:0;min-height:7rem"
)


def choose_prompt(project: Project) -> str:
    """Let the user pick a held-out prompt or write one; an empty string when there is none."""
    prompts = list(dict.fromkeys(prompt_text(p) for p in project.held_out_prompts()))
    chosen = st.selectbox(
        "Prompt to answer",
        prompts,
        key="prompt",
        persist_state="session",
        accept_new_options=True,
        placeholder="Choose a prompt or write your own",
        on_change=_want,
        help="One of the held-out prompts, or type your own and press Enter.",
    )
    return chosen or ""


def start_wanted(project: Project, group: str, weights: FloatArray, prompt: str) -> None:
    """Start a tasting when a change asked for one, or when the user presses Taste."""
    pressed = st.button(
        "Taste this soup",
        type="primary",
        icon=":material/soup_kitchen:",
        disabled=not prompt,
        help="Answers the prompt and measures the soup; happens by itself on every change.",
        key="taste_button",
    )
    if not (st.session_state.pop("taste", False) or pressed) or not prompt:
        return
    _taster().taste(
        Request(
            project=project.name,
            group=group,
            weights=dict(zip(project.values, weights.tolist(), strict=True)),
            prompt=prompt,
            n_prompts=project.config.prompts,
        )
    )


def show() -> None:
    """Show the soup's answer while it streams in, and redraw the page when a point comes."""
    view = _taster().view
    st.fragment(run_every=0.4 if view.active else None)(_answer)(_mark(view))


def live_points(project: Project, group: str) -> list[Point]:
    """Return the point that the running or last tasting of these adapters has so far.

    The engine stores a point when its tasting is done; until then it is only here.
    """
    view = _taster().view
    if view.point is None or view.request is None:
        return []
    if (view.request.project, view.request.group) != (project.name, group):
        return []
    point = Point(
        set_key="live",
        group=group,
        weights=dict(view.request.weights),
        **{part: dict(view.point[part]) for part in ("rewards", "low", "high")},
        n_prompts=int(view.point["n_prompts"]),
    )
    return [point]


def _answer(drawn: str) -> None:
    with shown_errors():
        view = _taster().view
        if _mark(view) != drawn:
            st.rerun()
        if view.state == "idle":
            st.caption("Move a slider or press Taste; the answer streams in here.")
        elif view.state == "failed":
            st.error(view.error or "The tasting failed.", icon=":material/error:")
        else:
            st.caption(_told(view))
            st.html(f'<p style="{_READING}">{escape(view.text) or "&nbsp;"}</p>')


def _told(view: View) -> str:
    parts = [STATES[view.state]]
    if "first_token" in view.seconds:
        parts.append(f"first word after {plain(view.seconds['first_token'], 1)} s")
    if "point" in view.seconds:
        parts.append(f"point after {plain(view.seconds['point'], 1)} s")
    return ", ".join(parts)


def _mark(view: View) -> str:
    """Name what the rest of the page shows of a tasting; it is redrawn when this changes."""
    prompts = view.point["n_prompts"] if view.point else 0
    return f"{id(view.request)} {prompts} {view.active}"


def _want() -> None:
    st.session_state["taste"] = True


def _taster() -> Taster:
    if "taster" not in st.session_state:
        here, jobs = state.workspace(), state.jobs()
        st.session_state["taster"] = Taster(lambda: _live_engine(here, jobs))
    return st.session_state["taster"]


def _live_engine(here: Workspace, jobs: Jobs) -> Engine:
    # Imported on the taster's thread when first needed: no page waits for an HTTP library.
    from vcsoup.engine.launch import ensure_engine

    return ensure_engine(here, jobs)
