"""The jobs of a workspace: starting them, queueing them, finding them, putting them away."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vcsoup.errors import JobError, NotFoundError
from vcsoup.jobs import bin as waste
from vcsoup.jobs import folder as files
from vcsoup.jobs import queue, slot, starting
from vcsoup.jobs.disk import writing
from vcsoup.jobs.job import Job, jobs_in
from vcsoup.jobs.launchers import LOCAL, check_launcher, usable_launchers
from vcsoup.jobs.order import Order
from vcsoup.jobs.waking import ensure_runner

LONGEST_TITLE = 200
"""Characters of a name that a job is given by hand."""


class Jobs:
    """The jobs of one workspace.

    Args:
        root: `Workspace.jobs_root`.
        python_args: What stands between the interpreter and a job's arguments.
    """

    def __init__(self, root: Path, *, python_args: Sequence[str] = ("-m", "vcsoup")) -> None:
        self.root = Path(root)
        self.python_args = list(python_args)

    def start(
        self,
        args: Sequence[str],
        *,
        kind: str,
        title: str,
        project: str | None = None,
        meta: Mapping[str, Any] | None = None,
        queued: bool = False,
        launcher: str = LOCAL,
        workspace: Path | None = None,
    ) -> Job:
        """Start or queue `python -m vcsoup *args` in a process that outlives this one.

        Starting what is queued or running already (same kind, project and arguments: a double
        click, a second tab) returns that job instead of a second one.

        Args:
            args: The verb and its options. The worker inherits this process's working folder, and
                its environment when it is started at once.
            kind: What sort of job; becomes part of the folder's name.
            title: What people call it.
            project: The project that it works on.
            meta: Anything worth finding again, plain JSON.
            queued: Let it wait for its turn without a process; else the process starts at once.
            launcher: Who runs it: "local" or another scheduler's name; those are always queued.
            workspace: The one that the command works on when its arguments name none; None leaves
                it to this process's environment.

        Raises:
            JobError: the process cannot be started, or the folder cannot be written.
        """
        check_launcher(launcher)
        about = {"kind": kind, "title": title, "project": project, "meta": dict(meta or {})}
        spec = {**starting.new_spec(self.root, args, workspace), **about, "launcher": launcher}
        return self._begin(spec, queued=queued or launcher != LOCAL)

    def get(self, job_id: str) -> Job:
        """Return a job by its id.

        Raises:
            NotFoundError: there is none.
        """
        path = self.root / job_id
        try:
            there = path.parent == self.root and (path / files.SPEC).is_file()
        except OSError:  # longer than a name can be
            there = False
        if not there:
            raise NotFoundError(f"no job {job_id!r}; choose one from the list of jobs")
        return Job(path)

    def queue(self) -> list[Job]:
        """Return the jobs that wait without a process, the next one first."""
        return queue.waiting_jobs(self.root)

    def computing(self) -> list[Job]:
        """Return the jobs that have a place to compute now, the oldest first."""
        return jobs_in(slot.computing(self.root))

    def move(self, job_id: str, place: int) -> None:
        """Let a queued job wait at `place`: 0 is the next to run; too large is the last.

        Raises:
            JobError: the job does not wait in the queue.
        """
        with self._changing(f"{job_id} cannot be moved"):
            queue.move(self.root, job_id, place)

    @property
    def places(self) -> int:
        """How many jobs may compute at once on this machine; one per device unless set."""
        return Order(self.root).places

    def set_places(self, places: int) -> None:
        """Set how many jobs may compute at once; what runs already runs on.

        Raises:
            JobError: not between 1 and 64.
        """
        with self._changing("the number of places cannot be set"):
            Order(self.root).set_places(places)

    def launchers(self) -> list[str]:
        """Return who can run jobs now, "local" first."""
        return usable_launchers(self.root)

    def ensure_runner(self) -> None:
        """See to it that the queue's runner lives while it has work; cheap when it does.

        Raises:
            JobError: it cannot be started.
        """
        ensure_runner(self.root, self.python_args)

    def resume(self, job_id: str) -> Job:
        """Put a job that was stopped, failed or is lost back into the queue, as its next attempt.

        The worker goes on from the last whole checkpoint where there is one. A job that waits or
        runs already is left as it is.

        Raises:
            NotFoundError: there is no such job.
            JobError: it is done or stopping.
        """
        job = self.get(job_id)
        with self._changing(f"{job.title} cannot be resumed"):
            queue.requeue(self.root, job)
        self.ensure_runner()
        return job

    def retry(self, job_id: str) -> Job:
        """Queue a fresh job with the same spec; nothing of the old one is used.

        Raises:
            NotFoundError: there is no such job.
        """
        former = self.get(job_id)
        again = {
            "root": str(self.root),
            "args": former.args,
            "environment": former.environment,
            "meta": {**former.meta, "retry_of": former.id},
            "created": files.utc_now(),
        }
        spec = {**(files.read(former.path / files.SPEC) or {}), **again}
        return self._begin(spec, queued=True)

    def rename(self, job_id: str, title: str) -> Job:
        """Give a job another title.

        Raises:
            JobError: the title is empty, longer than 200 characters or more than one line.
        """
        title = title.strip()
        if not title or len(title) > LONGEST_TITLE or not title.isprintable():
            raise JobError(f"a title is one line of 1 to {LONGEST_TITLE} characters; shorten it")
        job = self.get(job_id)
        with self._changing(f"{job.title} cannot be renamed"):
            spec = files.read(job.path / files.SPEC) or {}
            files.write(job.path / files.SPEC, {**spec, "title": title})
        return self.get(job_id)

    def remove(self, job_id: str) -> None:
        """Put a job into the bin, which keeps the newest twenty.

        Raises:
            JobError: it has not ended.
        """
        job = self.get(job_id)
        with self._changing(f"{job.title} cannot be removed"):
            waste.remove(self.root, job)

    def restore(self, job_id: str) -> Job:
        """Put a job back from the bin.

        Raises:
            NotFoundError: it is not in the bin.
        """
        with self._changing(f"{job_id} cannot be restored"):
            return waste.restore(self.root, job_id)

    def empty_bin(self) -> int:
        """Delete what is in the bin, for good; return how many jobs that were."""
        with self._changing("the bin cannot be emptied"):
            return waste.throw_away(self.root)

    def delete_of(self, project: str) -> None:
        """Delete the ended jobs of a project for good, also those in the bin."""
        with self._changing(f"the jobs of {project} cannot be deleted"):
            for job in [*self.list(project=project), *self.removed()]:
                if job.project == project and not job.active:
                    waste.delete(job)

    def removed(self) -> list[Job]:
        """Return the jobs in the bin, the one removed last first."""
        return waste.removed_jobs(self.root)

    def list(self, kind: str | None = None, project: str | None = None) -> list[Job]:
        """Return the jobs, newest first; only of one kind and of one project when given."""
        paths = sorted(self.root.glob(f"*/{files.SPEC}"), reverse=True)
        jobs = jobs_in(path.parent for path in paths)
        return [
            job
            for job in jobs
            if kind in (None, job.kind) and (project is None or project == job.project)
        ]

    def newest(
        self,
        kind: str,
        project: str | None = None,
        *,
        fits: Callable[[Job], bool] = lambda job: True,
    ) -> Job | None:
        """Return the newest job of a kind that fits; None when there is none."""
        return next(filter(fits, self.list(kind, project)), None)

    def _begin(self, spec: Mapping[str, Any], *, queued: bool) -> Job:
        with self._changing(f"{spec['title']} cannot be {'queued' if queued else 'started'}"):
            job = starting.find_twin(self.list(spec["kind"]), spec)
            if job is None and queued:
                job = queue.enqueue(self.root, spec)
            elif job is None:
                job = starting.start_now(self.root, spec, self.python_args)
        if queued:
            self.ensure_runner()
        return job

    @contextmanager
    def _changing(self, what: str) -> Iterator[None]:
        with writing(self.root, what), files.one_at_a_time(self.root):
            yield
