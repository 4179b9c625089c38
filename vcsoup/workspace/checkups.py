"""What the clinic found last, and of which judges and pairs, so that a change makes it stale.

Written by `reward check`, one record per project, the newest in place of the former one.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vcsoup.rewards.findings import Finding
from vcsoup.rewards.spec import RewardSpec
from vcsoup.workspace.datasets import DatasetInfo
from vcsoup.workspace.files import now, read_json, write_json

if TYPE_CHECKING:
    from vcsoup.rewards.clinic import Diagnosis

_FILE = "checkup.json"


class Checkup(BaseModel):
    """What the clinic found, and what it looked at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checked: str = Field(description="UTC, ISO 8601.")
    findings: tuple[Finding, ...] = Field(description="The worst first.")
    pairs: dict[str, int] = Field(description="How many pairs were looked at, by value.")
    correlations: list[list[float | None]] = Field(
        description="How alike the gaps of the judges are, rows and columns as in `judges`."
    )
    judges: dict[str, RewardSpec] = Field(description="Who was looked at, by value.")
    data: dict[str, str] = Field(description="Names of the contents of the data sets, by value.")

    def changed(
        self, judges: Mapping[str, RewardSpec], data: Mapping[str, DatasetInfo]
    ) -> frozenset[str]:
        """Return the values whose judge or pairs are others now than when they were checked."""
        hashes = {value: info.hash for value, info in data.items()}
        values = {*judges, *self.judges, *hashes, *self.data}
        return frozenset(
            value
            for value in values
            if judges.get(value) != self.judges.get(value)
            or hashes.get(value) != self.data.get(value)
        )


def checkup_of(
    found: "Diagnosis", *, judges: Mapping[str, RewardSpec], data: Mapping[str, DatasetInfo]
) -> Checkup:
    """Make the record of what the clinic found just now, in these judges on these data sets."""
    table = [[r if math.isfinite(r) else None for r in row] for row in found.correlations.tolist()]
    return Checkup(
        checked=now(),
        findings=found.findings,
        pairs=dict(found.pairs),
        correlations=table,
        judges=dict(judges),
        data={value: info.hash for value, info in data.items()},
    )


def load_checkup(root: Path) -> Checkup | None:
    """Return a project's record; None when there is none, or one of another version."""
    try:
        content: Any = read_json(root / _FILE)
        return None if content is None else Checkup.model_validate(content)
    except (ValidationError, json.JSONDecodeError):
        return None


def save_checkup(root: Path, checkup: Checkup) -> None:
    """Put a record in the place of the former one."""
    write_json(root / _FILE, checkup.model_dump(mode="json"))
