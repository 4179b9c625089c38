"""How to ask a judge behind an OpenAI-compatible endpoint: the part of `RewardSpec` for that kind.

Torch-free. The record holds the name of the environment variable with the key, never the key, and
its error messages never repeat what was given as one. `vcsoup.rewards.endpoint` obeys the record.
"""

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

LOWEST, HIGHEST = 1, 10  # the scale that an endpoint scores on
# What only settles how fast, how dear and by whom the same answers are got.
SETTINGS = (
    "key_env",
    "input_price",
    "output_price",
    "most_cost",
    "requests_per_minute",
    "at_once",
    "timeout",
    "answer_tokens",
)

_VARIABLE = re.compile(r"[A-Z][A-Z0-9]{0,15}(?:_[A-Z0-9]{1,15})*")  # a key has longer stretches
_LONGEST_NAME = 64


class EndpointFields(BaseModel):
    """Where an endpoint is, what it is asked, and what it may take."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        "",
        description="kind 'endpoint': base address of an OpenAI-compatible server, such as "
        "http://127.0.0.1:8000/v1; 'model' is the name it knows the model by.",
    )
    criterion: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = Field(
        "",
        description="kind 'endpoint': what is scored from 1 to 10, in words, such as 'how helpful "
        "the reply is to the person who asked'.",
    )
    key_env: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        "",
        description="kind 'endpoint': name of the environment variable that holds the key, such as "
        "OPENAI_API_KEY; never the key itself. Empty for a server that wants none.",
    )
    input_price: float | None = Field(
        None, ge=0, description="kind 'endpoint': price of a million tokens sent."
    )
    output_price: float | None = Field(
        None, ge=0, description="kind 'endpoint': price of a million tokens answered."
    )
    most_cost: float | None = Field(
        None,
        gt=0,
        description="kind 'endpoint': a run stops before this value costs more, and keeps what "
        "it has. Needs the prices.",
    )
    requests_per_minute: int | None = Field(
        None, ge=1, description="kind 'endpoint': never more requests than this in a minute."
    )
    at_once: int = Field(
        4, ge=1, le=64, description="kind 'endpoint': requests under way at the same time."
    )
    timeout: float = Field(
        60.0, gt=0, le=3600, description="kind 'endpoint': seconds to wait for one answer."
    )
    answer_tokens: int = Field(
        64,
        ge=1,
        description="kind 'endpoint': longest answer in tokens; a model that thinks before it "
        "answers needs thousands.",
    )

    @property
    def host(self) -> str:
        """The machine that an endpoint's texts go to; empty for other kinds."""
        return urlsplit(self.url).hostname or ""

    @field_validator("url")
    @classmethod
    def _plain_address(cls, url: str) -> str:
        return checked_url(url) if url else url

    @field_validator("key_env")
    @classmethod
    def _names_a_variable(cls, name: str) -> str:
        if name and (len(name) > _LONGEST_NAME or not _VARIABLE.fullmatch(name)):
            raise ValueError(
                "expected the name of an environment variable in capital letters, such as "
                "OPENAI_API_KEY; a key itself is never stored, so put it into that variable"
            )
        return name


def checked_url(url: str) -> str:
    """Return the base address of an endpoint without a slash at its end.

    Raises:
        ValueError: no address of a web server, or one with a password, query or fragment.

    Example:
        >>> checked_url("http://127.0.0.1:8000/v1/")
        'http://127.0.0.1:8000/v1'
    """
    form = "expected http://HOST[:PORT]/PATH or https://..., such as https://api.openai.com/v1"
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or re.search(r"[\s\x00-\x1f]", url):
        raise ValueError(form)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(f"{form}, without a password, '?' or '#'; the key goes into key_env")
    return url.rstrip("/").removesuffix("/chat/completions")


def is_loopback(url: str) -> bool:
    """Tell whether an address stays on this machine, so that nothing is sent away.

    Example:
        >>> [is_loopback(f"http://{host}/v1") for host in ("localhost", "127.0.0.1", "[::1]", "me")]
        [True, True, True, False]
    """
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
