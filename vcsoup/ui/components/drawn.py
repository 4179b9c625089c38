"""Registers the components that draw on a canvas: shared strokes, then each one's own script.

A component `name` is made of `name.js` and `name.css` beside this file; `canvas.js` is read before
the script. They hold no text of users: that travels in `data` and is set by `textContent`.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from vcsoup.plots.palette import Palette

_HERE = Path(__file__).parent


def register(name: str, root: str) -> ComponentRenderer:
    """Register a drawn component.

    Args:
        name: Name of its files.
        root: Class of the element that its script fills.

    Returns:
        The function that mounts it.
    """
    return st.components.v2.component(
        f"vcsoup.{name}",
        html=f'<div class="frame"><div class="{root}"></div></div>',
        css=(_HERE / f"{name}.css").read_text(encoding="utf-8"),
        js="\n".join(
            (_HERE / file).read_text(encoding="utf-8") for file in ("canvas.js", f"{name}.js")
        ),
    )


def sent(key: str, name: str) -> Any:
    """Return what a component has just sent, in the callback of one of its events.

    Args:
        key: The component's key.
        name: Name of the event.

    Returns:
        The message; None when the visitor has left the page meanwhile and the component with it.
    """
    state = st.session_state.get(key)
    return state[name] if state else None


def colour_data(colours: Palette) -> dict[str, object]:
    """Lay a palette out for a component."""
    return asdict(colours)
