"""Which Ray cluster jobs may go to: `ray.json` among the jobs, and the token that Ray itself reads.

The token is never written into a workspace: it comes from RAY_AUTH_TOKEN, the file that
RAY_AUTH_TOKEN_PATH names, or ~/.ray/auth_token, in Ray's own order.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from vcsoup.errors import JobError, first_fault
from vcsoup.jobs import folder as files

SETTINGS = "ray.json"
ADDRESS_VARIABLE = "RAY_API_SERVER_ADDRESS"


class RaySettings(BaseModel):
    """A Ray cluster, and what each run asks of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(description="The cluster's job server, such as http://head:8265.")
    python: str = Field(sys.executable, description="The Python with vcsoup on every node.")
    num_cpus: float = Field(1.0, ge=0, description="CPU cores that a run reserves.")
    num_gpus: float = Field(0.0, ge=0, description="GPUs that a run reserves.")
    resources: dict[str, float] = Field(
        default_factory=dict, description="Ray's custom resources that a run reserves."
    )
    env: dict[str, str] = Field(
        default_factory=dict, description="Environment variables of a run on the cluster."
    )

    @field_validator("address")
    @classmethod
    def _an_http_address(cls, address: str) -> str:
        if not address.startswith(("http://", "https://")):
            raise ValueError("expected the job server's http(s) address, such as http://head:8265")
        return address.rstrip("/")

    @classmethod
    def load(cls, jobs_root: Path) -> Self | None:
        """Return the settings of a workspace; None when it was told of no cluster.

        RAY_API_SERVER_ADDRESS, Ray's own variable, goes before the stored address.

        Raises:
            JobError: `ray.json` cannot be read as settings.
        """
        path = jobs_root / SETTINGS
        try:
            content = files.read(path) or {}
            if address := os.environ.get(ADDRESS_VARIABLE):
                content = {**content, "address": address}
            return cls.model_validate(content) if content else None
        except json.JSONDecodeError as error:
            raise JobError(f"{path} is not JSON ({error}); write it anew or remove it") from error
        except ValidationError as error:
            raise JobError(f"{path}: {_first(error)}; mend it or remove the file") from error

    @classmethod
    def changed(cls, jobs_root: Path, **changes: Any) -> Self:
        """Change some of the stored settings, keep them, and return what holds now.

        Raises:
            JobError: a setting that cannot be, or no address yet.
        """
        path = jobs_root / SETTINGS
        now = cls.load(jobs_root)
        if not changes and now is not None:
            return now
        stored = files.read(path) or {}
        if "address" not in {**stored, **changes} and now is not None:
            stored["address"] = now.address
        try:
            settings = cls.model_validate({**stored, **changes})
        except ValidationError as error:
            raise JobError(
                f"the Ray cluster cannot be set: {_first(error)}; name its job server with "
                "--address http://HEAD:8265"
            ) from error
        settings.save(jobs_root)
        return settings

    def save(self, jobs_root: Path) -> None:
        """Keep the settings among the jobs."""
        files.write(jobs_root / SETTINGS, self.model_dump())


def ray_token() -> str | None:
    """Return the cluster's token as Ray looks for it; None when there is none.

    Raises:
        JobError: RAY_AUTH_TOKEN_PATH names a file that cannot be read.
    """
    if token := os.environ.get("RAY_AUTH_TOKEN", "").strip():
        return token
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    path = Path(named) if named else Path.home() / ".ray" / "auth_token"
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError as error:
        if named:
            raise JobError(
                f"RAY_AUTH_TOKEN_PATH names {named}, which cannot be read ({error.strerror}); "
                "mend the path or set RAY_AUTH_TOKEN"
            ) from error
        return None


def _first(error: ValidationError) -> str:
    fault = first_fault(error)
    return f"{fault.where or 'content'}: {fault.reason}"
