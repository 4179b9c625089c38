"""Widgets that the page moves by itself, and how to tell a person's move from an echo.

Every message of the browser repeats the state of all widgets. For a moment after the page itself
moved a widget (an undo, a linked slider), messages on their way still hold what it showed before;
Streamlit takes that for a change and calls `on_change`. So such widgets are set by `put` or drawn
with the default of `shown`, and their callbacks do nothing when `is_echo`.

What a run sets reaches the browser with that run alone. A run that a click ends may not have sent
it, and a widget whose script is still being loaded starts as a later run describes it: with its
default. So a widget's default is always what it should show, and what was put is put again until a
run has come to its end.
"""

import time
from typing import TypeVar

import streamlit as st

Value = TypeVar("Value")

SETTLING_SECONDS = 2.0
_REPLACED = "replaced_values"
_PENDING = "put_since_a_whole_run"


def put(key: str, value: object) -> None:
    """Set a keyed widget before it is drawn, and remember what it showed when that differs.

    Args:
        key: The widget's key.
        value: What it shows from now on.
    """
    former = st.session_state.get(key)
    if former != value:
        replaced = st.session_state.setdefault(_REPLACED, {})
        now = time.monotonic()
        fresh = [entry for entry in replaced.get(key, []) if now - entry[1] < SETTLING_SECONDS]
        replaced[key] = [*fresh, (former, now)]
    st.session_state.setdefault(_PENDING, set()).add(key)
    st.session_state[key] = value


def shown(key: str, value: Value) -> Value | None:
    """Have the keyed widget that is drawn next show a value; give it what this returns as default.

    Args:
        key: The widget's key.
        value: What it shows.

    Returns:
        The value; None when it had to be put, since Streamlit takes one of both.
    """
    pending = key in st.session_state.get(_PENDING, ())
    if key in st.session_state and (pending or st.session_state[key] != value):
        put(key, value)
        return None
    return value


def run_ended() -> None:
    """Say that a run drew its page whole; the last thing in a run."""
    st.session_state[_PENDING] = set()


def is_echo(key: str, present: object) -> bool:
    """Say whether a widget's new value is none that a person chose just now.

    Args:
        key: The widget's key.
        present: What the widget should show at present.
    """
    value, now = st.session_state[key], time.monotonic()
    replaced = st.session_state.get(_REPLACED, {}).get(key, [])
    stale = [former for former, at in replaced if now - at < SETTLING_SECONDS]
    if value == present or value in stale:
        return True
    st.session_state.get(_PENDING, set()).discard(key)  # it has arrived: a person moved it on
    return False
