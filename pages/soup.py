"""Soup: which mix do I want? Linked sliders, streamed samples, the live Pareto chart, download."""

import streamlit as st

from vcsoup.ui import answer, bench, download, explore, mixer, state
from vcsoup.ui.shell import empty_state, header
from vcsoup.ui.soups import base_rewards

project = state.chosen_project()
header(
    "Which mix do I want?",
    "Move a slider: the soup answers your prompt and is measured on held-out prompts.",
    state.where_it_stands(project) if project else None,
)
if project is None:
    empty_state(
        "No project yet",
        "Open the demo or create a project; its adapters can then be mixed here.",
        to="home",
        label="Go to Home",
    )
elif not project.adapter_sets():
    empty_state(
        "No adapters to mix",
        f"A soup needs one adapter for each of {', '.join(project.values)}. Train them first.",
        to="train",
        label="Train the adapters",
    )
else:
    left, right = st.columns([4, 6], gap="large")
    with left:
        group = bench.choose_group(project)
        table = bench.soups(project, group)
        weights = mixer.show(project, table)
        prompt = answer.choose_prompt(project)
        answer.start_wanted(project, group, weights, prompt)
        answer.show()
    with right:
        bench.chart(project, group, table, weights)
        explore.show(project, group, base_known=base_rewards(table, project.values) is not None)
        bench.measured(project, table, weights)
        download.show(project, group, weights)
