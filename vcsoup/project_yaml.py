"""A project file as text: YAML in, `ProjectFile` out, and back.

What is wrong is told with its line, and an unknown key with the nearest known one. What is written
holds only what differs from the defaults, so that it stays a page long; reading it gives the same
record again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from vcsoup.errors import ProjectFileError, first_fault
from vcsoup.project_entries import BALANCED, ExportEntry, MisplacedError, ValueEntry
from vcsoup.project_file import ProjectFile
from vcsoup.rewards.spec import RewardSpec
from vcsoup.training.config import PRESETS, TrainConfig
from vcsoup.yaml_lines import YamlText, likely, read_yaml, read_yaml_file

HEADER = "# A project of VC-Soup Lab. Run it with: python -m vcsoup run THIS_FILE\n"
_REMEDY = "`python -m vcsoup project yaml demo` shows one"
_ALSO_KNOWN = {TrainConfig: ("preset",), RewardSpec: ("head",)}


def load_project_file(path: Path) -> ProjectFile:
    """Read a project file, its paths made independent of the working folder.

    Raises:
        NotFoundError: the file cannot be read.
        ProjectFileError: what it holds is no project; one line that names the line.
    """
    read = read_yaml_file(path, error=ProjectFileError, remedy=_REMEDY)
    file = _checked(read)
    try:
        return file.placed(path.resolve().parent)
    except MisplacedError as error:
        raise ProjectFileError(f"{read.where(error.place)}: {error}") from error


def parse_project_file(text: str, source: str = "project.yaml") -> ProjectFile:
    r"""Read a project file's text; paths stay as they are written.

    Raises:
        ProjectFileError: no YAML, an unknown or repeated key, or a wrong entry.

    Example:
        >>> parse_project_file("project: mine\nvalues: {kind: {filter: 0.3}, brief: {}}").scale
        'dataset'
    """
    return _checked(read_yaml(text, source, error=ProjectFileError, remedy=_REMEDY))


def dump_project_file(project: ProjectFile) -> str:
    """Write a project as YAML that `parse_project_file` reads back equal.

    Example:
        >>> made = ProjectFile(project="mine", values={"kind": {"filter": 0.3}, "brief": {}})
        >>> parse_project_file(dump_project_file(made)) == made
        True
    """
    content = _differing(project)
    content["values"] = {name: _value(entry) for name, entry in project.values.items()}
    content["training"] = _training(project.training)
    content |= {"export": [_export(entry) for entry in project.export]} if project.export else {}
    if project.base is not None:
        told = _differing(project.base)
        content["base"] = told["model"] if len(told) == 1 else told
    ordered = {name: content[name] for name in ProjectFile.model_fields if content.get(name)}
    return HEADER + yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=100)


def _checked(read: YamlText) -> ProjectFile:
    try:
        return ProjectFile.model_validate(read.content)
    except ValidationError as error:
        raise ProjectFileError(_told(read, error)) from error


def _told(read: YamlText, error: ValidationError) -> str:
    """One line about the first unknown key, else about the first thing that is wrong."""
    unknown = [fault for fault in error.errors() if fault["type"] == "extra_forbidden"]
    if unknown:
        place = unknown[0]["loc"]
        known = _known_keys(place)
        return f"{read.where(place)}: {place[-1]} is no key here; {likely(str(place[-1]), known)}"
    place, fault = error.errors()[0]["loc"], first_fault(error)
    cause = error.errors()[0].get("ctx", {}).get("error")
    if isinstance(cause, MisplacedError):
        return f"{read.where(cause.place)}: {cause}"
    if error.errors()[0]["type"] == "missing":
        return f"{read.where(place)}: {fault.where} is missing; add it"
    scalar = fault.came is None or isinstance(fault.came, str | int | float | bool)
    came = f" = {fault.came!r}" if scalar and place else ""
    named = f"{fault.where}{came}: " if fault.where else ""
    return f"{read.where(place)}: {named}{' '.join(fault.reason.split())}"


def _known_keys(place: Sequence[str | int]) -> list[str]:
    """The keys that may stand where an unknown one stood."""
    record: type[BaseModel] = ProjectFile
    within = 0  # keys of a mapping, or positions of a list, that name no field
    for part in place[:-1]:
        if within:
            within -= 1
            continue
        annotation = record.model_fields[str(part)].annotation
        record, within = _record_of(annotation)
    return [*record.model_fields, *_ALSO_KNOWN.get(record, ())]


def _record_of(annotation: Any) -> tuple[type[BaseModel], int]:
    """The record inside an annotation, and how many mappings or lists lie around it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, 0
    around = 1 if get_origin(annotation) in (dict, tuple, list) else 0
    for inner in get_args(annotation):
        try:
            record, within = _record_of(inner)
        except LookupError:
            continue
        return record, within + around
    raise LookupError(annotation)


def _differing(record: BaseModel) -> dict[str, Any]:
    """A record's plain content where it differs from the defaults."""
    return record.model_dump(mode="json", exclude_defaults=True)


def _value(entry: ValueEntry) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if entry.data is not None:
        data = _differing(entry.data)
        told["data"] = data["source"] if len(data) == 1 else data
    if entry.reward is not None:
        reward = _differing(entry.reward)
        told["reward"] = reward["model"] if list(reward) == ["model"] else reward
    if entry.filter is not None:
        kept = _differing(entry.filter)
        told["filter"] = kept["threshold"] if list(kept) == ["threshold"] else kept
    return told


def _training(config: TrainConfig) -> dict[str, Any]:
    """The preset that a configuration is nearest to, and what differs from it."""
    content = config.model_dump(mode="json")
    differences = {
        name: {key: entry for key, entry in content.items() if entry != fields[key]}
        for name, preset in PRESETS.items()
        for fields in [preset.model_dump(mode="json")]
    }
    preset = min(differences, key=lambda name: len(differences[name]))
    return {"preset": preset, **differences[preset]}


def _export(entry: ExportEntry) -> dict[str, Any]:
    return {"weights": BALANCED} | _differing(entry)
