"""Starting jobs as detached processes, and finding those that exist."""

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import vcsoup
from vcsoup.errors import JobError, NotFoundError
from vcsoup.jobs import folder as files
from vcsoup.jobs.job import Job

JOB_VARIABLE, LOCK_VARIABLE = "VCSOUP_JOB", "VCSOUP_JOB_LOCK"


class Jobs:
    """The jobs of one workspace.

    Args:
        root: `Workspace.jobs_root`.
        python_args: What stands between the interpreter and a job's arguments.
    """

    def __init__(self, root: Path, *, python_args: Sequence[str] = ("-m", "vcsoup")) -> None:
        self.root = Path(root)
        self._python_args = list(python_args)

    def start(
        self,
        args: Sequence[str],
        *,
        kind: str,
        title: str,
        project: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Job:
        """Start `python -m vcsoup *args` in a process that outlives this one.

        Starting what is queued or running already (same kind, project and arguments: a double
        click, a second tab) returns that job instead of a second one.

        Args:
            args: The verb and its options. The worker inherits this process's environment and
                working folder.
            kind: What sort of job; becomes part of the folder's name.
            title: What people call it.
            project: The project that it works on.
            meta: Anything worth finding again, plain JSON.

        Raises:
            JobError: the process cannot be started.
        """
        spec = {
            **{"args": [str(arg) for arg in args], "kind": kind, "title": title},
            **{"project": project, "meta": dict(meta or {}), "created": utc_now()},
        }
        with self._one_starter():
            return self._twin(spec) or self._launch(spec)

    def list(self, kind: str | None = None, project: str | None = None) -> list[Job]:
        """Return the jobs, newest first; only of one kind and of one project when given."""
        paths = sorted(self.root.glob(f"*/{files.SPEC}"), reverse=True)
        jobs = [Job(path.parent) for path in paths]
        return [
            job
            for job in jobs
            if kind in (None, job.kind) and (project is None or project == job.project)
        ]

    def get(self, job_id: str) -> Job:
        """Return a job by its id.

        Raises:
            NotFoundError: there is none.
        """
        path = self.root / job_id
        if path.parent != self.root or not (path / files.SPEC).is_file():
            raise NotFoundError(f"no job {job_id!r}; choose one from the list of jobs")
        return Job(path)

    def _twin(self, spec: Mapping[str, Any]) -> Job | None:
        for job in self.list(spec["kind"]):
            same = (job.args, job.project) == (spec["args"], spec["project"])
            if same and job.state in ("queued", "running"):
                return job
        return None

    def _launch(self, spec: Mapping[str, Any]) -> Job:
        path = files.new_folder(self.root, str(spec["kind"]))
        lock = files.take_lock(path / files.LOCK)
        assert lock is not None  # nobody else knows this folder
        try:
            files.write(path / files.SPEC, spec)
            # Its place in the queue is that of its start, not of the end of its imports.
            (path / files.WAITING).touch()
            process = self._spawn(path, spec["args"], lock)
            files.write(path / files.IDENTITY, files.identity_of(process.pid))
        except OSError as error:
            reason = f"{spec['title']} cannot be started: {error}; check the disk and try again"
            files.write(path / files.RESULT, {"state": "failed", "error": reason})
            raise JobError(reason) from error
        finally:
            os.close(lock)
        # Collects the exit status, so that an ended worker does not stay as a zombie.
        threading.Thread(target=process.wait, daemon=True).start()
        return Job(path)

    def _spawn(self, path: Path, args: Sequence[str], lock: int) -> subprocess.Popen[bytes]:
        package = str(Path(vcsoup.__file__).resolve().parents[1])
        search = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
        environment = {
            **os.environ,
            **{"PYTHONPATH": search, "PYTHONUNBUFFERED": "1"},
            **{JOB_VARIABLE: str(path.resolve()), LOCK_VARIABLE: str(lock)},
        }
        with (path / files.LOG).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *self._python_args, *args],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,
            )

    @contextmanager
    def _one_starter(self) -> Iterator[None]:
        """Let one process at a time look for a twin and start."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "start.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def utc_now() -> str:
    """Return the time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
