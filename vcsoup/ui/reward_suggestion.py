"""What a model's own files say about how to ask it, read without holding a page back.

A folder is read at once. A hub id may take seconds, so a thread asks the hub while the page waits
in a fragment of its own. Only configuration files are read; no code of the model runs.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from vcsoup.errors import RewardModelError
from vcsoup.rewards.model_files import read_model_files
from vcsoup.rewards.presets import PRESETS
from vcsoup.rewards.suggest import Suggestion, suggest_spec
from vcsoup.ui.literal import literal


@dataclass(frozen=True)
class Told:
    """What came of asking.

    Attributes:
        suggestion: How to ask the model; None when its files do not say.
        trouble: Why there is no suggestion.
        usable: False when the model cannot be a judge, whatever the settings.
    """

    suggestion: Suggestion | None
    trouble: str = ""
    usable: bool = True


def suggestion_for(model: str, revision: str | None, *, key: str) -> Told | None:
    """Return what a model's files suggest; None while the hub is being asked, which is shown.

    Args:
        model: Hub id or local folder, not empty.
        revision: Of a hub id.
        key: Where the answer is kept in the session; the next question replaces it.
    """
    if model in PRESETS or Path(model).is_dir():
        return ask(model, revision)
    if st.session_state.get(key, (None,))[0] != (model, revision):
        st.session_state[key] = ((model, revision), _threads().submit(ask, model, revision))
    future: Future[Told] = st.session_state[key][1]
    if future.done():
        return future.result()
    st.fragment(run_every=0.4)(_waiting)(model, future)
    return None


def ask(model: str, revision: str | None) -> Told:
    """Read a model's files and suggest how to ask it; may take as long as the hub does."""
    if model in PRESETS:
        return Told(suggest_spec(model, {}, revision=revision))
    try:
        files = read_model_files(model, revision)
    except RewardModelError as error:
        return Told(None, str(error), usable=not Path(model).is_dir())
    try:
        chat = files.chat_template
        return Told(suggest_spec(model, files.config, chat_template=chat, revision=revision))
    except RewardModelError as error:
        return Told(None, str(error), usable=False)


def _waiting(model: str, future: "Future[Told]") -> None:
    st.caption(f":material/hourglass_top: Reading the configuration of {literal(model, most=100)}")
    if future.done():
        st.rerun()


@st.cache_resource(show_spinner=False)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="model-files")
