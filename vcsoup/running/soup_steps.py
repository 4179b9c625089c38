"""The later steps of a run: adapters are trained, soups measured, and some exported."""

import hashlib
import json
import shutil
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from vcsoup.cost import Cost
from vcsoup.errors import TrainingError
from vcsoup.filtering import PairFilter
from vcsoup.front_figures import front_figures
from vcsoup.monitor import Monitor
from vcsoup.numbers import duration, plural
from vcsoup.pipeline import kept_pairs, load_measuring, not_measured, train_project
from vcsoup.running.base_memory import base_memory, measuring_memory
from vcsoup.running.plan import CHECKPOINTS, Run, Stage, Step
from vcsoup.scoring_cost import memory_used
from vcsoup.soup.weights import simplex_grid
from vcsoup.training.identity import is_run, run_identity
from vcsoup.workspace import AdapterInfo
from vcsoup.workspace.adapters import newest_of

_WORTH_TIMING = 20
"""Runs of fewer steps are not timed first: the timing itself takes four."""
_MAX_NEW_TOKENS = 96


class _OfGroup:
    """A monitor that says with every figure, and as a training begins, which set is trained."""

    def __init__(self, monitor: Monitor, group: str, *, training: str) -> None:
        self._monitor, self._group, self._training = monitor, group, training

    @property
    def stop_requested(self) -> bool:
        """True once the user asked to stop."""
        return self._monitor.stop_requested

    def report(self, stage: str, done: int, total: int, **figures: object) -> None:
        """Pass a report on."""
        if figures or stage == self._training:
            figures["group"] = self._group
        self._monitor.report(stage, done, total, **figures)


@dataclass(frozen=True)
class TrainStep:
    """Train one value's adapter on the pairs that the group keeps."""

    value: str
    group: str
    stage: Stage = "train"

    @property
    def title(self) -> str:
        """What it makes."""
        return f"adapter of {self.value}, {self.group}"

    def stands_on(self, other: Step) -> bool:
        """On the value's pairs, and on the rewards where they are filtered by them."""
        if other.stage == "score":
            return self.group == "filtered"
        return other.stage == "data"  # of any value: all share the held-out prompts

    def is_done(self, run: Run) -> bool:
        """Whether the newest adapter is of these pairs, this base and this configuration."""
        newest = newest_of(run.project.adapters(), self.value, self.group)
        if newest is None or newest.manifest.get("stopped"):
            return False
        return is_run(newest.manifest, self._identity(run))

    def cost(self, run: Run, *, timed: bool) -> Cost | None:
        """Passes of the policy and of the base; time by a few real steps."""
        config = run.file.training
        pairs = kept_pairs(run.project, self.value, self._filter(run))
        shown = config.steps * config.batch_size
        # Each pair is two texts; the base reads a pair once, the policy whenever it is shown.
        passes = 2 * (shown + min(shown, len(pairs)))
        if not timed or config.steps < _WORTH_TIMING:
            return Cost(passes=passes, memory=base_memory(run, "training"))
        from vcsoup.training.calibration import calibrate

        base, loading = run.project.config.base, run.project.config.loading
        found = calibrate(pairs, config, base=base, loading=loading, monitor=run.monitor)
        return Cost(
            passes=passes,
            tokens=round(found.tokens_per_step * config.steps),
            seconds=found.about(config, len(pairs)),
            memory=memory_used(),
            basis="by a few steps on this machine",
        )

    def check(self, run: Run) -> None:
        """Refuse a filter that keeps too few pairs, before any value is trained.

        Raises:
            TrainingError: names value and group.
        """
        from vcsoup.training.rows import check_enough

        n = len(kept_pairs(run.project, self.value, self._filter(run)))
        try:
            check_enough(n, n, config=run.file.training)
        except TrainingError as error:
            raise TrainingError(f"{self.value}, {self.group}: {error}") from error

    def make(self, run: Run) -> dict[str, Any]:
        """Train; a run that was stopped or killed goes on from its last checkpoint.

        The adapter of a former run of the same pairs and choices is taken, and stands again.
        """
        name = _named(self._identity(run))
        checkpoints = run.project.root / CHECKPOINTS / name
        stage = f"training {self.value}"
        monitor = _OfGroup(run.monitor, self.group, training=stage)
        info = train_project(
            run.project,
            self.value,
            run.file.training,
            group=self.group,
            pair_filter=self._filter(run),
            monitor=monitor,
            job=f"run-{name}",
            checkpoints=checkpoints,
            references=run.workspace.reference_cache_root,
        )
        done, steps = info.manifest["steps_done"], run.file.training.steps
        monitor.report(stage, done, steps, adapter=info.name)
        if not info.manifest.get("stopped"):
            run.project.choose_adapter(info.name)
            shutil.rmtree(checkpoints, ignore_errors=True)
        return {"told": _told(info), "adapter": info.name, "pairs": info.manifest["n_pairs"]}

    def _identity(self, run: Run) -> dict[str, Any]:
        pairs = kept_pairs(run.project, self.value, self._filter(run))
        config = run.project.config
        return run_identity(pairs, run.file.training, base=config.base, loading=config.loading)

    def _filter(self, run: Run) -> PairFilter | None:
        return run.filters[self.value] if self.group == "filtered" else None


@dataclass(frozen=True)
class MeasureStep:
    """Measure the base and a grid of soups of one adapter set."""

    group: str
    stage: Stage = "measure"

    @property
    def title(self) -> str:
        """What it makes."""
        return f"measured soups, {self.group}"

    def stands_on(self, other: Step) -> bool:
        """On the adapters of its group."""
        return isinstance(other, TrainStep) and other.group == self.group

    def is_done(self, run: Run) -> bool:
        """Whether every soup is measured on these prompts by the present reward models."""
        return not len(self._open(run))

    def cost(self, run: Run, *, timed: bool) -> Cost | None:
        """Replies to write and judge; the time is told after the first soup."""
        replies = len(self._open(run)) * self._prompts(run)
        passes, tokens = replies * len(run.project.values), replies * _MAX_NEW_TOKENS
        return Cost(passes=passes, tokens=tokens, memory=measuring_memory(run))

    def make(self, run: Run) -> dict[str, Any]:
        """Measure what is missing; each soup is stored as soon as it is whole."""
        soups, seed = self._open(run), run.file.measuring.seed
        loaded = load_measuring(run.project, self.group, n_prompts=self._prompts(run))
        began = time.monotonic()
        loaded.run(soups[:1], seed=seed, monitor=run.monitor)
        each = time.monotonic() - began
        if len(soups) > 1:
            rest = len(soups) - 1
            run.tell(
                f"    the first soup took {duration(each)}; {plural(rest, 'more soup')} at most "
                f"about {duration(each * rest)}"
            )
            loaded.run(soups[1:], seed=seed, monitor=run.monitor)
        figures = front_figures(run.project, [self.group], seed=seed)
        found = figures["sets"][self.group]
        told = f"{plural(found['points'], 'point')} measured, {len(found['front'])} on the front"
        return {"told": told, "measured": len(soups), "front": found}

    def _prompts(self, run: Run) -> int:
        return min(run.file.measuring.prompts, len(run.project.held_out_prompts()))

    def _open(self, run: Run) -> np.ndarray:
        """The soups that are not measured, shape (m, K); the base comes first."""
        K, measuring = len(run.project.values), run.file.measuring
        soups = np.concatenate([np.zeros((1, K)), simplex_grid(K, measuring.grid)])
        return not_measured(
            run.project, self.group, soups, prompts=self._prompts(run), seed=measuring.seed
        )


def _named(identity: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


def _told(info: AdapterInfo) -> str:
    manifest = info.manifest
    stopped = " (stopped)" if manifest.get("stopped") else ""
    return (
        f"{info.name}: {plural(manifest['n_pairs'], 'pair')}, "
        f"{plural(manifest['steps_done'], 'step')}{stopped}"
    )
