"""Lists of pairs with their reasons, page by page, and one of them to read.

Used by the views Pairs, Map and Likely flips, which differ only in the pairs they allow. Only the
pairs on the page are read from disk, so that the size of the dataset does not matter.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from vcsoup.filtering import PairFilter
from vcsoup.gap_shapes import BoolArray
from vcsoup.numbers import count, plural
from vcsoup.preferences.pairs import prompt_text
from vcsoup.ui import drafting
from vcsoup.ui.components.drawn import register_drawn, sent
from vcsoup.ui.drafting import Desk
from vcsoup.ui.measures import Measures
from vcsoup.ui.pair_choice import ORDERS, PAGE, Order, choose_rows, told_beside, verdict
from vcsoup.ui.pair_reader import read_pair

_list = register_drawn("pair_list", "list")
_CLIP = 160  # characters of a text in the list


def show(desk: Desk, wanted: BoolArray, *, key: str, order: Order = ORDERS[0]) -> None:
    """Show some pairs of the dataset in focus, and read one of them.

    Args:
        desk: What is on the screen.
        wanted: Which pairs may be listed, shape (n,), at least one.
        key: Tells lists on one page apart.
        order: How they are sorted at first.
    """
    measures = desk.look.measures(desk.focus)
    chosen_filter = desk.draft.filter_of(desk.focus)
    total = int(np.count_nonzero(wanted))
    sorting, page = _controls(key, total, order)
    tau = chosen_filter.threshold or 0.0
    rows = choose_rows(measures, wanted, threshold=tau, order=sorting, page=page)
    pairs = desk.look.pair_rows(desk.focus, rows.tolist())
    places = dict(zip(pairs["id"], rows.tolist(), strict=True))
    row = _row_to_read(desk, places)
    widget = f"{key}_list"
    with st.container(key=f"lines_{len(rows)}_{key}"):  # app.css keeps the room of a full page
        _list(
            key=widget,
            data={
                "pairs": list_data(pairs, rows, measures, chosen_filter),
                "picked": next((pair for pair, place in places.items() if place == row), None),
                "told": f"{plural(len(places), 'pair')} with their consistency and the reason",
            },
            on_picked_change=lambda: _pick(widget),
        )
    side, reason = verdict(measures, row, chosen_filter)
    listed = np.flatnonzero(rows == row)
    pair = pairs.iloc[listed[0]] if len(listed) else desk.look.pair_rows(desk.focus, [row]).iloc[0]
    read_pair(pair, measures.gap_of(row), f"{side.capitalize()}: {reason}", key=f"{key}_reader")


def forget_page(key: str) -> None:
    """Begin a list at its first page again."""
    st.session_state.pop(f"{key}_page", None)


def _controls(key: str, total: int, first: Order) -> tuple[Order, int]:
    pages = max(1, -(-total // PAGE))
    page = min(int(st.session_state.get(f"{key}_page", 0)), pages - 1)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        order = st.selectbox(
            "Order",
            ORDERS,
            index=ORDERS.index(first),
            key=f"{key}_order",
            width=240,
            on_change=forget_page,
            args=(key,),
        )
        last = min(total, (page + 1) * PAGE)
        for name, icon, to, useless in (
            ("previous", "chevron_left", page - 1, page == 0),
            ("next", "chevron_right", page + 1, page >= pages - 1),
        ):
            st.button(
                name.capitalize(),
                icon=f":material/{icon}:",
                key=f"{key}_{name}",
                disabled=useless,
                on_click=_turn,
                args=(key, to),
            )
        st.caption(f"{count(page * PAGE + 1)} to {count(last)} of {count(total)}", width="content")
    return order, page


def _turn(key: str, page: int) -> None:
    st.session_state[f"{key}_page"] = page


def list_data(
    pairs: pd.DataFrame, rows: npt.NDArray[np.int64], measures: Measures, chosen: PairFilter
) -> list[dict[str, object]]:
    """Lay a page of pairs out for the component.

    Args:
        pairs: The pairs of the page, canonical columns.
        rows: Their rows in the dataset, in the same order.
        measures: The dataset.
        chosen: The filter that decides about them.

    Returns:
        id, consistency and norm as written, side, reason and the beginnings of the texts, per pair.
    """
    listed = []
    for row, pair in zip(rows.tolist(), pairs.to_dict("records"), strict=True):
        side, reason = verdict(measures, row, chosen)
        texts = {"prompt": prompt_text(pair["prompt"])[:_CLIP]}
        texts |= {answer: pair[answer][:_CLIP] for answer in ("chosen", "rejected")}
        consistency, norm = told_beside(measures, row, chosen)
        numbers = {"consistency": consistency, "norm": norm}
        listed.append({"id": pair["id"], "side": side, "reason": reason, **numbers, **texts})
    return listed


def _pick(widget: str) -> None:
    picked = sent(widget, "picked")
    if picked is not None:
        drafting.put(replace(drafting.desk(), pair=str(picked["pair"])))


def _row_to_read(desk: Desk, listed: Mapping[str, int]) -> int:
    """The picked pair, wherever it stands; else the first of the list."""
    if desk.pair is None:
        return next(iter(listed.values()))
    if desk.pair in listed:
        return listed[desk.pair]
    row = desk.look.row_of(desk.focus, desk.pair)
    if row is not None:
        return row
    st.caption(f"The {desk.focus} dataset has no pair {desk.pair}; here is the first listed.")
    return next(iter(listed.values()))
