"""Callbacks run whole, and every click has its callback.

As soon as the browser asks for another run, Streamlit (1.67) ends the present one where it next
uses the session or the page. In a callback that leaves half of its work undone, such as a bookmark
removed whose undo was never noted; just before the callbacks, it loses the click. Here a request
waits until the callbacks are done.
"""

from typing import Any

from streamlit.runtime.state import SafeSessionState


def run_callbacks_whole() -> None:
    """Have Streamlit run callbacks without a break, in all sessions of this process."""
    run_callbacks = SafeSessionState.on_script_will_rerun

    def run_whole(state: SafeSessionState, *args: Any, **options: Any) -> None:
        obey: Any = state._yield_callback
        runner = obey.__self__
        runner._execing = False  # what it says while it obeys no request
        try:
            run_callbacks(state, *args, **options)
        finally:
            runner._execing = True

    SafeSessionState.on_script_will_rerun = run_whole  # type: ignore[method-assign, assignment]
