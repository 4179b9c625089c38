"""Starting a job's worker, or the queue's runner, as a detached process on this machine.

Where a fork server is at hand (`vcsoup.jobs.preload`), a worker is forked from it. The starter
holds the lock and hands its open descriptor over, so there is no moment at which the process lives
and the lock is free. Output goes to a file, never to a pipe that somebody must drain.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

import vcsoup
from vcsoup.jobs import folder as files
from vcsoup.jobs.devices import device_of_place
from vcsoup.jobs.disk import write_failure
from vcsoup.jobs.forked import Forked, fork
from vcsoup.jobs.job import Job
from vcsoup.jobs.slot import Place

JOB_VARIABLE, LOCK_VARIABLE = "VCSOUP_JOB", "VCSOUP_JOB_LOCK"
PLACE_VARIABLE, PLACE_LOCK_VARIABLE = "VCSOUP_JOB_PLACE", "VCSOUP_JOB_PLACE_LOCK"
LAUNCHER_VARIABLE = "VCSOUP_JOB_LAUNCHER"
PYTHON_ARGS = ["-m", "vcsoup"]
"""What stands between the interpreter and a job's arguments, unless a test has its own."""


def spawn_worker(job: Job, python_args: Sequence[str], lock: int, place: Place | None) -> None:
    """Start a job's worker and note who it is.

    Args:
        job: The job; its lock is held by the caller.
        python_args: What stands between the interpreter and the job's arguments.
        lock: Descriptor of the job's lock.
        place: The place to compute in; None when the worker waits for one itself.

    Raises:
        OSError: the process cannot be started, or the folder cannot be written.
        JobError: the fork server broke off while it was asked.
    """
    environment = {**job.environment, JOB_VARIABLE: str(job.path.resolve())}
    held = {LOCK_VARIABLE: lock}
    if place is not None:
        held[PLACE_LOCK_VARIABLE] = place.lock
        environment |= device_of_place(place.number) | {PLACE_VARIABLE: str(place.number)}
    forked = _fork(job, environment, held) if [*python_args] == PYTHON_ARGS else None
    process = forked or spawn(
        [*python_args, *job.args],
        log=job.path / files.LOG,
        environment=environment | {name: str(descriptor) for name, descriptor in held.items()},
        descriptors=list(held.values()),
        folder=job.folder,
    )
    with suppress(psutil.NoSuchProcess):  # a forked one may have ended already
        files.write(job.path / files.IDENTITY, files.identity_of(process.pid))
    threading.Thread(target=_see_off, args=(job, process, job.attempt), daemon=True).start()


def spawn(
    python_args: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    descriptors: Sequence[int],
    folder: Path | None = None,
) -> "subprocess.Popen[bytes]":
    """Start `python *python_args` in a session of its own, with the package on its path."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, *python_args],
            env=_whole(environment),
            cwd=folder if folder is not None and folder.is_dir() else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=tuple(descriptors),
            start_new_session=True,
        )


def _fork(job: Job, environment: Mapping[str, str], held: Mapping[str, int]) -> Forked | None:
    folder = job.folder
    if folder is None or not folder.is_dir():  # a started one takes its starter's, even if removed
        return None
    return fork(
        job.path.parent,
        job.args,
        log=job.path / files.LOG,
        environment=_whole(environment),
        held=held,
        folder=folder,
    )


def _whole(environment: Mapping[str, str]) -> dict[str, str]:
    """All variables of a new process: this one's, the package's place, and some of its own."""
    package = str(Path(vcsoup.__file__).resolve().parents[1])
    search = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": search, "PYTHONUNBUFFERED": "1", **environment}


def _see_off(job: Job, process: "subprocess.Popen[bytes] | Forked", attempt: int) -> None:
    """Wait for the worker's end, so that no zombie stays, and speak for one that never began."""
    status = process.wait()
    if (job.path / files.HEARTBEAT).exists():
        return
    with files.holding(job.path / files.LOCK, patience=1.0) as lock:
        if lock is None:
            return
        ended = (job.path / files.RESULT).exists() or (job.path / files.STOP).exists()
        if not ended and job.attempt == attempt:
            reason = _last_words(job) if status else "the command is none that runs as a job"
            write_failure(job.path, reason)


def _last_words(job: Job) -> str:
    last = job.log_tail(1) or ["the worker died before it began, without a word"]
    return last[0].removeprefix("vcsoup: ")
