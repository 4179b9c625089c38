"""A whole project as one YAML file: values, base, data, reward models, training, soups, exports.

`python -m vcsoup run project.yaml` makes what the file says (`vcsoup.running`), `project yaml NAME`
writes the file of a project (`vcsoup.project_writing`), and the wizard offers it for download.
Every part but the name and the values may be missing: a run says so before its first step. Unknown
keys are refused with their line and the nearest key. Pure records; torch-free.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from vcsoup.base_models.settings import BaseLoading
from vcsoup.errors import ProjectFileError, VcsoupError
from vcsoup.home_paths import from_known_home
from vcsoup.preferences.rows import readable
from vcsoup.project_entries import (
    BaseEntry,
    Entry,
    ExportEntry,
    Group,
    MeasuringEntry,
    MisplacedError,
    ValueEntry,
    alone,
)
from vcsoup.soup.weights import parse_weights
from vcsoup.training.config import PRESETS, TrainConfig
from vcsoup.workspace.config import ProjectConfig, Slug, project_config

_Rename = Callable[[str], str]


class ProjectFile(Entry):
    """Everything that a run needs to know.

    Example:
        >>> made = ProjectFile(project="mine", values={"a": {}, "b": {"filter": 0.3}})
        >>> made.values["b"].filter.threshold
        0.3
    """

    project: Slug = Field(description="Short name: a-z, 0-9 and '-', at most 40.")
    title: str = Field("", description="The name as people read it.")
    description: str = Field("", description="What it is for.")
    base: Annotated[BaseEntry | None, alone("model")] = Field(None, description="The base model.")
    scale: Literal["dataset", "shared"] = "dataset"
    values: dict[Slug, ValueEntry] = Field(min_length=2, description="The values, in order.")
    training: TrainConfig = Field(
        PRESETS["paper"], description="A preset, and the fields that differ from it."
    )
    groups: tuple[Group, ...] = Field(
        ("filtered",), min_length=1, description="Which adapter sets are trained."
    )
    measuring: MeasuringEntry = MeasuringEntry()
    export: tuple[ExportEntry, ...] = ()

    @field_validator("values", mode="before")
    @classmethod
    def _may_be_empty(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        return {name: {} if entry is None else entry for name, entry in values.items()}

    @field_validator("groups", mode="before")
    @classmethod
    def _one_group(cls, groups: Any) -> Any:
        return groups.replace(",", " ").split() if isinstance(groups, str) else groups

    @field_validator("training", mode="before")
    @classmethod
    def _over_a_preset(cls, training: Any) -> Any:
        fields = {"preset": training} if isinstance(training, str) else training
        if not isinstance(fields, Mapping):
            return fields
        preset = fields.get("preset", "paper")
        if not isinstance(preset, str) or preset not in PRESETS:
            raise ValueError(f"preset {preset!r} is unknown; choose one of {', '.join(PRESETS)}")
        given = {name: entry for name, entry in fields.items() if name != "preset"}
        return PRESETS[preset].model_dump() | given

    @model_validator(mode="after")
    def _exports_fit(self) -> Self:
        if len(set(self.groups)) != len(self.groups):
            told = f"a group is named twice in {', '.join(self.groups)}; name each once"
            raise MisplacedError(told, ("groups",))
        for number, entry in enumerate(self.export):
            if entry.weights is not None:
                _check_weights(entry.weights, list(self.values), ("export", number, "weights"))
            if entry.group is not None and entry.group not in self.groups:
                raise MisplacedError(
                    f"export {entry.out} is of group {entry.group}, which is not trained; add it "
                    "to groups",
                    ("export", number, "group"),
                )
        return self

    def config(self) -> ProjectConfig:
        """What the workspace keeps of it.

        Raises:
            WorkspaceError: no base model.
        """
        return project_config(
            name=self.project,
            title=self.title,
            description=self.description,
            values=tuple(self.values),
            base=self.base.model if self.base else "",
            loading=self.base.loading if self.base else BaseLoading(),
            rewards={name: entry.reward for name, entry in self.values.items() if entry.reward},
            scale=self.scale,
            prompts=self.measuring.prompts,
        )

    def placed(self, folder: Path) -> Self:
        """A copy whose paths do not depend on the working folder.

        Args:
            folder: Where the file lies; what exists below it is a path, the rest are hub ids.

        Raises:
            ProjectFileError: a name that can be no path.
            MisplacedError: an export in the place of another one.
        """
        placed = self._with_paths(
            lambda name: _absolute(folder, name), lambda name: str(_path(folder, name)[0])
        )
        _check_outs([Path(entry.out).resolve() for entry in placed.export])
        return placed

    def told_from(self, folder: Path) -> Self:
        """A copy whose paths below a folder are told from there, for a file that lies there."""
        return self._with_paths(*[lambda name: _relative(folder, name)] * 2)

    def _with_paths(self, found: _Rename, made: _Rename) -> Self:
        """Rename what is read (files, folders, models), and what is written or always a path."""
        base = self.base and self.base.model_copy(update={"model": found(self.base.model)})
        values = {name: _renamed(entry, found) for name, entry in self.values.items()}
        held_out = self.measuring.held_out and made(self.measuring.held_out)
        measuring = self.measuring.model_copy(update={"held_out": held_out})
        export = tuple(e.model_copy(update={"out": made(e.out)}) for e in self.export)
        changes = {"base": base, "values": values, "measuring": measuring, "export": export}
        return self.model_copy(update=changes)


def _check_weights(
    weights: Mapping[str, float], values: Sequence[str], place: tuple[str | int, ...]
) -> None:
    unknown = [value for value in weights if value not in values]
    try:
        parse_weights(",".join(f"{k}={weight}" for k, weight in weights.items()), values, free=True)
    except VcsoupError as error:
        raise MisplacedError(str(error), (*place, *unknown[:1])) from error


def _check_outs(outs: Sequence[Path]) -> None:
    """Refuse an export that another one would replace, alone or with the folder around it."""
    for number, out in enumerate(outs):
        for other in outs[:number]:
            if out == other or out in other.parents or other in out.parents:
                inside = "is" if out == other else "lies inside or around"
                raise MisplacedError(
                    f"{out} {inside} the place of another export, {other}; one would replace the "
                    "other, so give each an `out:` of its own",
                    ("export", number, "out"),
                )


def _renamed(entry: ValueEntry, found: _Rename) -> ValueEntry:
    data, reward = entry.data, entry.reward
    if data is not None:
        data = data.model_copy(update={"source": found(data.source)})
    if reward is not None and reward.kind == "model":
        reward = reward.model_copy(update={"model": found(reward.model)})
    return entry.model_copy(update={"data": data, "reward": reward})


def _absolute(folder: Path, name: str) -> str:
    """An existing path made absolute; what looks like one, too, so that it is missed by name."""
    path, there = _path(folder, name)
    meant = name.startswith((".", "/", "~"))
    return str(path.resolve()) if meant or there else name


def _path(folder: Path, name: str) -> tuple[Path, bool]:
    """The path that a name means in a folder, and whether it is there."""
    try:
        path = folder / from_known_home(name)
        path.resolve()
        return path, path.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise ProjectFileError(
            f"{readable(name)[:80]!r} cannot be a path ({error}); write the path of a file or "
            "folder, or a hub id"
        ) from error


def _relative(folder: Path, name: str) -> str:
    path = Path(name)
    inside = path.is_absolute() and path.is_relative_to(folder)
    return f"./{path.relative_to(folder)}" if inside else name
