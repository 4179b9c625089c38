"""Compare: did filtering help? Two fronts, paired differences, chords, a report to download."""

import streamlit as st

from vcsoup.ui import compare, compare_chord, compare_jobs, compare_study, state
from vcsoup.ui.demo_offer import no_project
from vcsoup.ui.shell import empty_state, header, slot

project = state.chosen_project()
header(
    "Did filtering help?",
    "Two sets of adapters, measured on the same prompts with the same random numbers.",
    state.where_it_stands(project) if project else None,
)
if project is None:
    no_project("its adapters can then be compared here")
elif len(project.adapter_sets()) < 2:
    empty_state(
        "Nothing to compare with",
        "A comparison needs two complete sets of adapters, such as filtered ones and unfiltered "
        "ones. Train the set that is missing.",
        to="train",
        label="Train the other set",
    )
else:
    first, second = compare.choose_sets(project)
    active = compare_jobs.at_work(project, first, second)
    found = compare.found_or_none(project, first, second) if first != second else None
    recorded = found is not None and compare.is_recorded(project, found)
    with slot():
        if first != second:
            compare.answer(project, found, (first, second), recorded=recorded, active=active)
        else:
            st.info("Choose two different sets.", icon=":material/info:")
    axes = compare.choose_axes(project)
    compare.fronts(project, (first, second), axes, found)
    with slot():
        if found is not None:
            compare.differences(found, recorded=recorded)
            st.subheader("Best balanced soups", anchor=False)
            compare.balanced(found)
    st.space("small")
    compare_chord.show(project, (first, second))
    st.space("small")
    st.subheader("What was compared", anchor=False)
    compare.made_from(project, first, second)
    if found is not None:
        compare.report(project, found)
    compare.address(first, second, axes)
compare_study.show()
