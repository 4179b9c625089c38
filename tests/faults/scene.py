"""A workspace with a tiny real model, and training runs in it that must all end the same.

Every run trains the same value on the same pairs with the same seed, each into a group of its own,
so that one uninterrupted run (`reference`) says how all the others must end, whatever hits them.
Dropout, held-out looks and sample replies are on: they draw random numbers, which a resumed run has
to draw as if nothing had happened.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from safetensors.numpy import load_file

from tests.tiny_models import tiny_causal
from tests.tiny_pairs import tiny_pairs
from vcsoup.jobs import Job, Jobs
from vcsoup.jobs import folder as files
from vcsoup.workspace import AdapterInfo, Project, ProjectConfig, Workspace

VALUE = "helpful"
SETTINGS = {
    **{"batch_size": 4, "micro_batch": 2, "rank": 4, "alpha": 8, "dropout": 0.1, "beta": 0.1},
    **{"holdout": 0.25, "eval_every": 8, "learning_rate": 5e-3, "sample_tokens": 6},
    **{"checkpoint_every": 2, "max_length": 64},
}
# One thread each: several runs share few cores, and sums are added in one order.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


@dataclass(frozen=True)
class End:
    """How a run ended.

    Attributes:
        losses: Loss by step, as last reported.
        loss: Loss on the held-out pairs at the end.
        weights: The adapter's tensors, flat and in the order of their names.
    """

    losses: dict[int, float]
    loss: float
    weights: np.ndarray

    def distance(self, other: "End") -> float:
        """Return the largest difference to another end, in any loss of any step or any weight."""
        if self.losses.keys() != other.losses.keys() or self.weights.shape != other.weights.shape:
            return float("inf")
        steps = max(abs(self.losses[step] - other.losses[step]) for step in self.losses)
        weights = float(np.abs(self.weights - other.weights).max())
        return max(steps, abs(self.loss - other.loss), weights)


class Scene:
    """One workspace under fire."""

    def __init__(self, root: Path, *, steps: int) -> None:
        os.environ.update(ENVIRONMENT)
        self.steps = steps
        self.workspace = Workspace(root / "workspace")
        base = tiny_causal("llama", self.workspace.root / "base")
        names = {"name": "demo", "values": (VALUE, "harmless"), "base": str(base)}
        self.project: Project = self.workspace.create_project(ProjectConfig(**names))
        self.project.save_pairs(VALUE, tiny_pairs(48), source="faults")
        self.jobs = Jobs(self.workspace.jobs_root)

    def begin(self, group: str) -> Job:
        """Queue one run."""
        settings = [f"--set={name}={choice}" for name, choice in SETTINGS.items()]
        args = ["train", "--project", "demo", "--value", VALUE, "--unfiltered", "--group", group]
        args += ["--preset", "demo", "--steps", str(self.steps), *settings]
        args += ["--workspace", str(self.workspace.root)]
        return self.jobs.start(
            args,
            kind="train",
            title=f"{VALUE}, {group}",
            project="demo",
            meta={"value": VALUE, "group": group},
            queued=True,
        )

    def close(self) -> None:
        """End what still runs here, the queue's runner too."""
        for job in self.jobs.list():
            job.stop(grace=0.0)
        self.wait(lambda: not any(job.active for job in self.jobs.list()), "the end of all")
        if runner := files.find_process(files.read(self.jobs.root / "runner.json")):
            runner.terminate()
            psutil.wait_procs([runner], timeout=10)

    def finish(self, job: Job, *, seconds: float = 180.0) -> Job:
        """Wait for a job's end."""
        self.wait(lambda: not job.active, f"the end of {job.title}", seconds=seconds)
        return job

    def wait(self, true: Callable[[], object], what: str, *, seconds: float = 60.0) -> None:
        """Wait until something is true.

        Raises:
            TimeoutError: it did not become true in time.
        """
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise TimeoutError(f"waited {seconds:.0f} s in vain for {what}")
            # Whoever looks keeps the queue going, as the screens do.
            if self.jobs.queue():
                self.jobs.ensure_runner()
            time.sleep(0.05)

    def adapter(self, job: Job) -> AdapterInfo | None:
        """Return the adapter that a job has trained to its end; None while it has not."""
        for info in self.project.adapters():
            if info.manifest.get("job") == job.id and not info.manifest.get("stopped"):
                return info
        return None

    def end_of(self, job: Job) -> End:
        """Read how a finished job ended.

        Raises:
            LookupError: it has no finished adapter.
        """
        info = self.adapter(job)
        if info is None:
            raise LookupError(f"{job.title} ({job.state}) has no finished adapter: {job.error}")
        records, _ = job.progress_since(0)
        losses = {
            int(record["done"]): float(record["loss"]) for record in records if "loss" in record
        }
        tensors = load_file(info.path / "adapter_model.safetensors")
        flat = np.concatenate([tensors[name].ravel() for name in sorted(tensors)])
        return End(losses, float(info.manifest["metrics"]["heldout_loss"]), flat)
