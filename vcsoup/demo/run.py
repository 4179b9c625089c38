"""The whole method on a project, headless: score, filter, train, soup, measure, front.

Trains every value twice with the same number of steps, on the pairs that the threshold keeps and on
all pairs, measures both sets of soups on one grid and the same held-out prompts, and sums up. The
best balanced soup of each set is measured again with fresh samples, so that the luck by which it
was chosen is not counted.
"""

from pathlib import Path
from typing import Any

import numpy as np

from vcsoup.demo.open_demo import open_demo
from vcsoup.evaluation.summary import MeasuredSet, balanced_gain, summarise
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.pipeline import kept_pairs, measure_project, score_project, train_project
from vcsoup.soup.weights import simplex_grid
from vcsoup.training.config import PRESETS, TrainConfig
from vcsoup.workspace import Project, Workspace

GROUPS = ("filtered", "unfiltered")
THRESHOLD = 0.3
GRID_STEPS = 6
FRESH_SEED = 1


def run_demo(workspace: Workspace, *, monitor: Monitor = SILENT) -> dict[str, Any]:
    """Open the embedded world and run the whole method on it; see `run_method`."""
    return run_method(workspace, open_demo(workspace, recorded=False), monitor=monitor)


def run_method(
    workspace: Workspace,
    project: Project,
    *,
    config: TrainConfig = PRESETS["demo"],
    grid_steps: int = GRID_STEPS,
    monitor: Monitor = SILENT,
) -> dict[str, Any]:
    """Score, train filtered and unfiltered adapters, measure a grid of soups, and sum up.

    Args:
        workspace: Where the project lives (for its reward cache).
        project: A project with pairs, reward models, thresholds and held-out prompts.
        config: Training of every run; equal steps make the two groups comparable.
        grid_steps: Soups are all multiples of 1 / grid_steps on the simplex.
        monitor: Hears progress.

    Returns:
        `vcsoup.evaluation.summary.summarise`, and per set `pairs` (kept per value), `seconds` (per
        run) and `balanced.fresh` (worst gain on fresh samples, with its interval).

    Raises:
        StopRequested: the user asked to stop; finished scores and adapters are kept.
    """
    score_project(workspace, project, monitor=monitor)
    references = workspace.reference_cache_root
    trained = {
        group: _train_group(project, group, config, references=references, monitor=monitor)
        for group in GROUPS
    }
    K = len(project.values)
    grid = np.concatenate([np.zeros((1, K)), simplex_grid(K, grid_steps)])
    measured = {}
    for group in GROUPS:
        _check_stop(monitor)
        measured[group] = measure_project(project, group, grid, monitor=monitor).rewards
    _check_stop(monitor)  # the last group may lack soups
    base = measured[GROUPS[0]][0]
    sets = {group: MeasuredSet(grid[1:], rewards[1:]) for group, rewards in measured.items()}
    result = summarise(project.values, base, sets, rng=np.random.default_rng(0))
    for group in GROUPS:
        found = result["sets"][group]
        found |= trained[group]
        found["balanced"]["fresh"] = _fresh_gain(project, group, found["balanced"], monitor)
    return result


def _train_group(
    project: Project, group: str, config: TrainConfig, *, references: Path, monitor: Monitor
) -> dict[str, dict[str, Any]]:
    filters = project.filters() if group == "filtered" else dict.fromkeys(project.values)
    pairs, seconds, thresholds = {}, {}, {}
    for value in project.values:
        _check_stop(monitor)
        kept = filters[value]
        pairs[value] = len(kept_pairs(project, value, kept))
        info = train_project(
            project,
            value,
            config,
            group=group,
            pair_filter=kept,
            references=references,
            monitor=monitor,
        )
        seconds[value] = info.manifest["seconds"]
        thresholds[value] = kept.threshold if kept else None
    return {"pairs": pairs, "seconds": seconds, "thresholds": thresholds}


def _fresh_gain(
    project: Project, group: str, balanced: dict[str, Any], monitor: Monitor
) -> dict[str, float]:
    weights = [[0.0] * len(project.values), [balanced["weights"][v] for v in project.values]]
    fresh = measure_project(project, group, weights, seed=FRESH_SEED, monitor=monitor)
    base, soup = fresh.rewards
    return balanced_gain(soup, base, rng=np.random.default_rng(0))


def _check_stop(monitor: Monitor) -> None:
    if monitor.stop_requested:
        raise StopRequested
