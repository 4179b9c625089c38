"""Makes the browser's "back" leave a page at its first press, whatever it wrote on arrival."""

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_watch = st.components.v2.component(
    "vcsoup.arrivals",
    html="<div></div>",
    js=(_HERE / "arrivals.js").read_text(encoding="utf-8"),
)


def watch() -> None:
    """Let addresses that a page writes before anybody touched it replace each other."""
    _watch(key="arrivals")
