"""What was expected of an entry is said in our words, whatever pydantic calls the fault."""

import math
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vcsoup.errors import first_fault


class Record(BaseModel):
    """An entry of each kind that our records have."""

    model_config = ConfigDict(extra="forbid")

    steps: int = Field(1, ge=1)
    seed: int = Field(0, le=2**63 - 1)
    rate: float = Field(0.5, gt=0, lt=1)
    share: float = Field(0.5, ge=-1, le=1)
    norm: float = Field(0.0, allow_inf_nan=False)
    flip: bool = False
    kind: Literal["model", "length", "refusal"] = "model"
    name: str = Field("x", min_length=1, max_length=3)
    values: tuple[str, ...] = Field(("a",), min_length=1, max_length=2)
    label: Annotated[int, Field(ge=0)] | Literal["diff"] = 0
    table: dict[str, int] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("fields", "where", "reason"),
    [
        ({"steps": 0}, "steps", "expected at least 1"),
        ({"steps": "many"}, "steps", "expected a whole number"),
        ({"steps": 1.5}, "steps", "expected a whole number"),
        ({"steps": None}, "steps", "expected a whole number"),
        ({"seed": 2**63}, "seed", "expected at most 9223372036854775807"),
        ({"rate": 0}, "rate", "expected more than 0"),
        ({"rate": 1}, "rate", "expected less than 1"),
        ({"rate": "fast"}, "rate", "expected a number"),
        ({"share": 1.5}, "share", "expected at most 1"),
        ({"share": math.nan}, "share", "expected a number, at most 1"),
        ({"norm": math.inf}, "norm", "expected a finite number"),
        ({"flip": "perhaps"}, "flip", "expected true or false"),
        ({"kind": "modell"}, "kind", "expected 'model', 'length' or 'refusal'"),
        ({"name": 7}, "name", "expected text"),
        ({"name": ""}, "name", "expected text of at least 1 character"),
        ({"name": "long"}, "name", "expected text of at most 3 characters"),
        ({"values": "ab"}, "values", "expected a list, such as [a, b]"),
        ({"values": []}, "values", "expected at least 1 item, got 0"),
        ({"values": ["a", "b", "c"]}, "values", "expected at most 2 items, got 3"),
        ({"label": "two"}, "label", "expected a whole number or 'diff'"),
        ({"table": 3}, "table", "expected `name: value` entries"),
        ({"stepps": 3}, "stepps", "there is no such entry"),
    ],
)
def test_what_was_expected_is_said_in_our_words(fields, where, reason):
    with pytest.raises(ValidationError) as caught:
        Record(**fields)
    fault = first_fault(caught.value)
    assert (fault.where, fault.reason) == (where, reason)
