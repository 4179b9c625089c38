"""The queue: jobs without a process, in the order in which they are to run.

A queued job is a folder with `queued.json`; no process waits for it. Whatever changes what is
queued holds the start lock of the jobs folder; what is half done when a process dies is either not
visible yet or still as before.
"""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from vcsoup.errors import JobError
from vcsoup.jobs import folder as files
from vcsoup.jobs.job import ENDED_EARLY, Job
from vcsoup.jobs.launchers import LOCAL
from vcsoup.jobs.order import Order
from vcsoup.jobs.remote import REMOTE


def waiting_jobs(root: Path) -> list[Job]:
    """Return the jobs that wait without a process, the next one first."""
    position = {job: index for index, job in enumerate(Order(root).ids())}
    found = []
    for mark in root.glob(f"*/{files.QUEUED}"):
        if (job := _queued(mark)) is not None:
            since = (files.read(mark) or {}).get("queued", "")
            found.append((position.get(job.id, len(position)), since, job.id, job))
    return [job for *_, job in sorted(found, key=lambda entry: entry[:3])]


def enqueue(root: Path, spec: Mapping[str, Any]) -> Job:
    """Make a queued job at the end of the queue; the start lock is held by the caller."""
    path = files.new_folder(root, str(spec["kind"]))
    try:
        # The spec comes last: with it, the job can be seen.
        files.write(path / files.QUEUED, {"queued": files.utc_now()})
        _append(root, path.name)
        files.write(path / files.SPEC, spec)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
    return Job(path)


def requeue(root: Path, job: Job) -> None:
    """Put a job that ended early back, at the end of the queue.

    Its former result stays as `result-<attempt>.json`, with the seconds that it took; progress, log
    and checkpoints stay as they are. A job that waits or runs already is left alone. The start lock
    is held by the caller.

    Raises:
        JobError: the job is done, or about to stop.
    """
    state = job.state
    if state in ("queued", "running"):
        return
    if state not in ENDED_EARLY:
        rest = "there is nothing left to do" if state == "done" else "wait until it has stopped"
        raise JobError(f"{job.title} is {state}; {rest}")
    outcome = {"state": state, "error": job.error, "finished": None}
    with files.holding(job.path / files.LOCK, patience=1.0) as lock:
        if lock is None:
            raise JobError(f"{job.title} is being started by another process; look again")
        _requeue(root, job, outcome)


def move(root: Path, job_id: str, place: int) -> None:
    """Let a queued job wait at `place`, 0 being the next; the start lock is held by the caller.

    Raises:
        JobError: the job does not wait in the queue, or the place is below 0.
    """
    if place < 0:
        raise JobError(f"place {place} is below 0; 0 is the next to run")
    ids = [job.id for job in waiting_jobs(root)]
    if job_id not in ids:
        raise JobError(f"job {job_id} does not wait in the queue; only what waits can be moved")
    ids.remove(job_id)
    ids.insert(place, job_id)
    Order(root).set_ids(ids)


def jobs_elsewhere(root: Path) -> list[Job]:
    """Return the active jobs that another scheduler has."""
    found = []
    for path in root.glob(f"*/{REMOTE}"):
        with suppress(JobError):  # being removed
            job = Job(path.parent)
            if job.launcher != LOCAL and job.active:
                found.append(job)
    return found


def has_work(root: Path) -> bool:
    """Tell whether something waits in the queue or is with another scheduler."""
    return bool(waiting_jobs(root) or jobs_elsewhere(root))


def _queued(mark: Path) -> Job | None:
    try:
        job = Job(mark.parent)
    except JobError:  # being made, or just removed
        return None
    waits = job.state == "queued" and mark.exists()
    return job if waits and not files.is_locked(job.path / files.LOCK) else None


def _append(root: Path, job_id: str) -> None:
    ids = [job.id for job in waiting_jobs(root) if job.id != job_id]
    Order(root).set_ids([*ids, job_id])


def _requeue(root: Path, job: Job, outcome: Mapping[str, Any]) -> None:
    path = job.path
    told: dict[str, Any] = {"seconds": job.attempt_seconds}
    former = path / f"result-{1 + max(files.former_results(path), default=0)}.json"
    mark, result = path / files.QUEUED, path / files.RESULT
    try:
        # Until the former result is put aside, it says how the job stands.
        files.write(mark, {"queued": files.utc_now()})
        _append(root, path.name)
        # One that says its seconds already is of a resumption that was cut short.
        if (ended := files.read(result)) is not None:
            files.write(result, {**told, **ended})
        else:
            files.write(former, {**told, **outcome})
    except BaseException:
        mark.unlink(missing_ok=True)
        raise
    for name in (*files.OF_ONE_ATTEMPT, REMOTE):
        (path / name).unlink(missing_ok=True)
    if result.exists():
        result.replace(former)
