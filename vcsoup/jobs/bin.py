"""The bin: jobs that were removed, the newest twenty, to be put back when that was a mistake."""

import os
import shutil
import time
from pathlib import Path

from vcsoup.errors import JobError, NotFoundError
from vcsoup.jobs import folder as files
from vcsoup.jobs.job import Job, jobs_in

KEPT = 20
_BIN = ".bin"


def remove(root: Path, job: Job) -> None:
    """Put a job into the bin, and throw away what is beyond the newest twenty.

    The start lock is held by the caller.

    Raises:
        JobError: the job has not ended.
    """
    if job.active:
        raise JobError(f"{job.title} is {job.state}; stop it before removing it")
    folder = root / _BIN
    folder.mkdir(exist_ok=True)
    # The folder's time says when it was removed: that takes no room on a full disk.
    os.utime(job.path, ns=(time.time_ns(),) * 2)
    job.path.replace(folder / job.id)
    throw_away(root, keep=KEPT)


def throw_away(root: Path, keep: int = 0) -> int:
    """Delete what is in the bin but for the newest; return how many jobs were deleted.

    The start lock is held by the caller.
    """
    old = removed_jobs(root)[keep:]
    for job in old:
        # Without its spec, what is left of it is no job any more, should this be cut short.
        (job.path / files.SPEC).unlink()
    for path in (root / _BIN).glob("*"):
        if not (path / files.SPEC).exists():
            shutil.rmtree(path)
    return len(old)


def delete(job: Job) -> None:
    """Delete a job of the list or of the bin for good; the start lock is held by the caller."""
    (job.path / files.SPEC).unlink()  # first, as above
    shutil.rmtree(job.path)


def restore(root: Path, job_id: str) -> Job:
    """Put a job back from the bin; the start lock is held by the caller.

    Raises:
        NotFoundError: it is not in the bin.
    """
    found = [job for job in removed_jobs(root) if job.id == job_id]
    if not found:
        raise NotFoundError(f"no job {job_id!r} in the bin; it keeps the newest {KEPT}")
    return Job(found[0].path.replace(root / job_id))


def removed_jobs(root: Path) -> list[Job]:
    """Return the jobs in the bin, the one removed last first."""
    jobs = jobs_in(path.parent for path in (root / _BIN).glob(f"*/{files.SPEC}"))
    return sorted(jobs, key=lambda job: (_removed_at(job), job.id), reverse=True)


def _removed_at(job: Job) -> int:
    try:
        return job.path.stat().st_mtime_ns
    except FileNotFoundError:  # put back, or deleted for good, a moment ago
        return 0
