"""How long a pair may be: asked beside the choice of a file, kept until the file is read.

The limit is counted by whoever reads the file (`vcsoup.intake.lengths_of`); the page only says in
what unit that will be.
"""

import streamlit as st

from vcsoup.preferences.lengths import tokenizer_file
from vcsoup.workspace import Project


def ask(project: Project, value: str) -> None:
    """Ask for the longest pair of a value's next file."""
    config = project.config
    at_hand = tokenizer_file(config.base, config.loading.revision) is not None
    unit = "tokens" if at_hand else "words"
    about = (
        "Of the base model's own tokenizer."
        if at_hand
        else ("The base model's tokenizer is not on this machine, so words are counted.")
    )
    kept = _key(project, value)
    limit = st.number_input(
        f"Longest pair, in {unit}",
        min_value=1,
        value=st.session_state.get(kept) or None,
        step=256,
        key=f"{kept}_widget",
        width=220,
        placeholder="no limit",
        help=f"Prompt and longer answer count. {about} Longer pairs are reported, never dropped "
        "silently.",
    )
    st.session_state[kept] = limit or 0


def chosen(project: Project, value: str) -> int:
    """Return the longest pair that was asked for; 0 for no limit."""
    return int(st.session_state.get(_key(project, value), 0))


def _key(project: Project, value: str) -> str:
    return f"longest_{project.name}_{value}"
