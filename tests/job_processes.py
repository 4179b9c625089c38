"""Jobs as real processes that run `tests/job_commands.py`, and waiting for what they do."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from vcsoup.jobs import Jobs
from vcsoup.jobs.forked import SOCKET
from vcsoup.jobs.spawn import spawn

SCRIPT = Path(__file__).parent / "job_commands.py"


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Look again and again until something is true; fails when it does not come true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@contextmanager
def own_jobs(root: Path) -> Iterator[Jobs]:
    """A folder of jobs; those that are still active at the end are stopped."""
    jobs = Jobs(root, python_args=(str(SCRIPT),))
    yield jobs
    for job in jobs.list():
        job.stop(grace=0.0)
    wait_until(lambda: not any(job.active for job in jobs.list()))


@contextmanager
def few_libraries_server(
    root: Path, *, libraries: Sequence[str] = (), **options: Any
) -> Iterator[psutil.Process]:
    """A fork server with few libraries, which is ready soon; it ends with the block."""
    code = (
        "import sys; from pathlib import Path; from vcsoup.jobs import forkserver\n"
        f"forkserver._LIBRARIES = {dict.fromkeys(libraries, ())}\n"
        "forkserver.main(Path(sys.argv[1]), int(sys.argv[2]))"
    )
    read, write = os.pipe()
    args, log = ["-c", code, str(root), str(read)], root / "server.log"
    process = spawn(args, log=log, descriptors=[read], **{"environment": {}, **options})
    os.close(read)
    try:
        wait_until(lambda: (root / SOCKET).exists(), 120.0)
        yield psutil.Process(process.pid)
    finally:
        os.close(write)
        process.wait(120.0)
