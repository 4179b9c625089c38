"""A disk that is full or must not be written to: one line that names the folder and the remedy.

A worker whose disk is full must still be able to say how it ended. It reserves the room for that
line when it begins, and writes into the reserve when nothing else can be written.
"""

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DatabaseError

from vcsoup.errors import JobError, VcsoupError
from vcsoup.jobs import folder as files

_RESERVE, _RESERVED_BYTES = ".reserve", 4096
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_FULL_IN_WORDS = ("No space left on device", "Disk quota exceeded", "disk is full")


@contextmanager
def writing(root: Path, what: str) -> Iterator[None]:
    """Turn a failure to write in the block into one line.

    Args:
        root: The folder that is written to.
        what: What cannot be done then, such as "train helpful cannot be queued".

    Raises:
        JobError: the disk is full, the folder is read-only, or cannot be written otherwise.
    """
    try:
        yield
    except VcsoupError:
        raise
    except OSError as error:
        raise JobError(f"{what}: {remedy(root, error)}") from error
    except DatabaseError as error:
        raise JobError(
            f"{what}: {root} cannot be written ({error.orig}); "
            "free some space or make the folder writable, and try again"
        ) from error


def remedy(root: Path, error: OSError) -> str:
    """Say what is wrong with a folder, and what to do.

    Example:
        >>> remedy(Path("w/jobs"), OSError(errno.ENOSPC, "No space left on device"))
        'the disk of w/jobs is full; free some space and try again'
    """
    if error.errno in _FULL:
        return f"the disk of {root} is full; free some space and try again"
    if error.errno in _FORBIDDEN:
        return (
            f"{root} is read-only for this user; make it writable or choose another workspace "
            "with --workspace, and try again"
        )
    return f"{root} cannot be written ({error.strerror or error}); check the disk and try again"


def disk_fault(root: Path, error: BaseException) -> str | None:
    """Return the line for an error that a full or read-only disk caused; None for any other.

    Libraries that write files tell a full disk in words of their own.

    Example:
        >>> disk_fault(Path("w"), RuntimeError("I/O error: No space left on device (os error 28)"))
        'the disk of w is full; free some space and try again'
    """
    if isinstance(error, OSError) and error.errno in (*_FULL, errno.EROFS):
        return remedy(Path(error.filename).parent if error.filename else root, error)
    if any(words in str(error) for words in _FULL_IN_WORDS):
        return remedy(root, OSError(errno.ENOSPC, ""))
    return None


def reserve(path: Path) -> None:
    """Take the room for a job's result, so that the end can be written on a full disk."""
    with (path / _RESERVE).open("wb") as file:
        file.write(b" " * _RESERVED_BYTES)
        file.flush()
        os.fsync(file.fileno())


def write_result(path: Path, outcome: Mapping[str, Any]) -> None:
    """Write a job's result: aside and renamed, or into the reserve when the disk is full.

    In the reserve there is room for the state and one line; the result's figures are left out.

    Raises:
        OSError: not even the reserve can be written.
    """
    try:
        files.write(path / files.RESULT, outcome)
    except OSError:
        _write_reserved(path, outcome)
    else:
        with suppress(OSError):
            (path / _RESERVE).unlink(missing_ok=True)


def write_failure(path: Path, reason: str) -> None:
    """Write the result of a job that failed, and take it out of the queue."""
    write_result(path, {"state": "failed", "error": reason, "finished": files.utc_now()})
    (path / files.QUEUED).unlink(missing_ok=True)


def _write_reserved(path: Path, outcome: Mapping[str, Any]) -> None:
    short = {key: outcome[key] for key in ("state", "finished") if key in outcome}
    if error := outcome.get("error"):
        short["error"] = str(error)[:800]
    content = json.dumps(files.plain(short)).encode("ascii")
    with (path / _RESERVE).open("r+b") as file:
        file.write(content.ljust(_RESERVED_BYTES))
        file.flush()
        os.fsync(file.fileno())
    (path / _RESERVE).replace(path / files.RESULT)
