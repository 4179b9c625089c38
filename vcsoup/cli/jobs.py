"""`jobs`: what runs, what waits, and how it ended; stop, resume, order, throw away."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from vcsoup.cli import jobs_list, jobs_ray
from vcsoup.cli.jobs_list import JobArgument, find_job, open_jobs
from vcsoup.cli.options import WorkspaceOption, open_workspace
from vcsoup.cli.output import show
from vcsoup.cli.wording import word
from vcsoup.errors import JobError
from vcsoup.jobs import Jobs
from vcsoup.jobs.runner import IDLE_S, run_queue

app = typer.Typer(help="The queue and the history of runs.", no_args_is_help=True)
app.command("list")(jobs_list.list_jobs)
app.command("show")(jobs_list.show_job)
app.command("ray")(jobs_ray.ray)


@app.command("add", context_settings={"ignore_unknown_options": True})
def add_job(
    command: Annotated[list[str], typer.Argument(help="The verb and its options, behind `--`.")],
    title: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    launcher: Annotated[str, typer.Option(help="Who runs it: local, or ray.")] = "local",
    workspace: WorkspaceOption = None,
) -> None:
    """Queue a command instead of running it here: `jobs add -- train --value helpful`."""
    _check(command)
    opened = open_workspace(workspace)
    job = Jobs(opened.jobs_root).start(
        command,
        kind=command[0],
        title=title or " ".join(command),
        project=_project(command),
        queued=True,
        launcher=launcher,
        workspace=opened.root,
    )
    show(f"{job.id} is queued")


@app.command("stop")
def stop_job(
    job_id: JobArgument,
    grace: Annotated[float, typer.Option(min=0, help="Seconds until it is killed.")] = 20.0,
    workspace: WorkspaceOption = None,
) -> None:
    """Stop a job and keep what it has; take a queued one out of the queue."""
    jobs = open_jobs(workspace)
    job = find_job(jobs.list(), job_id)
    job.stop(grace)
    jobs.ensure_runner()
    show(f"{job.id} is {job.state}")


@app.command("resume")
def resume_job(job_id: JobArgument, workspace: WorkspaceOption = None) -> None:
    """Queue a stopped, failed or lost job again; it goes on from its last checkpoint."""
    jobs = open_jobs(workspace)
    job = jobs.resume(find_job(jobs.list(), job_id).id)
    show(f"{job.id} is {job.state}, attempt {job.attempt}")


@app.command("retry")
def retry_job(job_id: JobArgument, workspace: WorkspaceOption = None) -> None:
    """Queue a fresh job with the same command; nothing of the old one is used."""
    jobs = open_jobs(workspace)
    job = jobs.retry(find_job(jobs.list(), job_id).id)
    show(f"{job.id} is {job.state}")


@app.command("rename")
def rename_job(job_id: JobArgument, title: str, workspace: WorkspaceOption = None) -> None:
    """Give a job another title."""
    jobs = open_jobs(workspace)
    job = jobs.rename(find_job(jobs.list(), job_id).id, title)
    show(f"{job.id} is called {job.title}")


@app.command("remove")
def remove_job(job_id: JobArgument, workspace: WorkspaceOption = None) -> None:
    """Put a job that has ended into the bin, which keeps the newest twenty."""
    jobs = open_jobs(workspace)
    job = find_job(jobs.list(), job_id)
    jobs.remove(job.id)
    show(f"{job.id} is in the bin; `jobs restore {job.id}` puts it back")


@app.command("restore")
def restore_job(job_id: JobArgument, workspace: WorkspaceOption = None) -> None:
    """Put a job back from the bin."""
    jobs = open_jobs(workspace)
    show(f"{jobs.restore(find_job(jobs.removed(), job_id).id).id} is back")


@app.command("empty-bin")
def empty_bin(workspace: WorkspaceOption = None) -> None:
    """Delete the removed jobs for good, with their checkpoints."""
    show(f"{open_jobs(workspace).empty_bin()} deleted")


@app.command("move")
def move_job(
    job_id: JobArgument,
    place: Annotated[int, typer.Argument(min=0, help="0 is the next to run.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Let a waiting job wait at another place."""
    jobs = open_jobs(workspace)
    jobs.move(find_job(jobs.list(), job_id).id, place)
    for number, job in enumerate(jobs.queue()):
        show(f"{number}  {job.id}  {job.title}")


@app.command("places")
def places(
    number: Annotated[int | None, typer.Argument(help="How many; shown when left out.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Show or set how many jobs compute at once; one per device by default."""
    jobs = open_jobs(workspace)
    if number is not None:
        jobs.set_places(number)
    show(f"{jobs.places} at once")


@app.command("run")
def run(
    folder: Annotated[Path | None, typer.Option(help="Jobs folder.", hidden=True)] = None,
    idle: Annotated[float, typer.Option(min=0, help="Seconds of quiet until it ends.")] = IDLE_S,
    workspace: WorkspaceOption = None,
) -> None:
    """Run the queue in this process; the app does so by itself when something is queued."""
    jobs = open_jobs(workspace) if folder is None else Jobs(folder)
    if not run_queue(jobs.root, jobs.python_args, idle):
        show("another process runs this queue already")


def _check(command: Sequence[str]) -> None:
    """Refuse a command that no verb or option of ours reads; as a job it could only fail."""
    from vcsoup.cli.entry import app as verbs

    verb: Any = typer.main.get_command(verbs)
    settings = dict(verb.context_settings)  # of the root; what is below takes them over
    context, rest = verb.context_class(verb, info_name="vcsoup", **settings), list(command)
    try:
        while hasattr(verb, "commands"):
            if not rest:
                raise JobError(f"a command of {verb.name!r} is missing; see `{verb.name} --help`")
            name, verb, rest = verb.resolve_command(context, rest)
            above, context = context, verb.context_class(verb, info_name=name, parent=context)
        verb.make_context(verb.name, rest, parent=above)
    except TyperException as error:
        word(error)
        said = error.format_message().rstrip(".")
        told = f"`{' '.join(command)}` cannot be queued: {said}; see `--help` of its verb"
        raise JobError(told) from error


def _project(command: Sequence[str]) -> str | None:
    """Return the project that a command names, so that the app files it there."""
    for option, name in pairwise(command):
        if option in ("-p", "--project"):
            return name
    named = (part.partition("=")[2] for part in command if part.startswith("--project="))
    return next(named, None)
