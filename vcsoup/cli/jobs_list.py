"""`jobs list` and `jobs show`, and how the verbs of `jobs` find the one that is meant."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from vcsoup.cli.options import JsonOption, WorkspaceOption, open_workspace
from vcsoup.cli.output import show, show_json, show_table
from vcsoup.errors import JobError, NotFoundError
from vcsoup.jobs import Job, Jobs
from vcsoup.jobs.job import ENDED_EARLY

JobArgument = Annotated[
    str, typer.Argument(metavar="JOB", help="Id of a job, or its end, such as the last four signs.")
]


def list_jobs(
    kind: Annotated[str | None, typer.Option(help="Only of this kind, such as train.")] = None,
    project: Annotated[str | None, typer.Option("--project", "-p", help="Only of one.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state, such as lost.")] = None,
    removed: Annotated[bool, typer.Option("--removed", help="Those in the bin.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the jobs, newest first; what waits is numbered in its order."""
    jobs = open_jobs(workspace)
    known = jobs.removed() if removed else jobs.list(kind, project)
    waiting = [job.id for job in jobs.queue()]
    rows = [_figures(job, waiting) for job in known]
    rows = [row for row in rows if state in (None, row["state"])]
    if as_json:
        show_json(rows)
        return
    columns = ["id", "state", "place", "title", "project", "progress"]
    show_table(columns, [[row[column] for column in columns] for row in rows])


def show_job(
    job_id: JobArgument,
    log: Annotated[int, typer.Option(min=0, help="Lines of the log.")] = 10,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one job: command, state, last report, result or error, end of the log."""
    jobs = open_jobs(workspace)
    job = find_job(jobs.list(), job_id)
    figures = _figures(job, [waiting.id for waiting in jobs.queue()])
    figures |= {"command": job.command, "meta": job.meta, "result": job.result}
    figures |= {"latest": job.latest(), "log": job.log_tail(log) if log else []}
    if as_json:
        show_json(figures)
        return
    lines = figures.pop("log")
    show_table(["", job.title], [[name, str(entry)] for name, entry in figures.items() if entry])
    for line in lines:
        show(f"| {line}")


def open_jobs(workspace: Path | None) -> Jobs:
    """Open the jobs of the workspace that was named, or of the default one."""
    return Jobs(open_workspace(workspace).jobs_root)


def find_job(jobs: Sequence[Job], job_id: str) -> Job:
    """Return the job with an id, or the only one whose id ends so.

    Raises:
        NotFoundError: there is none.
        JobError: there are several.
    """
    found = [job for job in jobs if job.id == job_id] or [
        job for job in jobs if job_id and job.id.endswith(job_id)
    ]
    if not found:
        raise NotFoundError(f"no job {job_id!r}; `jobs list` shows those that exist")
    if len(found) > 1:
        ids = ", ".join(job.id for job in found)
        raise JobError(f"{job_id!r} is the end of {len(found)} jobs ({ids}); give more of it")
    return found[0]


def _figures(job: Job, waiting: Sequence[str]) -> dict[str, Any]:
    state, record = job.state, job.latest() or {}
    progress = f"{record['stage']}: {record['done']}/{record['total']}" if record else None
    return {
        "id": job.id,
        "kind": job.kind,
        "title": job.title,
        "project": job.project,
        "state": state,
        "place": waiting.index(job.id) if job.id in waiting else None,
        "attempt": job.attempt,
        "launcher": job.launcher,
        "where": job.where,
        "created": job.created,
        "began": job.began,
        "finished": job.finished,
        "progress": progress,
        "resumable": state in ENDED_EARLY,
        "has_checkpoint": job.has_checkpoint,
        "error": job.error,
    }
