"""How a project's base model is brought into memory: the record that the project keeps.

Torch-free: pages and the command line build their options from these fields, and each field's
description is its help text. `vcsoup.base_models.loading` obeys it, in training, in soups, in the
engine and in exports alike.
"""

import importlib.util
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
)

from vcsoup.errors import BaseModelError, first_fault

# Fields that change the numbers a base computes; the others change only where and how fast.
_DECIDING = ("dtype", "quantization")
QUANT_EXTRA = "install it with `pip install -r requirements-quant.txt`"


class BaseLoading(BaseModel):
    """Revision, number format and placement of a base; the defaults load it as it always was.

    Written only where it differs from its defaults. A base's own code is never run, so there is no
    field for that.

    Example:
        >>> BaseLoading(quantization="4bit").model_dump()
        {'quantization': '4bit'}
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    revision: str | None = Field(
        None, description="Hub revision: branch, tag or commit; the newest of 'main' when empty."
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="Numbers of the base's weights: auto is float32, and bfloat16 for training on "
        "a GPU.",
    )
    device_map: Literal["none", "auto"] = Field(
        "none", description="auto spreads the base over all GPUs of a machine; none uses one."
    )
    quantization: Literal["none", "8bit", "4bit"] = Field(
        "none",
        description="Keep the base's linear layers in 8 or 4 bits (bitsandbytes, an extra: "
        "requirements-quant.txt). Saves memory; answers change a little.",
    )
    gradient_checkpointing: bool = Field(
        False, description="In training, compute activations twice to keep fewer of them."
    )

    @field_validator("revision", mode="before")
    @classmethod
    def _no_empty_name(cls, revision: Any) -> Any:
        return (revision.strip() or None) if isinstance(revision, str) else revision

    @property
    def deciding(self) -> dict[str, str]:
        """What changes the base's numbers, where it differs from the defaults."""
        return {name: entry for name, entry in self.model_dump().items() if name in _DECIDING}

    @property
    def lacks_library(self) -> bool:
        """Whether quantisation is asked for and bitsandbytes is not installed."""
        return self.quantization != "none" and importlib.util.find_spec("bitsandbytes") is None

    @property
    def title(self) -> str:
        """The settings in words; "" for the defaults.

        Example:
            >>> BaseLoading(dtype="bfloat16", device_map="auto").title
            'bfloat16, spread over all GPUs'
        """
        parts = [f"revision {self.revision}"] if self.revision else []
        parts += [self.dtype] if self.dtype != "auto" else []
        parts += [f"{self.quantization[0]} bits"] if self.quantization != "none" else []
        parts += ["spread over all GPUs"] if self.device_map == "auto" else []
        parts += ["gradient checkpointing"] if self.gradient_checkpointing else []
        return ", ".join(parts)

    @model_serializer(mode="wrap")
    def _short(self, full: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        return {name: entry for name, entry in full(self).items() if entry != fields[name].default}


AS_ALWAYS = BaseLoading.model_validate({})
"""The defaults."""


def base_loading(fields: Mapping[str, Any]) -> BaseLoading:
    """Make a `BaseLoading`; a wrong field is a one-line error, and None is left out.

    Raises:
        BaseModelError: names the field, what came and what is expected.

    Example:
        >>> base_loading({"dtype": "bfloat16", "revision": None}).dtype
        'bfloat16'
    """
    given = {name: entry for name, entry in fields.items() if entry is not None}
    try:
        return BaseLoading(**given)
    except ValidationError as error:
        fault = first_fault(error)
        raise BaseModelError(
            f"base model {fault.where} = {fault.came!r}: {fault.reason}; correct this entry"
        ) from error
