"""Why the hub gave nothing, in one sentence that says what to do.

The same words for data sets and models: gated, private, missing, no such revision, out of reach.
Nothing here sends or stores a token; `hf auth login` and HF_TOKEN belong to `huggingface_hub`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from vcsoup.errors import HubError, HubUnreachableError

Kind = Literal["dataset", "model"]
_NAMES = {"dataset": "data set", "model": "model"}


@contextmanager
def hub_errors(repo: str, *, kind: Kind = "dataset", revision: str | None = None) -> Iterator[None]:
    """Say what the hub refused.

    Args:
        repo: The id that is asked for.
        kind: What it is.
        revision: Which revision was asked for, if any.

    Raises:
        HubUnreachableError: no network, no answer, or offline by choice; a copy on this machine may
            help.
        HubError: any other refusal.
    """
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    what = _NAMES[kind]
    try:
        yield
    except GatedRepoError as error:
        raise HubError(_gated(repo, kind, error)) from error
    except RevisionNotFoundError as error:
        raise HubError(
            f"{repo} has no revision {revision or 'main'!r}; give a branch, tag or commit of it"
        ) from error
    except RepositoryNotFoundError as error:
        raise HubError(
            f"the hub has no {what} {repo} that you may read; check its name, and if it is private "
            "log in with `hf auth login`"
        ) from error
    except HFValidationError as error:
        raise HubError(f"{repo[:80]!r} is no id of the hub; write it as org/name") from error
    except LocalEntryNotFoundError as error:
        raise HubUnreachableError(
            f"{repo} is not in the cache of this machine; connect, and fetch it once with "
            f"`hf download{' --repo-type dataset' if kind == 'dataset' else ''} {repo}`"
        ) from error
    except HfHubHTTPError as error:
        raise _refused(repo, error.response.status_code) from error
    except _connection_errors() as error:
        raise HubUnreachableError(
            f"the hub cannot be reached ({type(error).__name__}); connect, check HF_HUB_OFFLINE "
            f"and HF_ENDPOINT, or give a local copy of {repo}"
        ) from error


def page_of(repo: str, kind: Kind = "dataset") -> str:
    """The address of a repository's page."""
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/{'datasets/' if kind == 'dataset' else ''}{repo}"


def _gated(repo: str, kind: Kind, error: OSError) -> str:
    status = getattr(getattr(error, "response", None), "status_code", 0)
    if status == 403:
        return f"{repo} is gated; accept its terms at {page_of(repo, kind)} and try again"
    return (
        f"{repo} is gated; log in with `hf auth login` (or set HF_TOKEN) and accept its terms at "
        f"{page_of(repo, kind)}"
    )


def _refused(repo: str, status: int) -> HubError:
    if status == 429:
        return HubError(
            f"the hub asks for fewer requests ({repo}, status 429); wait a few minutes, or log in "
            "with `hf auth login`"
        )
    if status in (401, 403):
        return HubError(
            f"the hub refused {repo} (status {status}); log in anew with `hf auth login`, or check "
            "HF_TOKEN"
        )
    if status >= 500:
        return HubUnreachableError(
            f"the hub has trouble of its own ({repo}, status {status}); try again later, or give a "
            "local copy"
        )
    return HubError(f"the hub refused {repo} (status {status}); check its name and revision")


def _connection_errors() -> tuple[type[Exception], ...]:
    """What `huggingface_hub` raises without an answer: its HTTP client's own errors among them."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    client = next(base for base in HfHubHTTPError.__bases__ if base is not OSError)
    return (OfflineModeIsEnabled, client, ConnectionError, TimeoutError)
