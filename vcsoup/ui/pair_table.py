"""The pairs behind a threshold, kept and dropped, with the reason in words and both texts."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from vcsoup.consistency import keep_mask, value_consistency
from vcsoup.preferences.pairs import prompt_text
from vcsoup.ui.numbers import SIGMA, count, signed
from vcsoup.ui.reasons import keep_reason
from vcsoup.ui.state import stamped_gaps, stamped_pairs
from vcsoup.workspace import Project

ROWS = 200
Order = Literal["closest to the threshold", "most consistent", "least consistent"]
_ORDERS: tuple[Order, ...] = ("closest to the threshold", "most consistent", "least consistent")

FloatArray = npt.NDArray[np.float64]


def show(project: Project, value: str, threshold: float) -> None:
    """Show the pairs of a value's dataset on one side of the threshold, and read one of them.

    Args:
        project: The project.
        value: The dataset's value; scored.
        threshold: The threshold under the hand.
    """
    st.subheader("The pairs themselves", anchor=False)
    st.caption("Pick a row to read its two answers side by side.")
    gaps = stamped_gaps(project, value)
    consistency = value_consistency(gaps)
    mask = np.asarray(keep_mask(consistency, threshold))
    kept, order = _controls(int(mask.sum()), len(mask))
    rows = choose_rows(consistency, mask == kept, threshold=threshold, order=order)
    if not len(rows):
        st.info(f"No pair is {'kept' if kept else 'dropped'} at this threshold.")
        return
    pairs = stamped_pairs(project, value).iloc[rows]
    reasons = [
        keep_reason(dict(zip(project.values, gaps[row].tolist(), strict=True)), kept=kept)
        for row in rows
    ]
    picked = _table(pairs, reasons, consistency[rows])
    gap = dict(zip(project.values, gaps[rows[picked]].tolist(), strict=True))
    _read(pairs.iloc[picked], gap, reason=f"{'Kept' if kept else 'Dropped'}: {reasons[picked]}")


def choose_rows(
    consistency: FloatArray, wanted: npt.NDArray[np.bool_], *, threshold: float, order: Order
) -> npt.NDArray[np.int64]:
    """Pick the rows to list, at most 200, in the asked order.

    Args:
        consistency: Shape (n,).
        wanted: Which pairs may be listed, shape (n,).
        threshold: For "closest to the threshold".
        order: How to sort.

    Returns:
        Row numbers into the dataset.

    Example:
        >>> everything = np.array([True, True, True])
        >>> choose_rows(np.array([0.1, 0.9, -0.5]), everything, threshold=0, order=_ORDERS[1])
        array([1, 0, 2])
    """
    rows = np.flatnonzero(wanted)
    rank = {
        "closest to the threshold": np.abs(consistency[rows] - threshold),
        "most consistent": -consistency[rows],
        "least consistent": consistency[rows],
    }[order]
    if len(rows) > ROWS:
        nearest = np.argpartition(rank, ROWS)[:ROWS]
        rows, rank = rows[nearest], rank[nearest]
    return rows[np.argsort(rank, kind="stable")]


def _controls(kept: int, total: int) -> tuple[bool, Order]:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        side = st.segmented_control(
            "Side of the threshold",
            ["kept", "dropped"],
            default="dropped",
            required=True,
            format_func=lambda side: f"{side} {count(kept if side == 'kept' else total - kept)}",
            key="side",
        )
        order = st.selectbox("Order", _ORDERS, key="pair_order", width=260)
    return side == "kept", order


def _table(pairs: pd.DataFrame, reasons: list[str], consistency: FloatArray) -> int:
    shown = pd.DataFrame(
        {
            "consistency": consistency,
            "reason": reasons,
            "prompt": [prompt_text(prompt) for prompt in pairs["prompt"]],
            "chosen": pairs["chosen"].to_numpy(),
            "rejected": pairs["rejected"].to_numpy(),
        }
    )
    event = st.dataframe(
        shown,
        key="pairs",
        height=320,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "consistency": st.column_config.NumberColumn(format="%+.2f", width=96),
            "reason": st.column_config.TextColumn(width=330),
            "prompt": st.column_config.TextColumn(width=240),
            "chosen": st.column_config.TextColumn("chosen answer", width=260),
            "rejected": st.column_config.TextColumn("rejected answer", width=260),
        },
        alt=f"{len(shown)} pairs with their consistency and the reason",
    )
    picked = event.selection.rows
    return int(picked[0]) if picked and picked[0] < len(shown) else 0


def _read(pair: pd.Series, gaps: Mapping[str, float], *, reason: str) -> None:
    with st.container(border=True, gap="small", key="reader"):
        st.markdown(f"**{_plain(reason)}**")
        st.caption("  ·  ".join(f"{value} {signed(gap)} {SIGMA}" for value, gap in gaps.items()))
        st.text(prompt_text(pair["prompt"]))
        left, right = st.columns(2, gap="medium")
        for column, side in ((left, "chosen"), (right, "rejected")):
            with column:
                st.caption(f"{side.capitalize()} answer")
                st.text(pair[side])


def _plain(text: str) -> str:
    return text.replace("*", "\\*").replace("_", "\\_")
