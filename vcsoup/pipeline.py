"""The method's long steps on a project: score, train, measure.

Each function reads what it needs from the workspace, calls the room that does the work, and stores
the result. The command line's verbs, the demo run and a user's script call the same three; nothing
here decides anything that a user cannot set. Imports torch only when called.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vcsoup.errors import NotFoundError, RewardModelError
from vcsoup.monitor import SILENT, Monitor
from vcsoup.training.config import TrainConfig
from vcsoup.training.filtering import PairFilter, keep_pairs
from vcsoup.workspace import AdapterInfo, Point, Project, Workspace
from vcsoup.workspace.held_out import not_held_out

if TYPE_CHECKING:
    from vcsoup.evaluation.measure import Measurement


def score_project(
    workspace: Workspace,
    project: Project,
    values: Sequence[str] = (),
    *,
    monitor: Monitor = SILENT,
) -> dict[str, int]:
    """Score the pairs of some values (all that have pairs by default) with every reward model.

    Rewards found in the workspace's cache are not computed again, so a killed run goes on where it
    stopped.

    Returns:
        Number of pairs scored, by value.

    Raises:
        RewardModelError: a value without a reward model.
        NotFoundError: a value without pairs.
    """
    from vcsoup.rewards.cache import RewardCache
    from vcsoup.rewards.scoring import score_pairs

    specs = _specs(project)
    cache = RewardCache(workspace.reward_cache_root)
    counts = {}
    for value in values or tuple(project.datasets()):
        pairs = project.pairs(value)
        project.save_rewards(value, score_pairs(pairs, specs, cache=cache, monitor=monitor))
        counts[value] = len(pairs)
    return counts


def kept_pairs(project: Project, value: str, threshold: float | None) -> Any:
    """Return the pairs of `value` that a run trains on.

    Pairs below the threshold are left out (None keeps all), and so are those whose prompt is held
    out for measuring.
    """
    pairs = project.pairs(value)
    usable = np.array(not_held_out(pairs["prompt"], project.held_out_prompts()), dtype=bool)
    if threshold is None:
        return pairs.loc[usable].reset_index(drop=True)
    kept = PairFilter(threshold=threshold)
    gaps = project.gaps(value)[usable]
    return keep_pairs(pairs.loc[usable].reset_index(drop=True), gaps, pair_filter=kept)


def train_project(
    project: Project,
    value: str,
    config: TrainConfig,
    *,
    group: str,
    threshold: float | None,
    monitor: Monitor = SILENT,
) -> AdapterInfo:
    """Train one value's adapter on the pairs that the threshold keeps, and shelve it.

    Args:
        project: Whose pairs, base model and shelf.
        value: Which value.
        config: Every choice of the run.
        group: The set that the adapter belongs to, such as "filtered".
        threshold: Keep pairs with at least this consistency; None keeps all.
        monitor: Hears progress; a stop request keeps the adapter of that moment.
    """
    from vcsoup.training.dpo import train_value

    pairs = kept_pairs(project, value, threshold)
    name = project.new_adapter_name(value, group)
    manifest = {
        "name": name,
        "value": value,
        "group": group,
        "threshold": threshold,
        "scale": project.config.scale,
        "data_hash": project.datasets()[value].hash,
        "n_pairs_all": project.datasets()[value].n,
    }
    train_value(
        pairs,
        config,
        base=project.config.base,
        out=project.adapter_dir(name),
        manifest=manifest,
        monitor=monitor,
    )
    return next(info for info in project.adapters() if info.name == name)


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
    from vcsoup.evaluation.measure import measure
    from vcsoup.rewards.model import RewardModel
    from vcsoup.soup.model import SoupModel

    adapters = adapter_set(project, group)
    prompts = project.held_out_prompts()[:n_prompts]
    if not prompts:
        raise NotFoundError(
            f"project {project.name} has no held-out prompts to measure on; "
            "add a dataset with `python -m vcsoup data add`"
        )
    soup = SoupModel.load(project.config.base, [info.path for info in adapters.values()])
    judges = [RewardModel.load(spec) for spec in _specs(project).values()]
    measured = measure(soup, judges, prompts, weights, seed=seed, monitor=monitor)
    finished = measured.weights, measured.rewards
    for point in points_of(project, group, adapters, *finished, seed=seed):
        project.save_point(point)
    return measured


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


def adapter_set(project: Project, group: str) -> dict[str, AdapterInfo]:
    """Return the newest adapter of every value in `group`.

    Raises:
        NotFoundError: the group lacks a value; the message lists the groups that are complete.
    """
    sets = project.adapter_sets()
    if group not in sets:
        known = ", ".join(sets) or "none yet"
        raise NotFoundError(
            f"project {project.name} has no complete adapter set {group!r} (complete: {known}); "
            "train every value with `python -m vcsoup train`"
        )
    return sets[group]


def _specs(project: Project) -> dict[str, Any]:
    missing = [value for value in project.values if value not in project.config.rewards]
    if missing:
        raise RewardModelError(
            f"project {project.name} has no reward model for {', '.join(missing)}; "
            "name one per value when creating the project (--reward value=model)"
        )
    return {value: project.config.rewards[value] for value in project.values}
