"""Making a job out of a command: its spec, its twin, its folder and its process."""

import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vcsoup.errors import JobError
from vcsoup.home_paths import from_home
from vcsoup.jobs import folder as files
from vcsoup.jobs.disk import remedy, write_failure
from vcsoup.jobs.job import Job
from vcsoup.jobs.slot import Place
from vcsoup.jobs.spawn import spawn_worker

# The variable that decides what a command means, and the option that does.
_WORKSPACE = "VCSOUP_WORKSPACE"
_OPTION = re.compile(r"--workspace(?:=(.*))?|-w(.+)?", re.DOTALL)


def new_spec(root: Path, args: Sequence[str], workspace: Path | None = None) -> dict[str, Any]:
    """Return what makes a command mean the same again later: arguments, folder, environment.

    Also where its workspace lies, in full, so that the command finds one that was moved.
    """
    named = workspace or os.environ.get(_WORKSPACE)
    return {
        "root": str(root),
        "args": _named_in_full([str(arg) for arg in args]),
        "created": files.utc_now(),
        "folder": str(Path.cwd()),
        "environment": {_WORKSPACE: _in_full(named)} if named else {},
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


def _named_in_full(args: Sequence[str]) -> list[str]:
    """Arguments with the workspace by its whole path, as an argument of its own."""
    found: list[str] = []
    rest = iter(args)
    for arg in rest:
        if arg == "--":  # no options follow, whatever they look like
            return [*found, arg, *rest]
        if (option := _OPTION.fullmatch(arg)) is None:
            found.append(arg)
            continue
        attached = next((part for part in option.groups() if part is not None), None)
        if (named := next(rest, None) if attached is None else attached) is not None:
            found += ["--workspace", _in_full(named)]
    return found


def _in_full(folder: str | Path) -> str:
    return str(from_home(folder).resolve())
