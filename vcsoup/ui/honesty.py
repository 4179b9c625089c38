"""The honesty meter: how exact each export of the current soup is, and how far adapters agree.

Small adapters are read here (numpy, once per set); large ones by a job that leaves a JSON file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from vcsoup.honesty_report import NO_SOUP, honesty_figures
from vcsoup.jobs import Job
from vcsoup.numbers import plain
from vcsoup.plots.canvas import CONFIG
from vcsoup.plots.honesty import layer_agreement, rank_errors
from vcsoup.soup.adapter_settings import WEIGHTS_FILE
from vcsoup.soup.honesty import Core, cores
from vcsoup.ui import state, theme
from vcsoup.ui.literal import message
from vcsoup.ui.mixer import weights_text
from vcsoup.ui.runs_words import progress_text
from vcsoup.ui.shell import shown_errors, trying
from vcsoup.workspace import Project
from vcsoup.workspace.files import read_json

FloatArray = npt.NDArray[np.float64]

SMALL_BYTES = 48_000_000
"""Adapters up to this size together are read by the page itself: tens of milliseconds."""


def figures(project: Project, group: str, weights: FloatArray) -> Mapping[str, Any] | None:
    """The figures of `honesty_figures`; None while large adapters wait for their job.

    Raises:
        AdapterError: an adapter that cannot be summed.
    """
    paths = [project.adapter_set(group)[value].path for value in project.values]
    if sum((path / WEIGHTS_FILE).stat().st_size for path in paths) <= SMALL_BYTES:
        key = state.set_key(project, group)
        return honesty_figures(paths, weights, project.values, found=_cores(key, _paths=paths))
    return read_json(_file(project, group, weights))


def show(project: Project, group: str, weights: FloatArray, *, rank: int | None) -> None:
    """Show the meter.

    Args:
        project: The project.
        group: The adapter set.
        weights: The soup, shape (K,).
        rank: The rank that is chosen for export, marked in the chart; None for none.
    """
    st.subheader("How honest is each export?", anchor=False)
    job = _job(project, group, weights)  # before its figures: it may end in between
    active = job is not None and job.active
    found = figures(project, group, weights)
    if found is None:
        st.caption("These adapters are large: a job reads them and computes the figures exactly.")
        st.fragment(run_every=0.5 if active else None)(_offer)(project, group, weights, active)
        return
    if found.get("base"):
        st.info(NO_SOUP, icon=":material/info:")
    else:
        _errors(found, rank=rank)
    colours = theme.colours()
    rows = pd.DataFrame(found["layers"])
    st.plotly_chart(
        layer_agreement(rows, colours=colours),
        key="honesty_layers",
        config=CONFIG,
        alt="Cosine between the adapters' changes, by layer",
    )
    st.caption(told(rows))


def _errors(found: Mapping[str, Any], *, rank: int | None) -> None:
    st.caption(
        "Relative error: how far the exported change of the weights is from the soup's own, as a "
        "share of its size. Computed exactly from the adapters."
    )
    average = found["exports"][-1]["relative_error"]
    st.plotly_chart(
        rank_errors(found["ranks"], average=average, rank=rank, colours=theme.colours()),
        key="honesty_ranks",
        config=CONFIG,
        alt=f"Error by rank; exact at rank {found['rank']}",
    )


def told(rows: pd.DataFrame) -> str:
    """Say in a sentence how far the adapters agree over all layers.

    Args:
        rows: `layers` of `honesty_figures`.
    """
    whole = rows[rows["layer"] == "all layers"]
    parts = [
        f"{row.first} and {row.second} {plain(float(row.cosine))}"
        for row in whole.itertuples()
        if row.cosine is not None
    ]
    return (
        f"Cosine over all layers: {', '.join(parts)}. 1: two adapters change the model the same "
        "way; 0: they leave each other alone; below 0: they undo each other."
    )


def _offer(project: Project, group: str, weights: FloatArray, was_active: bool) -> None:
    with shown_errors():
        job = _job(project, group, weights)
        if job is not None and job.active:
            done, text = progress_text(job)
            st.progress(done, text=text)
            return
        if was_active:
            st.rerun()
        if job is not None and job.error:
            st.error(message(job.error), icon=":material/error:")
        st.button(
            "Compute the errors",
            icon=":material/straighten:",
            key="honesty",
            on_click=trying,
            args=(_start, project, group, weights),
        )


def _start(project: Project, group: str, weights: FloatArray) -> None:
    file = _file(project, group, weights)
    file.parent.mkdir(exist_ok=True)
    args = ["soup", "honesty", "--project", project.name, "--group", group, "--free"]
    args += ["--weights", weights_text(weights, project.values), "--out", str(file)]
    state.jobs().start(
        [*args, "--workspace", str(state.workspace().root)],
        kind="honesty",
        title=f"exports of {group} adapters",
        project=project.name,
        meta={"file": str(file)},
    )


def _job(project: Project, group: str, weights: FloatArray) -> Job | None:
    file = str(_file(project, group, weights))
    return state.jobs().newest(
        "honesty", project.name, fits=lambda job: job.meta.get("file") == file
    )


def _file(project: Project, group: str, weights: FloatArray) -> Path:
    mix = weights_text(weights, project.values).replace("=", "-").replace(",", "_")
    return project.root / "honesty" / f"{state.set_key(project, group)}-{mix}.json"


@st.cache_resource(max_entries=8, show_spinner="Reading the adapters")
def _cores(set_key: str, *, _paths: list[Path]) -> dict[str, Core]:
    return cores(_paths)
