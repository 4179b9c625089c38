"""What a long command does to be a job: hold the lock, report, hear "stop", leave a result.

The command line wraps its long verbs in `job_worker`. Started by `Jobs.start`, the worker joins the
folder made for it; typed in a terminal, it makes its own, so the app shows it all the same.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TextIO

from vcsoup.errors import JobError, VcsoupError
from vcsoup.jobs import folder as files
from vcsoup.jobs.display import Display, make_display
from vcsoup.jobs.launch import JOB_VARIABLE, LOCK_VARIABLE, utc_now
from vcsoup.jobs.slot import compute_slot
from vcsoup.monitor import StopRequested

# Reports without figures that come faster than this are not worth a line.
_SHORTEST_GAP_S = 0.1


class Worker:
    """The `Monitor` of a job: writes reports for the pages and shows them on the terminal."""

    def __init__(self, path: Path, display: Display) -> None:
        self.path = path
        self.result: Mapping[str, Any] = {}
        self.stop_requested = False
        self._display = display
        self._file: TextIO | None = None
        self._last = ("", 0.0)

    def open(self) -> None:
        """Make the progress file, which tells others that this worker hears signals."""
        self._file = (self.path / files.PROGRESS).open("a", encoding="utf-8")
        if (self.path / files.STOP).exists():
            self.stop_requested = True

    def report(self, stage: str, done: int, total: int, **figures: object) -> None:
        """Write one report (see `vcsoup.monitor.Monitor`)."""
        now = time.time()
        same_stage = stage == self._last[0]
        if same_stage and not figures and done < total and now - self._last[1] < _SHORTEST_GAP_S:
            return
        self._last = (stage, now)
        record = {"time": now, "stage": stage, "done": int(done), "total": int(total), **figures}
        if self._file is not None:
            self._file.write(json.dumps(files.plain(record), ensure_ascii=False) + "\n")
            self._file.flush()
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
            (self.path / files.STOP).touch()
            # Straight to the descriptor: the stream may be in the middle of a write.
            os.write(2, b"stopping; what is finished is kept (Ctrl-C again aborts)\n")

    def close(self) -> None:
        """Close the progress file and the display."""
        self._display.close()
        if self._file is not None:
            self._file.close()


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
    spec: dict[str, Any] = {
        **{"kind": kind, "title": title, "project": project, "args": list(args), "meta": {}},
        "created": utc_now(),
    }
    path, lock = _join() or _make(jobs_root, spec)
    files.write(path / files.IDENTITY, files.identity_of(os.getpid()))
    if not slot:
        (path / files.WAITING).unlink(missing_ok=True)
    worker = Worker(path, make_display())
    outcome: dict[str, Any] = {"state": "failed", "error": "ended without a word"}
    try:
        with _listening(worker):
            with compute_slot(path, lambda: worker.stop_requested) if slot else nullcontext():
                yield worker
            state = "stopped" if worker.stop_requested else "done"
            outcome = {"state": state, "result": worker.result}
    except BaseException as error:
        outcome = _outcome_of(error)
        raise
    finally:
        worker.close()
        files.write(path / files.RESULT, {**outcome, "finished": utc_now()})
        os.close(lock)


def _join() -> tuple[Path, int] | None:
    """Join the folder that `Jobs.start` made for this process, if it did."""
    # Taken out of the environment: commands that this one starts are not this job.
    folder = os.environ.pop(JOB_VARIABLE, None)
    inherited = os.environ.pop(LOCK_VARIABLE, None)
    if folder is None:
        return None
    path = Path(folder)
    lock = _inherited_lock(path, inherited)
    if lock is None or (path / files.PROGRESS).exists():
        raise JobError(f"job {path.name} was started already; start a new one")
    return path, lock


def _inherited_lock(path: Path, descriptor: str | None) -> int | None:
    """Return the lock that the starter took for us, or take it when nobody has."""
    with suppress(OSError, TypeError, ValueError):
        inherited = int(descriptor or "none")
        if os.path.samestat(os.fstat(inherited), (path / files.LOCK).stat()):
            os.set_inheritable(inherited, False)
            return inherited
    return files.take_lock(path / files.LOCK)


def _make(jobs_root: Path, spec: Mapping[str, Any]) -> tuple[Path, int]:
    path = files.new_folder(jobs_root, str(spec["kind"]))
    lock = files.take_lock(path / files.LOCK)
    assert lock is not None  # nobody else knows this folder
    files.write(path / files.SPEC, spec)
    return path, lock


@contextmanager
def _listening(worker: Worker) -> Iterator[None]:
    """Take SIGINT and SIGTERM as "stop and keep" for the block; only the main thread can."""
    in_main = threading.current_thread() is threading.main_thread()
    numbers = [signal.SIGINT, signal.SIGTERM] if in_main else []
    former = {number: signal.signal(number, worker.request_stop) for number in numbers}
    try:
        worker.open()
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _outcome_of(error: BaseException) -> dict[str, Any]:
    if isinstance(error, StopRequested | KeyboardInterrupt):
        return {"state": "stopped", "result": None}
    if isinstance(error, VcsoupError):
        return {"state": "failed", "error": str(error)}
    first = (str(error).splitlines() or [""])[0]
    return {"state": "failed", "error": f"{type(error).__name__}: {first} (details in the log)"}
