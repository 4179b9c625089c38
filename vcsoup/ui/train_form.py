"""Starting runs: which values, filtered or not, with which preset and settings."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from vcsoup.training.config import PRESETS, TrainConfig, train_config
from vcsoup.ui import cost, state
from vcsoup.workspace import Project


@dataclass(frozen=True)
class Choice:
    """What the form says about the runs to start."""

    filtered: bool
    preset: str
    steps: int
    learning_rate: float
    seed: int

    @property
    def group(self) -> str:
        """The adapters' group."""
        return "filtered" if self.filtered else "unfiltered"


def train_args(project: Project, value: str, choice: Choice) -> list[str]:
    """Write the command of one run.

    Args:
        project: The project.
        value: Which value to train.
        choice: What the form says.

    Returns:
        The arguments behind `python -m vcsoup`.
    """
    preset = PRESETS[choice.preset]
    args = ["train", "--project", project.name, "--value", value, "--group", choice.group]
    args += [] if choice.filtered else ["--unfiltered"]
    args += ["--preset", choice.preset]
    changes = {
        "--steps": (choice.steps, preset.steps),
        "--lr": (choice.learning_rate, preset.learning_rate),
        "--seed": (choice.seed, preset.seed),
    }
    for flag, (chosen, usual) in changes.items():
        args += [flag, f"{chosen:g}" if flag == "--lr" else str(chosen)] if chosen != usual else []
    return [*args, "--workspace", str(state.workspace().root)]


def show(project: Project) -> None:
    """Show the form, what the runs cost, and start them on request."""
    with st.container(border=True, gap="medium", key="train_form"):
        left, right = st.columns([5, 4], gap="large")
        with left:
            values, choice = _form(project)
        with right:
            config = train_config(choice.preset, steps=choice.steps)
            cost.show(project, values, config, filtered=choice.filtered)
            label = f"Start {len(values)} runs" if len(values) != 1 else f"Train {values[0]}"
            if st.button(
                label if values else "Choose a value",
                type="primary",
                icon=":material/play_arrow:",
                disabled=not values,
                key="start_runs",
            ):
                start(project, values, choice)
                st.rerun()


def start(project: Project, values: Sequence[str], choice: Choice) -> None:
    """Start one job per value; they wait for each other by themselves.

    Raises:
        JobError: a process cannot be started.
        TrainingError: a setting outside its range.
    """
    train_config(
        choice.preset, steps=choice.steps, learning_rate=choice.learning_rate, seed=choice.seed
    )
    for value in values:
        state.jobs().start(
            train_args(project, value, choice),
            kind="train",
            title=f"{value}, {choice.group}",
            project=project.name,
            meta={"value": value, "group": choice.group},
        )


def _form(project: Project) -> tuple[list[str], Choice]:
    have_pairs = [value for value in project.values if value in project.datasets()]
    values = st.pills(
        "Values to train",
        have_pairs,
        selection_mode="multi",
        default=have_pairs,
        key="train_values",
        persist_state="session",
        help="Each value becomes one run; runs take turns on this machine.",
    )
    filtered = st.segmented_control(
        "Pairs",
        ["filtered", "unfiltered"],
        default="filtered",
        required=True,
        key="train_pairs",
        persist_state="session",
        help="Filtered keeps what the saved filter of each value keeps (the Consistency page). "
        "Unfiltered takes all pairs, to see what filtering changes.",
    )
    preset = st.segmented_control(
        "Preset",
        list(PRESETS),
        default=cost.usual_preset(project),
        required=True,
        key="train_preset",
        persist_state="session",
        help="demo: light, for the small model on two CPU cores. paper: the settings of the "
        "VC-Soup code, for models of several billion parameters.",
    )
    return list(values), _settings(str(preset), filtered == "filtered")


def _settings(preset: str, filtered: bool) -> Choice:
    usual = PRESETS[preset]
    fields = TrainConfig.model_fields
    with st.expander("Settings", icon=":material/tune:"):
        steps, rate, seed = st.columns(3)
        return Choice(
            filtered=filtered,
            preset=preset,
            steps=steps.number_input(
                "Steps",
                1,
                100_000,
                usual.steps,
                key=f"steps_{preset}",
                help=fields["steps"].description,
            ),
            learning_rate=rate.number_input(
                "Learning rate",
                1e-7,
                0.1,
                usual.learning_rate,
                step=1e-5,
                format="%.1e",
                key=f"rate_{preset}",
                help=fields["learning_rate"].description,
            ),
            seed=seed.number_input(
                "Seed",
                0,
                2**31 - 1,
                usual.seed,
                key=f"seed_{preset}",
                help=fields["seed"].description,
            ),
        )
