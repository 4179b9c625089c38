"""The Soup page's part of the address, both ways.

The page writes what it shows in one go at the end of a run; an entry that it did not write itself
(a link, "back") is followed. The browser reports an address that is up to a moment old, so entries
that differ from a fresh writing are not taken for somebody's wish.
"""

import time
from collections.abc import Mapping

import streamlit as st

SETTLING_SECONDS = 1.5
_WRITTEN = "soup_link"


def followed(name: str) -> str | None:
    """Return the address's entry when somebody else than this page wrote it, else None."""
    asked = st.query_params.get(name)
    written, at = st.session_state.get(_WRITTEN, ({}, float("-inf")))
    if asked is None or asked == written.get(name):
        return None
    return asked if time.monotonic() - at > SETTLING_SECONDS else None


def write(entries: Mapping[str, str | None]) -> None:
    """Write entries to the address, all at once; None takes one away, others stay."""
    kept = {name: text for name, text in entries.items() if text is not None}
    gone = set(entries) - set(kept)
    former = st.query_params.to_dict()
    wanted = {name: text for name, text in former.items() if name not in gone} | kept
    if wanted != former:
        # Noted first: a click may end this run before the address is written, and an address that
        # was written without a note would be taken for somebody's wish.
        st.session_state[_WRITTEN] = (kept, time.monotonic())
        st.query_params.from_dict(wanted)
    elif _WRITTEN not in st.session_state:
        st.session_state[_WRITTEN] = (kept, time.monotonic())
