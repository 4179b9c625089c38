"""One job as seen from outside: what it is, how far it is, how it ended, and how to stop it."""

import os
import shlex
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from vcsoup.errors import JobError
from vcsoup.jobs import folder as files
from vcsoup.jobs import progress
from vcsoup.jobs.progress import Record

State = Literal["queued", "running", "stopping", "stopped", "done", "failed", "lost"]


class Job:
    """A view of a job's folder; every property looks at the disk anew, but for the spec."""

    def __init__(self, path: Path) -> None:
        spec = files.read(path / files.SPEC)
        if spec is None:
            raise JobError(f"{path} holds no job; it was removed or never started")
        self.path = path
        self._spec = spec

    @property
    def id(self) -> str:
        """Name of the folder; sorts by time of creation."""
        return self.path.name

    @property
    def kind(self) -> str:
        """What sort of job, such as "train"."""
        return str(self._spec["kind"])

    @property
    def title(self) -> str:
        """What people call it."""
        return str(self._spec["title"])

    @property
    def project(self) -> str | None:
        """The project that it works on."""
        return self._spec.get("project")

    @property
    def meta(self) -> Mapping[str, Any]:
        """What its starter noted about it."""
        return dict(self._spec.get("meta") or {})

    @property
    def args(self) -> list[str]:
        """The arguments behind `python -m vcsoup`."""
        return [str(arg) for arg in self._spec["args"]]

    @property
    def created(self) -> str:
        """When it was started: UTC, ISO 8601."""
        return str(self._spec["created"])

    @property
    def command(self) -> str:
        """The command as one would type it."""
        return "python -m vcsoup " + shlex.join(self.args)

    @property
    def state(self) -> State:
        """How it stands.

        "queued" until the worker has begun and got the compute slot; "stopping" once asked to
        stop; "lost" when the worker died without a result (killed, or the machine went down).
        """
        # The lock is looked at before the result: a worker that ends between the two looks has
        # written its result before it let go of the lock.
        alive = files.is_locked(self.path / files.LOCK)
        result = files.read(self.path / files.RESULT)
        asked_to_stop = (self.path / files.STOP).exists()
        if result is not None:
            ended: State = result["state"]
            return ended
        if not alive:
            return "stopped" if asked_to_stop else "lost"
        if asked_to_stop:
            return "stopping"
        started = (self.path / files.PROGRESS).exists()
        return "running" if started and not (self.path / files.WAITING).exists() else "queued"

    @property
    def active(self) -> bool:
        """True while a worker lives."""
        return self.state in ("queued", "running", "stopping")

    @property
    def result(self) -> dict[str, Any] | None:
        """What the command returned; None before it ended, or when it failed."""
        return (files.read(self.path / files.RESULT) or {}).get("result")

    @property
    def finished(self) -> str | None:
        """When it ended: UTC, ISO 8601; None before that, and for a lost job."""
        return (files.read(self.path / files.RESULT) or {}).get("finished")

    @property
    def error(self) -> str | None:
        """Why it failed, in one line; None unless failed, lost or killed while stopping."""
        result = files.read(self.path / files.RESULT)
        if result is not None:
            return result.get("error")
        if (state := self.state) not in ("lost", "stopped"):
            return None
        how = "had to be killed" if state == "stopped" else "was killed or the machine went down"
        last = self.log_tail(1)
        return f"{self.title}: the worker {how}; start it again" + (
            f" (last words: {last[0]})" if last else ""
        )

    def progress_since(self, offset: int = 0) -> tuple[list[Record], int]:
        """Return the reports from `offset` on, and the offset for the next call.

        Returns:
            Records {"time", "stage", "done", "total", figures...}, oldest first, and the offset.
        """
        return progress.read_from(self.path / files.PROGRESS, offset)

    def latest(self) -> Record | None:
        """Return the last report; None before the first."""
        records = progress.tail(self.path / files.PROGRESS)
        return records[-1] if records else None

    def seconds_left(self) -> float | None:
        """Estimate the seconds left in the present stage; None when nothing can be said."""
        if self.state != "running":
            return None
        return progress.seconds_left(progress.tail(self.path / files.PROGRESS), time.time())

    def log_tail(self, lines: int = 40) -> list[str]:
        """Return the last lines of what the worker printed."""
        try:
            with (self.path / files.LOG).open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - 400 * lines - 4000))
                text = file.read().decode("utf-8", errors="replace")
        except FileNotFoundError:
            return []
        return text.splitlines()[-lines:]

    def stop(self, grace: float = 20.0) -> None:
        """Ask the worker to stop and keep what it has; kill it when it does not within `grace` s.

        Returns at once. Asking again after the grace kills at once, should the process that asked
        first be gone. A job that has ended is left alone.
        """
        if not self.active:
            return
        asked = self.path / files.STOP
        asked_before = time.time() - asked.stat().st_mtime if asked.exists() else 0.0
        if asked_before > grace:
            self._kill()
            return
        if not asked.exists():
            asked.touch()
        # A worker without a progress file has not installed its handlers: it finds the request.
        if (self.path / files.PROGRESS).exists():
            self._signal(signal.SIGTERM)
        timer = threading.Timer(grace, self._kill)
        timer.daemon = True
        timer.start()

    def _kill(self) -> None:
        if self.active:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        """Signal the worker itself to stop, or its whole session to die.

        Only a process with the recorded pid *and* start time is signalled. A worker that we started
        leads a session of its own; one typed in a terminal does not, so its group is left alone.
        """
        process = files.find_process(files.read(self.path / files.IDENTITY))
        if process is None:
            return
        with suppress(ProcessLookupError):
            if number == signal.SIGKILL and os.getsid(process.pid) == process.pid:
                os.killpg(process.pid, number)
            else:
                os.kill(process.pid, number)
