"""A disk that fills up, and folders that become read-only, under trainings that are running.

Real ones: a tmpfs of a few megabytes, and read-only bind mounts, in a mount namespace of this
process's own, so nothing outlives it. `python -m tests.faults.disks` is started by
`tests.faults.run` behind `unshare`, and prints its rows as JSON.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np

from tests.faults.inspection import broken, half_written, losses, newest_step, treasure
from tests.faults.kills import compare, revive, step_of, until
from tests.faults.ledger import Row
from tests.faults.scene import End, Scene
from vcsoup.errors import JobError
from vcsoup.jobs import Job

MEGABYTES = 24
REMEDY = re.compile(r"^[^\n]*(free some space|make it writable)[^\n]*$")
FREE_BYTES = (0, 4096, 65_536, 200_000)
"""What is left on the full disk: nothing, a page, less than a checkpoint, about one."""


def main(steps: int, seed: int) -> None:
    """Do all faults of disks in a fresh scene on a small disk; print the rows."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        disk = Path(folder)
        _mount("-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(disk))
        try:
            scene = Scene(disk, steps=steps)
            reference = scene.end_of(scene.finish(scene.begin("reference")))
            rows = [
                fill(scene, reference, disk, seed=seed),
                forbid_start(scene, reference),
                forbid_running(scene, reference, seed=seed),
            ]
            sys.stdout.write(json.dumps([asdict(row) for row in rows]) + "\n")
        finally:
            scene.close()
            subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(scene: Scene, reference: End, disk: Path, *, seed: int) -> Row:
    """Fill the disk under running trainings, then make room and resume."""
    row, rng = (
        Row(f"full disk ({MEGABYTES} MB tmpfs) under a training"),
        np.random.default_rng(seed),
    )
    for number, free in enumerate(FREE_BYTES):
        job = scene.begin(f"full{number}")

        @contextmanager
        def full(free: int = free) -> Iterator[None]:
            ballast = disk / "ballast"
            _fill(ballast, free)
            try:
                yield
            finally:
                ballast.unlink()

        _hit(scene, job, row, full, rng)
        compare(scene, job, reference, [row])
    return row


def forbid_running(scene: Scene, reference: End, *, seed: int) -> Row:
    """Make folders read-only under running trainings, then writable again, and resume."""
    row, rng = Row("folder made read-only under a training"), np.random.default_rng(seed)
    targets: list[Callable[[Job], Path]] = [
        lambda job: next(job.checkpoints.glob("*")),
        lambda job: scene.project.adapter_dir("x").parent,
    ]
    for number, target in enumerate(targets):
        job = scene.begin(f"forbidden{number}")
        _hit(scene, job, row, lambda job=job, target=target: read_only(target(job)), rng)
        compare(scene, job, reference, [row])
    return row


def forbid_start(scene: Scene, reference: End) -> Row:
    """Start a run in a read-only jobs folder: one line, no half a job; later it starts."""
    row = Row("start in a read-only folder")
    before = treasure(scene)
    with read_only(scene.jobs.root):
        try:
            scene.begin("early")
            row.stuck.append("a start in a read-only folder gave no error")
        except JobError as error:
            row.injected += 1
            if "\n" in str(error) or str(scene.jobs.root) not in str(error):
                row.vague.append(str(error))
    row.lost += losses(scene, before)
    compare(scene, scene.begin("late"), reference, [row])
    return row


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder read-only for the block, also for root, who heeds no permissions."""
    _mount("--bind", str(folder), str(folder))
    try:
        _mount("-o", "remount,bind,ro", str(folder))
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _hit(scene: Scene, job: Job, row: Row, fault: Callable, rng: np.random.Generator) -> None:
    """Inject a fault of the disk at a random step; note what came of it, and resume."""
    step = int(rng.integers(4, scene.steps // 2))
    scene.wait(lambda: newest_step(job) or not job.active, "a checkpoint", seconds=120.0)
    until(job, lambda: step_of(job) >= step and not half_written(job))
    before = treasure(scene)
    with fault():
        row.injected += 1
        scene.finish(job)
        # What is listed now was made before the fault, or in spite of it.
        row.half += broken(scene, job)
        if job.state == "done" and scene.adapter(job) is None:
            row.stuck.append(f"{job.title} is listed as done without an adapter")
        if job.state == "failed" and not REMEDY.search(job.error or ""):
            row.vague.append(f"{job.title}: {job.error}")
        state, error = job.state, job.error
    row.lost += losses(scene, before)
    sys.stderr.write(f"{row.fault}, {job.title}: {state}: {error}\n")
    if state != "done":
        revive(scene, job)


def _fill(ballast: Path, free: int) -> None:
    """Write until the disk is full but for `free` bytes."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            size = file.tell() // 4096 * 4096
            file.truncate(max(0, size - free))


def _mount(*args: str) -> None:
    subprocess.run(["mount", *args], check=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
