"""The places where heavy jobs compute: one per device unless set otherwise.

Two trainings side by side on two cores take longer than one after the other, and twice the memory.
A place is a file lock, so a killed worker frees it. A worker that lives already and waits for a
place has a `waiting` file in its job folder; the oldest living one goes first, and all of them
before what is only queued: somebody sits before a screen and waits for these.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vcsoup.jobs import folder as files
from vcsoup.jobs.order import Order
from vcsoup.monitor import StopRequested

_LOOK_EVERY_S = 0.2
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """A place that is held: its number from 0, and the lock's descriptor."""

    number: int
    lock: int

    def leave(self) -> None:
        """Let the next one in."""
        os.close(self.lock)


@contextmanager
def compute_slot(job: Path, stop_requested: Callable[[], bool]) -> Iterator[Place]:
    """Hold a place for the block.

    Args:
        job: Folder of the job that wants it; the places belong to the folder above.
        stop_requested: Looked at while waiting.

    Raises:
        StopRequested: asked to stop while waiting.
    """
    waiting = job / files.WAITING
    waiting.touch()
    told = False
    try:
        while (place := _try_slot(job)) is None:
            if not told:
                _log.warning("%s waits for %s to end (`vcsoup jobs list`)", job.name, _ahead(job))
            told = True
            if stop_requested():
                raise StopRequested(f"{job.name} was stopped before it began")
            time.sleep(_LOOK_EVERY_S)
    finally:
        waiting.unlink(missing_ok=True)
    try:
        yield place
    finally:
        place.leave()


def free_place(root: Path) -> Place | None:
    """Take a free place for a queued job; None when all are taken or a living worker waits."""
    return None if _waiting(root) else _take_place(root)


def inherited_place(root: Path, number: str | None, lock: str | None) -> Place | None:
    """Return the place that the starter took for this process, if it did.

    Args:
        root: The jobs folder.
        number: Number of the place.
        lock: Descriptor of its lock; believed only when it is that lock's file.
    """
    if number is None:
        return None
    held = files.adopt_lock(_lock_of(root, int(number)), lock)
    return None if held is None else Place(int(number), held)


def computing(root: Path) -> list[Path]:
    """Return the folders of the jobs that have a place now, the oldest first."""
    began = sorted(root.glob(f"*/{files.BEGAN}"))
    placed = [path.parent for path in began if (files.read(path) or {}).get("place") is not None]
    return [job for job in placed if files.is_locked(job / files.LOCK)]


def _ahead(job: Path) -> str:
    """Name the jobs that compute now, for the person who waits."""
    return ", ".join(other.name for other in computing(job.parent)) or "another job"


def _try_slot(job: Path) -> Place | None:
    older = any(other.name < job.name for other in _waiting(job.parent))
    return None if older else _take_place(job.parent)


def _take_place(root: Path) -> Place | None:
    for number in range(Order(root).places):
        if (lock := files.take_lock(_lock_of(root, number))) is not None:
            return Place(number, lock)
    return None


def _waiting(root: Path) -> list[Path]:
    waiting = (path.parent for path in root.glob(f"*/{files.WAITING}"))
    return [job for job in waiting if files.is_locked(job / files.LOCK)]


def _lock_of(root: Path, number: int) -> Path:
    return root / f"slot-{number}.lock"
