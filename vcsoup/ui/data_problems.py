"""Tables of what was not kept: rows that reading reported, pairs that scoring set aside."""

import json

import numpy as np
import pandas as pd
import streamlit as st

from vcsoup.numbers import count, plural
from vcsoup.preferences.pairs import prompt_text
from vcsoup.preferences.read_report import KINDS
from vcsoup.workspace import DatasetInfo, Project
from vcsoup.workspace.problems import load_problems

SHOWN = 5_000
_CUT = 300


def show(project: Project, value: str) -> None:
    """Show every row of a value's data set that is not among its pairs.

    Args:
        project: The project.
        value: A value with a data set.
    """
    info = project.datasets()[value]
    problems = load_problems(project.root, info.report)
    aside = project.set_aside(value)
    if problems.empty and aside.empty:
        st.success("Every row of the file became a pair.", icon=":material/check_circle:")
        return
    if len(problems):
        st.caption(f"{sum_of_rows(info)} Nothing is dropped silently.")
        table(problems, key="reported", file_name=f"{value}-reported-rows.csv")
    if len(aside):
        _set_aside(value, aside)


def sum_of_rows(info: DatasetInfo) -> str:
    """Say how the rows of a file add up: those in pairs, and those that are reported.

    Example:
        >>> report = {"rows": 7, "rows_per_pair": 2}
        >>> sum_of_rows(DatasetInfo("helpful", 3, "", "", "", report))
        '7 rows in the file = 3 pairs of 2 rows + 1 reported.'
    """
    rows, each = int(info.report.get("rows", 0)), int(info.report.get("rows_per_pair", 1))
    pairs = plural(info.n, "pair") + (f" of {each} rows" if each > 1 else "")
    reported = count(rows - each * info.n)
    return f"{plural(rows, 'row')} in the file = {pairs} + {reported} reported."


def table(problems: pd.DataFrame, *, key: str, file_name: str) -> None:
    """Show reported rows, searchable, with a download of all of them.

    Args:
        problems: Columns row, column, kind, reason and file.
        key: Prefix of the widgets' keys.
        file_name: Name of the download.
    """
    kinds = problems["kind"].value_counts()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        wanted = st.pills(
            "Kind",
            list(kinds.index),
            selection_mode="multi",
            format_func=lambda kind: f"{kind} {count(int(kinds[kind]))}",
            key=f"{key}_kinds",
            help="; ".join(
                f"{kind}: {KINDS.get(kind, 'no usable reward')}" for kind in kinds.index
            ),
        )
        text = st.text_input(
            "Search the reasons",
            key=f"{key}_search",
            placeholder="row, column or reason",
            icon=":material/search:",
            width=300,
        )
        st.download_button(
            "Download all",
            data=lambda: problems.to_csv(index=False).encode("utf-8", "backslashreplace"),
            file_name=file_name,
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key=f"{key}_download",
        )
    found = problems[matching(problems, text or "", list(wanted or []))]
    if len(found) < len(problems):
        st.caption(f"{count(len(found))} of {count(len(problems))} reported rows")
    if len(found) > SHOWN:
        st.caption(f"The first {count(SHOWN)} are shown; the download has all of them.")
    shown = found.head(SHOWN).assign(column=found["column"].head(SHOWN).replace("", "whole row"))
    if not found["file"].any():
        shown = shown.drop(columns="file")
    st.dataframe(
        shown,
        key=f"{key}_table",
        hide_index=True,
        height=min(38 + 35 * max(1, min(len(found), SHOWN)), 320),
        column_config={
            "row": st.column_config.NumberColumn("row", width=90, help="Counted from 1."),
            "column": st.column_config.TextColumn("column", width=130),
            "kind": st.column_config.TextColumn("kind", width=130),
            "reason": st.column_config.TextColumn("reason", width=720),
            "file": st.column_config.TextColumn("file", width=200),
        },
        alt=f"{len(found)} reported rows",
    )


def matching(problems: pd.DataFrame, text: str, kinds: list[str]) -> np.ndarray:
    """Say which reported rows a search is about.

    Args:
        problems: Columns row, column, kind, reason.
        text: Part of the row number, the column or the reason; case does not matter.
        kinds: Only these kinds; empty takes all.

    Returns:
        A mask, shape (n,).

    Example:
        >>> rows = {"row": [3, 4], "column": ["chosen", ""], "kind": ["empty", "duplicate"]}
        >>> matching(pd.DataFrame({**rows, "reason": ["no text", "as row 1"]}), "TEXT", []).tolist()
        [True, False]
    """
    mask = np.ones(len(problems), dtype=bool)
    if kinds:
        mask &= problems["kind"].isin(kinds).to_numpy()
    if sought := text.strip().casefold():
        rows = problems["row"].astype(str) == sought
        reasons = problems["reason"].astype(str).str.casefold()
        columns = problems["column"].astype(str).str.casefold()
        found = rows | (columns == sought) | reasons.str.contains(sought, regex=False)
        mask &= found.to_numpy(dtype=bool)
    return mask


def _set_aside(value: str, aside: pd.DataFrame) -> None:
    st.markdown(f"**Set aside by scoring: {plural(len(aside), 'pair')}**")
    st.caption(
        "A reward model gave no finite number for these pairs, so they take no part in consistency "
        "and training. The others are scored."
    )
    shown = aside.head(SHOWN)
    st.dataframe(
        pd.DataFrame(
            {
                "reward model of": shown["column"].to_numpy(),
                "reason": shown["reason"].to_numpy(),
                "prompt": [prompt_text(prompt)[:_CUT] for prompt in shown["prompt"]],
                "chosen answer": shown["chosen"].str.slice(0, _CUT).to_numpy(),
                "rejected answer": shown["rejected"].str.slice(0, _CUT).to_numpy(),
            }
        ),
        key="aside_table",
        hide_index=True,
        height=min(38 + 35 * len(shown), 320),
        alt=f"{plural(len(aside), 'pair')} that scoring set aside",
    )
    st.download_button(
        "Download the pairs",
        data=lambda: _lines(aside),
        file_name=f"{value}-set-aside.jsonl",
        mime="application/jsonl",
        icon=":material/download:",
        on_click="ignore",
        key="aside_download",
    )


def _lines(aside: pd.DataFrame) -> bytes:
    rows = aside.to_dict("records")
    return "".join(json.dumps(row, ensure_ascii=True, default=str) + "\n" for row in rows).encode()
