"""The compute slot of a workspace: one heavy job at a time, first come, first served.

Two trainings side by side on two cores take longer than one after the other, and twice the memory.
The slot is a file lock, so a killed worker frees it. Who waits has a `waiting` file in its job
folder; the oldest living one goes first.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vcsoup.jobs import folder as files
from vcsoup.monitor import StopRequested

_LOOK_EVERY_S = 0.2


@contextmanager
def compute_slot(job: Path, stop_requested: Callable[[], bool]) -> Iterator[None]:
    """Hold the slot for the block.

    Args:
        job: Folder of the job that wants it; the slot belongs to the folder above.
        stop_requested: Looked at while waiting.

    Raises:
        StopRequested: asked to stop while waiting.
    """
    waiting = job / files.WAITING
    waiting.touch()
    try:
        while (slot := _try_slot(job)) is None:
            if stop_requested():
                raise StopRequested(f"{job.name} was stopped before it began")
            time.sleep(_LOOK_EVERY_S)
    finally:
        waiting.unlink(missing_ok=True)
    try:
        yield
    finally:
        os.close(slot)


def _try_slot(job: Path) -> int | None:
    return None if _somebody_is_before(job) else files.take_lock(job.parent / "slot.lock")


def _somebody_is_before(job: Path) -> bool:
    older = [path.parent for path in job.parent.glob(f"*/{files.WAITING}")]
    return any(path.name < job.name and files.is_locked(path / files.LOCK) for path in older)
