"""Tell a person's move from an echo.

Every message of the browser repeats the state of all widgets. For a moment after the page itself
moved a widget (an undo, a linked slider), messages on their way still hold what it showed before;
Streamlit takes that for a change and calls `on_change`. Widgets that the page moves are set by
`put`, and their callbacks do nothing when `is_echo`.
"""

import time

import streamlit as st

SETTLING_SECONDS = 2.0
_REPLACED = "replaced_values"


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
        st.session_state[key] = value


def is_echo(key: str, present: object) -> bool:
    """Say whether a widget's new value is none that a person chose just now.

    Args:
        key: The widget's key.
        present: What the widget should show at present.
    """
    value, now = st.session_state[key], time.monotonic()
    replaced = st.session_state.get(_REPLACED, {}).get(key, [])
    stale = [former for former, at in replaced if now - at < SETTLING_SECONDS]
    return value == present or value in stale
