"""What a long command does to be a job: hold the lock, report, hear "stop", leave a result.

The command line wraps its long verbs in `job_worker`. Started by `Jobs.start`, the worker joins the
folder made for it; typed in a terminal, it makes its own, so the app shows it all the same.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vcsoup.errors import VcsoupError
from vcsoup.jobs import folder as files
from vcsoup.jobs.disk import disk_fault, reserve, write_result
from vcsoup.jobs.display import Display, make_display
from vcsoup.jobs.joining import join, make
from vcsoup.jobs.pulse import Pulse
from vcsoup.jobs.reports import Reports
from vcsoup.jobs.starting import new_spec
from vcsoup.jobs.stopping import GRACE_S
from vcsoup.monitor import StopRequested

# Reports without figures that come faster than this are not worth a line.
_SHORTEST_GAP_S = 0.1
# The step at hand may take so many times as long as the longest so far: a first step with gradients
# does beside a reading pass of the base.
_LONGER = 4.0
_MOST_PATIENCE_S = 3600.0


class Worker:
    """The `Monitor` of a job: writes reports for the pages and shows them on the terminal."""

    def __init__(self, path: Path, display: Display) -> None:
        self.path = path
        self.result: Mapping[str, Any] = {}
        self.stop_requested = False
        self._display = display
        self._reports = Reports(path / files.PROGRESS)
        self._pulse = Pulse(path / files.HEARTBEAT)
        self._last = ("", 0, 0.0)  # stage, how much was done, seconds of a clock that nobody sets
        self._heard: float | None = None  # when something new was last reported, by that clock
        self._longest = 0.0  # seconds between two reports

    @property
    def checkpoints(self) -> Path:
        """Where to keep what a next attempt can go on from; the folder may not exist yet."""
        return self.path / files.CHECKPOINTS

    def open(self) -> None:
        """Give the first sign of life, which tells others that this worker hears signals."""
        reserve(self.path)
        self._reports.open()
        self._pulse.start()
        self._look_for_stop()
        (self.path / files.QUEUED).unlink(missing_ok=True)

    def report(self, stage: str, done: int, total: int, **figures: object) -> None:
        """Write one report (see `vcsoup.monitor.Monitor`), and hear whether to stop."""
        self._look_for_stop()
        now = time.monotonic()
        known, known_done, written = self._last
        if (stage, done) != (known, known_done):
            # What is said within a step ends none, so that a stop is given time for the whole.
            self._longest = max(self._longest, now - (self._heard or now))
            self._heard = now
        if stage == known and not figures and done < total:
            # What says nothing new is a sign of life: it is heard, above, and not written.
            if done == known_done or now - written < _SHORTEST_GAP_S:
                return
        self._last = (stage, done, now)
        moment = {"time": time.time(), "stage": stage}
        record = {**moment, "done": int(done), "total": int(total), **figures}
        self._reports.add(record)
        self._display.show(stage, int(done), int(total), figures)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Keep what the command found out; it becomes the job's result at the end."""
        self.result = dict(result)

    def request_stop(self, number: int | None = None, _frame: object = None) -> None:
        """Hear a signal: the first asks to stop and keep; a second Ctrl-C aborts."""
        if self.stop_requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        if not self.stop_requested:
            self.stop_requested = True
            with suppress(OSError):  # an older file is the request: its time must stay
                (self.path / files.STOP).touch(exist_ok=False)
            self._ask_for_patience()
            # Straight to the descriptor: the stream may be in the middle of a write.
            os.write(2, b"stopping; what is finished is kept (Ctrl-C again aborts)\n")

    def close(self) -> None:
        """Close the progress file and the display."""
        self._pulse.stop()
        self._display.close()
        self._reports.close()

    def _ask_for_patience(self) -> None:
        """Say how long the present step may take, where that is longer than the usual grace."""
        now = time.monotonic()
        longest = max(self._longest, now - (self._heard or now))  # it may be the present one
        if (seconds := min(_LONGER * longest, _MOST_PATIENCE_S)) > GRACE_S:
            with suppress(OSError):
                files.write_text(self.path / files.PATIENCE, f"{seconds:g}")

    def _look_for_stop(self) -> None:
        """See a request that came without a signal: before the start, or from another machine."""
        if not self.stop_requested and (self.path / files.STOP).exists():
            self.request_stop()


@contextmanager
def job_worker(
    *,
    kind: str,
    title: str,
    project: str | None,
    args: Sequence[str],
    jobs_root: Path,
    slot: bool = True,
) -> Iterator[Worker]:
    """Run the block as a job.

    The job ends as "done", or "stopped" when it was asked to stop; as "failed" with one line when
    the block raises, which goes on to the caller. The result is written last.

    Args:
        kind: What sort of job, such as "train".
        title: What people call it.
        project: The project that it works on.
        args: The command's arguments, for showing and copying.
        jobs_root: `Workspace.jobs_root`.
        slot: Wait for the workspace's compute slot first; the job is "queued" meanwhile.

    Raises:
        JobError: the folder that this process should join belongs to another worker.
        StopRequested: asked to stop while waiting for the slot.
    """
    about: dict[str, Any] = {"kind": kind, "title": title, "project": project, "meta": {}}
    membership = join() or make(jobs_root, {**new_spec(jobs_root, args), **about})
    path = membership.path
    if not slot:
        (path / files.WAITING).unlink(missing_ok=True)
    worker = Worker(path, make_display())
    outcome: dict[str, Any] = {"state": "failed", "error": "ended without a word"}
    with _listening(worker):  # until the result is written, which no signal may cut short
        try:
            worker.open()
            with membership.place(slot, lambda: worker.stop_requested) as place:
                files.write(path / files.BEGAN, {"began": files.utc_now(), "place": place})
                yield worker
                state = "stopped" if worker.stop_requested else "done"
                outcome = {"state": state, "result": worker.result}
        except BaseException as error:
            outcome = _outcome_of(error, jobs_root)
            raise
        finally:
            worker.close()
            try:
                write_result(path, {**outcome, "finished": files.utc_now()})
            finally:
                membership.leave()


@contextmanager
def _listening(worker: Worker) -> Iterator[None]:
    """Take SIGINT and SIGTERM as "stop and keep" for the block; only the main thread can."""
    in_main = threading.current_thread() is threading.main_thread()
    numbers = [signal.SIGINT, signal.SIGTERM] if in_main else []
    former = {number: signal.signal(number, worker.request_stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _outcome_of(error: BaseException, jobs_root: Path) -> dict[str, Any]:
    if isinstance(error, StopRequested | KeyboardInterrupt):
        return {"state": "stopped", "result": None}
    if isinstance(error, VcsoupError):
        return {"state": "failed", "error": str(error)}
    if (line := disk_fault(jobs_root, error)) is not None:
        return {"state": "failed", "error": line}
    first = (str(error).splitlines() or [""])[0]
    return {"state": "failed", "error": f"{type(error).__name__}: {first} (details in the log)"}
