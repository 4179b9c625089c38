"""What is known of a job that runs on another machine: `remote.json` in its folder.

The worker there writes the same files as one here, on storage that both see; but its lock may be
invisible and its pid means nothing here. So its launcher notes what the cluster says, and `Job`
derives the state from that note. Knows no cluster; `vcsoup.jobs.ray_launcher` writes.
"""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from vcsoup.jobs import folder as files

REMOTE = "remote.json"

# A result written on another machine may be seen here a little later than the cluster's word.
SETTLE_S = 5.0

Status = Literal["submitting", "pending", "running", "ended"]


@dataclass(frozen=True)
class Remote:
    """A launcher's note about one attempt of a job.

    Attributes:
        launcher: Who wrote it, such as "ray".
        address: The cluster.
        submission: The cluster's name for this attempt.
        status: "submitting" until the cluster has answered, "pending" until it has room.
        since: When the status began, seconds since the epoch.
        node: Where it runs, as people read it; None before it does.
        message: The cluster's last word about it, one line.
        silent_since: When the cluster stopped answering; None while it answers.
    """

    launcher: str
    address: str
    submission: str
    status: Status
    since: float
    node: str | None = None
    message: str | None = None
    silent_since: float | None = None

    def now(self, status: Status, **changes: str | float | None) -> "Remote":
        """Return the note with a status, `since` moved on when the status is another one."""
        since = self.since if status == self.status else time.time()
        return replace(self, status=status, since=since, **changes)  # type: ignore[arg-type]


def read_remote(job: Path) -> Remote | None:
    """Return the note in a job's folder; None when no cluster was given the job."""
    content = files.read(job / REMOTE)
    return Remote(**content) if content is not None else None


def write_remote(job: Path, remote: Remote) -> None:
    """Keep the note in the job's folder, unless it says so already."""
    if read_remote(job) != remote:
        files.write(job / REMOTE, asdict(remote))


def remote_state(job: Path) -> Literal["queued", "running", "lost"] | None:
    """Tell how a worker elsewhere is, going by the cluster's word alone.

    Returns:
        "lost" when it ended (a result, if there is one, says how); None when no cluster was given
        the job.
    """
    remote = read_remote(job)
    if remote is None:
        return None
    if remote.status == "ended":
        # In the future when the clock was set back since: then nobody waits for it to come round.
        return "running" if abs(time.time() - remote.since) < SETTLE_S else "lost"
    return "running" if remote.status == "running" else "queued"
