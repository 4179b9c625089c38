"""The queue's runner: starts the next job when a place is free, and exits when all is quiet.

It keeps nothing in memory that matters: killed at any moment, the next runner reads the folders and
goes on (`vcsoup.jobs.waking`). It knows other schedulers only as launchers: it hands their jobs
over at once, and asks about them every two seconds.
"""

import logging
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from vcsoup.errors import JobError, VcsoupError
from vcsoup.jobs import folder as files
from vcsoup.jobs import queue
from vcsoup.jobs.disk import remedy, write_failure, writing
from vcsoup.jobs.job import Job
from vcsoup.jobs.launchers import LOCAL, Launcher, launcher_named
from vcsoup.jobs.slot import Place, free_place
from vcsoup.jobs.starting import start_worker
from vcsoup.jobs.waking import IDENTITY, LOCK, LOCK_VARIABLE

IDLE_S = 60.0

_LOOK_EVERY_S, _ASK_EVERY_S = 0.5, 2.0
# A worker that dies this often before it begins will not begin the next time either.
_MOST_LAUNCHES = 3

_log = logging.getLogger(__name__)


def run_queue(root: Path, python_args: Sequence[str], idle: float = IDLE_S) -> bool:
    """Run the queue until nothing was to do for `idle` seconds.

    Args:
        root: The jobs folder.
        python_args: What stands between the interpreter and a job's arguments.
        idle: Seconds without anything queued, or with another scheduler, until it returns.

    Returns:
        False when another process runs the queue already; then nothing was done.
    """
    with writing(root, "the queue cannot be run"):
        root.mkdir(parents=True, exist_ok=True)
    lock = files.adopt_lock(root / LOCK, os.environ.pop(LOCK_VARIABLE, None))
    lock = files.take_lock(root / LOCK, patience=1.0) if lock is None else lock
    if lock is None:
        return False
    try:
        with suppress(OSError):  # on a full disk it waits for room
            files.write(root / IDENTITY, files.identity_of(os.getpid()))
        runner = Runner(root, python_args)
        while root.is_dir():
            runner.run(idle)
            # Whoever enqueues holds the start lock too: it finds this runner alive and at work, or
            # gone.
            with files.one_at_a_time(root):
                if not queue.has_work(root):
                    (root / IDENTITY).unlink(missing_ok=True)
                    os.close(lock)
                    return True
        os.close(lock)
    except BaseException:
        os.close(lock)
        raise
    return True


def run_detached(root: str) -> None:
    """Be the runner that `ensure_runner` starts: its words go to `runner.log`, with their time."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    run_queue(Path(root), ["-m", "vcsoup"])


class Runner:
    """One look after the other at what waits; the lock is held by the caller."""

    def __init__(self, root: Path, python_args: Sequence[str]) -> None:
        self._root = root
        self._python_args = list(python_args)
        self._launchers: dict[str, Launcher] = {}
        self._asked = 0.0
        self._said = ""

    def run(self, idle: float) -> None:
        """Look until nothing was to do for `idle` seconds, or the folder is gone."""
        last_work = time.monotonic()
        while self._root.is_dir() and time.monotonic() - last_work < idle:
            if self.look():
                last_work = time.monotonic()
            time.sleep(_LOOK_EVERY_S)

    def look(self) -> bool:
        """Ask about what is with other schedulers, start what can be started; False: no work."""
        far_away = queue.jobs_elsewhere(self._root)
        if time.monotonic() - self._asked >= _ASK_EVERY_S:
            self._asked = time.monotonic()
            for job in far_away:
                self._ask(job)
        waiting = queue.waiting_jobs(self._root)
        try:
            for job in waiting:
                if job.launcher != LOCAL:
                    self._hand_over(job)
            self._fill_places([job for job in waiting if job.launcher == LOCAL])
        except OSError as error:
            # A full disk: what waits goes on waiting until there is room again.
            self._say(f"the queue rests: {remedy(self._root, error)}")
        return bool(far_away or waiting)

    def _fill_places(self, waiting: Sequence[Job]) -> None:
        for job in waiting:
            place = free_place(self._root)
            if place is None:
                return
            try:
                self._start(job, place)
            finally:
                # A worker that was started holds the place by its own copy of the lock.
                place.leave()

    def _start(self, job: Job, place: Place) -> None:
        own = job.path / files.LOCK
        with files.one_at_a_time(self._root), files.holding(own, patience=1.0) as lock:
            if lock is None:
                return
            try:
                if _count_launch(job):
                    for name in files.OF_ONE_ATTEMPT:
                        (job.path / name).unlink(missing_ok=True)
                    start_worker(job, self._python_args, lock, place)
            except JobError as error:
                self._say(str(error))

    def _hand_over(self, job: Job) -> None:
        with files.one_at_a_time(self._root):
            if not _count_launch(job):
                return
        # Without the lock: asking another machine may take long.
        try:
            launcher = self._launcher(job)
            launcher.launch(job.path, job.args)
            if (job.path / files.RESULT).exists():  # stopped meanwhile
                launcher.kill(job.path)
        except VcsoupError as error:
            write_failure(job.path, str(error))
        (job.path / files.QUEUED).unlink(missing_ok=True)

    def _ask(self, job: Job) -> None:
        try:
            self._launcher(job).poll(job.path)
        except VcsoupError as error:
            self._say(f"{job.id}: {error}")

    def _launcher(self, job: Job) -> Launcher:
        name = job.launcher
        if name not in self._launchers:
            self._launchers[name] = launcher_named(name, self._root)
        return self._launchers[name]

    def _say(self, line: str) -> None:
        if line != self._said:
            self._said = line
            _log.warning("%s", line)


def _count_launch(job: Job) -> bool:
    """Note that a queued job is being started; False when it left the queue or never begins."""
    mark = files.read(job.path / files.QUEUED)
    if mark is None or (job.path / files.RESULT).exists():
        return False
    launches = int(mark.get("launches", 0)) + 1
    if launches > _MOST_LAUNCHES:
        last = (job.log_tail(1) or ["it printed nothing"])[0]
        reason = f"the worker died {_MOST_LAUNCHES} times before it began (last words: {last})"
        write_failure(job.path, reason)
        return False
    files.write(job.path / files.QUEUED, {**mark, "launches": launches})
    return True
