"""What Ray's word, or its silence, means for a job: the note in its folder, and its end.

A worker that became one speaks for itself, by its result; here ends only what never was one.
"""

import time
from pathlib import Path

from vcsoup.jobs import folder as files
from vcsoup.jobs.disk import write_failure
from vcsoup.jobs.job import Job
from vcsoup.jobs.ray_cluster import RayJob
from vcsoup.jobs.ray_command import withdraw
from vcsoup.jobs.remote import Remote, Status, read_remote, write_remote

# A cluster and a worker that both say nothing for so long are given up.
SILENCE_S = 60.0

_STATUS: dict[str, Status] = {"PENDING": "pending", "RUNNING": "running"}


def noted(remote: Remote, found: RayJob | None) -> Remote:
    """Return the note with what Ray says; a submission that it does not know has ended."""
    if found is None:
        message = "Ray no longer knows this job; the cluster was started anew"
        return remote.now("ended", message=message, silent_since=None)
    return remote.now(
        _STATUS.get(found.status, "ended"),
        node=found.node or remote.node,
        message=_reason(found),
        silent_since=None,
    )


def note_silence(job_path: Path, message: str) -> None:
    """Note that the cluster is silent; what is silent itself for as long is given up."""
    remote, now = read_remote(job_path), time.time()
    if remote is None:
        return
    since = remote.silent_since or now
    beat = Job(job_path).heartbeat or 0.0
    gone = now - since > SILENCE_S and now - beat > SILENCE_S
    if gone and remote.status == "submitting":
        give_up(job_path, remote, message)
        return
    status: Status = "ended" if gone else remote.status
    write_remote(job_path, remote.now(status, silent_since=since, message=message))


def give_up(job_path: Path, remote: Remote, message: str) -> None:
    """Fail a job that the cluster never took."""
    withdraw(job_path)
    write_failure(job_path, message)
    write_remote(job_path, remote.now("ended", message=message))


def speak_for(job_path: Path, found: RayJob | None) -> None:
    """Write the result of a command that failed before it became a worker."""
    began = (job_path / files.IDENTITY).exists() or (job_path / files.RESULT).exists()
    if found is None or found.status != "FAILED" or began:
        return
    write_failure(job_path, f"Ray could not run it: {_reason(found)}")


def _reason(found: RayJob) -> str:
    """Return Ray's explanation in one line: the last one that the command itself wrote."""
    own = [
        line.strip()
        for line in found.message.splitlines()
        if line.strip() and "job_manager.py" not in line and "Running entrypoint" not in line
    ]
    return own[-1][:300] if own else found.status.lower()
