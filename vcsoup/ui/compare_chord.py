"""The Compare page's chord: is a mix of two adapters worth what its ends promise?"""

import streamlit as st

from vcsoup.comparing import chord_project
from vcsoup.comparison_report import chord_rows, chord_sentence, panel_values
from vcsoup.errors import NotFoundError
from vcsoup.evaluation.chord import Chord
from vcsoup.plots.canvas import CONFIG
from vcsoup.plots.chord import chord_panels
from vcsoup.plots.palette import value_colours
from vcsoup.ui import compare_jobs, state, theme
from vcsoup.workspace import Project


def show(project: Project, groups: tuple[str, str]) -> None:
    """Show the measured chord between any two adapters of a set, or offer to measure it."""
    st.subheader("Between two adapters", anchor=False)
    st.caption(
        "The dotted line is what you would get by answering each prompt with one of the two "
        "adapters, drawn by the weights. Where the measured chord sags below it, mixing weights "
        "costs something that mixing replies would not; above it, mixing weights pays."
    )
    group, ends = _choose(project, groups)
    if ends[0] == ends[1]:
        st.caption("Choose two different adapters.")
        return
    key = state.set_key(project, group)
    stamp = f"{key} {project.samples.stamp(key)}"
    active = compare_jobs.chord_at_work(project, group, ends)
    found = _chord(str(project.root), group, ends, stamp, _project=project)
    if found is None:
        st.caption(f"The segment from {ends[0]} to {ends[1]} of {group} is not measured yet.")
    else:
        _draw(project, found, ends)
    compare_jobs.offer_chord(project, group, ends, known=found is not None, active=active)


def _choose(project: Project, groups: tuple[str, str]) -> tuple[str, tuple[str, str]]:
    values = list(project.values)
    known = list(dict.fromkeys(groups))
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        group = st.segmented_control(
            "Adapters", known, default=known[0], required=True, key="chord_group"
        )
        first = st.selectbox("From", values, key="chord_first", width=200)
        second = st.selectbox("to", values, index=1, key="chord_second", width=200)
    chosen = group if group in known else known[0]
    return str(chosen), (str(first), str(second))


def _draw(project: Project, found: Chord, ends: tuple[str, str]) -> None:
    colours = theme.colours()
    rows = chord_rows(found, project.values)
    figure = chord_panels(
        rows[rows["value"].isin(panel_values(project.values, ends))],
        ends=ends,
        colour_of=value_colours(project.values, colours),
        colours=colours,
    )
    told = chord_sentence(found, project.values, ends)
    st.plotly_chart(figure, key="chord", config=CONFIG, alt=told)
    st.text(told)


@st.cache_data(max_entries=32, show_spinner="Reading the chord")
def _chord(
    root: str, group: str, ends: tuple[str, str], stamp: str, *, _project: Project
) -> Chord | None:
    try:
        return chord_project(_project, group, *ends)
    except NotFoundError:
        return None
