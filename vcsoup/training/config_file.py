"""A training configuration as YAML: what `train --config` reads and the page saves and loads.

A file may hold some of the fields; the others come from a preset, `preset: demo` or the one given.
Unknown keys and wrong numbers are refused with their line. Torch-free; `yaml.SafeLoader`, so a
file makes no Python objects.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from textwrap import wrap
from typing import Any

import yaml
from pydantic import ValidationError

from vcsoup.errors import NotFoundError, TrainingError
from vcsoup.training.config import PRESETS, TrainConfig, one_line

_PRESET = "preset"


def load_train_config(path: Path, *, preset: str = "paper") -> TrainConfig:
    """Read a configuration from a YAML file; see `parse_train_config`.

    Raises:
        NotFoundError: the file cannot be read.
        TrainingError: what it holds is no configuration; one line that names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8 text"
        raise NotFoundError(
            f"training config {path} cannot be read ({reason}); give a YAML file as "
            "`train --print-config` prints it"
        ) from error
    return parse_train_config(text, source=path.name, preset=preset)


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
    fields, lines = _read(text, source)
    preset = fields.pop(_PRESET, preset)
    if not isinstance(preset, str) or preset not in PRESETS:
        told = f"{source}, line {lines[_PRESET]}: " if _PRESET in lines else ""
        raise TrainingError(
            f"{told}preset {preset!r} is unknown; choose one of {', '.join(PRESETS)}"
        )
    for name in fields:
        if name not in TrainConfig.model_fields:
            raise TrainingError(
                f"{source}, line {lines[name]}: {name} is no field of a training config; "
                f"{_likely(name)}"
            )
    try:
        return TrainConfig(**{**PRESETS[preset].model_dump(), **fields})
    except ValidationError as error:
        where = [f", line {lines[key]}" for key in error.errors()[0]["loc"] if key in lines][:1]
        raise TrainingError(f"{source}{''.join(where)}: {one_line(error)}") from error


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
            raise TrainingError(f"{name} is no field of a training config; {_likely(name)}")
        changes[name] = _number_or_text(told.strip())
    return changes


def _read(text: str, source: str) -> tuple[dict[str, Any], dict[str, int]]:
    """The mapping and the line, from 1, of each of its keys."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "it cannot be read"
        raise TrainingError(f"{source}{where}: no YAML ({reason}); write `name: value`") from error
    if content is None:
        return {}, {}
    if not isinstance(node, yaml.MappingNode) or not isinstance(content, dict):
        raise TrainingError(
            f"{source}: expected `name: value` lines, got {type(content).__name__}; "
            "`train --print-config` shows one"
        )
    lines: dict[str, int] = {}
    for key, _ in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in lines:
            raise TrainingError(f"{source}, line {line}: {name} stands in line {lines[name]} too")
        lines[name] = line
    return {str(name): given for name, given in content.items()}, lines


def _number_or_text(told: str) -> Any:
    for kind in (int, float):
        try:
            return kind(told)
        except ValueError:
            continue
    return told


def _likely(name: str) -> str:
    fields = sorted(TrainConfig.model_fields)
    close = get_close_matches(name, fields, n=1)
    return f"did you mean {close[0]}?" if close else f"its fields are {', '.join(fields)}"
