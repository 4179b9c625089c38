"""The method's long steps on a project: score, train, measure.

Each function reads what it needs from the workspace, calls the room that does the work, and stores
the result. The command line's verbs, the demo run and a user's script call the same three; nothing
here decides anything that a user cannot set. Imports torch only when called.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcsoup.errors import NotFoundError, RewardModelError
from vcsoup.filtering import PairFilter, keep_pairs
from vcsoup.monitor import SILENT, Monitor
from vcsoup.preferences.pairs import PAIR_COLUMNS
from vcsoup.set_aside import divide
from vcsoup.training.config import TrainConfig
from vcsoup.training.processes import is_main, told_by_main
from vcsoup.workspace import AdapterInfo, Point, Project, Workspace
from vcsoup.workspace.held_out import not_held_out, prompt_key

if TYPE_CHECKING:
    from vcsoup.evaluation.measure import Measurement
    from vcsoup.rewards.judge import Judge
    from vcsoup.rewards.spec import RewardSpec
    from vcsoup.soup.model import SoupModel


def score_project(
    workspace: Workspace,
    project: Project,
    values: Sequence[str] = (),
    *,
    monitor: Monitor = SILENT,
) -> dict[str, int]:
    """Score the pairs of some values (all that have pairs by default) with every reward model.

    Rewards found in the workspace's cache are not computed again, so a killed run goes on where it
    stopped. Pairs for which a model gives no finite number are set aside and listed in the data
    set's report; those of an earlier run get another chance.

    Returns:
        Number of pairs scored, by value.

    Raises:
        RewardModelError: a value without a reward model, or a model that fails on most pairs.
        NotFoundError: a value without pairs.
    """
    from vcsoup.rewards.cache import RewardCache
    from vcsoup.rewards.scoring import score_pairs

    specs = _specs(project)
    cache = RewardCache(workspace.reward_cache_root)
    counts = {}
    for value in values or tuple(project.datasets()):
        former = project.set_aside(value)
        pairs = pd.concat([project.pairs(value), former[list(PAIR_COLUMNS)]], ignore_index=True)
        table = score_pairs(
            with_scores(project, value, pairs, specs),
            specs,
            cache=cache,
            monitor=monitor,
            consents=workspace.consents.keys(),
        )
        usable, aside = divide(pairs, table, specs)
        if len(aside) or len(former):
            project.save_usable(value, pairs.loc[usable].reset_index(drop=True), aside)
        project.save_rewards(value, table.loc[usable].reset_index(drop=True))
        counts[value] = int(usable.sum())
    return counts


def with_scores(
    project: Project, value: str, pairs: pd.DataFrame, specs: "Mapping[str, RewardSpec]"
) -> pd.DataFrame:
    """Return pairs of a value with the scores that its file brought, where a spec asks for them.

    Args:
        project: Whose data set.
        value: Which value's.
        pairs: Some of its pairs, n rows; they keep their order.
        specs: Reward model per value.
    """
    if all(spec.kind != "column" for spec in specs.values()):
        return pairs
    from vcsoup.workspace.ready_scores import load_scores

    scores = load_scores(project.root, project.datasets()[value].report)
    return pairs.merge(scores, on="id", how="left", validate="many_to_one")


def kept_pairs(project: Project, value: str, pair_filter: PairFilter | None) -> pd.DataFrame:
    """Return the pairs of `value` that a run trains on.

    Pairs that the filter drops are left out (None keeps all, scored or not), and so are those whose
    prompt is held out for measuring.
    """
    pairs = project.pairs(value)
    usable = np.array(not_held_out(pairs["prompt"], project.held_out_prompts()), dtype=bool)
    if pair_filter is None:
        return pairs.loc[usable].reset_index(drop=True)
    gaps = project.gaps(value)[usable]
    return keep_pairs(pairs.loc[usable], gaps, pair_filter=pair_filter)


def train_project(
    project: Project,
    value: str,
    config: TrainConfig,
    *,
    group: str,
    pair_filter: PairFilter | None,
    monitor: Monitor = SILENT,
    job: str | None = None,
    checkpoints: Path | None = None,
    references: Path | None = None,
) -> AdapterInfo:
    """Train one value's adapter on the pairs that a filter keeps, and shelve it.

    An adapter of this value and group that the same job has finished before is returned as it is.

    Args:
        project: Whose pairs, base model and shelf.
        value: Which value.
        config: Every choice of the run.
        group: The set that the adapter belongs to, such as "filtered".
        pair_filter: Which pairs; None takes all.
        monitor: Hears progress; a stop request keeps the adapter of that moment.
        job: The job's id, noted in the manifest.
        checkpoints: The job's folder of checkpoints; the value's are in a folder of its own, and a
            run goes on from the newest whole one. None keeps none.
        references: `Workspace.reference_cache_root`; None keeps nothing for other runs.

    Returns:
        The adapter on the shelf.
    """
    from vcsoup.training.dpo import train_value

    found = finished_adapter(project, value, group=group, job=job) if job else None
    if name := told_by_main(found.name if found else None):
        return _adapter(project, name)
    pairs = kept_pairs(project, value, pair_filter)
    name = told_by_main(project.new_adapter_name(value, group) if is_main() else None)
    manifest = {
        "name": name,
        "job": job,
        "value": value,
        "group": group,
        "threshold": pair_filter.threshold if pair_filter else None,
        "filter": pair_filter.model_dump() if pair_filter else None,
        "scale": project.config.scale,
        "data_hash": project.datasets()[value].hash,
        "reward_stamp": project.rewards_stamp(value) if pair_filter else None,
        "n_pairs_all": project.datasets()[value].n,
    }
    train_value(
        pairs,
        config,
        base=project.config.base,
        out=project.adapter_dir(name),
        manifest=manifest,
        monitor=monitor,
        checkpoints=checkpoints / value if checkpoints else None,
        references=references,
    )
    told_by_main(None)  # the others wait here until the main process has put it on the shelf
    return _adapter(project, name)


def _adapter(project: Project, name: str) -> AdapterInfo:
    return next(info for info in project.adapters() if info.name == name)


def finished_adapter(project: Project, value: str, *, group: str, job: str) -> AdapterInfo | None:
    """Return the adapter of one value that `job` trained to its end, None while it has not."""
    return next(
        (
            info
            for info in project.adapters()
            if (info.value, info.group) == (value, group)
            and info.manifest.get("job") == job
            and not info.manifest.get("stopped")
        ),
        None,
    )


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
        """Sample soups, shape (m, K), score them, and store each point as soon as it is whole."""
        from vcsoup.evaluation.measure import measure

        soups = np.asarray(weights, dtype=np.float64)
        keys = [prompt_key(prompt) for prompt in self.prompts]

        def store(index: int, rewards: npt.NDArray[np.float64]) -> None:
            found = soups[index : index + 1], rewards[None]
            for point in points_of(self.project, self.group, self.adapters, *found, seed=seed):
                self.project.save_point(point)
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
        NotFoundError: an incomplete adapter set, or no held-out prompts.
    """
    from vcsoup.rewards.judge import load_judges
    from vcsoup.soup.model import SoupModel

    adapters = project.adapter_set(group)
    prompts = project.held_out_prompts()[:n_prompts]
    if not prompts:
        raise NotFoundError(
            f"project {project.name} has no held-out prompts to measure on; "
            "add a dataset with `python -m vcsoup data add`"
        )
    soup = SoupModel.load(project.config.base, [info.path for info in adapters.values()])
    judges = load_judges(list(_specs(project).values()), consents=project.consents.keys())
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


def _specs(project: Project) -> dict[str, Any]:
    missing = [value for value in project.values if value not in project.config.rewards]
    if missing:
        raise RewardModelError(
            f"project {project.name} has no reward model for {', '.join(missing)}; "
            "name one per value when creating the project (--reward value=model)"
        )
    return {value: project.config.rewards[value] for value in project.values}
