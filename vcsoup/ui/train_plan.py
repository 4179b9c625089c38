"""Which runs a click starts, and the command of each. Pure; no streamlit.

A plan is values times sets of pairs, all with one configuration. The command of a run says every
choice that differs from its preset, so it can be typed on another machine without a file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcsoup.training.config import PRESETS, TrainConfig

GROUPS = ("filtered", "unfiltered")
_OWN_FLAGS = {
    "steps": "--steps",
    "seed": "--seed",
    "learning_rate": "--lr",
    "batch_size": "--batch-size",
    "rank": "--rank",
    "alpha": "--alpha",
    "beta": "--beta",
    "max_length": "--max-length",
}


@dataclass(frozen=True)
class Plan:
    """What the form asks for.

    Attributes:
        runs: Value and group of each run, in the order of their start.
        preset: What the configuration starts from, a key of `PRESETS`.
        config: What every run does.
        launcher: Where they run; "local" is this machine.
    """

    runs: tuple[tuple[str, str], ...]
    preset: str
    config: TrainConfig
    launcher: str = "local"


def planned_runs(
    values: Sequence[str], groups: Sequence[str], *, scored: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """Return the runs of some values and groups; without rewards there is nothing to filter by.

    Args:
        values: The values to train.
        groups: Of `GROUPS`.
        scored: The values whose pairs have current rewards.

    Example:
        >>> planned_runs(["a", "b"], ["filtered", "unfiltered"], scored=["b"])
        (('b', 'filtered'), ('a', 'unfiltered'), ('b', 'unfiltered'))
    """
    return tuple(
        (value, group)
        for group in GROUPS
        if group in groups
        for value in values
        if group == "unfiltered" or value in scored
    )


def changes(config: TrainConfig, preset: str) -> dict[str, tuple[Any, Any]]:
    """Return what a configuration changes of a preset: field to (chosen, usual).

    Example:
        >>> changes(TrainConfig(steps=7), "paper")
        {'steps': (7, 500)}
    """
    usual = PRESETS[preset].model_dump()
    chosen = config.model_dump()
    return {name: (chosen[name], usual[name]) for name in chosen if chosen[name] != usual[name]}


def setting_text(setting: object) -> str:
    """Write a field's content as the command line takes it.

    Example:
        >>> setting_text(("q_proj", "v_proj")), setting_text(5e-05), setting_text(100.0)
        ('q_proj,v_proj', '5e-05', '100.0')
    """
    return ",".join(setting) if isinstance(setting, tuple | list) else str(setting)


def train_args(
    project: str, workspace: Path, run: tuple[str, str], plan: Plan, *, extra: Sequence[str] = ()
) -> list[str]:
    """Write the command of one run.

    Args:
        project: Name of the project.
        workspace: Its workspace's folder.
        run: Value and group.
        plan: Preset and configuration.
        extra: Further options, before the workspace.

    Returns:
        The arguments behind `python -m vcsoup`.
    """
    value, group = run
    args = ["train", "--project", project, "--value", value, "--group", group]
    args += ["--unfiltered"] if group == "unfiltered" else []
    args += ["--preset", plan.preset]
    for name, (chosen, _) in changes(plan.config, plan.preset).items():
        told = setting_text(chosen)
        args += [_OWN_FLAGS[name], told] if name in _OWN_FLAGS else ["--set", f"{name}={told}"]
    return [*args, *extra, "--workspace", str(workspace)]


def run_title(run: tuple[str, str], plan: Plan) -> str:
    """Name a run by value, group and every setting that its preset does not have.

    All of them: runs that differ in any one are told apart by their names.

    Example:
        >>> run_title(("helpful", "filtered"), Plan((), "paper", TrainConfig(steps=7)))
        'helpful, filtered, steps 7'
    """
    told = [
        f"{name.replace('_', ' ')} {setting_text(chosen)}"
        for name, (chosen, _) in changes(plan.config, plan.preset).items()
    ]
    return ", ".join([*run, *told])


def run_meta(run: tuple[str, str], plan: Plan) -> Mapping[str, Any]:
    """Return what a run's job notes about it: value, group, preset and configuration."""
    value, group = run
    config = plan.config.model_dump(mode="json")
    return {"value": value, "group": group, "preset": plan.preset, "config": config}
