"""Ending a workspace's engine as the Jobs list does, and waiting until its process is gone."""

from tests.job_processes import wait_until
from vcsoup.engine.identity import is_alive
from vcsoup.jobs import Jobs
from vcsoup.workspace import Workspace


def stop_engine(workspace: Workspace, jobs: Jobs) -> None:
    """Stop the engine, if there is one; fails when it still lives after half a minute."""
    for job in jobs.list("engine"):
        if job.active:
            job.stop()
    wait_until(lambda: not is_alive(workspace.engine_root), 30.0)
