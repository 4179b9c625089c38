"""What a data set is like in figures: lengths, ties, turns, and what reading it reported.

Lengths and rewards are counted over all pairs. Text is costly at a million pairs, so what needs it
is counted in a sample, and says so. Everything is computed once per version of the data.
"""

import pandas as pd
import streamlit as st

from vcsoup.numbers import count, plural, share
from vcsoup.pair_statistics import LengthStatistics, length_statistics
from vcsoup.plots.canvas import CONFIG
from vcsoup.plots.lengths import length_histogram
from vcsoup.preferences.prompt_sample import PromptSample, sample_prompts
from vcsoup.preferences.read_report import KINDS
from vcsoup.ui import theme
from vcsoup.workspace import DatasetInfo, Project

_SIDES = ("prompt", "chosen answer", "rejected answer")
_NARROW, _WIDE = 300, 560  # pixels


def show(project: Project, value: str) -> None:
    """Show the statistics of a value's data set.

    Args:
        project: The project.
        value: A value with a data set.
    """
    info = project.datasets()[value]
    lengths = _lengths(str(project.root), value, info.hash, _project=project)
    prompts = _prompts(str(project.root), value, info.hash, _project=project)
    _figures(info, lengths, prompts)
    st.markdown("**How long the answers are**")
    chart = length_histogram(lengths, colours=theme.colours())
    told = f"Median {lengths.median[1]:.0f} characters chosen, {lengths.median[2]:.0f} rejected"
    st.plotly_chart(chart, key="lengths", config=CONFIG, alt=told)
    beyond = f" The last bar also holds {plural(lengths.beyond, 'longer answer')}."
    st.caption(
        f"The chosen answer is the longer one in {share(lengths.chosen_longer)} of the pairs, and "
        f"as long in {share(lengths.same_length)}. A model can learn length from this."
        + (beyond if lengths.beyond else "")
    )
    with st.container(horizontal=True, gap="medium"):  # what does not fit goes below
        with st.container(width=_NARROW):
            _length_table(lengths)
        with st.container(width=_NARROW):
            _ties(project, info)
        with st.container(width=_WIDE):
            _reported(info)


def _figures(info: DatasetInfo, lengths: LengthStatistics, prompts: PromptSample) -> None:
    whole = prompts.seen == info.n
    where = "all pairs" if whole else f"a sample of {count(prompts.seen)}"
    turns = sum(number * many for number, many in prompts.turns.items()) / max(1, prompts.seen)
    several = sum(many for number, many in prompts.turns.items() if number > 1) / prompts.seen
    told = [
        ("Pairs", count(info.n), "all"),
        ("Distinct prompts", count(prompts.distinct), f"in {where}"),
        ("Messages per prompt", f"{turns:.1f}", f"{share(several)} have several, in {where}"),
        ("Median chosen", count(round(lengths.median[1])), "characters"),
        ("Median rejected", count(round(lengths.median[2])), "characters"),
    ]
    for column, (label, figure, behind) in zip(st.columns(len(told)), told, strict=True):
        column.metric(label, figure)
        column.caption(behind)


def _length_table(lengths: LengthStatistics) -> None:
    st.markdown("**Characters**")
    st.dataframe(
        pd.DataFrame({"": _SIDES, "median": lengths.median, "longest": lengths.longest}),
        key="length_table",
        hide_index=True,
        column_config={
            "median": st.column_config.NumberColumn(format="localized"),
            "longest": st.column_config.NumberColumn(format="localized"),
        },
        alt="Median and longest text",
    )


def _ties(project: Project, info: DatasetInfo) -> None:
    st.markdown("**Ties**")
    stamp = project.rewards_stamp(info.value, scale="dataset")
    if not stamp:
        st.caption("Counted once the pairs are scored.")
        return
    ties = _equal_rewards(str(project.root), info.value, stamp, _project=project)
    st.dataframe(
        pd.DataFrame({"reward model of": list(ties), "equal rewards": list(ties.values())}),
        key="tie_table",
        hide_index=True,
        alt="Pairs whose answers get the same reward",
    )
    st.caption("Pairs whose two answers get exactly the same reward, of all pairs.")


def _reported(info: DatasetInfo) -> None:
    st.markdown("**Not among the pairs**")
    counts = info.report.get("counts", {})
    rows = [(kind, int(counts.get(kind, 0)), told) for kind, told in KINDS.items()]
    rows.append(("reward", int(counts.get("reward", 0)), "a reward is no finite number"))
    st.dataframe(
        pd.DataFrame(rows, columns=["kind", "rows", "what it is"]),
        key="kind_table",
        hide_index=True,
        alt="Rows reported, by kind",
    )


@st.cache_data(max_entries=32, show_spinner="Counting lengths")
def _lengths(root: str, value: str, content: str, *, _project: Project) -> LengthStatistics:
    return length_statistics(_project.lengths(value))


@st.cache_data(max_entries=32, show_spinner="Looking at prompts")
def _prompts(root: str, value: str, content: str, *, _project: Project) -> PromptSample:
    return sample_prompts(_project.pair_file(value))


@st.cache_data(max_entries=32, show_spinner="Counting ties")
def _equal_rewards(root: str, value: str, stamp: str, *, _project: Project) -> dict[str, int]:
    return _project.equal_rewards(value)
