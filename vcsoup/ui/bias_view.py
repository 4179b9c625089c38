"""The view "Bias": are the kept pairs longer, or on other topics, than all pairs?"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from vcsoup.gap_shapes import BoolArray
from vcsoup.numbers import count, plain, signed
from vcsoup.selection_bias import LengthShift, WordShift, length_shift, word_shifts, words_of
from vcsoup.ui.drafting import Desk
from vcsoup.ui.measures import Measures
from vcsoup.ui.tokens import sample_rows
from vcsoup.workspace import Project

SAMPLE, STRETCHES = 3_000, 12
NOTABLE = 0.05
"""Least difference of lengths, as a share of `LengthShift.size`, that the chip warns about."""


def show(project: Project, desk: Desk) -> None:
    """Show lengths and words of the kept pairs beside those of all pairs."""
    measures = desk.look.measures(desk.focus)
    kept = measures.kept(desk.draft.filter_of(desk.focus))
    if not kept.any():
        st.info(
            f"No pair of {desk.focus} is kept, so there is nothing to compare with all pairs. "
            "Lower its threshold or the minimum norm.",
            icon=":material/filter_alt_off:",
        )
        return
    shifts = length_shifts(measures, kept)
    rows, words = _sampled(desk)
    topics = word_shifts(words, kept[rows])
    with st.container(horizontal=True, gap="small"):
        lengths = any(shift.stands_out(NOTABLE) for shift in shifts.values())
        _chip(lengths, "lengths shift", "lengths alike")
        _chip(bool(topics), "topics shift", "topics alike")
    left, right = st.columns(2, gap="large")
    with left:
        _lengths(desk.focus, shifts)
    with right:
        told = prompts_told(len(rows), int(kept[rows].sum()), of=len(kept))
        _words(topics, told)


def length_shifts(measures: Measures, kept: BoolArray) -> dict[str, LengthShift]:
    """Compare the lengths of the kept pairs with those of all, per text and for the difference."""
    prompt, chosen, rejected = measures.lengths.T
    columns = {
        "prompt": prompt,
        "chosen answer": chosen,
        "rejected answer": rejected,
        "chosen minus rejected": chosen - rejected,
    }
    return {name: length_shift(column, kept) for name, column in columns.items()}


def _lengths(value: str, shifts: dict[str, LengthShift]) -> None:
    st.markdown("**Lengths in characters**")
    rows = ["| text | all | kept | difference | 95 % interval |", "|:--|--:|--:|--:|:-:|"]
    for name, shift in shifts.items():
        interval = f"{signed(shift.low, 1)} to {signed(shift.high, 1)}"
        cells = [name, plain(shift.everyone, 1), plain(shift.kept, 1), signed(shift.difference, 1)]
        rows.append(f"| {' | '.join([*cells, interval])} |")
    with st.container(key="lengths_table"):
        st.markdown("\n".join(rows))
    st.caption(
        f"All {value} pairs. The difference is kept minus all. The chip warns where its interval "
        f"leaves out 0 and it is at least {NOTABLE:.0%} of the mean over all pairs; in the last "
        "line, of the mean of chosen minus rejected with the signs left aside."
    )


def prompts_told(looked_at: int, kept: int, *, of: int) -> str:
    """Say in which prompts words were looked for.

    Example:
        >>> prompts_told(159, 60, of=159)
        'all 159 prompts (60 kept)'
        >>> prompts_told(3000, 900, of=10_000)
        'a sample of 3,000 prompts (900 kept) from 12 stretches of the dataset'
    """
    if looked_at >= of:
        return f"all {count(of)} prompts ({count(kept)} kept)"
    return (
        f"a sample of {count(looked_at)} prompts ({count(kept)} kept) from {STRETCHES} stretches "
        "of the dataset"
    )


def _words(topics: Sequence[WordShift], looked_at: str) -> None:
    st.markdown("**Words of the prompts**")
    if topics:
        table = pd.DataFrame(
            {
                "word": [shift.word for shift in topics],
                "kept": [100 * shift.kept for shift in topics],
                "dropped": [100 * shift.dropped for shift in topics],
                "z": [shift.z for shift in topics],
            }
        )
        percent = st.column_config.NumberColumn(format="%.1f %%")
        st.dataframe(
            table,
            hide_index=True,
            key="word_table",
            column_config={
                "word": st.column_config.TextColumn(width=150),
                "kept": percent,
                "dropped": percent,
                "z": st.column_config.NumberColumn(format="%+.1f"),
            },
            alt="Words that kept and dropped prompts do not share alike",
        )
    else:
        st.caption("No word is clearly more frequent on one side.")
    st.caption(
        f"Share of prompts that hold the word, in {looked_at}; words from 4 standard errors of "
        "the log-odds on."
    )


def _chip(warns: bool, warning: str, calm: str) -> None:
    if warns:
        st.badge(warning, color="orange", icon=":material/warning:")
    else:
        st.badge(calm, color="green", icon=":material/check:")


def _sampled(desk: Desk) -> tuple[npt.NDArray[np.int64], list[frozenset[str]]]:
    look, value = desk.look, desk.focus
    stamp, root = look.pair_stamps[value], str(look.project.root)
    return _sample_words(root, value, stamp, _project=look.project, _n=look.sizes[value])


@st.cache_resource(max_entries=16, show_spinner="Reading a sample of prompts")
def _sample_words(
    root: str, value: str, stamp: str, *, _project: Project, _n: int
) -> tuple[npt.NDArray[np.int64], list[frozenset[str]]]:
    rows = np.array(sample_rows(_n, SAMPLE, stretches=STRETCHES), dtype=np.int64)
    prompts = _project.pair_rows(value, rows)["prompt"]
    words = [frozenset().union(*(words_of(turn["content"]) for turn in p)) for p in prompts]
    return rows, words
