"""Starting runs: which values, on which pairs, with which settings; what it costs; one click."""

import shlex

import streamlit as st

from vcsoup.numbers import plural
from vcsoup.rewards.model_files import why_no_model
from vcsoup.training.config import TrainConfig
from vcsoup.ui import (
    cost,
    echoes,
    project_menu,
    runs_desk,
    state,
    train_calibration,
    train_choices,
    train_settings,
)
from vcsoup.ui.literal import literal
from vcsoup.ui.shell import shown_errors
from vcsoup.ui.train_plan import (
    GROUPS,
    Plan,
    run_meta,
    run_title,
)
from vcsoup.ui.train_plan import train_args as planned_args
from vcsoup.workspace import Project

OPEN = "start_form"
"""Key of the form's fold; true while it is open."""
_FOLD = "start_form_done"


def show(project: Project, *, folded: bool) -> None:
    """Show the form, what its runs cost, and start them on request.

    Args:
        project: The project; has pairs.
        folded: Whether the form is closed on the first visit.
    """
    st.session_state.setdefault(OPEN, not folded)
    if st.session_state.pop(_FOLD, False):
        st.session_state[OPEN] = False
    fold = st.expander("Start runs", icon=":material/play_arrow:", key=OPEN, on_change="rerun")
    if not st.session_state[OPEN]:
        return
    with fold, shown_errors(), st.container(key="train_form"):
        left, right = st.columns([5, 4], gap="large")
        with left:
            plan = train_choices.choose(project)
        with right:
            measuring = train_calibration.at_work(project)
            cost.show(project, plan)
            missing = why_no_model(project.config.base)
            if missing:
                _missing_base(project, missing)
            _start_row(project, plan, ready=not missing)
            train_calibration.show(project, plan, active=measuring)


def train_args(project: Project, run: tuple[str, str], plan: Plan) -> list[str]:
    """Write the command of one run in this server's workspace."""
    return planned_args(project.name, state.workspace().root, run, plan)


def start(project: Project, plan: Plan) -> list[str]:
    """Put the planned runs into the queue.

    Returns:
        The ids of their jobs; a run that waits or runs already is not started twice.

    Raises:
        JobError: the queue cannot be written.
    """
    return [
        state.jobs()
        .start(
            train_args(project, run, plan),
            kind="train",
            title=run_title(run, plan),
            project=project.name,
            meta=run_meta(run, plan),
            queued=True,
            launcher=plan.launcher,
        )
        .id
        for run in plan.runs
    ]


def duplicate(
    project: str, run: tuple[str, str], preset: str, config: TrainConfig, name: str
) -> None:
    """Open the form with the settings of a run, to change and start them.

    Args:
        project: Name of the project.
        run: Value and group.
        preset: The preset that its command names.
        config: Its configuration.
        name: What people call the run.
    """
    value, group = run
    echoes.put("train_values", [value])
    echoes.put("train_pairs", [group if group in GROUPS else GROUPS[0]])
    echoes.put("train_preset", preset)
    echoes.put(OPEN, True)
    train_settings.begin_with(project, preset, config, f"the settings of {name}")


def _missing_base(project: Project, why: str) -> None:
    st.warning(f"The base model cannot be loaded: {literal(why)}.", icon=":material/folder_off:")
    project_menu.base_link(project, "Choose the base model")


def _start_row(project: Project, plan: Plan, *, ready: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        # No callback: it would start the plan of the drawing before, without an entry just made.
        clicked = st.button(
            _start_label(plan),
            type="primary",
            icon=":material/play_arrow:",
            disabled=not (plan.runs and ready),
            key="start_runs",
        )
        if plan.runs:
            with st.popover("Command", icon=":material/terminal:", key="train_commands"):
                st.caption("What the button runs; the same when typed.")
                typed = (shlex.join(train_args(project, run, plan)) for run in plan.runs)
                lines = [f"python -m vcsoup {args}" for args in typed]
                st.code("\n".join(lines), language="bash", wrap_lines=True)
    if clicked:
        runs_desk.compare_runs(start(project, plan))
        st.session_state[_FOLD] = True
        st.rerun()


def _start_label(plan: Plan) -> str:
    if len(plan.runs) == 1:
        value, group = plan.runs[0]
        return f"Train {value}, {group}"
    return f"Start {plural(len(plan.runs), 'run')}" if plan.runs else "Choose values and pairs"
