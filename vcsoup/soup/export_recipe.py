"""The recipe of a soup: everything that makes it again, as a YAML file of a page.

A recipe names the base and every adapter by content, so that building it elsewhere gives the same
soup or says what differs. All other exports are made from one. Torch-free.
"""

from pathlib import Path
from typing import Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vcsoup.errors import AdapterError, NotFoundError, first_fault
from vcsoup.fingerprint import model_fingerprint
from vcsoup.soup.adapter_settings import delta_hash
from vcsoup.soup.weights import check_weights

VERSION: Final = 1
_HEADER = (
    "# A soup of VC-Soup Lab. Build it with: python -m vcsoup soup build THIS_FILE --out FOLDER\n"
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BasePart(_Part):
    """The base model that the adapters change."""

    model: str = Field(description="Folder or hub id.")
    hash: str = Field(description="Its content name (`vcsoup.fingerprint.model_fingerprint`).")
    revision: str | None = Field(None, description="Of a hub id; null: main.")
    quantization: Literal["8bit", "4bit"] | None = Field(
        None, description="How the base was kept while the soup was measured; null: as it is."
    )

    @property
    def at_revision(self) -> str:
        """What names the revision to transformers' `from_pretrained`, as source text."""
        return f", revision={self.revision!r}" if self.revision else ""

    @property
    def arguments(self) -> str:
        """What transformers' `from_pretrained` needs beside the name, as source text.

        Example:
            >>> BasePart(model="org/base", hash="0", revision="v1").arguments
            ", revision='v1'"
        """
        if not self.quantization:
            return self.at_revision
        four = "load_in_4bit=True, bnb_4bit_quant_type='nf4'"
        how = four if self.quantization == "4bit" else "load_in_8bit=True"
        return f"{self.at_revision}, quantization_config=BitsAndBytesConfig({how})"

    @property
    def more_imports(self) -> str:
        """What to import beside the model's and the tokenizer's classes, as source text."""
        return ", BitsAndBytesConfig" if self.quantization else ""


class TrainedOn(_Part):
    """Where an adapter's pairs came from, as far as its manifest says."""

    pairs: int | None = Field(None, description="Pairs that the filter kept.")
    pairs_all: int | None = Field(None, description="Pairs of the dataset.")
    data_hash: str | None = Field(None, description="Content name of the dataset.")
    threshold: float | None = Field(None, description="Least consistency; null: no filter.")
    scale: str | None = Field(None, description="How gaps were scaled: dataset or shared.")
    filter: dict[str, Any] | None = Field(None, description="The whole filter, where recorded.")


class AdapterPart(_Part):
    """One adapter and its weight in the soup."""

    value: str
    weight: float
    path: str = Field(description="Adapter folder; relative ones start at the recipe's folder.")
    hash: str = Field(description="Content name of its delta (`adapter_settings.delta_hash`).")
    trained_on: TrainedOn = Field(default_factory=TrainedOn)


class Recipe(_Part):
    """A soup and how to export it; unknown keys are an error."""

    vcsoup_recipe: Literal[1] = VERSION
    project: str
    group: str
    base: BasePart
    adapters: tuple[AdapterPart, ...] = Field(min_length=1)
    kind: Literal["adapter", "model"] = "adapter"
    method: Literal["exact", "svd", "factor average"] = "exact"
    rank: int | None = Field(None, ge=1, description="For svd.")
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"

    @model_validator(mode="after")
    def _sound(self) -> Self:
        check_weights(self.weights, len(self.adapters), free=True)
        if (self.method == "svd") != (self.rank is not None):
            raise AdapterError("a rank belongs to the method svd, which needs one")
        if self.kind == "model" and self.method != "exact":
            raise AdapterError("a merged model is exact; for svd or factor average use an adapter")
        if self.kind == "adapter" and self.dtype != "float32":
            raise AdapterError("adapters are written in float32; a dtype belongs to kind: model")
        return self

    @property
    def weights(self) -> list[float]:
        """The lambdas, in the order of the adapters."""
        return [part.weight for part in self.adapters]

    @property
    def soup(self) -> dict[str, float]:
        """Weight per value."""
        return {part.value: part.weight for part in self.adapters}


def as_recipe(content: Any, *, name: str = "this") -> Recipe:
    """Check plain data to be a recipe.

    Args:
        content: What a YAML file held, or a mapping of the fields.
        name: What to call it in a message.

    Raises:
        AdapterError: not a recipe; the first key that is wrong is named.
    """
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        fault = first_fault(error)
        said = f"{fault.where or 'its content'}: {_line(fault.reason)}"
        raise AdapterError(f"{name} is no recipe: {said}; export it again") from error


def recipe_text(recipe: Recipe) -> str:
    """The YAML of a recipe; `read_recipe` reads it back."""
    content = recipe.model_dump(mode="json", exclude_none=True)
    return _HEADER + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Args:
        path: The YAML file.

    Returns:
        The recipe, with adapter paths made absolute.

    Raises:
        NotFoundError: no such file.
        AdapterError: not a recipe; the first key that is wrong is named.
    """
    if not path.is_file():
        raise NotFoundError(f"no recipe {path}; give the file that `soup export` wrote")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError) as error:  # such as a date that is none
        raise AdapterError(f"{path} is not YAML ({_line(error)}); export it again") from error
    recipe = as_recipe(content, name=str(path))
    folder = path.resolve().parent
    found = [part.model_copy(update={"path": str(folder / part.path)}) for part in recipe.adapters]
    base = folder / recipe.base.model
    model = str(base) if base.is_dir() else recipe.base.model
    parts = {"adapters": tuple(found), "base": recipe.base.model_copy(update={"model": model})}
    return recipe.model_copy(update=parts)


def check_contents(recipe: Recipe) -> None:
    """Refuse to build from another base or other adapters than the recipe means.

    Raises:
        NotFoundError: an adapter is not where the recipe says.
        AdapterError: a hash differs; the base or adapter is named.
    """
    found = model_fingerprint(recipe.base.model, revision=recipe.base.revision)
    if found != recipe.base.hash:
        raise AdapterError(
            f"base model {recipe.base.model} has hash {found}, the recipe means "
            f"{recipe.base.hash}; give the right one with --base"
        )
    for part in recipe.adapters:
        if (found := delta_hash(Path(part.path))) != part.hash:
            raise AdapterError(
                f"the {part.value} adapter {part.path} has hash {found}, the recipe means "
                f"{part.hash}; give the right one with --adapter {part.value}=FOLDER"
            )


def _line(error: object) -> str:
    return " ".join(str(error).split())
