"""Which engine serves a workspace: `engine.json` says where, a file lock says whether it lives.

The kernel drops the lock on any death of the engine, so a stale `engine.json` fools nobody.
Torch-free: the engine writes, the screens read.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from vcsoup.errors import EngineError
from vcsoup.jobs.folder import holding, is_locked

IDENTITY, LOCK = "engine.json", "engine.lock"


@dataclass(frozen=True)
class Identity:
    """Where an engine listens.

    Attributes:
        pid: Its process.
        created: When that process started, seconds since 1970 (pids are used again).
        port: On 127.0.0.1.
        token: What requests must carry.
    """

    pid: int
    created: float
    port: int
    token: str

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


def read_identity(root: Path) -> Identity | None:
    """The live engine of a workspace, None when there is none (yet).

    Args:
        root: `Workspace.engine_root`.
    """
    if not is_alive(root):
        return None
    try:
        return Identity(**json.loads((root / IDENTITY).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write_identity(root: Path, identity: Identity) -> None:
    """Publish where this engine listens, readable by its user alone."""
    aside = root / f".{IDENTITY}.{os.getpid()}"
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(identity), file)
    aside.replace(root / IDENTITY)


def is_alive(root: Path) -> bool:
    """Whether a process holds the engine's lock."""
    return is_locked(root / LOCK)


@contextmanager
def sole_engine(root: Path) -> Iterator[None]:
    """Be the workspace's engine for the block.

    Raises:
        EngineError: another engine serves this workspace.
    """
    with holding(root / LOCK, patience=0.2) as lock:
        if lock is None:
            other = read_identity(root)
            where = f" at {other.url}" if other else ""
            raise EngineError(
                f"an engine serves this workspace already{where}; use it, or stop it first"
            )
        (root / IDENTITY).unlink(missing_ok=True)
        try:
            yield
        finally:
            (root / IDENTITY).unlink(missing_ok=True)
