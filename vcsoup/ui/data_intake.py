"""Adding or replacing a data set: choose a file, see what it would become, then store it.

A file that holds several preferences, or whose columns no format knows, asks first
(`vcsoup.ui.data_choice`). Data sets of the hub come through `vcsoup.ui.data_hub`.

Nothing is stored before the person says so, and a file that cannot be read never replaces good
pairs. Small files are read at once. Large ones, and those with a limit on lengths, are read by a
job, `data add --preview`, so that the tab stays alive; storing them is the same command without
`--preview`, bound to the file's hash.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from vcsoup.errors import VcsoupError
from vcsoup.intake import Preview, allowed_file, data_root, preview_file, store_pairs
from vcsoup.numbers import plural
from vcsoup.preferences.look import look_at
from vcsoup.preferences.readers import USUAL, Reading
from vcsoup.ui import (
    data_arrival,
    data_choice,
    data_choice_kept,
    data_hub,
    data_limit,
    data_preview,
    state,
)
from vcsoup.ui.data_chosen import (
    TABS,
    UPLOAD_TOLD,
    Arriving,
    Unsettled,
    found_at,
    printable,
    received,
)
from vcsoup.ui.literal import literal, message
from vcsoup.ui.shell import shown_errors, slot
from vcsoup.workspace import Project
from vcsoup.workspace.incoming import CHOSEN, Incoming
from vcsoup.workspace.problems import COLUMNS


def show(project: Project, value: str) -> None:
    """Let the user choose a file for a value, and store it after a look.

    Args:
        project: The project.
        value: Which value's preferences.
    """
    arriving = state.workspace().incoming.find(project.name, value)
    if arriving is not None and arriving.step != CHOSEN:
        (data_arrival if arriving.step == "read" else data_hub).show(project, arriving)
        return
    if arriving is not None and _key(project, value) not in st.session_state:
        with _trouble_told(project, value):
            found = found_at(Path(arriving.file), arriving.source)
            _take(project, value, replace(found, owned=arriving.owned))
    waiting = st.session_state.get(_key(project, value))
    if isinstance(waiting, Preview):
        _confirm(project, waiting)
        return
    if isinstance(waiting, Unsettled):
        _settle(project, value, waiting)
        return
    _choose(project, value)


def _choose(project: Project, value: str) -> None:
    present = project.datasets().get(value)
    with slot():
        if present is not None:
            st.caption(
                f"The {plural(present.n, 'pair')} of {value} stay until you confirm; then they go "
                "to the bin."
            )
    upload, local, hub = st.tabs(TABS)
    with upload, shown_errors():
        _upload(project, value)
    with local, shown_errors():
        _local(project, value)
    with hub, shown_errors():
        data_hub.ask(project, value)
    data_limit.ask(project, value)
    st.caption(
        "Read as: TRL, hh-rlhf, PKU-SafeRLHF, UltraFeedback, HelpSteer, Nectar, Chatbot Arena, "
        "SHP, StackExchange, TL;DR or LLaMA-Factory preferences, two answers rated by several "
        "values, VC-Soup tables with rewards, or VC-Soup Lab's own pairs; of any other table you "
        "name the columns. JSON, JSON Lines, CSV, parquet or Arrow, also compressed. The kind is "
        "told from the content."
    )
    if said := st.session_state.get(f"{_key(project, value)}_trouble"):
        kept = ". The pairs that are there stay as they are." if present is not None else ""
        st.error(message(said).removesuffix(".") + kept, icon=":material/error:")


def _upload(project: Project, value: str) -> None:
    turn = st.session_state.get(f"{_key(project, value)}_turn", 0)
    file = st.file_uploader(
        f"Upload preferences about {value}",
        key=f"upload_{project.name}_{value}_{turn}",
        help=UPLOAD_TOLD,
    )
    seen = f"{_key(project, value)}_seen"
    if file is None or st.session_state.get(seen) == file.file_id:
        return
    st.session_state[seen] = file.file_id
    with _trouble_told(project, value):
        _take(project, value, received(printable(file.name), file))
    st.rerun()


def _local(project: Project, value: str) -> None:
    root = data_root()
    with st.form(f"local_{value}", border=False):
        typed = st.text_input(
            "File or folder on this machine",
            key=f"path_{value}",
            placeholder="preferences/helpful.jsonl",
            help="Of a folder all data files are read as one set, whatever their kinds. Below "
            f"`{root}`; VCSOUP_DATA_ROOT changes that folder.",
        )
        if not st.form_submit_button("Look through", icon=":material/search:") or not typed:
            return
    st.session_state.pop(f"{_key(project, value)}_trouble", None)
    path = allowed_file(typed, root)
    with _trouble_told(project, value):
        _take(project, value, found_at(path))
    st.rerun()


def _take(project: Project, value: str, arriving: Arriving) -> None:
    """Ask about a file that does not say all; read any other one.

    What is asked about is kept until it is stored or discarded, so that a refreshed page has it.
    """
    with arriving.file() as path:
        look = look_at(path, name=Path(arriving.source).name)
    if not look.settled and data_choice.can_choose(look):
        st.session_state[_key(project, value)] = Unsettled(arriving, look)
    else:
        _read(project, value, arriving, USUAL)
    if _key(project, value) in st.session_state:
        with suppress(OSError):  # a workspace that cannot be written only forgets
            _keep(project, value, arriving)


def _keep(project: Project, value: str, arriving: Arriving) -> None:
    incoming = state.workspace().incoming
    if incoming.find(project.name, value) is None:
        file = arriving.path or incoming.receive(io.BytesIO(arriving.content or b""))
        owned = arriving.owned or arriving.path is None
        kept = Incoming(project.name, value, arriving.source, str(file), owned, "", step=CHOSEN)
        incoming.put(kept)


def _read(project: Project, value: str, arriving: Arriving, how: Reading) -> None:
    """Read a small file now, hand another one to a job; either way the page shows it next."""
    how = replace(how, longest=data_limit.chosen(project, value))
    if how.longest and arriving.content is not None:
        place = state.workspace().incoming.receive(io.BytesIO(arriving.content))
        arriving = Arriving(arriving.source, path=place, owned=True)
    if arriving.content is None and arriving.path is not None:
        data_arrival.begin(
            project,
            value,
            arriving.path,
            source=arriving.source,
            owned=arriving.owned,
            options=data_arrival.reading_options(how),
        )
        st.session_state.pop(_key(project, value), None)
        return
    with arriving.file() as path:
        read = preview_file(value, path, how, source=arriving.source)
    st.session_state[_key(project, value)] = read


def _settle(project: Project, value: str, waiting: Unsettled) -> None:
    arriving = waiting.arriving
    data_choice_kept.restore(project.name, value)
    how = data_choice.show(waiting.look, project.name, value, source=arriving.source)
    data_choice_kept.keep(project.name, value)

    def discard() -> None:
        if arriving.owned and arriving.path is not None:
            arriving.path.unlink(missing_ok=True)
        _forget(project, value)

    how = data_choice.decided(how, key=value, discard=discard)
    if how is not None:
        with shown_errors():
            _read(project, value, arriving, how)
            st.rerun()


@contextmanager
def _trouble_told(project: Project, value: str) -> Iterator[None]:
    """Keep what is wrong with a file for the page that is drawn next."""
    st.session_state.pop(f"{_key(project, value)}_trouble", None)
    try:
        yield
    except VcsoupError as error:
        st.session_state[f"{_key(project, value)}_trouble"] = str(error)


def _confirm(project: Project, preview: Preview) -> None:
    seen = preview.to_dict()
    data_preview.show(seen, pd.DataFrame(seen["report"]["problems"], columns=list(COLUMNS)))

    def store(title: str) -> None:
        store_pairs(project, preview.value, preview, title=title)
        told = f"{plural(len(preview.pairs), 'pair')} of {preview.value} stored."
        st.toast(literal(told), icon=":material/check_circle:")
        st.session_state["data_view"] = "read"
        discard()

    def discard() -> None:
        _forget(project, preview.value)

    data_preview.decide(project, preview.value, len(preview.pairs), store=store, discard=discard)


def _forget(project: Project, value: str) -> None:
    key = _key(project, value)
    st.session_state.pop(key, None)
    state.workspace().incoming.drop_chosen(project.name, value)
    st.session_state[f"{key}_turn"] = st.session_state.get(f"{key}_turn", 0) + 1


def _key(project: Project, value: str) -> str:
    return f"intake_{project.name}_{value}"
