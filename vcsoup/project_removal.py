"""Take a project away: into the bin of the workspace, and from there for good."""

from vcsoup.errors import JobError
from vcsoup.jobs import Jobs
from vcsoup.numbers import listed, plural
from vcsoup.workspace import Workspace


def remove_project(workspace: Workspace, name: str) -> None:
    """Put a project into the bin, with all that belongs to it.

    Raises:
        NotFoundError: there is no such project.
        JobError: jobs of it run or wait.
    """
    workspace.project(name)
    busy = [job.title for job in Jobs(workspace.jobs_root).list(project=name) if job.active]
    if busy:
        raise JobError(
            f"{plural(len(busy), 'job')} of project {name} "
            f"{'runs or waits' if len(busy) == 1 else 'run or wait'} ({listed(busy)}); "
            "stop before removing it"
        )
    workspace.bin.put(name)


def delete_project(workspace: Workspace, name: str) -> None:
    """Delete a project of the bin and its jobs for good.

    Raises:
        NotFoundError: it is not in the bin.
    """
    workspace.bin.delete(name)
    Jobs(workspace.jobs_root).delete_of(name)
