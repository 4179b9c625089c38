"""Running a model's own code, and sending texts away, only after somebody agreed to the risk.

A consent to code is for one model at one revision: a commit of a hub repository, or the exact
content of a local folder. A branch or tag will not do, because what it names can change after the
consent. A consent to send texts is for one address; addresses of this machine need none. The
workspace keeps consents (`vcsoup.workspace.consents`); loading a judge checks them.
"""

import hashlib
import re
from collections.abc import Container

from pydantic import BaseModel, ConfigDict, Field

from vcsoup.errors import RewardModelError
from vcsoup.fingerprint import model_fingerprint
from vcsoup.home_paths import from_home
from vcsoup.rewards.endpoint_fields import checked_url, is_loopback
from vcsoup.rewards.spec import RewardSpec

RISK = (
    "Python files that ship with this model will run on this machine with all of your rights: "
    "they can read, change and send any of your files and use your accounts. "
    "Agree only if you trust the author or have read the code of this very revision."
)
_COMMIT = re.compile(r"[0-9a-f]{40}")


class Consent(BaseModel):
    """Somebody's agreement to run one model's code, or to send texts to one address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(description="`consent_key` of the model: what exactly was agreed to.")
    model: str = Field(description="Hub id, folder or address, for people.")
    revision: str | None = Field(None, description="Commit; None for a folder.")
    risk: str = Field(RISK, description="What was shown before agreeing.")
    given: str = Field(description="UTC, ISO 8601.")


def consent_key(model: str, revision: str | None = None) -> str:
    """Name the code that would run, or the address that texts would go to: 16 hex characters.

    Args:
        model: Hub id, local folder, or an endpoint's url.
        revision: A full commit for a hub id; ignored for a folder, whose content is its revision,
            and for a url.

    Raises:
        RewardModelError: a hub id without a full commit, or no address of an endpoint.

    Example:
        >>> len(consent_key("org/model", "0" * 40))
        16
    """
    if is_url(model):
        return hashlib.sha256(_checked(model).encode()).hexdigest()[:16]
    folder = from_home(model)
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


def is_url(model: str) -> bool:
    """Tell an endpoint's address from a hub id or folder."""
    return model.startswith(("http://", "https://"))


def risk_of(model: str) -> str:
    """Say what agreeing means: for a hub id or folder, or for an endpoint's url.

    Raises:
        RewardModelError: no address of an endpoint.

    Example:
        >>> risk_of("http://judge.example/v1").split(",")[0]
        "Every prompt and answer to be judged (a project's pairs"
    """
    if not is_url(model):
        return RISK
    url = _checked(model)
    plain = " The connection is not encrypted: others on the way can read along."
    return (
        "Every prompt and answer to be judged (a project's pairs, and what its soups say when they "
        f"are measured), with the criterion and the key, will be sent to {url}. Whoever runs it "
        f"can read and keep them, and may charge for it.{plain if url.startswith('http:') else ''} "
        "Agree only if you may share these texts."
    )


def needs_consent(spec: RewardSpec) -> bool:
    """Tell whether somebody has to agree before this judge is used."""
    if spec.kind == "endpoint":
        return not is_loopback(spec.url)
    return spec.kind == "model" and spec.trust_remote_code


def check_consent(spec: RewardSpec, consents: Container[str]) -> None:
    """Make sure that a model's code may run, or that texts may be sent to an endpoint.

    Args:
        spec: What judges; one that needs no consent always may.
        consents: Keys of the consents that were given.

    Raises:
        RewardModelError: no consent for this model at this revision, or for this address; names
            the risk and the way.
    """
    if spec.kind == "endpoint":
        _check_sending(spec, consents)
        return
    if not needs_consent(spec) or consent_key(spec.model, spec.revision) in consents:
        return
    place = f" --revision {spec.revision}" if spec.revision else ""
    raise RewardModelError(
        f"reward model {spec.model} wants to run code of its own, and nobody agreed to that for "
        f"this revision. {RISK} To agree: `python -m vcsoup reward consent {spec.model}{place}`"
    )


def _check_sending(spec: RewardSpec, consents: Container[str]) -> None:
    if not needs_consent(spec) or consent_key(spec.url) in consents:
        return
    raise RewardModelError(
        f"the judge {spec.title} is not on this machine, and nobody agreed to send texts there. "
        f"{risk_of(spec.url)} To agree: `python -m vcsoup reward consent {spec.url}`"
    )


def _checked(url: str) -> str:
    try:
        return checked_url(url)
    except ValueError as error:
        raise RewardModelError(f"{error}; correct the url") from error
