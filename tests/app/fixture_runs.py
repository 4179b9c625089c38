"""Training runs as their jobs leave them on disk, without training: for the tests of the screens.

`python -m tests.app.fixture_runs FOLDER` fills a workspace with twelve, one of them at work, to
look at by hand; it stays alive until it is ended.
"""

import contextlib
import math
import signal
import sys
import time
from pathlib import Path

import numpy as np

from vcsoup.errors import TrainingError
from vcsoup.jobs import Job, Jobs, Worker, job_worker
from vcsoup.training.config import PRESETS
from vcsoup.workspace import Workspace

STEPS = 100
EVERY = 25
HELD_OUT = 3
REPLIES = (
    "I can help with that. I can help with that.",
    "Begin with a list of what you need.",
    "Begin with a short list, then call a friend to share the work.",
    "Begin with a short list, call a friend, and leave an hour free for what goes wrong.",
)


def training(workspace: Workspace, value: str, group: str = "filtered", *, seed: int = 0):
    """Be the worker of one run, as the command line would."""
    args = ["train", "--project", "demo", "--value", value, "--group", group]
    args += ["--unfiltered"] if group == "unfiltered" else []
    args += ["--preset", "demo", "--seed", str(seed)]
    return _working(workspace, f"{value}, {group}", args)


def file_run(workspace: Workspace):
    """Be the worker of a project file."""
    return _working(workspace, "Running demo.yaml", ["run", "demo.yaml"])


def _working(workspace: Workspace, title: str, args: list[str]):
    return job_worker(
        kind=args[0],
        title=title,
        project="demo",
        args=args,
        jobs_root=workspace.jobs_root,
        slot=False,
    )


def report(worker: Worker, value: str, steps: range, *, seed: int = 0, level: float = 0.3) -> None:
    """Report some steps, and a look where one is due."""
    rng = np.random.default_rng([seed, steps.start])
    for step in steps:
        fall = 1 - math.exp(-step / 30)
        worker.report(
            f"training {value}",
            step,
            STEPS,
            loss=0.69 - (0.69 - level) * fall + float(rng.normal(0, 0.04)),
            accuracy=min(1.0, 0.5 + 0.4 * fall + float(rng.normal(0, 0.05))),
            margin=1.6 * fall + float(rng.normal(0, 0.1)),
            lr=7e-4 * (1 - step / STEPS),
            tokens_per_s=3100 + float(rng.normal(0, 60)),
            memory_mb=1210.0 + step / 10,
        )
        if step % EVERY == 0:
            worker.report(
                f"training {value}",
                step,
                STEPS,
                heldout_loss=0.69 - (0.66 - level) * fall,
                heldout_accuracy=0.5 + 0.36 * fall,
                heldout_margin=1.3 * fall,
                heldout_pairs=HELD_OUT,
                drift=-0.02 * fall,
                kl=0.12 * fall,
                sample=REPLIES[step // EVERY - 1],
                sample_prompt="How do I plan a birthday party?",
            )


def finished(workspace: Workspace, value: str, group: str = "filtered", *, seed: int = 0) -> Job:
    """A run that went to its end."""
    with training(workspace, value, group, seed=seed) as worker:
        level = 0.3 + 0.05 * seed + (0.06 if group == "unfiltered" else 0.0)
        report(worker, value, range(1, STEPS + 1), seed=seed, level=level)
    return noted(workspace, worker, value, group, seed)


def stopped(workspace: Workspace, value: str, group: str = "filtered", *, at: int = 42) -> Job:
    """A run that was asked to stop."""
    with training(workspace, value, group) as worker:
        report(worker, value, range(1, at + 1))
        worker.request_stop()
    return noted(workspace, worker, value, group, 0)


def failed(workspace: Workspace, value: str, group: str = "filtered") -> Job:
    """A run that failed at step 7."""
    with contextlib.suppress(TrainingError), training(workspace, value, group) as worker:
        report(worker, value, range(1, 8))
        raise TrainingError("the loss is no number at step 7; lower the learning rate (0.0007)")
    return noted(workspace, worker, value, group, 0)


def lost(workspace: Workspace, value: str, group: str = "filtered", *, at: int = 30) -> Job:
    """A run whose process was killed."""
    job = finished(workspace, value, group)
    lines = (job.path / "progress.jsonl").read_text().splitlines(keepends=True)
    (job.path / "progress.jsonl").write_text("".join(lines[: at + 1]))
    (job.path / "result.json").unlink()
    return job


def took(job: Job, began: str, finished: str, *, state: str) -> None:
    """Let the present attempt of a job have ended, with these times (UTC, ISO 8601)."""
    import json

    (job.path / "queued.json").unlink(missing_ok=True)
    (job.path / "began.json").write_text(json.dumps({"began": began}))
    (job.path / "result.json").write_text(json.dumps({"state": state, "finished": finished}))


def noted(workspace: Workspace, worker: Worker, value: str, group: str, seed: int) -> Job:
    """Let the job know its settings, as the form would have noted them."""
    import json

    config = PRESETS["demo"].model_copy(update={"seed": seed}).model_dump(mode="json")
    path = worker.path / "spec.json"
    spec = json.loads(path.read_text())
    spec["meta"] = {"value": value, "group": group, "preset": "demo", "config": config}
    path.write_text(json.dumps(spec))
    return Jobs(workspace.jobs_root).get(worker.path.name)


def twelve(workspace: Workspace) -> None:
    """Twelve runs in many states; the last is at work until this process ends."""
    values = ("helpful", "harmless", "humorous")
    for group in ("filtered", "unfiltered"):
        for value in values:
            finished(workspace, value, group)
    finished(workspace, "helpful", seed=1)
    stopped(workspace, "harmless")
    failed(workspace, "humorous")
    lost(workspace, "helpful", "unfiltered")
    finished(workspace, "harmless", seed=2)
    with training(workspace, "humorous", seed=3) as worker:
        for step in range(1, STEPS):
            report(worker, "humorous", range(step, step + 1), seed=step)
            time.sleep(1.0 if step > 60 else 0.02)
            if worker.stop_requested:
                return
        signal.pause()


if __name__ == "__main__":
    twelve(Workspace(Path(sys.argv[1])))
