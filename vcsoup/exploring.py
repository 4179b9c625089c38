"""Measure the soups that promise most: a long step of the method, like those in `vcsoup.pipeline`.

Rounds: `vcsoup.evaluation.explore` proposes a few soups from the points stored so far, they are
measured and stored one by one, and the next round knows them. Imports torch only when called.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vcsoup.evaluation.explore import propose
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.pipeline import load_measuring
from vcsoup.workspace import Point, Project
from vcsoup.workspace.points import one_per_soup

FloatArray = npt.NDArray[np.float64]

ROUND = 4
"""Soups per round: they share decoding batches, and later rounds know what earlier ones found."""


def explore_project(
    project: Project,
    group: str,
    n: int,
    *,
    n_prompts: int | None = None,
    seed: int = 0,
    monitor: Monitor = SILENT,
) -> FloatArray:
    """Measure n more soups of one adapter set, best expected gain in hypervolume first.

    Args:
        project: Whose adapters, held-out prompts and reward models.
        group: The adapter set, such as "filtered".
        n: How many soups; fewer when the simplex holds no more candidates.
        n_prompts: How many held-out prompts; all by default.
        seed: Fixes the sampling and the search.
        monitor: Hears progress; a stop request ends it with the soups that are finished.

    Returns:
        The measured soups in the order of measuring, shape (m, K), m <= n.

    Raises:
        NotFoundError: an incomplete adapter set, or no held-out prompts.
    """
    monitor.report("loading", 0, 1)
    loaded = load_measuring(project, group, n_prompts=n_prompts)
    key, rng = project.set_key(loaded.adapters), np.random.default_rng(seed)
    done = np.zeros((0, len(project.values)))
    while len(done) < n and not monitor.stop_requested:
        known = measured_soups(project.points(key), project.values)
        wanted = propose(*known, min(ROUND, n - len(done)), rng=rng)
        if not len(wanted):
            break
        part = _Part(monitor, len(done) * len(loaded.prompts), n * len(loaded.prompts))
        try:
            done = np.vstack([done, loaded.run(wanted, seed=seed, monitor=part).weights])
        except StopRequested:
            break
    return done


def measured_soups(points: Sequence[Point], values: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Weights and rewards of the measured soups on the simplex, each (m, K), none twice.

    Of a soup that was measured more than once, the one of `one_per_soup` counts.
    """
    best: dict[tuple[float, ...], Point] = {}
    for point in one_per_soup(points, values).values():
        row = tuple(round(point.weights.get(value, 0.0), 6) for value in values)
        if min(row) >= 0 and abs(sum(row) - 1) < 1e-5:
            best[row] = point
    rewards = [[point.rewards[value] for value in values] for point in best.values()]
    shape = len(best), len(values)
    return np.array(list(best)).reshape(shape), np.array(rewards).reshape(shape)


class _Part:
    """Tells the progress of one round as part of the whole."""

    def __init__(self, whole: Monitor, before: int, total: int) -> None:
        self._whole, self._before, self._total = whole, before, total

    @property
    def stop_requested(self) -> bool:
        return self._whole.stop_requested

    def report(self, stage: str, done: int, total: int, **figures: object) -> None:
        """Pass a round's report on."""
        self._whole.report(stage, self._before + done, self._total, **figures)
