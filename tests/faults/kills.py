"""kill -9 of training processes at chosen moments, and of the queue's runner."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil

from tests.faults.inspection import Treasure, broken, half_written, losses, newest_step, treasure
from tests.faults.ledger import Row
from tests.faults.scene import End, Scene
from vcsoup.jobs import Job
from vcsoup.jobs import folder as files

MOMENTS = {"starting": 0.15, "training": 0.45, "writing a checkpoint": 0.3, "ending": 0.1}
"""When a training is killed, and how often: the share of each moment."""

PER_RUN = 5
# Equal sums in equal order give equal bits; what is allowed is the noise of one float32 unit.
TOLERANCE = 1e-6
_LOOK_EVERY_S = 0.001


def kill_trainings(
    scene: Scene, reference: End, *, kills: int, seed: int, lanes: int = 2
) -> list[Row]:
    """Kill trainings, resume each until it ends, and compare its end with the uninterrupted one.

    Args:
        scene: Where.
        reference: The end of the uninterrupted run.
        kills: How often in all.
        seed: Fixes moments and their order.
        lanes: How many runs at once.

    Returns:
        A row per moment.
    """
    rows = {moment: Row(f"kill -9 of a training, {moment}") for moment in MOMENTS}
    lock, waiting = threading.Lock(), _moments(kills, seed)
    per_run = min(PER_RUN, -(-kills // lanes))
    scene.jobs.set_places(lanes)

    def lane(number: int) -> None:
        rng = np.random.default_rng([seed, number])
        count = 0
        while moments := _take(waiting, per_run, lock):
            count += 1
            job = scene.begin(f"lane{number}-{count}")
            hit, left = _kill_one_run(scene, job, moments, rng, rows, lock)
            with lock:
                waiting.extend(left)
            compare(scene, job, reference, hit or [rows[moments[0]]])

    threads = [threading.Thread(target=lane, args=(number,)) for number in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(rows.values())


def kill_runners(scene: Scene, reference: End, *, kills: int, seed: int) -> Row:
    """Kill the queue's runner with a run under way and others waiting; all must still end."""
    row, rng = Row("kill -9 of the queue's runner"), np.random.default_rng(seed)
    scene.jobs.set_places(1)
    for number in range(kills):
        jobs = [scene.begin(f"runner{number}-{turn}") for turn in range(2)]
        time.sleep(rng.uniform(0.0, 4.0))
        before, order = treasure(scene), [job.id for job in scene.jobs.queue()]
        if _kill_runner(scene):
            row.injected += 1
        row.lost += losses(scene, before)
        if [job.id for job in scene.jobs.queue()] not in (order, order[1:]):
            row.lost.append(f"the order of the queue: {order}")
        for job in jobs:
            row.half += broken(scene, job)
            compare(scene, job, reference, [row])
    return row


def strike(scene: Scene, job: Job, moment: str, rng: np.random.Generator) -> Treasure | None:
    """Kill the job's worker at a moment; None when it ended before.

    Returns:
        What was whole just before the blow.
    """
    worker = _worker_of(scene, job)
    step = int(rng.integers(newest_step(job), scene.steps))
    if moment == "starting":
        time.sleep(rng.uniform(0.0, 3.0))
    elif moment != "ending":
        until(job, lambda: step_of(job) >= step)
        time.sleep(rng.uniform(0.0, 0.05) if moment == "training" else 0.0)
    if moment == "writing a checkpoint":
        until(job, lambda: half_written(job))
    if moment == "ending":
        until(job, lambda: any(_adapters_being_written(scene)))
    before = treasure(scene)
    if worker is None or not worker.is_running() or (job.path / files.RESULT).exists():
        return None
    worker.kill()
    scene.wait(lambda: _has_left(job, worker), f"the death of {job.title}")
    return None if job.state == "done" else before


def revive(scene: Scene, job: Job) -> None:
    """Resume a job that was hit; one that never began may be started again by the queue itself.

    "Queued" may be what it says until the queue's runner notes that its worker died.
    """
    scene.wait(
        lambda: job.state in ("lost", "failed", "running", "done"), f"the state of {job.title}"
    )
    if job.state in ("lost", "failed"):
        scene.jobs.resume(job.id)


def _moments(kills: int, seed: int) -> list[str]:
    counts = [round(share * kills) for share in MOMENTS.values()]
    counts[1] += kills - sum(counts)
    names = [name for name, count in zip(MOMENTS, counts, strict=True) for _ in range(count)]
    return list(np.random.default_rng(seed).permutation(names))


def _take(waiting: list[str], most: int, lock: threading.Lock) -> list[str]:
    """Take the moments of one run out of those that wait; the end of a run comes last."""
    with lock:
        taken = [waiting.pop() for _ in range(min(most, len(waiting)))]
    return sorted(taken, key=lambda moment: moment == "ending")


def _kill_one_run(
    scene: Scene,
    job: Job,
    moments: list[str],
    rng: np.random.Generator,
    rows: dict[str, Row],
    lock: threading.Lock,
) -> tuple[list[Row], list[str]]:
    """Kill a run at each moment in turn; return the rows that it counts for, and moments left."""
    hit: list[Row] = []
    for index, moment in enumerate(moments):
        before = strike(scene, job, moment, rng)
        if before is None:
            return hit, moments[index:]
        row = rows[moment]
        with lock:
            row.injected += 1
            row.amid += half_written(job)
            row.lost += losses(scene, before)
            row.half += broken(scene, job)
        sys.stderr.write(f"killed {job.title} at step {step_of(job)}, {moment}\n")
        hit += [] if row in hit else [row]
        revive(scene, job)
    return hit, []


def compare(scene: Scene, job: Job, reference: End, rows: list[Row]) -> None:
    """Let a run end, and note in its rows whether it ended as the uninterrupted one did."""
    try:
        scene.finish(job)
        distance = scene.end_of(job).distance(reference)
        wrong = "" if distance <= TOLERANCE else f"{job.title} differs by {distance:.1e}"
    except (TimeoutError, LookupError) as error:
        distance, wrong = 0.0, str(error)
    for row in rows:
        row.runs.append(job.id)
        row.furthest = max(row.furthest, distance)
        row.stuck += [wrong] if wrong else []


def _worker_of(scene: Scene, job: Job) -> psutil.Process | None:
    """Wait for the worker of the present attempt; None when the job ended before."""
    found: list[psutil.Process] = []

    def look() -> bool:
        process = files.find_process(files.read(job.path / files.IDENTITY))
        found.extend([process] if process and _lives(process) else [])
        return bool(found) or not job.active

    scene.wait(look, f"the worker of {job.title}", seconds=120.0)
    return found[0] if found else None


def _has_left(job: Job, worker: psutil.Process) -> bool:
    """Tell whether a killed worker is gone with all its threads: only then its lock is free."""
    newer = (files.read(job.path / files.IDENTITY) or {}).get("pid") != worker.pid
    return not _lives(worker) and (newer or not files.is_locked(job.path / files.LOCK))


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def until(job: Job, true: Callable[[], bool]) -> None:
    """Look often until something is true or the job has ended."""
    looks = 0
    while not true():
        looks += 1
        if looks % 200 == 0 and not job.active:
            return
        time.sleep(_LOOK_EVERY_S)


def step_of(job: Job) -> int:
    latest = job.latest()
    return int(latest["done"]) if latest and str(latest["stage"]).startswith("training") else 0


def _adapters_being_written(scene: Scene) -> Iterator[Path]:
    return scene.project.adapter_dir("x").parent.glob(".*/adapter_model.safetensors")


def _kill_runner(scene: Scene) -> bool:
    """Kill the process that holds the runner's lock, if there is one."""
    process = files.find_process(files.read(scene.jobs.root / "runner.json"))
    if process is None:
        return False
    process.kill()
    return True
