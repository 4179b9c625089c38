"""The palette of the theme that the browser shows."""

import streamlit as st

from vcsoup.plots.palette import Palette, palette


def colours() -> Palette:
    """Return the palette of the current theme (light while the browser has not said)."""
    return palette(st.context.theme.type)
