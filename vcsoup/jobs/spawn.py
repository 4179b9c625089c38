"""Starting a job's worker, or the queue's runner, as a detached process on this machine.

The starter holds the lock and hands its open descriptor over, so there is no moment at which the
process lives and the lock is free. Output goes to a file, never to a pipe that somebody must drain.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import vcsoup
from vcsoup.jobs import folder as files
from vcsoup.jobs.devices import device_of_place
from vcsoup.jobs.disk import write_result
from vcsoup.jobs.job import Job
from vcsoup.jobs.slot import Place

JOB_VARIABLE, LOCK_VARIABLE = "VCSOUP_JOB", "VCSOUP_JOB_LOCK"
PLACE_VARIABLE, PLACE_LOCK_VARIABLE = "VCSOUP_JOB_PLACE", "VCSOUP_JOB_PLACE_LOCK"
LAUNCHER_VARIABLE = "VCSOUP_JOB_LAUNCHER"


def spawn_worker(job: Job, python_args: Sequence[str], lock: int, place: Place | None) -> None:
    """Start a job's worker and note who it is.

    Args:
        job: The job; its lock is held by the caller.
        python_args: What stands between the interpreter and the job's arguments.
        lock: Descriptor of the job's lock.
        place: The place to compute in; None when the worker waits for one itself.

    Raises:
        OSError: the process cannot be started, or the folder cannot be written.
    """
    environment = {**job.environment, JOB_VARIABLE: str(job.path.resolve())}
    environment[LOCK_VARIABLE] = str(lock)
    held = [lock]
    if place is not None:
        held.append(place.lock)
        environment |= device_of_place(place.number)
        environment |= {PLACE_VARIABLE: str(place.number), PLACE_LOCK_VARIABLE: str(place.lock)}
    process = spawn(
        [*python_args, *job.args],
        log=job.path / files.LOG,
        environment=environment,
        descriptors=held,
        folder=job.folder,
    )
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
    package = str(Path(vcsoup.__file__).resolve().parents[1])
    search = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, *python_args],
            env={**os.environ, "PYTHONPATH": search, "PYTHONUNBUFFERED": "1", **environment},
            cwd=folder if folder is not None and folder.is_dir() else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=tuple(descriptors),
            start_new_session=True,
        )


def _see_off(job: Job, process: "subprocess.Popen[bytes]", attempt: int) -> None:
    """Wait for the worker's end, so that no zombie stays, and speak for one that never began."""
    status = process.wait()
    if (job.path / files.HEARTBEAT).exists():
        return
    lock = files.take_lock(job.path / files.LOCK, patience=1.0)
    if lock is None:
        return
    try:
        ended = (job.path / files.RESULT).exists() or (job.path / files.STOP).exists()
        if not ended and job.attempt == attempt:
            reason = _last_words(job) if status else "the command is none that runs as a job"
            write_result(
                job.path, {"state": "failed", "error": reason, "finished": files.utc_now()}
            )
            (job.path / files.QUEUED).unlink(missing_ok=True)
    finally:
        os.close(lock)


def _last_words(job: Job) -> str:
    last = job.log_tail(1) or ["the worker died before it began, without a word"]
    return last[0].removeprefix("vcsoup: ")
