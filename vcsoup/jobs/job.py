"""One job as seen from outside: what it is, how far it is, how it ended."""

import os
import shlex
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from vcsoup.errors import JobError
from vcsoup.jobs import folder as files
from vcsoup.jobs import progress, stopping
from vcsoup.jobs.launchers import LOCAL
from vcsoup.jobs.progress import Record
from vcsoup.jobs.pulse import memory_ran_short
from vcsoup.jobs.remote import read_remote, remote_state

State = Literal["queued", "running", "stopping", "stopped", "done", "failed", "lost"]

ENDED_EARLY: tuple[State, ...] = ("stopped", "failed", "lost")


def jobs_in(folders: Iterable[Path]) -> "list[Job]":
    """Return the jobs of folders, in their order; what another process removed is left out."""
    found = []
    for folder in folders:
        with suppress(JobError):
            found.append(Job(folder))
    return found


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
        """The arguments behind `python -m vcsoup`; its workspace by the place where it lies now."""
        return [self._where_now(str(arg)) for arg in self._spec["args"]]

    @property
    def created(self) -> str:
        """When it was started: UTC, ISO 8601."""
        return str(self._spec["created"])

    @property
    def command(self) -> str:
        """The command as one would type it."""
        return "python -m vcsoup " + shlex.join(self.args)

    @property
    def launcher(self) -> str:
        """Who runs it: "local", or the name of another scheduler."""
        return str(self._spec.get("launcher", LOCAL))

    @property
    def folder(self) -> Path | None:
        """The working folder of the command; None for this process's own."""
        folder = self._spec.get("folder")
        return Path(folder) if folder else None

    @property
    def environment(self) -> dict[str, str]:
        """The variables that decide what the command means, as when it was started."""
        kept = self._spec.get("environment") or {}
        return {name: self._where_now(str(entry)) for name, entry in kept.items()}

    def _where_now(self, text: str) -> str:
        """A path in the workspace that the job was made in, where that lies now; else the text."""
        root, made_in = self.path.parent, Path(self._spec.get("root", self.path.parent)).parent
        stays = root.parent == made_in or root.name.startswith(".")  # in the bin
        if stays or not Path(text).is_relative_to(made_in):
            return text
        return str(root.parent / Path(text).relative_to(made_in))

    @property
    def state(self) -> State:
        """How it stands.

        "queued" until the worker has begun and got a place to compute; "stopping" once asked to
        stop; "lost" when the worker died without a result (killed, or the machine went down).
        """
        # The lock is looked at before the result: a worker that ends between the two looks has
        # written its result before it let go of the lock. Likewise the mark of the queue, which is
        # taken away once the worker lives, is looked at before the lock, and again after it for a
        # job that came back into the queue meanwhile.
        queued = (self.path / files.QUEUED).exists()
        alive = files.is_locked(self.path / files.LOCK)
        far_away = remote_state(self.path)
        result = files.read(self.path / files.RESULT)
        asked_to_stop = (self.path / files.STOP).exists()
        if result is not None:
            ended: State = result["state"]
            return ended
        if not alive and far_away not in ("queued", "running"):
            if asked_to_stop:
                return "stopped"
            return "queued" if queued or (self.path / files.QUEUED).exists() else "lost"
        if asked_to_stop:
            return "stopping"
        if alive:
            return "running" if (self.path / files.BEGAN).exists() else "queued"
        return "running" if far_away == "running" else "queued"

    @property
    def active(self) -> bool:
        """True while it waits in the queue or a worker lives."""
        return self.state not in ("done", *ENDED_EARLY)

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1; every resumption adds one."""
        return 1 + max(files.former_results(self.path), default=0)

    @property
    def began(self) -> str | None:
        """When this attempt got its place and began: UTC, ISO 8601; None before that."""
        return (files.read(self.path / files.BEGAN) or {}).get("began")

    @property
    def where(self) -> str | None:
        """The machine that another scheduler runs it on; None for this machine or not yet known."""
        remote = read_remote(self.path)
        return remote.node if remote else None

    @property
    def heartbeat(self) -> float | None:
        """When the worker last gave a sign of life: seconds since the epoch; None before."""
        times = []
        for name in (files.HEARTBEAT, files.PROGRESS):
            with suppress(FileNotFoundError):
                times.append((self.path / name).stat().st_mtime)
        return max(times, default=None)

    @property
    def checkpoints(self) -> Path:
        """The folder for what the worker can go on from: `<part>/<checkpoint>/complete.json`."""
        return self.path / files.CHECKPOINTS

    @property
    def has_checkpoint(self) -> bool:
        """True when there is a whole checkpoint; without one, an attempt begins anew."""
        return any(self.checkpoints.glob("*/*/complete.json"))

    @property
    def resumable(self) -> bool:
        """True when `Jobs.resume` takes it: it ended early, by whatever cause."""
        return self.state in ENDED_EARLY

    @property
    def result(self) -> dict[str, Any] | None:
        """What the command returned; None before it ended, or when it failed."""
        return (files.read(self.path / files.RESULT) or {}).get("result")

    @property
    def finished(self) -> str | None:
        """When it ended: UTC, ISO 8601; None before that, and for a lost job."""
        return (files.read(self.path / files.RESULT) or {}).get("finished")

    @property
    def seconds(self) -> float | None:
        """How long it worked over all attempts, without the pauses between them, in seconds.

        None until it has ended, and where a former attempt left no time.
        """
        result = files.read(self.path / files.RESULT)
        if not (result or {}).get("finished"):
            return None
        former = [files.read(path) or {} for path in files.former_results(self.path).values()]
        if any("seconds" not in one for one in former):
            return None
        return sum(float(one["seconds"]) for one in former) + self.attempt_seconds

    @property
    def attempt_seconds(self) -> float:
        """How long this attempt worked, to its end or its last sign of life; 0 before it began."""
        if (began := self.began) is None:
            return 0.0
        since, finished = datetime.fromisoformat(began).timestamp(), self.finished
        end = datetime.fromisoformat(finished).timestamp() if finished else self.heartbeat
        return max(0.0, (end or since) - since)

    @property
    def error(self) -> str | None:
        """Why it failed, in one line; None unless failed, lost or killed while stopping."""
        result = files.read(self.path / files.RESULT)
        if result is not None:
            return result.get("error")
        if (state := self.state) not in ("lost", "stopped"):
            return None
        if state == "stopped" and not (self.path / files.HEARTBEAT).exists():
            return None  # it never began
        how = "had to be killed" if state == "stopped" else "was killed or the machine went down"
        last, remote = self.log_tail(1), read_remote(self.path)
        short = memory_ran_short(self.path / files.HEARTBEAT) if state == "lost" else ""
        how += f"; {short}" if short else ""
        told = f" ({remote.launcher}: {remote.message})" if remote and remote.message else ""
        return f"{self.title}: the worker {how}{told}; resume it or start it again" + (
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
        began = self.began
        # The time between two attempts says nothing about the speed.
        since = datetime.fromisoformat(began).timestamp() - 1.0 if began else 0.0
        records = progress.tail(self.path / files.PROGRESS)
        return progress.seconds_left(
            [record for record in records if record["time"] >= since], time.time()
        )

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

        Returns at once. What waits in the queue without a process is "stopped" at once. A worker
        whose steps take longer than the usual 20 s is given the time to end one. Asking again after
        `grace` kills at once, also where the process that asked first is gone. A job that
        has ended is left alone.

        Raises:
            JobError: the job's folder cannot be written.
        """
        if self.active:
            stopping.stop(self.path, grace, lambda: self.active)
