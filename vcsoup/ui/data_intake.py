"""Adding or replacing a data set: choose a file, see what it would become, then store it.

Nothing is stored before the person says so, and a file that cannot be read never replaces good
pairs. Small files are read at once. Large ones are read by a job, `data add --preview`, so that the
tab stays alive; storing them is the same command without `--preview`, bound to the file's hash.
"""

import io
import tempfile
from pathlib import Path
from typing import BinaryIO

import pandas as pd
import streamlit as st

from vcsoup.errors import VcsoupError
from vcsoup.intake import Preview, allowed_file, data_root, preview_file, store_pairs
from vcsoup.numbers import count, plural
from vcsoup.ui import data_arrival, data_preview, state
from vcsoup.ui.literal import literal, message
from vcsoup.ui.shell import shown_errors
from vcsoup.workspace import Project
from vcsoup.workspace.problems import COLUMNS

INLINE_BYTES = 400_000
"""Larger files are read by a job: reading them here would hold the tab up."""
INLINE_LINES = 5_000
_PACKED = (b"\x1f\x8b", b"PAR1")
_UNPACKS_TO = 8


def show(project: Project, value: str) -> None:
    """Let the user choose a file for a value, and store it after a look.

    Args:
        project: The project.
        value: Which value's preferences.
    """
    arriving = state.workspace().incoming.find(project.name, value)
    if arriving is not None:
        data_arrival.show(project, arriving)
        return
    waiting = st.session_state.get(_key(project, value))
    if isinstance(waiting, Preview):
        _confirm(project, waiting)
        return
    _choose(project, value)


def is_small(size: int, beginning: bytes) -> bool:
    """Tell whether a file can be read while someone waits.

    Args:
        size: Bytes of the file.
        beginning: Its first bytes; compressed kinds count for what they unpack to, and many short
            lines for many rows.

    Example:
        >>> is_small(100_000, b"prompt"), is_small(100_000, b"PAR1")
        (True, False)
    """
    packed = beginning.startswith(_PACKED)
    few = beginning.count(b"\n") <= INLINE_LINES
    return few and size * (_UNPACKS_TO if packed else 1) <= INLINE_BYTES


def _choose(project: Project, value: str) -> None:
    present = project.datasets().get(value)
    if present is not None:
        st.caption(
            f"The {plural(present.n, 'pair')} of {value} stay until you confirm; then they go to "
            "the bin."
        )
    upload, local = st.columns(2, gap="large")
    with upload, shown_errors():
        _upload(project, value)
    with local, shown_errors():
        _local(project, value)
    st.caption(
        "Read as: TRL explicit or implicit preferences (text or messages), hh-rlhf dialogues, or "
        "VC-Soup Lab's own pairs; JSON, JSON Lines, CSV or parquet, also gzipped. The kind is told "
        "from the content."
    )
    if said := st.session_state.get(f"{_key(project, value)}_trouble"):
        kept = " The pairs that are there stay as they are." if present is not None else ""
        st.error(message(said) + kept, icon=":material/error:")


def _upload(project: Project, value: str) -> None:
    turn = st.session_state.get(f"{_key(project, value)}_turn", 0)
    file = st.file_uploader(
        f"Upload preferences about {value}", key=f"upload_{project.name}_{value}_{turn}"
    )
    seen = f"{_key(project, value)}_seen"
    if file is None or st.session_state.get(seen) == file.file_id:
        return
    st.session_state[seen] = file.file_id
    _take(project, value, source=_printable(file.name), content=file)


def _local(project: Project, value: str) -> None:
    root = data_root()
    with st.form(f"local_{value}", border=False):
        typed = st.text_input(
            "Or name a file on this machine",
            key=f"path_{value}",
            placeholder="preferences/helpful.jsonl",
            help=f"Below `{root}`. VCSOUP_DATA_ROOT changes that folder.",
        )
        if not st.form_submit_button("Look through", icon=":material/search:") or not typed:
            return
    st.session_state.pop(f"{_key(project, value)}_trouble", None)
    path = allowed_file(typed, root)
    with path.open("rb") as content:
        _take(project, value, source=str(path), content=content, path=path)


def _take(
    project: Project, value: str, *, source: str, content: BinaryIO, path: Path | None = None
) -> None:
    """Read a small file now, hand a large one to a job; either way the page shows it next."""
    beginning, size = content.read(INLINE_BYTES), content.seek(0, io.SEEK_END)
    content.seek(0)
    st.session_state.pop(f"{_key(project, value)}_trouble", None)
    if not is_small(size, beginning):
        data_arrival.begin(project, value, source=source, content=content, path=path)
        st.rerun()
    try:
        st.session_state[_key(project, value)] = _read(value, source, content.read())
    except VcsoupError as error:
        st.session_state[f"{_key(project, value)}_trouble"] = str(error)
    st.rerun()


def _read(value: str, source: str, content: bytes) -> Preview:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        return preview_file(value, path, source=source)


def _confirm(project: Project, preview: Preview) -> None:
    seen = preview.to_dict()
    data_preview.show(seen, pd.DataFrame(seen["report"]["problems"], columns=list(COLUMNS)))
    with shown_errors():
        chosen = data_preview.decide(project, preview.value, len(preview.pairs))
        if chosen is None:
            return
        if chosen.store:
            store_pairs(project, preview.value, preview, title=chosen.title)
            told = f"{count(len(preview.pairs))} pairs of {preview.value} are stored."
            st.toast(literal(told), icon=":material/check_circle:")
            st.session_state["data_view"] = "read"
        _forget(project, preview.value)
        st.rerun()


def _printable(name: str) -> str:
    """A file's name without characters that no one can see; it is data, never a path."""
    return "".join(character for character in name[:200] if character.isprintable()) or "upload"


def _forget(project: Project, value: str) -> None:
    key = _key(project, value)
    st.session_state.pop(key, None)
    st.session_state[f"{key}_turn"] = st.session_state.get(f"{key}_turn", 0) + 1


def _key(project: Project, value: str) -> str:
    return f"intake_{project.name}_{value}"
