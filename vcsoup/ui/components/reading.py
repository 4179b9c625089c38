"""A model's answer in large, calm type: display only, text by `textContent`."""

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_reading = st.components.v2.component(
    "vcsoup.reading",
    html='<p class="reading" aria-live="polite" dir="auto"></p>',
    css=(_HERE / "reading.css").read_text(encoding="utf-8"),
    js=(_HERE / "reading.js").read_text(encoding="utf-8"),
)


def show(
    text: str, *, key: str, growing: bool = False, large: bool = False, low: bool = False
) -> None:
    """Show an answer.

    Args:
        text: What the model said, as it is.
        key: Key of the component, unique on the page.
        growing: Whether more is to come; a caret shows it.
        large: For an audience.
        low: As low as its text; otherwise there is room for an answer to grow.
    """
    _reading(key=key, data={"text": text, "growing": growing, "large": large, "low": low})
