"""The cockpit of the Consistency page: value, threshold, histogram, counts, saving.

The threshold under the hand is the slider's and the address's (`?threshold=`); the saved one is the
project's and is what training uses. They meet when the user saves.
"""

from collections.abc import Sequence

import streamlit as st

from vcsoup.consistency import agreement_threshold
from vcsoup.plots.canvas import CONFIG
from vcsoup.plots.histograms import consistency_histogram, gap_histograms
from vcsoup.plots.palette import value_colours
from vcsoup.ui import pair_table, state, theme
from vcsoup.ui.numbers import SIGMA, count, plain, share, signed
from vcsoup.ui.retention import Retention
from vcsoup.ui.shell import shown_errors
from vcsoup.workspace import Project


def choose_value(project: Project, scored: Sequence[str]) -> str:
    """Let the user pick a value's dataset; `?value=` carries it.

    Args:
        project: The project.
        scored: Its values with current rewards, at least one.

    Returns:
        The chosen value.
    """
    # The choice lives outside the widget, which forgets when another page is open.
    asked = st.session_state.get("dataset") or st.query_params.get("value")
    chosen = asked if asked in scored else scored[0]
    st.session_state["dataset"] = st.session_state["value"] = chosen
    st.segmented_control(
        "Preference dataset",
        list(scored),
        key="value",
        required=True,
        on_change=_open_dataset,
        args=(project,),
        help="Every value has its own preference dataset and its own threshold.",
    )
    if st.query_params.get("value") != chosen:
        st.query_params["value"] = chosen
    return chosen


def show(project: Project, value: str) -> None:
    """Show everything about a dataset that follows the threshold; redrawn without the frame.

    Args:
        project: The project.
        value: The dataset's value; scored.
    """
    with shown_errors():
        counts = state.retention(project, value)
        threshold = cockpit(project, value, counts)
        st.space("small")
        gaps(value, counts, threshold)
        st.space("small")
        pair_table.show(project, value, threshold)


def cockpit(project: Project, value: str, counts: Retention) -> float:
    """Show histogram, slider, counts and the save buttons.

    Args:
        project: The project.
        value: The dataset's value.
        counts: What every threshold keeps.

    Returns:
        The threshold under the hand.
    """
    saved = project.thresholds()[value]
    if "threshold" not in st.session_state and "threshold" not in st.query_params:
        st.session_state["threshold"] = saved
    chart = st.container()
    with st.container(key="threshold_track"):
        threshold = st.slider(
            "Threshold: least consistency of a kept pair",
            min_value=-1.0,
            max_value=1.0,
            step=0.01,
            key="threshold",
            bind="query-params",
            help="Consistency is 1 when all values prefer the chosen answer equally, 0 when they "
            "cancel, and -1 when all prefer the rejected one.",
        )
    with chart:
        _histogram(value, counts, threshold, saved)
    _figures(value, counts, threshold)
    _saving(project, value, threshold, saved)
    return threshold


def gaps(value: str, counts: Retention, threshold: float) -> None:
    """Show how far the reward models separate the answers of kept pairs and of all pairs."""
    st.subheader("Reward gaps of kept pairs", anchor=False)
    st.caption(
        "How much better each reward model likes the chosen answer, in its standard deviations. "
        "Colour: kept pairs. Grey: all pairs. The dotted line is no preference."
    )
    colours = theme.colours()
    figure = gap_histograms(
        counts.gap_bins(threshold),
        colour_of=value_colours(counts.values, colours),
        colours=colours,
    )
    before, after = counts.mean_gaps_at(-1.0), counts.mean_gaps_at(threshold)
    told = ", ".join(f"{v} {signed(before[v])} to {signed(after[v])}" for v in counts.values)
    st.plotly_chart(
        figure, key="gaps", config=CONFIG, alt=f"Mean gaps, all pairs to kept pairs: {told}"
    )


def _histogram(value: str, counts: Retention, threshold: float, saved: float) -> None:
    landmarks = {"values cancel": 0.0, "all values agree": agreement_threshold(len(counts.values))}
    if abs(saved - threshold) > 1e-9:
        landmarks[f"saved {plain(saved)}"] = saved
    figure = consistency_histogram(
        counts.consistency_bins(threshold),
        threshold=threshold,
        landmarks=landmarks,
        colours=theme.colours(),
    )
    told = f"{count(counts.kept_at(threshold))} of {count(counts.n)} pairs of {value} are kept"
    st.plotly_chart(figure, key="consistency", config=CONFIG, alt=told)


def _figures(value: str, counts: Retention, threshold: float) -> None:
    kept_share = counts.share_at(threshold)
    before, after = counts.mean_gaps_at(-1.0), counts.mean_gaps_at(threshold)
    told = [
        ("Pairs kept", count(counts.kept_at(threshold)), f"of {count(counts.n)}"),
        (
            "Share kept",
            share(kept_share),
            f"chance {share(counts.chance_at(threshold))}",
        ),
    ]
    told += [
        (f"Gap, {other}", f"{signed(after[other])} {SIGMA}", f"all pairs {signed(before[other])}")
        for other in counts.values
    ]
    for column, (label, figure, behind) in zip(st.columns(len(told)), told, strict=True):
        column.metric(label, figure, delta=behind, delta_color="off", delta_arrow="off")
    st.caption(
        f"Gap: mean reward gap of the kept pairs of {value}, in standard deviations. Chance: what "
        "values that do not know of each other would keep."
    )


def _saving(project: Project, value: str, threshold: float, saved: float) -> None:
    unsaved = abs(threshold - saved) > 1e-9
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(
            f"Save for {value}",
            type="primary",
            disabled=not unsaved,
            icon=":material/save:",
            help="Training filters the pairs of this value with the saved threshold.",
            key="save_threshold",
        ):
            project.set_threshold(value, threshold)
            st.rerun()
        if st.button(
            "Save for all values",
            icon=":material/content_copy:",
            help="Saves this threshold for the dataset of every value.",
            key="save_all",
        ):
            for other in project.values:
                project.set_threshold(other, threshold)
            st.rerun()
        others = ", ".join(f"{v} {plain(tau)}" for v, tau in project.thresholds().items())
        state = f"Not saved yet. Saved: {others}" if unsaved else f"Saved: {others}"
        st.caption(state, width="content")


def _open_dataset(project: Project) -> None:
    # Another dataset opens at its own saved threshold, not at this one's.
    st.session_state["dataset"] = st.session_state["value"]
    st.session_state["threshold"] = project.thresholds()[st.session_state["value"]]
