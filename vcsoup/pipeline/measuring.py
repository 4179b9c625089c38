"""The third long step on a project: soups answer the held-out prompts, reward models judge them.

Loads one adapter set, the reward models and the prompts (`load_measuring`), samples and scores, and
stores each point as soon as it is whole. Imports torch only when called.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vcsoup.errors import NotFoundError
from vcsoup.monitor import SILENT, Monitor
from vcsoup.pipeline.scoring import reward_specs
from vcsoup.soup.weights import without_specks
from vcsoup.workspace import AdapterInfo, Point, Project
from vcsoup.workspace.held_out import FEWEST_PROMPTS, prompt_key
from vcsoup.workspace.points import weights_key

if TYPE_CHECKING:
    from vcsoup.evaluation.measure import Measurement
    from vcsoup.rewards.judge import Judge
    from vcsoup.soup.model import SoupModel


@dataclass(frozen=True)
class Measuring:
    """What measuring needs, loaded once; made by `load_measuring`.

    Attributes:
        project: Whose soups.
        group: The adapter set's name.
        adapters: Value -> adapter.
        prompts: The held-out prompts, P of them.
        soup: The resident model.
        judges: What scores replies, one per value.
    """

    project: Project
    group: str
    adapters: dict[str, AdapterInfo]
    prompts: list[Any]
    soup: "SoupModel"
    judges: "list[Judge]"

    def run(
        self, weights: npt.ArrayLike, *, seed: int = 0, monitor: Monitor = SILENT
    ) -> "Measurement":
        """Sample soups, shape (m, K), score them, and store each point as soon as it is whole.

        Points of this set whose judges' files or prompts were others are set aside first: they
        could not be compared with the new ones.
        """
        from vcsoup.evaluation.measure import measure

        soups = without_specks(weights)
        keys = [prompt_key(prompt) for prompt in self.prompts]
        judged = judging_key(self.project, len(keys))
        self.project.set_aside_points(outdated(self.project, self.project.set_key(self.adapters)))

        def store(index: int, rewards: npt.NDArray[np.float64]) -> None:
            found = soups[index : index + 1], rewards[None]
            for point in points_of(self.project, self.group, self.adapters, *found, seed=seed):
                self.project.save_point(point.model_copy(update={"judged": judged}))
                self.project.samples.save(
                    point.set_key, point.weights, seed=seed, prompts=keys, rewards=rewards
                )

        return measure(
            self.soup,
            self.judges,
            self.prompts,
            soups,
            seed=seed,
            on_point=store,
            monitor=monitor,
        )


def load_measuring(project: Project, group: str, *, n_prompts: int | None = None) -> Measuring:
    """Load one adapter set, the reward models and the held-out prompts.

    Args:
        project: Whose adapters, held-out prompts and reward models.
        group: The adapter set, such as "filtered".
        n_prompts: How many held-out prompts; all by default.

    Raises:
        NotFoundError: an incomplete adapter set, or fewer than two held-out prompts.
    """
    from vcsoup.rewards.cache import RewardCache
    from vcsoup.rewards.judge import load_judges
    from vcsoup.soup.model import SoupModel

    adapters = project.adapter_set(group)
    prompts = project.held_out_prompts()[:n_prompts]
    if len(prompts) < FEWEST_PROMPTS:
        raise NotFoundError(
            f"project {project.name} has {len(prompts) or 'no'} held-out prompts to measure on, "
            f"and an interval needs at least {FEWEST_PROMPTS}; add a dataset with "
            "`python -m vcsoup data add`"
        )
    paths = [info.path for info in adapters.values()]
    soup = SoupModel.load(project.config.base, paths, loading=project.config.loading)
    judges = load_judges(
        list(reward_specs(project).values()),
        consents=project.consents.keys(),
        cache=RewardCache(project.reward_cache_root),
    )
    return Measuring(project, group, adapters, list(prompts), soup, judges)


def measure_project(
    project: Project,
    group: str,
    weights: npt.ArrayLike,
    *,
    n_prompts: int | None = None,
    seed: int = 0,
    monitor: Monitor = SILENT,
) -> "Measurement":
    """Sample soups of one adapter set on the held-out prompts, score them, and store the points.

    Args:
        project: Whose adapters, held-out prompts and reward models.
        group: The adapter set, such as "filtered".
        weights: Soups, shape (m, K); a row of zeros is the base.
        n_prompts: How many held-out prompts; all by default.
        seed: Fixes the sampling.
        monitor: Hears progress.

    Raises:
        NotFoundError: an incomplete adapter set, or no held-out prompts.
    """
    loaded = load_measuring(project, group, n_prompts=n_prompts)
    return loaded.run(weights, seed=seed, monitor=monitor)


def judging_key(project: Project, n_prompts: int) -> str:
    """Name what judges soups: the reward models as they are now, and the first held-out prompts.

    Returns:
        16 hex characters; a point with the same `judged` need not be measured again.
    """
    specs = [(spec.fingerprint(), spec.sign) for spec in reward_specs(project).values()]
    keys = [prompt_key(prompt) for prompt in project.held_out_prompts()[:n_prompts]]
    return hashlib.sha256(json.dumps([specs, keys]).encode()).hexdigest()[:16]


def not_measured(
    project: Project, group: str, soups: npt.NDArray[np.float64], *, prompts: int, seed: int
) -> npt.NDArray[np.float64]:
    """Leave out the soups whose points would come out the same.

    Args:
        project: Whose points.
        group: The adapter set, such as "filtered".
        soups: Shape (m, K).
        prompts: On how many held-out prompts at least.
        seed: Of the sampling.

    Returns:
        The other rows, in their order.
    """
    values = project.values
    found = [
        point
        for point in project.points(project.set_key(project.adapter_set(group)))
        if point.seed == seed and point.n_prompts >= prompts
    ]
    today = _judged_today(project, found)
    measured = {
        weights_key(point.weights, values)
        for point in found
        if point.judged == today[point.n_prompts]
    }
    named = [dict(zip(values, row, strict=True)) for row in soups.tolist()]
    return soups[[weights_key(weights, values) not in measured for weights in named]]


def outdated(project: Project, set_key: str) -> list[Point]:
    """Return the points of an adapter set that other judges' files or prompts measured."""
    found = [point for point in project.points(set_key) if point.judged]
    today = _judged_today(project, found)
    return [point for point in found if point.judged != today[point.n_prompts]]


def _judged_today(project: Project, points: Sequence[Point]) -> dict[int, str]:
    """What would judge points now, by their numbers of prompts."""
    return {n: judging_key(project, n) for n in {point.n_prompts for point in points}}


def points_of(
    project: Project,
    group: str,
    adapters: dict[str, AdapterInfo],
    weights: npt.ArrayLike,
    rewards: npt.NDArray[np.float64],
    *,
    seed: int,
) -> list[Point]:
    """Turn measured rewards, shape (m, P, K), into points with 95 % bootstrap intervals."""
    from vcsoup.evaluation.intervals import bootstrap_interval

    key = project.set_key(adapters)
    points = []
    for row, samples in zip(np.asarray(weights), rewards, strict=True):
        interval = bootstrap_interval(samples, rng=np.random.default_rng(seed))
        mean, low, high = (dict(zip(project.values, map(float, e), strict=True)) for e in interval)
        points.append(
            Point(
                set_key=key,
                group=group,
                weights=dict(zip(project.values, map(float, row), strict=True)),
                rewards=mean,
                low=low,
                high=high,
                n_prompts=len(samples),
                seed=seed,
            )
        )
    return points
