"""How a worker becomes the worker of a job: it joins the folder made for it, or makes its own."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcsoup.errors import JobError
from vcsoup.jobs import folder as files
from vcsoup.jobs.devices import device_of_place
from vcsoup.jobs.disk import writing
from vcsoup.jobs.slot import Place, compute_slot, inherited_place
from vcsoup.jobs.spawn import (
    JOB_VARIABLE,
    LAUNCHER_VARIABLE,
    LOCK_VARIABLE,
    PLACE_LOCK_VARIABLE,
    PLACE_VARIABLE,
)

# A look at the lock, or the starter's last touch, takes no longer.
_LOCK_PATIENCE_S = 2.0


@dataclass(frozen=True)
class Membership:
    """What a worker holds: its folder, the folder's lock, and maybe a place to compute already."""

    path: Path
    lock: int
    joined: bool = False
    given: Place | None = None
    has_own_scheduler: bool = False

    @contextmanager
    def place(self, needed: bool, stop_requested: Callable[[], bool]) -> Iterator[int | None]:
        """Hold a place for the block: the one given by the starter, else wait for one if needed.

        Yields its number; None without one.
        """
        if self.given is not None or not needed or self.has_own_scheduler:
            yield None if self.given is None else self.given.number
            return
        with compute_slot(self.path, stop_requested) as place:
            if self.joined:
                # A command typed in a terminal keeps the devices that its user sees.
                os.environ.update(device_of_place(place.number))
            yield place.number

    def leave(self) -> None:
        """Let go of the lock, and of the place that was given."""
        if self.given is not None:
            self.given.leave()
        os.close(self.lock)


def join() -> Membership | None:
    """Join the folder that a starter made for this process; None when there is no starter.

    Raises:
        JobError: another worker is or was in the folder already.
    """
    # Taken out of the environment: commands that this one starts are not this job.
    folder, lock, place, place_lock, launcher = (
        os.environ.pop(name, None)
        for name in (
            JOB_VARIABLE,
            LOCK_VARIABLE,
            PLACE_VARIABLE,
            PLACE_LOCK_VARIABLE,
            LAUNCHER_VARIABLE,
        )
    )
    if folder is None:
        return None
    path = Path(folder)
    held = _lock_of(path, lock, shared_disk=launcher is not None)
    began = (path / files.HEARTBEAT).exists() or (path / files.RESULT).exists()
    if held is None or began:
        if held is not None:
            os.close(held)
        raise JobError(f"job {path.name} was started already; resume it or start a new one")
    files.write(path / files.IDENTITY, files.identity_of(os.getpid()))
    given = inherited_place(path.parent, place, place_lock)
    return Membership(path, held, True, given, has_own_scheduler=launcher is not None)


def make(jobs_root: Path, spec: Mapping[str, Any]) -> Membership:
    """Make a folder for a command that was typed, so that the app shows it all the same.

    Raises:
        JobError: the folder cannot be written.
    """
    with writing(jobs_root, f"{spec['title']} cannot be started"):
        path = files.new_folder(jobs_root, str(spec["kind"]))
        lock = files.take_lock(path / files.LOCK)
        assert lock is not None  # nobody else knows this folder
        files.write(path / files.IDENTITY, files.identity_of(os.getpid()))
        files.write(path / files.SPEC, spec)
    return Membership(path, lock)


def _lock_of(path: Path, inherited: str | None, *, shared_disk: bool) -> int | None:
    held = files.adopt_lock(path / files.LOCK, inherited)
    if held is not None:
        return held
    try:
        return files.take_lock(path / files.LOCK, patience=_LOCK_PATIENCE_S)
    except OSError:
        if not shared_disk:
            raise
        # A disk without locks: the scheduler says whether this worker lives.
        return os.open(path / files.LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
