"""One card per value of the Data page: what is there, where it is from, is it scored; the bin."""

from collections.abc import Mapping
from typing import Literal

import streamlit as st

from vcsoup.numbers import count, minute, plural
from vcsoup.ui.literal import literal
from vcsoup.ui.runs_words import Colour
from vcsoup.ui.shell import beside_each_other, in_bin, offer_undo, slot, trying
from vcsoup.workspace import DatasetInfo, Project

Scoring = Literal["scored", "stale", "not scored"]

_CHIPS: Mapping[Scoring, tuple[Colour, str, str]] = {
    "scored": ("green", ":material/check_circle:", "Every reward model has scored these pairs."),
    "stale": (
        "orange",
        ":material/update:",
        "Pairs or reward models changed since they were scored; score again.",
    ),
    "not scored": ("gray", ":material/pending:", "No reward model has scored these pairs yet."),
}


def show(project: Project) -> None:
    """Show the values' data sets side by side, and what lies in the bin."""
    datasets, standing = project.datasets(), scoring(project)
    for column, value in beside_each_other(project.values):
        with column, st.container(border=True, height="stretch", gap="small", key=f"about_{value}"):
            _card(project, value, datasets.get(value), standing.get(value))
    with slot():
        _undo(project)
    with slot():
        _bin(project)


def scoring(project: Project) -> dict[str, Scoring]:
    """Say of every value with pairs whether they have current rewards, stale ones or none."""
    scored = project.rewards_stamps()

    def of(value: str) -> Scoring:
        if value in scored:
            return "scored"
        return "stale" if project.was_scored(value) else "not scored"

    return {value: of(value) for value in project.datasets()}


def title_of(info: DatasetInfo) -> str:
    """Return a data set's name for people: a path is cut to its file's name."""
    return (
        info.title if info.title != info.source else info.source.replace("\\", "/").split("/")[-1]
    )


def _card(project: Project, value: str, info: DatasetInfo | None, now: Scoring | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{value.capitalize()}**", width="content")
        if now is None:
            st.badge("no pairs", color="gray", icon=":material/inbox:")
        else:
            colour, icon, told = _CHIPS[now]
            st.badge(now, color=colour, icon=icon, help=told)
    st.metric(f"Pairs about {value}", count(info.n) if info else "0")
    if info is None:
        st.caption("Add preferences about this value.")
    else:
        name = literal(title_of(info), most=60)
        st.caption(f"{name}; {_soundness(info)}", help=f"From {literal(info.source, most=300)}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Read" if info else "Add pairs",
            key=f"open_{value}",
            icon=":material/article:" if info else ":material/upload_file:",
            on_click=_open,
            args=(value, "read" if info else "add"),
            type="tertiary" if info else "secondary",
        )
        if info is not None:
            st.space("stretch")
            _more(project, value, info)


def _soundness(info: DatasetInfo) -> str:
    aside = int(info.report.get("counts", {}).get("reward", 0))
    reported = sum(info.report.get("counts", {}).values()) - aside
    parts = [f"{plural(reported, 'row')} reported" if reported else "every row was sound"]
    parts += [f"{plural(aside, 'pair')} set aside by scoring"] if aside else []
    return ", ".join(parts)


def _more(project: Project, value: str, info: DatasetInfo) -> None:
    with st.popover(f"More about {value}", type="tertiary", key=f"more_{value}"):
        typed = f"name_{value}_{info.hash}"
        st.text_input("Name", title_of(info)[:60], max_chars=60, key=typed)
        st.button(
            "Rename",
            key=f"rename_{value}",
            icon=":material/edit:",
            on_click=trying,
            args=(_rename, project, value, typed),
        )
        st.button(
            "Replace",
            key=f"replace_{value}",
            icon=":material/upload_file:",
            on_click=_open,
            args=(value, "add"),
        )
        st.button(
            "Remove",
            key=f"remove_{value}",
            icon=":material/delete:",
            on_click=trying,
            args=(_remove, project, value),
        )
        st.caption("A removed or replaced dataset goes to the bin with its rewards.")


def _rename(project: Project, value: str, typed: str) -> None:
    project.rename_dataset(value, st.session_state[typed])


def _remove(project: Project, value: str) -> None:
    token = project.remove_dataset(value)
    st.session_state["data_removed"] = (project.name, value, token)


def _open(value: str, view: str) -> None:
    st.session_state["data_value"] = value
    st.session_state["data_view"] = view
    st.session_state["data_pair"] = None


def _undo(project: Project) -> None:
    """Offer to undo the removal that has just happened."""
    name, value, token = st.session_state.get("data_removed") or ("", "", 0)
    tokens = [entry.token for entry in project.removed_datasets()]
    if name != project.name or token not in tokens or value in project.datasets():
        return
    told = f"The pairs of **{value}** are in the bin."
    offer_undo(told, "undo_remove", _restore, project, token)


def _bin(project: Project) -> None:
    entries = project.removed_datasets()
    if not entries:
        return
    with st.expander(f"Bin: {plural(len(entries), 'dataset')}", icon=":material/delete:"):
        st.caption("The last five of each value. Restoring one puts the present one here.")
        for entry in entries:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                told = f"**{entry.dataset.value}**, {plural(entry.dataset.n, 'pair')}"
                when = (
                    f"{literal(title_of(entry.dataset), most=60)}, removed {minute(entry.removed)}"
                )
                in_bin(told, when, f"restore_{entry.token}", _restore, project, entry.token)


def _restore(project: Project, token: int) -> None:
    project.restore_dataset(token)
    st.session_state.pop("data_removed", None)
