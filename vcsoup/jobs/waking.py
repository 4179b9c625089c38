"""Seeing to it that the queue's runner lives while there is work for it.

Whoever enqueues asks for it, and so do the pages while something waits; asked of a living runner,
it costs one look at a lock.
"""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from vcsoup.jobs import folder as files
from vcsoup.jobs.disk import writing
from vcsoup.jobs.queue import has_work
from vcsoup.jobs.spawn import spawn

LOCK, IDENTITY, LOG = "runner.lock", "runner.json", "runner.log"
LOCK_VARIABLE = "VCSOUP_RUNNER_LOCK"

# A runner that does not come up is not started again before this.
_PATIENCE_S = 5.0


def ensure_runner(root: Path, python_args: Sequence[str]) -> None:
    """Start the runner of a jobs folder when there is work for it and it does not live.

    Raises:
        JobError: it cannot be started.
    """
    if files.is_locked(root / LOCK) or not has_work(root):
        return
    with writing(root, "the queue cannot be started"), files.one_at_a_time(root):
        if _is_coming_up(root):
            return
        with files.holding(root / LOCK, patience=1.0) as lock:
            if lock is None:
                return
            files.write(root / IDENTITY, {"asked": time.time()})
            process = spawn(
                [*python_args, "jobs", "run", "--folder", str(root.resolve())],
                log=root / LOG,
                environment={LOCK_VARIABLE: str(lock)},
                descriptors=[lock],
            )
    threading.Thread(target=process.wait, daemon=True).start()


def _is_coming_up(root: Path) -> bool:
    """Tell whether a runner was asked for a moment ago and has not got as far as its first look."""
    asked = float((files.read(root / IDENTITY) or {}).get("asked", 0.0))
    return 0.0 <= time.time() - asked < _PATIENCE_S
