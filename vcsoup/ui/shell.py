"""The frame of every screen: brand, header with one question and a chip, errors, empty states."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from vcsoup.errors import VcsoupError
from vcsoup.ui import soup_link
from vcsoup.ui.components import arrivals, theme_watch
from vcsoup.ui.literal import literal, message
from vcsoup.ui.navigation import page
from vcsoup.ui.pipeline import Standing
from vcsoup.ui.theme import colours
from vcsoup.ui.whole_callbacks import REFUSED

# A picture cannot use the page's fonts; the fixed length keeps the name whole in any serif.
_MARK = """<svg xmlns="http://www.w3.org/2000/svg" width="150" height="32" viewBox="0 0 150 32">
<g fill="none" stroke="{accent}" stroke-width="2.2" stroke-linecap="round">
<path d="M3 15h26a13 13 0 0 1-26 0z" fill="{accent}" fill-opacity=".14" stroke-linejoin="round"/>
<path d="M10.500 10.500c-2-2.500 2-4 0-6.500"/>
<path d="M16 10.500c-2-2.500 2-4 0-6.500"/>
<path d="M21.500 10.500c-2-2.500 2-4 0-6.500"/>
</g>
<text x="39" y="22.500" textLength="106" lengthAdjust="spacingAndGlyphs"
font-family="'Source Serif', Georgia, serif" font-size="18" fill="{ink}">VC-Soup Lab</text></svg>"""

THEME = Path(__file__).parents[2] / "assets" / "theme"
FAVICON = THEME / "favicon.png"

_WHOLE = "shell_whole_page"
_IN_A_ROW = 4


def brand() -> None:
    """Show the mark and name beside the menu, load the few styles that the theme lacks."""
    shown = colours()
    st.html(THEME / "app.css")
    st.html(f"<style>:root {{ --vcsoup-paper: {shown.paper} }}</style>")
    st.logo(_MARK.format(accent=shown.accent, ink=shown.ink), size="large")
    theme_watch.listen()
    arrivals.watch()


def header(
    question: str, explanation: str, standing: Standing | None = None
) -> st.delta_generator.DeltaGenerator:
    """Open a screen: its question, one sentence on what it is for, and where the project stands.

    Args:
        question: The screen's question, the heading.
        explanation: What a person does here, one sentence.
        standing: Where the project stands; None shows no chip.

    Returns:
        The heading's line, for a `standing_chip` that is drawn later.
    """
    line = st.container(horizontal=True, vertical_alignment="center", gap="medium")
    line.title(question, anchor=False, width="content")
    if standing is not None:
        standing_chip(line, standing)
    st.caption(explanation)
    st.session_state.pop(_WHOLE, None)
    _show_refusal()
    return line


def standing_chip(line: st.delta_generator.DeltaGenerator, standing: Standing) -> None:
    """Say beside a screen's heading where the project stands."""
    colour, icon = ("green", "check") if standing.complete else ("gray", "flag")
    told = f"{literal(standing.project)}: {standing.text}"  # `badge` would escape brackets again
    line.markdown(
        f":{colour}-badge[:material/{icon}: {told}]",
        width="content",
        help="Where this project stands; Home shows every step.",
    )


@contextmanager
def shown_errors() -> Iterator[None]:
    """Show a `VcsoupError` of the block as a message; anything else stays loud.

    A fragment that is drawn alone after `trying` gives way to the whole page here.
    """
    if st.session_state.pop(_WHOLE, False):
        st.rerun()
    _show_refusal()
    try:
        yield
    except VcsoupError as error:
        st.error(message(str(error)), icon=":material/error:")


def trying(deed: Callable[..., object], *args: object) -> None:
    """Do what a button asks for, as its callback; the whole page is drawn anew afterwards.

    A callback counts when the click comes while the page is being drawn, which a button that is
    asked for its state may miss.

    Args:
        deed: What to do; its `VcsoupError` is shown as a message (`whole_callbacks`).
        args: For the deed.
    """
    with soup_link.clicked():
        deed(*args)
    st.session_state[_WHOLE] = True


def offer_undo(told: str, key: str, deed: Callable[..., object], *args: object) -> None:
    """Say what is in the bin now, and offer to bring it back.

    Args:
        told: Markdown.
        key: Of the button.
        deed: Brings it back, as in `trying`.
        args: For the deed.
    """
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/delete: {told}", width="content")
        st.button("Undo", key=key, icon=":material/undo:", on_click=trying, args=(deed, *args))


def in_bin(told: str, when: str, key: str, deed: Callable[..., object], *args: object) -> None:
    """Say what lies in a bin, in the row that is open, and offer to bring it back.

    Args:
        told: Its name, as Markdown.
        when: Since when, and what else tells it from others.
        key: Of the button.
        deed: Brings it back, as in `trying`.
        args: For the deed.
    """
    st.markdown(told, width="content")
    st.caption(when, width="stretch")
    st.button("Restore", key=key, icon=":material/undo:", on_click=trying, args=(deed, *args))


def _show_refusal() -> None:
    with slot():
        if refused := st.session_state.pop(REFUSED, None):
            st.error(message(refused), icon=":material/error:")


def slot() -> st.delta_generator.DeltaGenerator:
    """Keep a place on the page for what comes and goes; empty, it takes no room.

    The browser knows parts of a page by their places: where a message pushes the others down, it
    builds them anew, and what was typed into them, their scroll and their focus are gone.
    """
    return st.container()


def beside_each_other(
    values: Sequence[str],
) -> Iterator[tuple[st.delta_generator.DeltaGenerator, str]]:
    """Give each value a column, at most four in a row: more would break the words in them.

    Rows are of one length as far as that goes: six values are two rows of three.
    """
    rows = -(-len(values) // _IN_A_ROW)
    a_row = -(-len(values) // max(1, rows))
    for start in range(0, len(values), a_row or 1):
        yield from zip(st.columns(a_row), values[start : start + a_row], strict=False)


def empty_state(title: str, text: str, *, to: str, label: str) -> None:
    """Say what is missing and offer the next step.

    Args:
        title: What is missing, in a few words.
        text: Why it matters here and what to do.
        to: The page that helps, as in `navigation.page`.
        label: Text of the link to it.
    """
    with st.container(border=True, gap="small"):
        st.subheader(title, anchor=False)
        st.markdown(text)
        st.page_link(page(to), label=label, icon=":material/arrow_forward:")
