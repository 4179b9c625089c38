"""The presenter's keyboard: an invisible component that hears keys anywhere on the page."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_keys = st.components.v2.component(
    "vcsoup.stage_keys",
    html="<div></div>",
    js=(_HERE / "stage_keys.js").read_text(encoding="utf-8"),
)
KEY = "stage_keys"


def listen(on_move: Callable[[str], None]) -> None:
    """Hear the keyboard.

    Args:
        on_move: Called with "next", "previous", "first", "last" or "leave".
    """

    def moved() -> None:
        move = st.session_state[KEY].move
        if move:
            on_move(str(move))

    _keys(key=KEY, on_move_change=moved)
