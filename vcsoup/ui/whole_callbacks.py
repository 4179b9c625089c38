"""Callbacks run whole, every click has its callback, and a refused one says why.

As soon as the browser asks for another run, Streamlit (1.67) ends the present one where it next
uses the session or the page. In a callback that leaves half of its work undone, such as a bookmark
removed whose undo was never noted; just before the callbacks, it loses the click. Here a request
waits until the callbacks are done.

An error in a callback takes the place of the whole page. A `VcsoupError` is meant for the person
who clicked, such as that another window removed what the click was about: it is kept for the page,
which is drawn as ever.
"""

from functools import wraps
from typing import Any

import streamlit as st
from streamlit.runtime.state import SafeSessionState

from vcsoup.errors import VcsoupError

REFUSED = "callback_refused"
"""Where the session keeps why the last callback was refused, until the page says so."""


def run_callbacks_whole() -> None:
    """Have Streamlit run callbacks without a break, in all sessions of this process."""
    run_callbacks = SafeSessionState.on_script_will_rerun

    @wraps(run_callbacks)
    def run_whole(state: SafeSessionState, *args: Any, **options: Any) -> None:
        obey: Any = state._yield_callback
        runner = obey.__self__
        runner._execing = False  # what it says while it obeys no request
        try:
            run_callbacks(state, *args, **options)
        except VcsoupError as error:
            st.session_state[REFUSED] = str(error)
        finally:
            runner._execing = True

    SafeSessionState.on_script_will_rerun = run_whole  # type: ignore[method-assign, assignment]
