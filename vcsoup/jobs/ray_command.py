"""What a node of a Ray cluster is told to run: one shell command, its variables, what it reserves.

The command runs only while its ticket, a file in the job's folder, is there: Ray cannot take back
what it has not begun, so taking the ticket back is how such a job is stopped.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import vcsoup
from vcsoup.jobs import folder as files
from vcsoup.jobs.job import Job
from vcsoup.jobs.ray_settings import RaySettings
from vcsoup.jobs.spawn import JOB_VARIABLE, LAUNCHER_VARIABLE


def entrypoint(job: Job, args: Sequence[str], submission: str, settings: RaySettings) -> str:
    """Write the shell command: it runs with a ticket only, its output goes into the job's log.

    Args:
        job: The job; its folder is where the worker writes, wherever it runs.
        args: What stands behind `python -m vcsoup`.
        submission: Ray's name for this attempt; the ticket bears it.
        settings: Which Python, how many GPUs.
    """
    path = job.path.resolve()
    command = shlex.join([*_start_of(settings), "-m", "vcsoup", *args])
    go = f"cd {shlex.quote(str(job.folder))} 2>/dev/null; " if job.folder else ""
    seen = (
        f"if ! test -d {shlex.quote(str(path))}; then echo {shlex.quote(_unseen(path))}; exit 3; fi"
    )
    valid = shlex.quote(str(ticket(path, submission)))
    log = shlex.quote(str(path / files.LOG))
    return f"{seen}; test -e {valid} || exit 0; {go}exec {command} >> {log} 2>&1"


def environment(job: Job, settings: RaySettings, launcher: str) -> dict[str, str]:
    """Return the variables that make the command this job's worker on a node."""
    package = Path(vcsoup.__file__).resolve().parents[1]
    # An installed package is found by the node's own Python; a checkout has to be pointed at.
    search = {} if package.name == "site-packages" else {"PYTHONPATH": str(package)}
    return {
        **{**job.environment, **search, "PYTHONUNBUFFERED": "1"},
        **{JOB_VARIABLE: str(job.path.resolve()), LAUNCHER_VARIABLE: launcher},
        **settings.env,
    }


def needs(settings: RaySettings) -> dict[str, Any]:
    """Return what a run reserves, in Ray's words."""
    reserved: dict[str, Any] = {"entrypoint_num_cpus": settings.num_cpus}
    if settings.num_gpus:
        reserved["entrypoint_num_gpus"] = settings.num_gpus
    if settings.resources:
        reserved["entrypoint_resources"] = settings.resources
    return reserved


def ticket(job_path: Path, submission: str) -> Path:
    """Return the file without which the command of a submission does nothing."""
    return job_path / f"ticket-{submission}"


def withdraw(job_path: Path, *, but: str | None = None) -> None:
    """Take back a job's tickets, all but one submission's."""
    for one in job_path.glob("ticket-*"):
        if but is None or one.name != f"ticket-{but}":
            one.unlink(missing_ok=True)


def _start_of(settings: RaySettings) -> list[str]:
    """Python, or one process per GPU when a run reserves several."""
    if settings.num_gpus <= 1:
        return [settings.python]
    several = ["accelerate.commands.launch", "--num_processes", f"{settings.num_gpus:.0f}"]
    return [settings.python, "-m", *several]


def _unseen(path: Path) -> str:
    return f"this node does not see {path}; put the workspace on storage that every node mounts"
