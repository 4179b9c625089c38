"""Stopping a job: out of the queue, by asking its worker, and by force after a grace.

A worker whose steps take long says how much patience it needs to end the present one; the usual
grace is then as long as that. Asking again ends it at once.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from vcsoup.jobs import folder as files
from vcsoup.jobs.disk import write_result, writing
from vcsoup.jobs.remote import read_remote

GRACE_S = 20.0


def stop(path: Path, grace: float, active: Callable[[], bool]) -> None:
    """Take a job out of the queue, or ask its worker to stop; see `Job.stop`.

    Args:
        path: The job's folder.
        grace: Seconds until a worker that does not stop is killed. What another scheduler runs is
            killed by the queue's runner, through its launcher.
        active: Tells whether the job still has to end.
    """
    with writing(path.parent, f"{path.name} cannot be stopped"):
        if _leave_queue(path):
            return
        asked = path / files.STOP
        if asked.exists() and time.time() - asked.stat().st_mtime > grace:
            _signal(path, signal.SIGKILL)
            if read_remote(path) is not None:
                _ask(asked, 0.0)  # what runs elsewhere hears of it through its launcher
            return
        if not asked.exists():
            _ask(asked, grace)
    # A worker without a heartbeat has not installed its handlers: it finds the request.
    if (path / files.HEARTBEAT).exists():
        _signal(path, signal.SIGTERM)
    if read_remote(path) is None:
        _kill_after(grace, path, active, _request(path))


def asked_to_stop_since(path: Path) -> tuple[float, float] | None:
    """Return how many seconds ago a job was asked to stop, and the grace; None when it was not.

    The usual grace, or a longer one, is at least the patience that the worker asked for.
    """
    asked = path / files.STOP
    try:
        seconds, text = time.time() - asked.stat().st_mtime, asked.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return seconds, _at_least_patience(path, float(text) if text else GRACE_S)


def _at_least_patience(path: Path, grace: float) -> float:
    """The grace; one as long as the usual is also what the worker needs to end its step."""
    with suppress(FileNotFoundError):
        needed = float((path / files.PATIENCE).read_text(encoding="utf-8"))
        return max(grace, needed) if grace >= GRACE_S else grace
    return grace


def _ask(asked: Path, grace: float) -> None:
    try:
        files.write_text(asked, f"{grace:g}")
    except OSError:
        # An empty file finds room on a full disk; the worker's own ear is the signal.
        asked.touch()


def _leave_queue(path: Path) -> bool:
    """End a job that waits without a process; False when it does not, or is being started."""
    with files.one_at_a_time(path.parent):
        if not (path / files.QUEUED).exists() or (path / files.RESULT).exists():
            return False
        with files.holding(path / files.LOCK, patience=1.0) as lock:
            if lock is None:
                return False
            try:
                outcome = {"state": "stopped", "result": None, "finished": files.utc_now()}
                write_result(path, outcome)
            except OSError:
                # An empty file finds room on a full disk, and says the same.
                (path / files.STOP).touch()
            (path / files.QUEUED).unlink(missing_ok=True)
    return True


def _request(path: Path) -> int | None:
    """What tells a request to stop apart from a later one of the same job; None without any."""
    with suppress(FileNotFoundError):
        return (path / files.STOP).stat().st_mtime_ns
    return None


def _kill_after(
    grace: float,
    path: Path,
    active: Callable[[], bool],
    request: int | None,
    *,
    waited: float = 0.0,
) -> None:
    """Kill the worker when the grace is over, unless the job was resumed since the request."""
    until = _at_least_patience(path, grace)

    def kill() -> None:
        if not active() or request is None or _request(path) != request:
            return
        if _at_least_patience(path, grace) > until:  # the worker asked for it meanwhile
            _kill_after(grace, path, active, request, waited=until)
        else:
            _signal(path, signal.SIGKILL)

    timer = threading.Timer(until - waited, kill)
    timer.daemon = True
    timer.start()


def _signal(path: Path, number: signal.Signals) -> None:
    """Signal the worker itself to stop, or its whole session to die.

    Only a process with the recorded pid *and* start time is signalled. A worker that we started
    leads a session of its own; one typed in a terminal does not, so its group is left alone.
    """
    process = files.find_process(files.read(path / files.IDENTITY))
    if process is None:
        return
    with suppress(ProcessLookupError):
        if number == signal.SIGKILL and os.getsid(process.pid) == process.pid:
            os.killpg(process.pid, number)
        else:
            os.kill(process.pid, number)
