"""Making a job out of a command: its spec, its twin, its folder and its process."""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vcsoup.errors import JobError
from vcsoup.jobs import folder as files
from vcsoup.jobs.disk import remedy, write_failure
from vcsoup.jobs.job import Job
from vcsoup.jobs.slot import Place
from vcsoup.jobs.spawn import spawn_worker

# The variable that decides what a command means.
_WORKSPACE = "VCSOUP_WORKSPACE"


def new_spec(root: Path, args: Sequence[str], workspace: Path | None = None) -> dict[str, Any]:
    """Return what makes a command mean the same again later: arguments, folder, environment.

    Also where its workspace lies, so that the command finds one that was moved.
    """
    kept = {_WORKSPACE: os.environ[_WORKSPACE]} if _WORKSPACE in os.environ else {}
    return {
        "root": str(root),
        "args": [str(arg) for arg in args],
        "created": files.utc_now(),
        "folder": str(Path.cwd()),
        "environment": {_WORKSPACE: str(workspace.resolve())} if workspace else kept,
    }


def find_twin(jobs: Iterable[Job], spec: Mapping[str, Any]) -> Job | None:
    """Return the job that does the same already, queued or running."""
    for job in jobs:
        same = (job.args, job.project) == (spec["args"], spec["project"])
        if same and job.state in ("queued", "running"):
            return job
    return None


def start_now(root: Path, spec: Mapping[str, Any], python_args: Sequence[str]) -> Job:
    """Make a job whose worker starts at once and waits for a place itself.

    The start lock is held by the caller.

    Raises:
        JobError: the process cannot be started; the job stays as failed.
        OSError: the folder cannot be made.
    """
    path = files.new_folder(root, str(spec["kind"]))
    with files.holding(path / files.LOCK) as lock:
        assert lock is not None  # nobody else knows this folder
        try:
            # Its place among those who wait is that of its start, not of the end of its imports.
            (path / files.WAITING).touch()
            files.write(path / files.SPEC, spec)
        except OSError:
            shutil.rmtree(path, ignore_errors=True)
            raise
        job = Job(path)
        start_worker(job, python_args, lock)
        return job


def start_worker(
    job: Job, python_args: Sequence[str], lock: int, place: Place | None = None
) -> None:
    """Start a job's worker; a job that cannot be started has failed, and says why.

    Raises:
        JobError: the process cannot be started.
    """
    try:
        spawn_worker(job, python_args, lock, place)
    except (OSError, JobError) as error:
        cause = remedy(job.path.parent, error) if isinstance(error, OSError) else error
        reason = f"{job.title} cannot be started: {cause}"
        write_failure(job.path, reason)
        raise JobError(reason) from error
