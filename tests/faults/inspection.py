"""What must be true after any fault: what is listed is whole, and what was whole is still there."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file

from tests.faults.scene import Scene
from vcsoup.jobs import Job
from vcsoup.jobs import folder as files
from vcsoup.training.checkpoints import COMPLETE, Checkpoint, whole_checkpoints


@dataclass(frozen=True)
class Treasure:
    """What was whole at one moment: adapters by name, jobs by id, steps of checkpoints by job."""

    adapters: frozenset[str]
    jobs: frozenset[str]
    steps: dict[str, int]


def treasure(scene: Scene) -> Treasure:
    """Note what is whole now."""
    jobs = scene.jobs.list()
    return Treasure(
        frozenset(info.name for info in scene.project.adapters()),
        frozenset(job.id for job in jobs),
        {job.id: newest_step(job) for job in jobs if job.active},
    )


def newest_step(job: Job) -> int:
    """Return the step of the job's newest whole checkpoint; 0 when it has none."""
    return max((one.step for one in checkpoints(job)), default=0)


def checkpoints(job: Job) -> list[Checkpoint]:
    """Return the job's whole checkpoints."""
    folders = job.checkpoints.glob("*") if job.checkpoints.is_dir() else ()
    return [one for folder in folders for one in whole_checkpoints(folder)]


def half_written(job: Job) -> bool:
    """Tell whether the job's present, or just killed, worker was writing a checkpoint."""
    return any(not (folder / COMPLETE).exists() for folder in _of_this_attempt(job))


def losses(scene: Scene, before: Treasure) -> list[str]:
    """Return what was whole before and is not now, one line each; none is what is wanted."""
    now = treasure(scene)
    gone = [f"adapter {name}" for name in before.adapters - now.adapters]
    gone += [f"job {name}" for name in before.jobs - now.jobs]
    for name in before.steps.keys() & now.jobs:
        job = scene.jobs.get(name)
        # A finished run needs its checkpoints no more.
        if newest_step(job) < before.steps[name] and scene.adapter(job) is None:
            gone.append(f"checkpoint {before.steps[name]} of {job.title}")
    return gone


def broken(scene: Scene, job: Job) -> list[str]:
    """Return what is listed as whole and cannot be read: any adapter, and what the job has."""
    found = []
    for info in scene.project.adapters():
        found += _unless_readable(f"adapter {info.name}", _read_adapter, info.path)
    found += _unless_readable(f"progress of {job.title}", lambda _: job.progress_since(0), job.path)
    for one in checkpoints(job):
        found += _unless_readable(f"{job.title} {one.path.name}", _read_checkpoint, one.path)
    return found


def _of_this_attempt(job: Job) -> Iterator[Path]:
    """What a killed worker left half written stays until the next one sweeps it away."""
    with suppress(FileNotFoundError):
        began = (job.path / files.IDENTITY).stat().st_mtime
        for folder in job.checkpoints.glob("*/checkpoint-*"):
            if folder.stat().st_mtime >= began:
                yield folder


def _unless_readable(name: str, read: Callable[[Path], object], path: Path) -> list[str]:
    try:
        read(path)
    except Exception as error:  # whatever a broken file makes of its reader
        return [f"{name}: {type(error).__name__}: {error}"]
    return []


def _read_adapter(path: Path) -> None:
    json.loads((path / "adapter_config.json").read_text(encoding="utf-8"))
    tensors = load_file(path / "adapter_model.safetensors")
    if not tensors or not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise ValueError("no tensors, or some that are not finite")


def _read_checkpoint(path: Path) -> None:
    _read_adapter(path)
    json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
    for name in ("optimizer.pt", "scheduler.pt"):
        torch.load(path / name, weights_only=True)
    if not (path / "rng_state.pth").stat().st_size:
        raise ValueError("empty random state")
