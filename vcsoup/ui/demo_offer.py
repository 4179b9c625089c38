"""The way into the embedded world, on Home and on every page that has no project to show."""

from typing import Literal

import streamlit as st

from vcsoup.demo.open_demo import open_demo
from vcsoup.ui import state
from vcsoup.ui.navigation import page
from vcsoup.ui.shell import shown_errors


def demo_button(kind: Literal["primary", "secondary"]) -> None:
    """A button that opens the demo project and shows this page again with it."""
    if st.button("Open the demo", type=kind, icon=":material/play_arrow:", key="open_demo"):
        with shown_errors(), st.spinner("Opening the demo project"):
            project = open_demo(state.workspace())
            state.choose(project.name)
            st.rerun()


def no_project(what: str) -> None:
    """The page of someone who has chosen no project: the demo at once, or another one on Home.

    Args:
        what: What this page would then show, such as "its pairs then show here".
    """
    with st.container(border=True, gap="medium"):
        st.subheader("No project yet", anchor=False)
        st.markdown(f"Open the demo, or choose or create a project on Home; {what}.")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            demo_button("primary")
            st.page_link(page("home"), label="Go to Home", icon=":material/arrow_forward:")
