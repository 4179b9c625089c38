"""How `train` finds its configuration: the preset, a file over it, settings and flags over both."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vcsoup.errors import TrainingError
from vcsoup.training.config import PRESETS, TrainConfig, changed_config, train_config
from vcsoup.training.config_file import load_train_config, parse_settings
from vcsoup.workspace import Project, Workspace


def chosen_config(
    preset: str, file: Path | None, *, settings: Sequence[str], changes: Mapping[str, Any]
) -> TrainConfig:
    """Return the configuration that the options describe.

    Args:
        preset: A key of `PRESETS`.
        file: YAML with some or all fields, or None.
        settings: `FIELD=VALUE` texts.
        changes: Fields by flag; None where the flag was not given. They win.

    Raises:
        TrainingError: an unknown field, or a number out of its range.
    """
    start = load_train_config(file, preset=preset) if file else train_config(preset)
    flags = {name: change for name, change in changes.items() if change is not None}
    return changed_config(start, **{**parse_settings(settings), **flags})


def chosen_preset(workspace: Workspace, project: Project, preset: str) -> str:
    """Return the preset's name; "auto" is the light one for a base inside the workspace."""
    if preset != "auto":
        if preset not in PRESETS:
            raise TrainingError(f"preset {preset!r} is unknown; choose auto, {', '.join(PRESETS)}")
        return preset
    return "demo" if Path(project.config.base).is_relative_to(workspace.root) else "paper"
