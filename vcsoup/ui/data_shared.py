"""One preference file that holds several preferences: all of them offered at once.

Each value takes one of them (UltraFeedback's aspects, HelpSteer's attributes, PKU's better and
safer); several data sets come of one file. Small files are read at once, large ones by a job per
value, `data add --aspect`.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from vcsoup.hub.dataset_id import HubOrigin
from vcsoup.intake import allowed_file, data_root, preview_file, store_pairs
from vcsoup.numbers import plural
from vcsoup.preferences.aspect_match import matches
from vcsoup.preferences.look import FileLook, first_rows, look_at
from vcsoup.preferences.pairs import prompt_text
from vcsoup.preferences.readers import Reading
from vcsoup.preferences.rows import readable
from vcsoup.ui import data_arrival, data_hub, state
from vcsoup.ui.data_chosen import TABS, UPLOAD_TOLD, Arriving, found_at, printable, received
from vcsoup.ui.literal import literal, message
from vcsoup.ui.runs_words import progress_text
from vcsoup.ui.shell import shown_errors, trying
from vcsoup.workspace import Project
from vcsoup.workspace.incoming import CHOSEN, Incoming

NONE = "leave as it is"
_SEVERAL, _FEWEST = "", 2
_CUT = 160


def show(project: Project) -> None:
    """Choose a file, say which preference is about which value, store them all."""
    key = f"shared_{project.name}"
    with shown_errors():
        hub = of_hub(project)
        _coming(project, hub)
        found = _chosen(project, key)
        if hub is not None and hub.step != "store":
            data_hub.show(project, hub, _fetched)
        elif found is not None:
            _offer(project, *found, discard=partial(_forget, project, key))
        else:
            _choose(project, key)


def _chosen(project: Project, key: str) -> tuple[Arriving, FileLook] | None:
    """The file that was chosen, also before this page was refreshed."""
    kept = state.workspace().incoming.find(project.name, _SEVERAL)
    if key not in st.session_state and kept is not None and kept.step == CHOSEN:
        path = Path(kept.file)
        look = look_at(path, name=Path(kept.source).name)
        st.session_state[key] = (found_at(path, kept.source), look)
    found: tuple[Arriving, FileLook] | None = st.session_state.get(key)
    return found


def _forget(project: Project, key: str) -> None:
    st.session_state.pop(key, None)
    state.workspace().incoming.drop_chosen(project.name, _SEVERAL)


def _fetched(project: Project, hub: Incoming, origin: HubOrigin) -> None:
    """Offer what was fetched, or say why it is not for several values."""
    path, discard = Path(hub.file), partial(data_arrival.drop, hub)
    look = look_at(path, name=origin.repo)
    if len(look.aspects) < _FEWEST:
        _not_several(origin.repo, look)
        st.button(
            "Choose something else",
            icon=":material/arrow_back:",
            key="shared_back",
            on_click=trying,
            args=(discard,),
        )
        return
    _offer(project, found_at(path, origin.words), look, discard=discard)


def _offer(
    project: Project, arriving: Arriving, look: FileLook, *, discard: Callable[[], object]
) -> None:
    """Let each value take a preference of a file, and store what was taken."""
    key = f"shared_{project.name}"
    st.markdown(f"**{literal(arriving.source, most=200)}**, read as {literal(look.format)}")
    chosen = _match(project, look, key)
    with st.container(horizontal=True, gap="small"):
        store = st.button(
            f"Store {plural(len(chosen), 'dataset')}",
            type="primary",
            icon=":material/save:",
            key=f"{key}_store",
            disabled=not chosen,
        )
        st.button(
            "Discard",
            icon=":material/close:",
            key=f"{key}_drop",
            on_click=trying,
            args=(discard,),
        )
    if store:
        with st.spinner("Reading the file"):
            _store(project, arriving, chosen)
        incoming = state.workspace().incoming
        coming = incoming.find(project.name, _SEVERAL)
        if coming is not None and arriving.path is not None:
            incoming.put(replace(coming, step="store"))
            st.session_state.pop(key, None)
        else:
            discard()
        st.rerun()


def on_its_way(project: Project) -> bool:
    """Tell whether some file or data set is on its way to several values."""
    return state.workspace().incoming.find(project.name, _SEVERAL) is not None


def of_hub(project: Project) -> Incoming | None:
    """Return the data set of the hub that is on its way to several values; None without one."""
    coming = state.workspace().incoming.find(project.name, _SEVERAL)
    return None if coming is not None and coming.step == CHOSEN else coming


def _choose(project: Project, key: str) -> None:
    st.caption(
        "PKU-SafeRLHF holds two preferences (better, safer), UltraFeedback one per aspect, "
        "HelpSteer one per attribute, a table of two rated answers (helpful_a, helpful_b) one per "
        "rating. Each becomes the pairs of one value."
    )
    upload, local, hub = st.tabs(TABS)
    with upload, shown_errors():
        file = st.file_uploader("Upload the file", key=f"{key}_upload", help=UPLOAD_TOLD)
        if file is not None and st.session_state.get(f"{key}_seen") != file.file_id:
            st.session_state[f"{key}_seen"] = file.file_id
            _take(project, received(printable(file.name), file), key)
    with local, shown_errors(), st.form(f"{key}_local", border=False):
        root = data_root()
        typed = st.text_input(
            "File or folder on this machine",
            key=f"{key}_path",
            placeholder="preferences/all.jsonl",
            help=f"Below `{root}`; VCSOUP_DATA_ROOT changes that folder.",
        )
        if st.form_submit_button("Look at it", icon=":material/search:") and typed:
            _take(project, found_at(allowed_file(typed, root)), key)
    with hub, shown_errors():
        data_hub.ask(project, _SEVERAL)


def _take(project: Project, arriving: Arriving, key: str) -> None:
    """Offer what a file holds; it is kept until it is stored or discarded."""
    with arriving.file() as path:
        look = look_at(path, name=Path(arriving.source).name)
    if len(look.aspects) < _FEWEST:
        _not_several(arriving.source, look)
        return
    st.session_state[key] = (arriving, look)
    incoming = state.workspace().incoming
    if incoming.find(project.name, _SEVERAL) is None:  # else another file is being stored
        file = arriving.path or incoming.receive(io.BytesIO(arriving.content or b""))
        owned = arriving.owned or arriving.path is None
        kept = Incoming(project.name, _SEVERAL, arriving.source, str(file), owned, "", step=CHOSEN)
        incoming.put(kept)
    st.rerun()


def _not_several(source: str, look: FileLook) -> None:
    what = f"one preference ({look.format})" if look.format else "no format that is known here"
    st.info(
        f"{literal(source, most=200)} holds {what}. Add it under “A file per value”.",
        icon=":material/info:",
    )


def _match(project: Project, look: FileLook, key: str) -> dict[str, str]:
    """Let each value take a preference, and show the first pair of each."""
    guessed = matches(look.aspects, project.values)
    chosen: dict[str, str] = {}
    for place, column in enumerate(st.columns(min(4, len(project.values)))):
        for value in project.values[place :: min(4, len(project.values))]:
            options = [NONE, *look.aspects]
            taken = column.selectbox(
                f"Pairs of {value}",
                options,
                index=options.index(guessed.get(value, NONE)),
                key=f"{key}_of_{value}",
                format_func=readable,
            )
            if taken != NONE:
                chosen[value] = taken
    if chosen:
        st.dataframe(
            pd.DataFrame([_first(look, value, aspect) for value, aspect in chosen.items()]),
            hide_index=True,
            alt="The first pair of each preference",
        )
    return chosen


def _first(look: FileLook, value: str, aspect: str) -> dict[str, str]:
    rows = first_rows(look, Reading(aspect=aspect), most=20)
    pair = next((row.pair for row in rows if row.pair is not None), None)
    if pair is None:
        why = next((row.problem for row in rows), "no row")
        return {"value": value, "prompt": "", "chosen answer": why, "rejected answer": ""}
    texts = prompt_text(pair["prompt"]), pair["chosen"], pair["rejected"]
    names = ("prompt", "chosen answer", "rejected answer")
    cut = (" ".join(text[:_CUT].split()) for text in texts)
    return {"value": value, **dict(zip(names, cut, strict=True))}


def _store(project: Project, arriving: Arriving, chosen: Mapping[str, str]) -> None:
    """Read a small file now; hand a large one to a job per value."""
    if arriving.content is None:
        for value, aspect in chosen.items():
            file, how = str(arriving.path), [f"--aspect={aspect}"]
            data_arrival.start_adding(
                project.name, value, file, how, source=arriving.source, shared=True
            )
        return
    with arriving.file() as path:
        reads = [
            preview_file(value, path, Reading(aspect=aspect), source=arriving.source)
            for value, aspect in chosen.items()
        ]
    for read in reads:
        store_pairs(project, read.value, read)
    told = ", ".join(f"{read.value} {len(read.pairs):,}" for read in reads)
    st.toast(f"Pairs stored: {literal(told)}", icon=":material/check_circle:")


def _coming(project: Project, hub: Incoming | None) -> None:
    """Show how far the jobs are that read a large file, and what was wrong with one."""
    jobs = state.jobs().list(kind="data", project=project.name)
    shared = [job for job in jobs if job.meta.get("shared")]
    if any(job.active for job in shared):
        st.fragment(run_every=1.0)(_live)(project)
    elif hub is not None and hub.step == "store":
        data_arrival.drop(hub)
    for value in project.values:
        newest = next((job for job in shared if job.meta.get("value") == value), None)
        if newest is not None and newest.error and value not in project.datasets():
            st.error(message(f"{value}: {newest.error}"), icon=":material/error:")


def _live(project: Project) -> None:
    jobs = state.jobs().list(kind="data", project=project.name)
    active = [job for job in jobs if job.meta.get("shared") and job.active]
    if not active:
        st.rerun()
    for job in active:
        done, text = progress_text(job)
        st.progress(done, text=f"{literal(str(job.meta['value']))}: {text}")
