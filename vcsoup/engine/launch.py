"""Find the engine of a workspace, start it when there is none. Torch-free.

Starting goes through `vcsoup.jobs`: the engine is the command `python -m vcsoup engine`, detached,
so it outlives the page that asked for it and is shared by all tabs.
"""

import time

from vcsoup.engine.client import EngineClient
from vcsoup.engine.identity import read_identity
from vcsoup.errors import EngineError
from vcsoup.jobs import Job, Jobs
from vcsoup.jobs.folder import one_at_a_time
from vcsoup.workspace import Workspace

START_SECONDS = 180.0
_POLL_SECONDS = 0.1


def ensure_engine(
    workspace: Workspace, jobs: Jobs, *, timeout: float = START_SECONDS
) -> EngineClient:
    """Return a client of the workspace's engine, starting it first when there is none.

    Args:
        workspace: Whose engine.
        jobs: The workspace's jobs, which start it.
        timeout: Seconds to wait for it; loading the libraries takes about ten.

    Raises:
        EngineError: it does not come up; the message says why, as far as the job knows.
    """
    if client := find_engine(workspace):
        return client
    with one_at_a_time(workspace.engine_root):  # the others then find it
        if client := find_engine(workspace):
            return client
        job = jobs.start(
            ["engine", "--workspace", str(workspace.root)], kind="engine", title="Engine"
        )
        return _await(workspace, job, time.monotonic() + timeout)


def find_engine(workspace: Workspace) -> EngineClient | None:
    """A client of the live engine, None when there is none that answers."""
    identity = read_identity(workspace.engine_root)
    if identity is None:
        return None
    client = EngineClient(identity.url, identity.token)
    try:
        client.health()
    except EngineError:
        client.close()
        return None
    return client


def _await(workspace: Workspace, job: Job, deadline: float) -> EngineClient:
    while time.monotonic() < deadline:
        if client := find_engine(workspace):
            return client
        if not job.active:
            reason = job.error or "it ended at once; its log says more"
            raise EngineError(f"the engine did not start: {reason}")
        time.sleep(_POLL_SECONDS)
    raise EngineError(f"the engine did not start in time; its log is {job.path / 'log.txt'}")
