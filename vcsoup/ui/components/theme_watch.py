"""Draws the page again when the theme changes under it, as a system's does at dusk.

Streamlit turns its own widgets dark at once but runs no script, so that charts, triangle and brand
would keep the colours of the theme before. An invisible component asks for the run.
"""

from vcsoup.ui.components.drawn import register

_watch = register("theme_watch", '<div class="ground"></div>')


def listen() -> None:
    """Run the script again, in the new colours, whenever the browser's theme changes."""
    _watch(key="theme_watch", on_changed_change=_run_again)


def _run_again() -> None:
    """The event itself makes Streamlit run the script; there is nothing else to do."""
