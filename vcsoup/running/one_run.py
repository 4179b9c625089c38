"""One run of a project at a time: two would write the same checkpoints, settings and exports."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from vcsoup.errors import JobError
from vcsoup.jobs.folder import take_lock
from vcsoup.workspace import Workspace


@contextmanager
def only_run(workspace: Workspace, project: str) -> Iterator[None]:
    """Be the only run of a project for the block; a killed one is in nobody's way.

    Raises:
        JobError: another run of it is going on.
    """
    lock = take_lock(workspace.jobs_root / f"run-{project}.lock", patience=1.0)
    if lock is None:
        raise JobError(
            f"another run of {project} is going on (`python -m vcsoup jobs list`); wait until it "
            "has ended, or stop it first"
        )
    try:
        yield
    finally:
        os.close(lock)
