"""A page's part of the address, both ways (Data, Soup, Train, Compare).

The page writes what it shows in one go at the end of a run; an entry that it did not write itself
(a link, "back") is followed. The browser reports an address that is up to a moment old: that of a
click which ended the writing run, or which was made before the writing arrived. So entries that
differ from a fresh writing are not taken for somebody's wish, however long the click's own deed
took meanwhile. And a wish is followed once: a run that a click ends before it wrote has read the
address, and the next run must not undo the click by reading it again.
"""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import streamlit as st

SETTLING_SECONDS = 1.5
_WRITTEN, _PAGE = "soup_link", "soup_link_page"
_CLICKED, _BEGAN = "soup_link_clicked", "soup_link_began"
_READ, _READ_BEFORE = "soup_link_read", "soup_link_read_before"
_VISIT = "soup_link_visit"


@contextmanager
def clicked() -> Iterator[None]:
    """Note how long a click's deed takes, which is done in a callback before its run begins."""
    began = time.monotonic()
    try:
        yield
    finally:
        st.session_state[_CLICKED] = (began, time.monotonic())


def run_began(page: str) -> None:
    """Note when the browser asked for this run, before its page is drawn.

    Args:
        page: The page; what another one wrote says nothing about its address.
    """
    now = time.monotonic()
    began, done = st.session_state.pop(_CLICKED, (now, now))
    st.session_state[_BEGAN] = began if now - done < SETTLING_SECONDS else now
    read = st.session_state.get(_READ_BEFORE, {}) | st.session_state.get(_READ, {})
    if st.session_state.get(_PAGE) != page:
        st.session_state.pop(_WRITTEN, None)
        st.session_state[_PAGE] = page
        st.session_state[_VISIT] = visit() + 1
        read = {}
    st.session_state[_READ_BEFORE], st.session_state[_READ] = read, {}


def visit() -> int:
    """Return the number of this visit of a page; it goes up when another page is opened."""
    return int(st.session_state.get(_VISIT, 0))


def run_ended() -> None:
    """Say that a run, of a page or a fragment, came to its end, so what it wrote is on its way."""
    written, at = st.session_state.get(_WRITTEN, ({}, 0.0))
    if math.isinf(at):
        st.session_state[_WRITTEN] = (written, time.monotonic())


def followed(name: str) -> str | None:
    """Return the address's entry when somebody else than this page wrote it, else None."""
    asked = st.query_params.get(name)
    written, at = st.session_state.get(_WRITTEN, ({}, -math.inf))
    read_before = st.session_state.get(_READ_BEFORE, {})
    if asked is None or asked in (written.get(name), read_before.get(name)):
        return None
    began = st.session_state.get(_BEGAN, math.inf)
    if began - at <= SETTLING_SECONDS:
        return None
    st.session_state[_READ] = st.session_state.get(_READ, {}) | {name: asked}
    return asked


def write(entries: Mapping[str, str | None]) -> None:
    """Write entries to the address, all at once; None takes one away, others stay."""
    kept = {name: text for name, text in entries.items() if text is not None}
    gone = set(entries) - set(kept)
    former = st.query_params.to_dict()
    wanted = {name: text for name, text in former.items() if name not in gone} | kept
    known = st.session_state.get(_WRITTEN)
    if wanted != former or known is None:
        # Noted first: a click may end this run before the address is written, and an address that
        # was written without a note would be taken for somebody's wish.
        st.session_state[_WRITTEN] = (kept, math.inf)
    elif st.session_state.get(_READ) or st.session_state.get(_READ_BEFORE):
        # A wish that was followed is this page's own from now on; its address is not on its way.
        st.session_state[_WRITTEN] = (kept, known[1])
    st.session_state[_READ] = st.session_state[_READ_BEFORE] = {}
    if wanted != former:
        st.query_params.from_dict(wanted)
