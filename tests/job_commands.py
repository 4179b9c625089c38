"""A command small enough for job tests; run as `python tests/job_commands.py MODE JOBS_ROOT`."""

import signal
import sys
import time
from pathlib import Path

from vcsoup.errors import TrainingError
from vcsoup.jobs import job_worker


def main(mode: str, jobs_root: Path) -> None:
    options = {"kind": "test", "title": f"Testing {mode}", "project": "demo", "args": sys.argv[1:]}
    with job_worker(**options, jobs_root=jobs_root, slot=mode.endswith("slot")) as worker:
        if mode == "fail":
            raise TrainingError("too few pairs: 3; lower the threshold")
        if mode == "crash":
            raise KeyError("a fault of ours")
        if mode == "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        total = 3 if mode in ("finish", "finish-slot") else 3000
        for step in range(total):
            worker.report("stepping", step + 1, total, loss=1.0 / (step + 1))
            sys.stdout.write(f"step {step}\n")
            sys.stdout.flush()
            time.sleep(0.01)
            if worker.stop_requested and mode != "deaf":
                break
        worker.finish({"steps": step + 1})


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
