"""Reading pairs: search, turn pages, and one pair with its answers compared and its rewards.

The search, the page and the pair are in the address. Only the pairs on the screen are read; a
search reads the data set in bounded steps and says how far it is.
"""

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from vcsoup.numbers import count, plural
from vcsoup.preferences.pair_search import Found
from vcsoup.preferences.pair_search import go_on as search_further
from vcsoup.preferences.pairs import prompt_text
from vcsoup.ui import data_rewards, echoes, soup_link, state
from vcsoup.ui.components import word_diff
from vcsoup.ui.literal import literal
from vcsoup.ui.shell import slot
from vcsoup.workspace import DatasetInfo, Project

PAGE = 25
NOTHING_READ: dict[str, str | None] = {"q": None, "page": None, "pair": None}
"""The entries of the address that say what is read, where nothing is."""
_CUT = 160


def show(project: Project, value: str) -> dict[str, str | None]:
    """Show a value's pairs for reading.

    Args:
        project: The project.
        value: A value with a data set.

    Returns:
        What is read, as entries for the address; None for those that say nothing.
    """
    info = project.datasets()[value]
    opened = _opened(project, info)
    query = _query()
    found = _search(project, info, query) if query else None
    rows: Sequence[int] = range(info.n) if found is None else found.rows
    if not rows:
        if found is not None and found.complete:
            st.info("No pair holds this text. Case does not matter; every character counts.")
        return {**NOTHING_READ, "q": query or None}
    name = f"{value}_{info.hash}_{query}_{st.session_state.get('data_steps', 0)}"
    page = _page(rows, opened, name)
    shown = list(rows[(page - 1) * PAGE : page * PAGE])
    picked = _table(state.pair_rows(project, value, shown), shown, key=f"pairs_{name}_{page}")
    row = next(row for row in (picked, opened, shown[0]) if row is not None)
    pair = _read(project, info, row, rows)
    return {"q": query or None, "page": str(page) if page > 1 else None, "pair": pair}


def _query() -> str:
    """The text that is searched for; the address carries it as `?q=`.

    Written by the script, like the page and the pair: an address that the browser changed by itself
    (`bind="query-params"`) was lost when a run that had begun before wrote its own.
    """
    asked = soup_link.followed("q")
    if asked is None and soup_link.followed("pair") is None:
        asked = st.session_state.get("q")  # else somebody came back to a pair that no search found
    typed = st.text_input(
        "Search prompts and answers",
        echoes.shown("q", asked or "") or "",
        key="q",
        placeholder="any part of a prompt or an answer",
        icon=":material/search:",
        on_change=_close,
    )
    return (typed or "").strip()


def _search(project: Project, info: DatasetInfo, query: str) -> Found:
    """Go on with the search of this text where the last step ended; begin it when it is new."""
    name = (project.name, info.value, info.hash, query)
    kept = st.session_state.get("data_search")
    found = kept[1] if kept and kept[0] == name else None
    go_on = st.session_state.pop("data_search_on", False)
    if found is None or (go_on and not found.complete):
        found = search_further(project.pair_file(info.value), query, found)
        st.session_state["data_search"] = (name, found)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(search_note(found), width="content")
        if not found.complete:
            st.button(
                "Go on searching",
                key="search_on",
                icon=":material/arrow_forward:",
                on_click=lambda: st.session_state.update(data_search_on=True),
            )
    return found


def search_note(found: Found) -> str:
    """Say what a search found, and how far it came.

    Example:
        >>> search_note(Found((3, 5), searched=4000, total=12000))
        '2 pairs found, searched 4,000 of 12,000'
    """
    return (
        f"{plural(len(found.rows), 'pair')} found, "
        f"searched {count(found.searched)} of {count(found.total)}"
    )


def open_pair(value: str, pair: str) -> None:
    """Have a pair of a value read at the next drawing of the Data page, or of the wizard's step.

    Args:
        value: A value with a data set.
        pair: The pair's id.
    """
    st.session_state.update(data_value=value, data_view="read", data_asked=pair)


def is_asked() -> bool:
    """Whether `open_pair` asked for a pair that was not shown yet."""
    return "data_asked" in st.session_state


def _opened(project: Project, info: DatasetInfo) -> int | None:
    """The row of the pair that is open, or that is asked for; None when there is none."""
    asked = st.session_state.pop("data_asked", None) or soup_link.followed("pair")
    with slot():
        if asked and (row := project.row_of(info.value, asked)) is not None:
            _step(info.hash, row)
        elif asked:
            _close()
            st.caption(f"The pairs of {info.value} hold no pair {literal(asked, most=40)}.")
    content, row = st.session_state.get("data_pair") or ("", None)
    return row if content == info.hash else None


def _page(rows: Sequence[int], opened: int | None, name: str) -> int:
    """Let the user turn pages; a pair that the address names opens its own page.

    The widget is another one for every data set and search (`name`), so each begins anew.
    """
    pages = math.ceil(len(rows) / PAGE)
    key = f"page_{name}"
    if f"{key}_first" not in st.session_state:
        st.session_state[f"{key}_first"] = _first_page(rows, opened, pages)
    first = min(pages, st.session_state[f"{key}_first"])
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        page = 1 if pages == 1 else st.pagination(pages, default=first, key=key, on_change=_close)
        st.caption(f"{plural(len(rows), 'pair')}, {PAGE} a page", width="content")
    return page


def _first_page(rows: Sequence[int], opened: int | None, pages: int) -> int:
    if opened is not None and opened in rows:
        return rows.index(opened) // PAGE + 1
    asked = soup_link.followed("page") or "1"
    return int(asked) if asked.isdecimal() and 1 <= int(asked[:9]) <= pages else 1


def _close() -> None:
    st.session_state["data_pair"] = None


def _step(content: str, row: int) -> None:
    """Open a neighbour: the table and the pages are made anew around it."""
    st.session_state["data_pair"] = (content, row)
    st.session_state["data_steps"] = st.session_state.get("data_steps", 0) + 1


def _table(pairs: pd.DataFrame, rows: Sequence[int], *, key: str) -> int | None:
    """Show a page of pairs; returns the row that was picked in it."""
    shown = pd.DataFrame(
        {
            "pair": [row + 1 for row in rows],
            "prompt": [_line(prompt_text(prompt)) for prompt in pairs["prompt"]],
            "chosen": [_line(text) for text in pairs["chosen"]],
            "rejected": [_line(text) for text in pairs["rejected"]],
        }
    )
    event = st.dataframe(
        shown,
        key=key,
        height=38 + 35 * min(len(shown), 8),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "pair": st.column_config.NumberColumn("pair", width=70, format="localized"),
            "prompt": st.column_config.TextColumn("prompt", width=330),
            "chosen": st.column_config.TextColumn("chosen answer", width=400),
            "rejected": st.column_config.TextColumn("rejected answer", width=400),
        },
        alt=f"{plural(len(shown), 'pair')}; pick one to read it",
    )
    picked = event.selection.rows
    return rows[picked[0]] if picked and picked[0] < len(rows) else None


def _line(text: str) -> str:
    """The beginning of a text on one line, for a table's cell."""
    cut = text[: _CUT + 1]
    line = " ".join(cut.split())
    return line[:_CUT] + "\N{HORIZONTAL ELLIPSIS}" if len(cut) > _CUT else line


def _read(project: Project, info: DatasetInfo, row: int, rows: Sequence[int]) -> str:
    """Show a pair and return its id."""
    pair = state.pair_rows(project, info.value, [row]).iloc[0]
    st.session_state["data_pair"] = (info.hash, row)
    with st.container(border=True, gap="small", key="reader"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**Pair {count(row + 1)}**", width="content")
            st.caption(f"of {count(info.n)}, id {pair['id']}", width="stretch")
            _neighbours(info, row, rows)
        word_diff.show(pair["prompt"], pair["chosen"], pair["rejected"], key="reading")
        data_rewards.show(project, info.value, row)
    return str(pair["id"])


def _neighbours(info: DatasetInfo, row: int, rows: Sequence[int]) -> None:
    place = rows.index(row) if row in rows else -1
    for label, step, icon in (
        ("Previous", -1, ":material/arrow_upward:"),
        ("Next", 1, ":material/arrow_downward:"),
    ):
        there = place >= 0 and 0 <= place + step < len(rows)
        st.button(
            label,
            key=f"step_{label}",
            icon=icon,
            type="tertiary",
            disabled=not there,
            on_click=_step,
            args=(info.hash, rows[place + step] if there else row),
        )
