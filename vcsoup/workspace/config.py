"""What a project is: its values, base model and reward models. Frozen; written once per change."""

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    model_serializer,
)
from pydantic import model_validator as _model_validator

from vcsoup.base_models.settings import AS_ALWAYS, BaseLoading
from vcsoup.errors import WorkspaceError, first_fault
from vcsoup.home_paths import from_home
from vcsoup.rewards.endpoint_fields import SETTINGS
from vcsoup.rewards.spec import RewardSpec
from vcsoup.workspace.names import SLUG_PATTERN

LONGEST_TITLE = 60
Slug = Annotated[str, StringConstraints(pattern=f"^{SLUG_PATTERN}$")]


class ProjectConfig(BaseModel):
    """The choices that define a project.

    Example:
        >>> ProjectConfig(name="mine", values=("helpful", "harmless"), base="org/base").scale
        'dataset'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Slug = Field(description="Short name: a-z, 0-9 and '-', at most 40.")
    title: str = Field("", description="The name as people read it; the short name when empty.")
    values: tuple[Slug, ...] = Field(min_length=2, description="The values to balance, in order.")
    base: str = Field(min_length=1, description="Folder or hub id of the base model.")
    loading: BaseLoading = Field(AS_ALWAYS, description="How the base is brought into memory.")
    rewards: dict[Slug, RewardSpec] = Field(
        default_factory=dict, description="One reward model per value."
    )
    scale: Literal["dataset", "shared"] = Field(
        "dataset",
        description="Rewards are divided by their standard deviation over each data set, or over "
        "all data sets together (then thresholds compare across data sets).",
    )
    prompts: int = Field(64, ge=1, description="How many held-out prompts measure a soup.")
    description: str = ""
    first_judges: str = Field(
        "",
        description="Name of the judges before the first change of them: what is stored of soups "
        "without a judges' name is by these. Empty while they never changed.",
    )
    known_as: str = Field(
        "",
        description="Name that the judges had at the place where they scored first; empty while "
        "they are there.",
    )
    known_before: dict[str, str] = Field(
        default_factory=dict,
        description="`known_as` of former judges, by the names that their places give them.",
    )

    @property
    def judges(self) -> str:
        """Everything that is written of the judges and decides their rewards, as JSON."""
        written = {
            value: spec.model_dump(exclude=set(SETTINGS)) for value, spec in self.rewards.items()
        }
        return json.dumps(written, sort_keys=True)

    @property
    def judges_anywhere(self) -> str:
        """`judges` without the places of local models, whose files tell which ones they are."""
        written = {
            value: spec.model_dump(exclude=_unsaid(spec)) for value, spec in self.rewards.items()
        }
        return json.dumps(written, sort_keys=True)

    @property
    def judging(self) -> str:
        """Tells soups' rewards by these judges from those by others; empty for the first ones."""
        name = self.judges_name
        return "" if self.first_judges in ("", name) else name

    @property
    def judges_name(self) -> str:
        """Short name of the judges, from everything that is or first was written of them."""
        return self.known_as or self._name_here

    @property
    def _name_here(self) -> str:
        return hashlib.sha256(self.judges.encode()).hexdigest()[:16]

    def titled(self, title: str) -> "ProjectConfig":
        """Return these choices under another title.

        Raises:
            WorkspaceError: the title is empty, longer than 60 characters or more than one line.
        """
        title = title.strip()
        if not title or len(title) > LONGEST_TITLE or not title.isprintable():
            raise WorkspaceError(
                f"a title is one line of 1 to {LONGEST_TITLE} characters; choose another one"
            )
        return self.model_copy(update={"title": title})

    def in_place_of(self, former: "ProjectConfig", *, known_as: str = "") -> "ProjectConfig":
        """Return these choices as the ones that follow `former`, whose judges are remembered.

        Args:
            former: The choices so far.
            known_as: Name that these judges had at another place; empty where they are new.
        """
        before = dict(former.known_before)
        if self.judges == former.judges:
            known_as = former.known_as
        else:
            before |= {former._name_here: former.known_as} if former.known_as else {}
            known_as = known_as or before.get(self._name_here, "")
        config = self.model_copy(update={"known_as": known_as, "known_before": before})
        changed = config.judges_name != former.judges_name
        first = former.first_judges or (former.judges_name if changed else "")
        return config.model_copy(update={"first_judges": first})

    @_model_validator(mode="after")
    def _names_agree(self) -> "ProjectConfig":
        if len(set(self.values)) != len(self.values):
            raise ValueError(f"a value is named twice in {', '.join(self.values)}; name each once")
        if unknown := sorted(set(self.rewards) - set(self.values)):
            raise ValueError(
                f"reward models for unknown values {', '.join(unknown)}; "
                f"the values are {', '.join(self.values)}"
            )
        return self

    @model_serializer(mode="wrap")
    def _short(self, full: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is as always, so that older records stay as they are."""
        written: dict[str, Any] = full(self)
        for name in ("loading", "first_judges", "known_as", "known_before"):
            if not written.get(name):
                written.pop(name, None)
        return written


def _unsaid(spec: RewardSpec) -> set[str]:
    local = spec.kind == "model" and from_home(spec.model).is_absolute()
    return {*SETTINGS, "model"} if local else set(SETTINGS)


def project_config(**fields: Any) -> ProjectConfig:
    """Make a `ProjectConfig`; a wrong field is a one-line error.

    Raises:
        WorkspaceError: names the field, what came and what is expected.

    Example:
        >>> project_config(name="mine", values=("a", "b"), base="org/base").values
        ('a', 'b')
    """
    try:
        return ProjectConfig(**fields)
    except ValidationError as error:
        fault = first_fault(error)
        came = f" {fault.where} = {fault.came!r}" if fault.where else ""
        raise WorkspaceError(f"project{came}: {fault.reason}; correct this entry") from error
