"""Code that ships with a model runs only after somebody agreed to it, knowing the risk.

A consent is for one model at one revision: a commit of a hub repository, or the exact content of a
local folder. A branch or tag will not do, because what it names can change after the consent. The
workspace keeps consents (`vcsoup.workspace.consents`); loading a model checks them.
"""

import hashlib
import re
from collections.abc import Container
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from vcsoup.errors import RewardModelError
from vcsoup.fingerprint import model_fingerprint
from vcsoup.rewards.spec import RewardSpec

RISK = (
    "Python files that ship with this model will run on this machine with all of your rights: "
    "they can read, change and send any of your files and use your accounts. "
    "Agree only if you trust the author or have read the code of this very revision."
)
_COMMIT = re.compile(r"[0-9a-f]{40}")


class Consent(BaseModel):
    """Somebody's agreement to run the code of one model at one revision."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(description="`consent_key` of the model: what exactly was agreed to.")
    model: str = Field(description="Hub id or folder, for people.")
    revision: str | None = Field(None, description="Commit; None for a folder.")
    risk: str = Field(RISK, description="What was shown before agreeing.")
    given: str = Field(description="UTC, ISO 8601.")


def consent_key(model: str, revision: str | None = None) -> str:
    """Name the code that would run: 16 hex characters.

    Args:
        model: Hub id or local folder.
        revision: A full commit for a hub id; ignored for a folder, whose content is its revision.

    Raises:
        RewardModelError: a hub id without a full commit.

    Example:
        >>> len(consent_key("org/model", "0" * 40))
        16
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        digest = hashlib.sha256(model_fingerprint(str(folder)).encode())
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"\n{path.relative_to(folder)}\n".encode() + path.read_bytes())
        return digest.hexdigest()[:16]
    if not _COMMIT.fullmatch(revision or ""):
        raise RewardModelError(
            f"{model} brings its own code, and revision {revision or 'main'!r} can change after "
            "you agree to it; give the full commit (40 hex digits, from the repository's history)"
        )
    return hashlib.sha256(f"{model}@{revision}".encode()).hexdigest()[:16]


def check_consent(spec: RewardSpec, consents: Container[str]) -> None:
    """Make sure that a model's code may run; a model without code of its own always may.

    Args:
        spec: The model.
        consents: Keys of the consents that were given.

    Raises:
        RewardModelError: no consent for this model at this revision; names the risk and the way.
    """
    if spec.kind != "model" or not spec.trust_remote_code:
        return
    if consent_key(spec.model, spec.revision) in consents:
        return
    place = f" --revision {spec.revision}" if spec.revision else ""
    raise RewardModelError(
        f"reward model {spec.model} wants to run code of its own, and nobody agreed to that for "
        f"this revision. {RISK} To agree: `python -m vcsoup reward consent {spec.model}{place}`"
    )
