"""The launcher that sends jobs to a Ray cluster, and keeps watch over them.

The cluster's nodes must see the workspace under the same path (NFS or the like): the worker there
writes the same files as one here. Ray decides when and where a job runs; three things it does not
do are done here. A stop first asks the worker, which keeps its adapter (Ray's own stop kills after
three seconds). A job that Ray has not begun cannot be stopped at Ray: its ticket is withdrawn, and
the command ends without one. And Ray fails what waits longer than a quarter of an hour for room:
that is submitted again.
"""

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path

from vcsoup.errors import JobError
from vcsoup.jobs import folder as files
from vcsoup.jobs.job import Job
from vcsoup.jobs.ray_cluster import ClusterSilentError, RayCluster
from vcsoup.jobs.ray_command import entrypoint, environment, needs, ticket, withdraw
from vcsoup.jobs.ray_notes import give_up, note_silence, noted, speak_for
from vcsoup.jobs.ray_settings import ADDRESS_VARIABLE, SETTINGS, RaySettings, ray_token
from vcsoup.jobs.remote import Remote, read_remote, write_remote
from vcsoup.jobs.stopping import asked_to_stop_since

_WAITED_TOO_LONG = "JOB_SUPERVISOR_ACTOR_START_TIMEOUT"

_log = logging.getLogger(__name__)


class RayLauncher:
    """Sends jobs to the Ray cluster of the settings.

    Args:
        jobs_root: The jobs' folder, which the cluster's nodes see too.
    """

    name = "ray"

    def __init__(self, jobs_root: Path) -> None:
        self._root = Path(jobs_root)

    @staticmethod
    def configured(jobs_root: Path) -> bool:
        """Tell whether a cluster is named, by the settings or by Ray's own variable."""
        return bool(os.environ.get(ADDRESS_VARIABLE)) or (jobs_root / SETTINGS).exists()

    def launch(self, job_path: Path, args: Sequence[str]) -> None:
        """Hand `python -m vcsoup *args` over to Ray; for one attempt it is submitted once.

        A cluster that does not answer is tried again by `poll`, for a minute.

        Raises:
            JobError: no cluster is named, or it refuses the job.
        """
        settings, former = self._settings(), read_remote(job_path)
        if former is not None and former.status != "submitting":
            return
        for name in (files.IDENTITY, files.BEGAN, files.HEARTBEAT):
            (job_path / name).unlink(missing_ok=True)
        submission = f"vcsoup-{job_path.name}-{Job(job_path).attempt}"
        try:
            self._submit(job_path, args, submission, settings)
        except ClusterSilentError as error:
            note_silence(job_path, str(error))
        except JobError:
            withdraw(job_path)
            raise

    def poll(self, job_path: Path) -> None:
        """Note what Ray says of a job, and end it when its time to stop by itself is over.

        Raises:
            JobError: Ray's answer cannot be had, or the token is refused; asking again may help.
        """
        remote = read_remote(job_path)
        if remote is None or remote.status == "ended":
            return
        cluster = self._cluster(remote.address)
        try:
            if remote.status == "submitting" and asked_to_stop_since(job_path) is None:
                self._try_again(job_path, remote)
            found = cluster.look(remote.submission)
        except ClusterSilentError as error:
            note_silence(job_path, str(error))
            raise
        if found is not None and found.error_type == _WAITED_TOO_LONG:
            self._submit_again(job_path, remote)
            return
        remote = noted(read_remote(job_path) or remote, found)
        write_remote(job_path, remote)
        if remote.status == "ended":
            speak_for(job_path, found)
        else:
            _stop_in_time(job_path, remote, cluster)

    def kill(self, job_path: Path) -> None:
        """End a job at once.

        Raises:
            JobError: Ray cannot be told.
        """
        if (remote := read_remote(job_path)) is not None and remote.status != "ended":
            _end(job_path, remote, self._cluster(remote.address))

    def _submit(
        self, job_path: Path, args: Sequence[str], submission: str, settings: RaySettings
    ) -> None:
        former = read_remote(job_path)
        known = former is not None and former.submission == submission
        remote = (
            former
            if former and known
            else Remote(
                launcher=self.name,
                address=settings.address,
                submission=submission,
                status="submitting",
                since=time.time(),
            )
        )
        write_remote(job_path, remote)
        withdraw(job_path, but=submission)
        ticket(job_path, submission).touch()
        job = Job(job_path)
        self._cluster(settings.address).submit(
            entrypoint(job, args, submission, settings),
            submission=submission,
            env=environment(job, settings, self.name),
            needs=needs(settings),
            metadata={"title": job.title, "project": job.project or ""},
        )
        write_remote(job_path, remote.now("pending"))

    def _try_again(self, job_path: Path, remote: Remote) -> None:
        try:
            self._submit(job_path, Job(job_path).args, remote.submission, self._settings())
        except ClusterSilentError:
            raise
        except JobError as error:
            give_up(job_path, remote, str(error))
            raise

    def _submit_again(self, job_path: Path, remote: Remote) -> None:
        stem, _, number = remote.submission.partition(".")
        again = f"{stem}.{int(number or 0) + 1}"
        _log.warning("Ray had no room for %s in time; it waits on as %s", job_path.name, again)
        self._submit(job_path, Job(job_path).args, again, self._settings())

    def _settings(self) -> RaySettings:
        settings = RaySettings.load(self._root)
        if settings is None:
            raise JobError(
                "no Ray cluster is named; run `python -m vcsoup jobs ray --address "
                f"http://HEAD:8265` or set {ADDRESS_VARIABLE}"
            )
        return settings

    @staticmethod
    def _cluster(address: str) -> RayCluster:
        return RayCluster(address, ray_token())


def _stop_in_time(job_path: Path, remote: Remote, cluster: RayCluster) -> None:
    """End what was asked to stop: at once before it began, else when its grace is over."""
    asked = asked_to_stop_since(job_path)
    if asked is not None and (remote.status != "running" or asked[0] > asked[1]):
        _end(job_path, remote, cluster)


def _end(job_path: Path, remote: Remote, cluster: RayCluster) -> None:
    cluster.stop(remote.submission)
    if remote.status != "running":
        withdraw(job_path)
        write_remote(job_path, remote.now("ended", message="taken back before it began"))
