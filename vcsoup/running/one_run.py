"""One run of a project at a time: two would write the same checkpoints, settings and exports."""

from collections.abc import Iterator
from contextlib import contextmanager

from vcsoup.errors import JobError
from vcsoup.jobs.folder import holding
from vcsoup.workspace import Workspace


@contextmanager
def only_run(workspace: Workspace, project: str) -> Iterator[None]:
    """Be the only run of a project for the block; a killed one is in nobody's way.

    Raises:
        JobError: another run of it is going on.
    """
    with holding(workspace.jobs_root / f"run-{project}.lock", patience=1.0) as lock:
        if lock is None:
            raise JobError(
                f"another run of {project} is going on (`python -m vcsoup jobs list`); wait until "
                "it has ended, or stop it first"
            )
        yield
