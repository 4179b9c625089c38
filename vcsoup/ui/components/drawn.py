"""Registers the components: shared scripts, then each one's own, and its style.

A component `name` is made of `name.js`, and of `name.css` where it has a style, beside this file.
They hold no text of users: that travels in `data` and is set by `textContent`.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer as Renderer

from vcsoup.plots.palette import Palette

ELEMENT = "element.js"
"""The script that makes an element with a class and a text."""
_HERE = Path(__file__).parent


def register(name: str, html: str = "<div></div>", *, shared: Sequence[str] = ()) -> Renderer:
    """Register a component.

    Args:
        name: Name of its files.
        html: What its script fills.
        shared: Scripts to read before its own, such as `ELEMENT`.

    Returns:
        The function that mounts it.
    """
    style = _HERE / f"{name}.css"
    return st.components.v2.component(
        f"vcsoup.{name}",
        html=html,
        css=style.read_text(encoding="utf-8") if style.exists() else None,
        js="\n".join(
            (_HERE / file).read_text(encoding="utf-8") for file in (*shared, f"{name}.js")
        ),
    )


def register_drawn(name: str, root: str) -> Renderer:
    """Register a component whose script draws on canvases, into the element of a class."""
    html = f'<div class="frame"><div class="{root}"></div></div>'
    return register(name, html, shared=(ELEMENT, "canvas.js"))


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
