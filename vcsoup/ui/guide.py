"""The guide "bring your own" inside the app: the same text as `docs/bring_your_own.md`."""

import re
from pathlib import Path

import streamlit as st

_GUIDE = Path(__file__).parents[2] / "docs" / "bring_your_own.md"
_LINK = re.compile(r"\[([^\]]+)\]\([\w.]+\.md\)")


def offer(key: str) -> None:
    """Offer the guide; nothing where the app runs without its texts."""
    if _GUIDE.is_file() and st.button(
        "Guide", key=key, icon=":material/menu_book:", type="tertiary"
    ):
        _open()


def guide_text(text: str) -> str:
    r"""Return a text of the repository without its title and without links to its neighbours.

    Example:
        >>> guide_text("# Title\n\nSee [formats](formats.md), [x](https://example.org).")
        'See formats, [x](https://example.org).'
    """
    body = text.split("\n", 1)[1] if text.startswith("# ") else text
    return _LINK.sub(r"\1", body).strip()


@st.dialog("Bring your own base model, data and reward models", width="large")
def _open() -> None:
    st.markdown(guide_text(_GUIDE.read_text(encoding="utf-8")))
