"""The Soup page's tasting: the prompt, when a tasting starts, and the answer as it streams in."""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import streamlit as st

from vcsoup.errors import VcsoupError
from vcsoup.jobs import Jobs
from vcsoup.numbers import plain
from vcsoup.preferences.pairs import prompt_text
from vcsoup.ui import echoes, soup_link, state
from vcsoup.ui.components import reading
from vcsoup.ui.literal import message
from vcsoup.ui.shell import shown_errors
from vcsoup.ui.tasting import Engine, Request, Taster, View
from vcsoup.workspace import Point, Project, Workspace

FloatArray = npt.NDArray[np.float64]

LOOK_SECONDS = 0.1
FIRST_WORD_SECONDS = 0.15
LONGEST_IN_ADDRESS = 1000
STATES = {
    "starting": "The engine is starting; the first time takes some seconds",
    "restarting": "The engine died. It is started again and goes on; your weights are kept",
    "queued": "Waiting for the engine",
    "sampling": "The soup is answering",
    "measuring": "Measuring the soup on held-out prompts",
    "done": "Answered and measured",
    "cancelled": "Cancelled",
    "failed": "Not measured",
}


def prompt_in_use(project: Project) -> str:
    """Return the prompt of this visit: the address's, the chosen one, or the first held-out one."""
    known = prompts_of(project)
    chosen = soup_link.followed("prompt")
    if chosen is None:
        kept = st.session_state.get("prompt") or st.session_state.get("soup_prompt")
        chosen = kept or (known[0] if known else "")
    st.session_state["soup_prompt"] = chosen
    return chosen


def prompts_of(project: Project) -> list[str]:
    """Return the project's held-out prompts as texts, none twice."""
    return list(dict.fromkeys(prompt_text(prompt) for prompt in project.held_out_prompts()))


def choose_prompt(project: Project, prompt: str) -> None:
    """Let the user pick a held-out prompt or write one, and taste.

    Args:
        project: The project.
        prompt: The prompt in use.
    """
    known = prompts_of(project)
    options = known if not prompt or prompt in known else [prompt, *known]
    index = options.index(prompt) if prompt and echoes.shown("prompt", prompt) else 0
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Prompt to answer",
            options,
            index,
            key="prompt",
            accept_new_options=True,
            placeholder="Choose a prompt or write your own",
            on_change=_want,
            help="One of the held-out prompts, or type your own and press Enter.",
        )
        st.button(
            "Taste this soup",
            type="primary",
            icon=":material/soup_kitchen:",
            disabled=not prompt,
            help="Answers the prompt and measures the soup; happens by itself on every change.",
            key="taste_button",
            on_click=_want,
        )


def address(prompt: str) -> dict[str, str | None]:
    """Return the address's entry for the prompt; very long ones do not travel."""
    return {"prompt": prompt if 0 < len(prompt) <= LONGEST_IN_ADDRESS else None}


def start_wanted(
    project: Project, group: str, weights: FloatArray, prompt: str, *, free: bool
) -> None:
    """Start a tasting when a change asked for one; first thing in a run, before anything is drawn.

    Args:
        project: The project.
        group: Group of adapters.
        weights: The soup, shape (K,).
        prompt: What to ask; nothing starts without one.
        free: Whether the weights may lie off the simplex.
    """
    if not st.session_state.get("taste"):
        return
    if prompt:
        _taste(project, group, weights, prompt, free=free)
    st.session_state["taste"] = False  # last: a click that ends this run must not lose the tasting


def _taste(project: Project, group: str, weights: FloatArray, prompt: str, *, free: bool) -> None:
    taster().taste(
        Request(
            project=project.name,
            group=group,
            weights=dict(zip(project.values, weights.tolist(), strict=True)),
            prompt=prompt,
            n_prompts=project.config.prompts,
            free=free,
        )
    )


def mark() -> str:
    """Name what a page shows of the tasting; taken before its points are read (`live_points`).

    A page whose points are older than its mark would take a tasting's first point for its last.
    """
    view = taster().view
    prompts = view.point["n_prompts"] if view.point else 0
    return f"{id(view.request)} {prompts} {view.active}"


def show(drawn: str) -> None:
    """Show the soup's answer while it streams in, and redraw the page when a point comes.

    Args:
        drawn: The `mark` of what the page shows beside it.
    """
    # What stands above is on its way to the browser: a warm engine has the first word for this
    # run, which is a round trip sooner than the next look.
    taster().wait_for_word(FIRST_WORD_SECONDS)
    st.fragment(run_every=LOOK_SECONDS if measuring() else None)(_answer)(drawn)


def follow(drawn: str) -> None:
    """Redraw the page when a point comes, where the answer itself is not shown.

    Args:
        drawn: The `mark` of what the page shows.
    """
    st.fragment(run_every=LOOK_SECONDS if measuring() else None)(_redraw)(drawn)


def live_points(project: Project, group: str) -> list[Point]:
    """Return the point that the running or last tasting of these adapters has so far.

    The engine stores a point when its tasting is done; until then it is only here. When other
    adapters stand in the group meanwhile, it is none of theirs.
    """
    view = taster().view
    if view.point is None or view.request is None:
        return []
    if (view.request.project, view.request.group) != (project.name, group):
        return []
    key = state.set_key(project, group)
    if view.point.get("set_key", key) != key:
        return []
    point = Point(
        set_key=key,
        group=group,
        weights=dict(view.request.weights),
        **{part: dict(view.point[part]) for part in ("rewards", "low", "high")},
        n_prompts=int(view.point["n_prompts"]),
        recorded=bool(view.point.get("recorded")),
    )
    return [point]


def measuring() -> bool:
    """Say whether a tasting is under way, so that what is shown may still change."""
    return taster().view.active


def taster() -> Taster:
    """Return the taster of this session."""
    if "taster" not in st.session_state:
        st.session_state["taster"] = Taster(connector())
    return st.session_state["taster"]


def connector() -> Callable[[], Engine]:
    """Return a function that finds or starts the engine; it may run on another thread."""
    here, jobs = state.workspace(), state.jobs()
    return lambda: _live_engine(here, jobs)


def warm_up(project: Project) -> None:
    """Start the engine in the background, once a session, when its base model is on this disk."""
    if st.session_state.get("warmed_up") or not Path(project.config.base).is_dir():
        return
    st.session_state["warmed_up"] = True
    connect = connector()

    def quietly() -> None:
        with suppress(VcsoupError):  # the first tasting says what is wrong
            connect()

    threading.Thread(target=quietly, daemon=True).start()


def _answer(drawn: str) -> None:
    with shown_errors():
        _redraw(drawn)
        view = taster().view
        if view.state == "idle":
            st.caption("Move a slider or press Taste; the answer streams in here.")
            return
        if view.state == "failed":
            st.error(message(view.error or "The tasting failed."), icon=":material/error:")
        elif view.state == "restarting":
            st.warning(STATES["restarting"] + ".", icon=":material/restart_alt:")
        else:
            st.caption(_told(view))
        reading.show(view.text, key="answer", growing=view.active)


def _told(view: View) -> str:
    parts = [STATES[view.state]]
    if view.restarts:
        parts[0] += " after the engine was started again"
    if "first_token" in view.seconds:
        parts.append(f"first word after {plain(view.seconds['first_token'], 1)} s")
    if "point" in view.seconds:
        parts.append(f"point after {plain(view.seconds['point'], 1)} s")
    elif view.point:
        parts.append("point from an earlier measuring")
    return ", ".join(parts)


def _redraw(drawn: str) -> None:
    if mark() != drawn:
        st.rerun()


def _want() -> None:
    st.session_state["taste"] = True


def _live_engine(here: Workspace, jobs: Jobs) -> Engine:
    # Imported on a thread when first needed: no page waits for an HTTP library.
    from vcsoup.engine.launch import ensure_engine

    return ensure_engine(here, jobs)
