"""The parts of a project file: base, data, value, measuring, export. Pure records; torch-free.

A plain text or number stands for the part's main entry where one suffices. Fields that belong to
records of other rooms (how a base is loaded, a reward model, a filter) are theirs.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from vcsoup.base_models.settings import BaseLoading
from vcsoup.errors import ProjectFileError
from vcsoup.filtering import PairFilter
from vcsoup.preferences.column_map import ColumnMap
from vcsoup.rewards.presets import preset_fields
from vcsoup.rewards.spec import RewardSpec
from vcsoup.workspace.config import Slug
from vcsoup.workspace.points import MOST_SEED

BALANCED = "balanced"
Group = Literal["filtered", "unfiltered"]


class MisplacedError(ProjectFileError):
    """Entries that do not fit each other.

    Attributes:
        place: Which of them a message should name the line of.
    """

    def __init__(self, message: str, place: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.place = place


class Entry(BaseModel):
    """A part of a project file: frozen, and unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def alone(name: str) -> BeforeValidator:
    """A plain text stands for an entry that has nothing but this field."""
    return BeforeValidator(lambda entry: {name: entry} if isinstance(entry, str) else entry)


class BaseEntry(BaseLoading):
    """The base model; a plain text in the file names the model alone."""

    model: str = Field(min_length=1, description="Folder or hub id.")

    @property
    def loading(self) -> BaseLoading:
        """How it is brought into memory."""
        return BaseLoading(**{name: getattr(self, name) for name in BaseLoading.model_fields})


class DataEntry(Entry):
    """Where the pairs of a value come from; a plain text in the file names the source alone."""

    source: str = Field(min_length=1, description="File, folder or hub id.")
    config: str = Field("", description="Of a hub data set: which configuration.")
    split: str = Field("", description="Of a hub data set: which split.")
    folder: str = Field("", description="Of a hub data set: a folder with a set of its own.")
    revision: str = Field(
        "", description="Of a hub data set: branch, tag or commit; a branch is read once."
    )
    limit: int | None = Field(
        None, ge=0, description="Of a hub data set: rows at most; 0 for all, usual when left out."
    )
    aspect: str = Field("", description="Which preference, where the source holds several.")
    columns: str = Field("", description="Which columns hold what, where no format fits.")
    longest: int = Field(
        0, ge=0, description="Report pairs of more tokens (words, without a tokenizer); 0: none."
    )
    title: str = Field("", max_length=60, description="Name of the data set for people.")

    @field_validator("columns", mode="before")
    @classmethod
    def _one_text(cls, columns: Any) -> Any:
        if isinstance(columns, Mapping) and columns:
            columns = json.dumps({str(role): _plain(column) for role, column in columns.items()})
        if not columns:
            return ""
        return ColumnMap.parse(columns).written() if isinstance(columns, str) else columns


def _plain(entry: Any) -> Any:
    """A number or a date of YAML as text; what is no name of a column stays as it is."""
    return entry if isinstance(entry, dict | list | None) else str(entry)


class ValueEntry(Entry):
    """One value: its pairs, what judges it, and which pairs it trains on."""

    data: Annotated[DataEntry | None, alone("source")] = Field(
        None, description="Where its pairs come from."
    )
    reward: RewardSpec | None = Field(None, description="What judges it.")
    filter: PairFilter | None = Field(
        None, description="Which pairs; a number alone is the threshold. None: as it stands."
    )

    @field_validator("reward", mode="before")
    @classmethod
    def _with_preset(cls, reward: Any) -> Any:
        fields = {"model": reward} if isinstance(reward, str) else reward
        if not isinstance(fields, Mapping) or fields.get("kind", "model") != "model":
            return fields
        given = {name: entry for name, entry in fields.items() if name != "head"}
        return preset_fields(str(fields.get("model", "")), str(fields.get("head", ""))) | given

    @field_validator("filter", mode="before")
    @classmethod
    def _threshold_alone(cls, entry: Any) -> Any:
        number = isinstance(entry, int | float) and not isinstance(entry, bool)
        if isinstance(entry, str | bool):
            raise ValueError("write a threshold such as 0.2, or {threshold: 0.2, min_norm: 1}")
        return {"threshold": entry} if number else entry


class MeasuringEntry(Entry):
    """Which soups are measured, and on what."""

    grid: int = Field(6, ge=1, le=100, description="Measure all multiples of 1/grid.")
    prompts: int = Field(64, ge=1, description="How many held-out prompts measure a soup.")
    seed: int = Field(0, ge=0, le=MOST_SEED, description="Fixes the sampling.")
    held_out: str = Field(
        "", description="File of the held-out prompts; empty takes some of the pairs' own."
    )


class ExportEntry(Entry):
    """One soup to take out of the workspace."""

    out: str = Field(min_length=1, description="New folder, or new file for a text.")
    weights: dict[Slug, float] | None = Field(
        None, description="Weight per value; none takes the best balanced soup as measured."
    )
    group: Group | None = Field(None, description="Which adapter set; the first group by default.")
    kind: Literal["adapter", "model", "recipe", "card", "mergekit", "snippet"] = "adapter"
    method: Literal["exact", "svd", "factor average"] = "exact"
    rank: int | None = Field(None, ge=1, description="For svd.")
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"

    @field_validator("weights", mode="before")
    @classmethod
    def _balanced_is_none(cls, weights: Any) -> Any:
        return None if weights == BALANCED else weights
