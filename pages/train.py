"""Train: how are my adapters doing? Start runs, watch them, stop them, compare them."""

import streamlit as st

from vcsoup.ui import runs, state, train_form
from vcsoup.ui.demo_offer import no_project
from vcsoup.ui.shell import empty_state, header

# Each part has a container of its own: a spinner in one does not move the others, so the runs'
# charts stay where they are.
project = state.chosen_project()
with st.container():
    header(
        "How are my adapters doing?",
        "One LoRA adapter per value, trained by DPO on that value's pairs. Every run is a command "
        "that goes on when this page is closed.",
        state.where_it_stands(project) if project else None,
    )
if project is None:
    no_project("its runs then show here")
else:
    with st.container():
        if project.datasets():
            train_form.show(project, folded=bool(runs.known(project)))
        else:
            empty_state(
                "No pairs to train on",
                "Add a preference dataset per value first; the Data page takes files and hub ids.",
                to="data",
                label="Add pairs",
            )
    st.space("small")
    with st.container():
        runs.show(project)
