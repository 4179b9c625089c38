"""Settings as a YAML file: saved from the form, loaded into it."""

import streamlit as st

from vcsoup.errors import VcsoupError
from vcsoup.training.config import TrainConfig
from vcsoup.training.config_file import dump_train_config, parse_train_config
from vcsoup.ui import train_settings
from vcsoup.ui.literal import message

PROBLEM = "train_file_problem"
_LARGEST = 100_000  # characters; a configuration has some two thousand


def show(project: str, config: TrainConfig, preset: str) -> None:
    """Offer the settings as a file, and take one in.

    Args:
        project: Name of the project.
        config: The settings on the screen.
        preset: What fields that a file leaves out start from.
    """
    with st.popover("File", icon=":material/description:", key="train_file"):
        st.caption("The settings as YAML, for `train --config FILE` or for another project.")
        st.download_button(
            "Save as YAML",
            data=dump_train_config(config),
            file_name="train.yaml",
            mime="application/yaml",
            on_click="ignore",
            icon=":material/download:",
            key="train_save",
        )
        turn = st.session_state.get("train_upload_turn", 0)
        st.file_uploader(
            "Load settings",
            type=["yaml", "yml"],
            key=f"train_upload_{turn}",
            on_change=_load,
            args=(project, f"train_upload_{turn}", preset),
        )
        if problem := st.session_state.get(PROBLEM):
            st.error(message(problem), icon=":material/error:")


def take_in(project: str, text: str, source: str, preset: str) -> None:
    """Let the settings start from a file's content; what is wrong with it is kept to be shown.

    Args:
        project: Name of the project.
        text: YAML.
        source: Name of the file.
        preset: What fields that it leaves out start from.
    """
    st.session_state.pop(PROBLEM, None)
    try:
        config = parse_train_config(text[:_LARGEST], source, preset=preset)
    except VcsoupError as error:
        st.session_state[PROBLEM] = str(error)
    else:
        train_settings.begin_with(project, preset, config, source)


def _load(project: str, key: str, preset: str) -> None:
    uploaded = st.session_state[key]
    if uploaded is None:
        return
    try:
        text = uploaded.getvalue().decode("utf-8")
    except UnicodeDecodeError:
        st.session_state[PROBLEM] = f"{uploaded.name} is no UTF-8 text; save it as plain YAML"
        return
    take_in(project, text, uploaded.name, preset)
    if PROBLEM not in st.session_state:
        # A fresh uploader: the file is taken in, choosing it again is a new wish.
        st.session_state["train_upload_turn"] = st.session_state.get("train_upload_turn", 0) + 1
