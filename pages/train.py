"""Train: how are my adapters doing? Start runs, watch them, stop them."""

import streamlit as st

from vcsoup.ui import runs, state, train_form
from vcsoup.ui.shell import empty_state, header

project = state.chosen_project()
header(
    "How are my adapters doing?",
    "One LoRA adapter per value, trained by DPO on that value's pairs. Every run is a command that "
    "goes on when this page is closed.",
    state.where_it_stands(project) if project else None,
)
if project is None:
    empty_state(
        "No project yet",
        "Open the demo or create a project; its runs then show here.",
        to="home",
        label="Go to Home",
    )
else:
    if project.datasets():
        train_form.show(project)
    else:
        empty_state(
            "No pairs to train on",
            "Add a preference dataset per value first: "
            f"`python -m vcsoup data add VALUE FILE --project {project.name}`.",
            to="home",
            label="See what is missing",
        )
    st.space("small")
    runs.show(project)
