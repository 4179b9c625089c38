"""Consistency: what does a threshold keep? The cockpit, its views, and the pairs themselves."""

import streamlit as st

from vcsoup.ui import consistency, state
from vcsoup.ui.demo_offer import no_project
from vcsoup.ui.shell import empty_state, header

project = state.chosen_project()
header(
    "What does a threshold keep?",
    "A pair whose values agree teaches all of them. Set how much agreement a pair needs to stay "
    "in training.",
    state.where_it_stands(project) if project else None,
)
scored = list(project.rewards_stamps()) if project else []
if project is None:
    no_project("its pairs then show here")
elif not scored:
    empty_state(
        "No scored pairs yet",
        "Consistency compares what the reward models of all values say about each pair. Score the "
        f"pairs first: `python -m vcsoup score --project {project.name}`.",
        to="home",
        label="See what is missing",
    )
else:
    st.fragment(consistency.show)(project, scored)
