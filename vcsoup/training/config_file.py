"""A training configuration as YAML: what `train --config` reads and the page saves and loads.

A file may hold some of the fields; the others come from a preset, `preset: demo` or the one given.
Unknown keys and wrong numbers are refused with their line. Torch-free; `yaml.SafeLoader`, so a
file makes no Python objects.
"""

from collections.abc import Iterable
from pathlib import Path
from textwrap import wrap
from typing import Any

import yaml
from pydantic import ValidationError

from vcsoup.errors import TrainingError
from vcsoup.training.config import PRESETS, TrainConfig, one_line
from vcsoup.yaml_lines import YamlText, likely, read_yaml, read_yaml_file

_PRESET = "preset"
_REMEDY = "give a YAML file as `train --print-config` prints it"


def load_train_config(path: Path, *, preset: str = "paper") -> TrainConfig:
    """Read a configuration from a YAML file; see `parse_train_config`.

    Raises:
        NotFoundError: the file cannot be read.
        TrainingError: what it holds is no configuration; one line that names the line.
    """
    return _parsed(read_yaml_file(path, error=TrainingError, remedy=_REMEDY), preset)


def parse_train_config(
    text: str, source: str = "train.yaml", *, preset: str = "paper"
) -> TrainConfig:
    r"""Read a configuration from YAML text.

    Args:
        text: A mapping of `TrainConfig`'s fields; a key `preset` names what the others start from.
        source: What messages call the text.
        preset: The preset for fields that the text leaves out and that names none itself.

    Raises:
        TrainingError: no YAML, no mapping, an unknown or repeated key, or a value out of its range.

    Example:
        >>> parse_train_config("preset: demo\nsteps: 20").steps
        20
    """
    return _parsed(read_yaml(text, source, error=TrainingError, remedy=_REMEDY), preset)


def dump_train_config(config: TrainConfig, *, explained: bool = True) -> str:
    """Write a configuration as YAML that `parse_train_config` reads back equal.

    Args:
        config: What to write.
        explained: Put each field's sentence above it.

    Example:
        >>> print(dump_train_config(TrainConfig(steps=7)).splitlines()[0])
        # LoRA rank r.
    """
    lines: list[str] = []
    for name, content in config.model_dump(mode="json").items():
        if explained:
            told = str(TrainConfig.model_fields[name].description)
            lines += [f"# {line}" for line in wrap(told, 98)]
        lines.append(
            yaml.safe_dump({name: content}, default_flow_style=False, allow_unicode=True).rstrip()
        )
    return "\n".join(lines) + "\n"


def parse_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Read `FIELD=VALUE` texts, as `train --set` takes them.

    Raises:
        TrainingError: no `=`, or no field of that name.

    Example:
        >>> parse_settings(["dropout=0.1", "targets=q_proj,v_proj"])
        {'dropout': 0.1, 'targets': 'q_proj,v_proj'}
    """
    changes: dict[str, Any] = {}
    for setting in settings:
        name, equals, told = setting.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise TrainingError(f"setting {setting!r} has no '='; write --set FIELD=VALUE")
        if name not in TrainConfig.model_fields:
            close = likely(name, TrainConfig.model_fields)
            raise TrainingError(f"{name} is no field of a training config; {close}")
        changes[name] = _number_or_text(told.strip())
    return changes


def _parsed(read: YamlText, preset: str) -> TrainConfig:
    fields = dict(read.content)
    preset = fields.pop(_PRESET, preset)
    if not isinstance(preset, str) or preset not in PRESETS:
        told = f"{read.where([_PRESET])}: " if (_PRESET,) in read.lines else ""
        raise TrainingError(
            f"{told}preset {preset!r} is unknown; choose one of {', '.join(PRESETS)}"
        )
    for name in fields:
        if name not in TrainConfig.model_fields:
            raise TrainingError(
                f"{read.where([name])}: {name} is no field of a training config; "
                f"{likely(name, TrainConfig.model_fields)}"
            )
    try:
        return TrainConfig(**{**PRESETS[preset].model_dump(), **fields})
    except ValidationError as error:
        raise TrainingError(f"{read.where(error.errors()[0]['loc'])}: {one_line(error)}") from error


def _number_or_text(told: str) -> Any:
    for kind in (int, float):
        try:
            return kind(told)
        except ValueError:
            continue
    return told
