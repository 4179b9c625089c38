"""Soup: which mix do I want? Sliders and a triangle, the live Pareto chart, answers, votes.

A tasting that a change asked for starts before anything is drawn, and its first word is on its way
to the browser before the chart beside it is made; the address is written last.
"""

import streamlit as st

from vcsoup.ui import (
    answer,
    ask,
    bench,
    bookmarks,
    download,
    explore,
    mixer,
    sliders,
    soup_link,
    state,
    table,
    views,
    vote,
)
from vcsoup.ui.demo_offer import no_project
from vcsoup.ui.shell import empty_state, header, standing_chip
from vcsoup.ui.soups import base_rewards

project = state.chosen_project()
ready = project is not None and bool(project.adapter_sets())
if ready:
    group = bench.group_in_use(project)
    mixer.begin(project, group)
    prompt = answer.prompt_in_use(project)
    weights = mixer.current()
    answer.start_wanted(project, group, weights, prompt, free=mixer.is_free())
heading = header(
    "Which mix do I want?",
    "Move a slider: the soup answers your prompt and is measured on held-out prompts.",
)
if project is None:
    no_project("its adapters can then be mixed here")
elif not ready:
    empty_state(
        "No adapters to mix",
        f"A soup needs one adapter for each of {', '.join(project.values)}. Train them first.",
        to="train",
        label="Train the adapters",
    )
else:
    answer.warm_up(project)
    # What the page shows is never newer than these two: it is drawn again when they change.
    drawn, stored = answer.mark(), len(state.stored_points(project, group))
    soups = bench.soups(project, group)
    if on_bench := not vote.on_stage():
        left, right = st.container(key="bench").columns([4, 6], gap="large")
        with left:
            bench.choose_group(project, group)
            sliders.show(project, soups)
            answer.choose_prompt(project, prompt)
    views.show(
        {
            "answer": lambda: answer.show(drawn),
            "table": lambda: table.show(project, group, prompt),
            "vote": lambda: vote.show(project, group, soups, prompt),
            "ask": lambda: ask.show(project, soups),
            "bookmarks": lambda: bookmarks.show(project, group, soups),
            "export": lambda: download.show(project, group, weights),
        }
    )
    if on_bench:
        with right:
            known = base_rewards(soups, project.values) is not None
            with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
                axes = bench.choose_axes(project.values)
                explore.show(project, group, base_known=known, drawn=stored)
            guess = bench.guess_of(project, soups, weights)
            bench.chart(project, group, soups, guess, axes=axes)
            bench.measured(project, group, soups, weights, guess)
        if views.chosen() != "answer":
            answer.follow(drawn)
    soup_link.write(
        mixer.address(project.values)
        | bench.address(project, group)
        | answer.address(prompt)
        | views.address()
    )

# Where the project stands is the slowest to say and the least urgent: it is drawn last.
if project is not None:
    standing_chip(heading, state.where_it_stands(project))
