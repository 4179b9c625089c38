"""The choices of the form: values, pairs, preset, settings, and where the runs go."""

from collections.abc import Sequence

import streamlit as st

from vcsoup.training.config import PRESETS, TrainConfig
from vcsoup.ui import cost, echoes, state, train_draft, train_files, train_settings
from vcsoup.ui.navigation import page
from vcsoup.ui.shell import slot
from vcsoup.ui.train_plan import GROUPS, Plan, changes, planned_runs, setting_text
from vcsoup.workspace import Project

_PLACES = {"local": "this machine", "ray": "Ray"}


def choose(project: Project) -> Plan:
    """Show the choices, and return the plan that they make.

    Raises:
        TrainingError: the settings contradict each other.
    """
    have_pairs, scored = list(project.datasets()), list(project.rewards_stamps())
    usual = list(GROUPS) if scored else [GROUPS[1]]
    left = train_draft.load(project)
    known = [value for value in (left.values if left else ()) if value in have_pairs]
    with st.container(horizontal=True, gap="medium"):
        values = st.pills(
            "Values",
            have_pairs,
            default=_preselected("train_values", have_pairs, known or have_pairs),
            selection_mode="multi",
            key="train_values",
            persist_state="session",
            wrap=True,
            help="Each value becomes one adapter.",
        )
        groups = st.segmented_control(
            "Pairs",
            GROUPS,
            default=_preselected("train_pairs", list(GROUPS), list(left.groups) if left else usual),
            selection_mode="multi",
            key="train_pairs",
            persist_state="session",
            help="Filtered keeps what the saved filter of each value keeps (the Consistency page). "
            "Unfiltered takes all pairs: the twin that shows what filtering changes.",
        )
    with slot():
        _missing_rewards([value for value in values if value not in scored], groups)
    start, config = _configured(project, left)
    present = train_draft.TrainDraft(
        preset=start.preset, origin=start.name, config=config, values=values, groups=groups
    )
    train_draft.keep(project, present, left=left)
    launcher = _launcher()
    return Plan(planned_runs(values, groups, scored=scored), start.preset, config, launcher)


def _preselected(key: str, options: list[str], usual: list[str]) -> list[str] | None:
    """Let a choice of several start with the usual ones; those of another project are left out."""
    chosen: list[str] | None = st.session_state.get(key)
    known = chosen is not None and set(chosen) <= set(options)
    return echoes.shown(key, chosen if known else usual)


def _configured(
    project: Project, left: train_draft.TrainDraft | None
) -> tuple[train_settings.Origin, TrainConfig]:
    start = train_settings.origin(project, cost.usual_preset(project), left=left)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.segmented_control(
            "Preset",
            list(PRESETS),
            default=echoes.shown("train_preset", start.preset),
            required=True,
            key="train_preset",
            persist_state="session",
            on_change=_preset_chosen,
            args=(project.name,),
            help="demo: light, for the small model on two CPU cores. paper: the settings of the "
            "VC-Soup code, for models of several billion parameters.",
        )
        beside = st.container(width="content")
    config = train_settings.show(start)
    with beside:
        train_files.show(project.name, config, start.preset)
    with slot():
        _what_changed(start, config)
    return start, config


def _preset_chosen(project: str) -> None:
    preset = st.session_state["train_preset"]
    present = st.session_state["train_origin"]
    if not echoes.is_echo("train_preset", present.preset):
        train_settings.begin_with(project, preset, PRESETS[preset], preset)


def _what_changed(start: train_settings.Origin, config: TrainConfig) -> None:
    """Say what differs from the preset, and offer the way back."""
    changed = changes(config, start.preset)
    if not changed and start.name == start.preset:
        return
    told = [
        f"{train_settings.label_of(name).lower()} {setting_text(chosen)} "
        f"(preset: {setting_text(usual)})"
        for name, (chosen, usual) in changed.items()
    ]
    origin = "" if start.name == start.preset else f"From {start.name}. "
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="changes"):
        st.text(origin + ("Changed: " + "; ".join(told) if told else "Equal to the preset."))
        st.button(
            "Back to the preset",
            type="tertiary",
            icon=":material/undo:",
            key="settings_reset",
            on_click=train_settings.begin_with,
            args=(start.project, start.preset, PRESETS[start.preset], start.preset),
        )


def _missing_rewards(values: Sequence[str], groups: Sequence[str]) -> None:
    if values and "filtered" in groups:
        st.caption(
            f"{', '.join(values)}: no current rewards to filter by, so only the unfiltered run can "
            "start."
        )
        st.page_link(page("data"), label="Score the pairs", icon=":material/grade:")


def _launcher() -> str:
    """Where the runs go; asked only when there is more than this machine."""
    launchers = state.jobs().launchers()
    if len(launchers) < 2:
        return "local"
    chosen = st.segmented_control(
        "Where",
        launchers,
        default="local",
        required=True,
        format_func=lambda name: _PLACES.get(name, name),
        key="train_launcher",
        persist_state="session",
        help="This machine takes runs in turn; a cluster places them by itself.",
    )
    return str(chosen)
