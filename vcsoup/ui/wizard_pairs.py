"""The wizard's middle steps on a created project: pairs, reward models, and the clinic.

They are the Data page's own rooms, one at a time and in order.
"""

import streamlit as st

from vcsoup.rewards.readiness import why_not_ready
from vcsoup.ui import data_cards, data_intake, data_reading, data_shared, reward_view
from vcsoup.ui.literal import literal
from vcsoup.ui.shell import shown_errors
from vcsoup.workspace import Project

# Keys of the Data page, whose cards open a value for reading or adding.
_VALUE, _VIEW = "data_value", "data_view"
_SEEN, _OFFERED = "wizard_seen", "wizard_offered"
_EACH, _SHARED = "A file per value", "One file for several values"


def without_pairs(project: Project) -> str:
    """Say which values have no pairs; empty when all have."""
    datasets = project.datasets()
    missing = [value for value in project.values if value not in datasets]
    return f"No pairs yet for {', '.join(missing)}." if missing else ""


def not_ready(project: Project) -> str:
    """Say which values' judges are missing or cannot be asked as they are; empty when all can."""
    missing = [value for value in project.values if value not in project.config.rewards]
    told = [f"Nothing judges {', '.join(missing)} yet."] if missing else []
    found = {value: why_not_ready(spec) for value, spec in project.config.rewards.items()}
    faults = [f"{value}: {literal(why, most=400)}." for value, why in found.items() if why]
    remedy = ["Step 4 changes how a judge is asked."] if faults else []
    return " ".join([*told, *faults, *remedy])


def unchecked(project: Project) -> str:
    """Say what keeps the judges from being known to be sound; empty when they were checked."""
    told = "" if project.checkup() else "The judges are not checked yet."
    return not_ready(project) or told


def data_step(project: Project) -> None:
    """Add the pairs of each value, or of several from one file."""
    data_cards.show(project)
    st.space("small")
    if _opened() != st.session_state.get(_SEEN, _opened()):  # by a button of a card
        st.session_state["wizard_way"] = _EACH
    coming = data_shared.on_its_way(project)
    st.session_state.setdefault("wizard_way", _SHARED if coming else _EACH)
    way = st.segmented_control(
        "Where the pairs come from", [_EACH, _SHARED], required=True, key="wizard_way"
    )
    if way == _SHARED:
        data_shared.show(project)
    else:
        value = _chosen_value(project)
        reading = value in project.datasets() and st.session_state.get(_VIEW) != "add"
        st.fragment(_view)(project, value, reading)
    st.session_state[_SEEN] = _opened()


def _opened() -> tuple[object, object]:
    return st.session_state.get(_VALUE), st.session_state.get(_VIEW)


def rewards_step(project: Project) -> None:
    """Choose what judges each value; the form of the first one without a judge is open.

    It opens by itself once for each value, so that one who closes it keeps it closed.
    """
    reward_view.go_on(project)
    missing = [value for value in project.values if value not in project.config.rewards]
    offered = (project.name, missing[0]) if missing else None
    if offered != st.session_state.get(_OFFERED):
        st.session_state[_OFFERED] = offered
        if missing and reward_view.open_value() not in project.values:
            reward_view.open_form(missing[0])
    reward_view.judges(project)


def _view(project: Project, value: str, reading: bool) -> None:
    with shown_errors():
        (data_reading if reading else data_intake).show(project, value)


def _chosen_value(project: Project) -> str:
    """Which value's pairs are added: the chosen one, until it has some; then the next without."""
    datasets = project.datasets()
    missing = [value for value in project.values if value not in datasets]
    had = st.session_state.get("wizard_had", frozenset(datasets))
    st.session_state["wizard_had"] = frozenset(datasets)
    chosen = st.session_state.get(_VALUE)
    just_stored = chosen in datasets and chosen not in had
    if chosen not in project.values or (just_stored and missing):
        chosen = missing[0] if missing else project.values[0]
    st.session_state[_VALUE] = st.session_state["wizard_value"] = chosen
    st.segmented_control(
        "Dataset",
        list(project.values),
        key="wizard_value",
        required=True,
        on_change=lambda: st.session_state.update({_VALUE: st.session_state["wizard_value"]}),
    )
    return str(chosen)
