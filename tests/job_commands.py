"""A command small enough for job tests; run as `python tests/job_commands.py MODE JOBS_ROOT`."""

import os
import signal
import sys
import time
from pathlib import Path

import vcsoup.jobs.worker
from vcsoup.errors import TrainingError
from vcsoup.jobs import Worker, job_worker
from vcsoup.jobs.folder import write_text
from vcsoup.jobs.runner import run_queue


def main(mode: str, jobs_root: Path) -> None:
    options = {"kind": "test", "title": f"Testing {mode}", "project": "demo", "args": sys.argv[1:]}
    with job_worker(**options, jobs_root=jobs_root, slot=mode.endswith("slot")) as worker:
        if mode == "fail":
            raise TrainingError("too few pairs: 3; lower the threshold")
        if mode == "crash":
            raise KeyError("a fault of ours")
        if mode == "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if mode in ("climb", "crawl"):
            climb(worker, 0.01 if mode == "climb" else 0.06)
            return
        if mode == "slow":
            walk_slowly(worker)
            return
        total = 3 if mode in ("finish", "finish-slot") else 3000
        for step in range(total):
            worker.report("stepping", step + 1, total, loss=1.0 / (step + 1))
            sys.stdout.write(f"step {step}\n")
            sys.stdout.flush()
            time.sleep(0.01)
            if worker.stop_requested and mode != "deaf":
                break
        device = os.environ.get("CUDA_VISIBLE_DEVICES")
        worker.finish({"steps": step + 1} | ({"device": device} if device else {}))


def walk_slowly(worker: Worker) -> None:
    """Take steps of a second, which nothing cuts short, where half of one is the usual grace."""
    vcsoup.jobs.worker.GRACE_S = 0.5
    step = 0
    while not worker.stop_requested:
        time.sleep(1.0)
        step += 1
        worker.report("walking", step, 40, height=step)
    worker.finish({"steps": step})


def climb(worker: Worker, pause: float) -> None:
    """Take 40 steps, each kept as a checkpoint; a next attempt goes on behind the last one."""
    folder = worker.checkpoints / "part" / "checkpoint-1"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "complete.json"
    first = int(kept.read_text()) if kept.exists() else 0
    step = first
    while step < 40 and not worker.stop_requested:
        step += 1
        write_text(kept, str(step))
        worker.report("climbing", step, 40, height=step)
        time.sleep(pause)
    worker.finish({"steps": step, "first": first})


if __name__ == "__main__":
    if sys.argv[1:3] == ["jobs", "run"]:
        run_queue(Path(sys.argv[4]), [__file__], idle=3.0)
        sys.exit()
    if sys.argv[1] == "broken":
        sys.exit("no module named nonsense")
    main(sys.argv[1], Path(sys.argv[2]))
