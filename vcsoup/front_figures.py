"""Which measured soups nobody beats, per adapter set, in comparable figures.

Rewards stay in the reward models' units. All sets share one reference point, the worst measured
reward of each value, so their hypervolumes compare. `front` shows it, `run` chooses by it. Points
that were measured on fewer prompts than others are among them, and counted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vcsoup.errors import NotFoundError, UnknownValueError, WeightsError
from vcsoup.evaluation.front import best_balanced, hypervolume, pareto_front, select
from vcsoup.numbers import plural
from vcsoup.workspace import Point, Project
from vcsoup.workspace.points import one_per_soup


def front_figures(
    project: Project,
    groups: Sequence[str],
    *,
    minimums: Sequence[str] = (),
    maximise: str | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Sum up the stored points.

    Args:
        project: Whose points.
        groups: Adapter sets; all complete ones when empty.
        minimums: Constraints such as "harmless=0.5".
        maximise: The value to make best under them.
        seed: Seed of the sampling; None takes the one that most soups share.

    Raises:
        NotFoundError: no such adapter set, or nothing measured.
        UnknownValueError: a constraint on a value that the project does not have.
    """
    points = _points(project, groups, seed)
    choice = _choice(project.values, minimums, maximise)
    table = {group: _rewards(found, project.values) for group, found in points.items()}
    reference = np.concatenate(list(table.values())).min(axis=0)
    sets = {
        group: {
            **_set_figures(found, table[group], reference=reference, choice=choice),
            "balanced": _balanced(project, found, seed),
        }
        for group, found in points.items()
    }
    named = dict(zip(project.values, reference.tolist(), strict=True))
    return {"project": project.name, "reference": named, "sets": sets}


def _points(project: Project, groups: Sequence[str], seed: int | None) -> dict[str, list[Point]]:
    chosen = {group: project.adapter_set(group) for group in groups} or project.adapter_sets()
    stored = {
        group: [
            point for point in project.points(project.set_key(infos)) if seed in (None, point.seed)
        ]
        for group, infos in chosen.items()
    }
    points = {
        group: list(one_per_soup(found, project.values).values())
        for group, found in stored.items()
        if found
    }
    if not points:
        raise NotFoundError(
            f"project {project.name} has no measured points; "
            f"run `python -m vcsoup evaluate --grid 4 --project {project.name}`"
        )
    return points


def _choice(
    values: Sequence[str], minimums: Sequence[str], maximise: str | None
) -> tuple[dict[int, float], int] | None:
    if maximise is None:
        if minimums:
            raise WeightsError("--min needs --maximise VALUE; name the value to make best")
        return None
    bounds = {}
    for text in minimums:
        name, _, bound = text.partition("=")
        try:
            bounds[_index(values, name.strip())] = float(bound)
        except ValueError as error:
            if isinstance(error, UnknownValueError):
                raise
            raise WeightsError(f"--min {text!r} is not VALUE=REWARD; write harmless=0.5") from error
    return bounds, _index(values, maximise)


def uneven_prompts(counts: Mapping[int, int]) -> str:
    """Say that points were measured on different numbers of prompts; empty where all on as many.

    Args:
        counts: How many points there are, by number of prompts.

    Example:
        >>> uneven_prompts({64: 26, 8: 1})
        'not all measured on the same prompts: 26 points on 64, 1 point on 8'
    """
    if len(counts) < 2:
        return ""
    told = ", ".join(f"{plural(n, 'point')} on {prompts}" for prompts, n in counts.items())
    return f"not all measured on the same prompts: {told}"


def _index(values: Sequence[str], value: str) -> int:
    if value not in values:
        raise UnknownValueError(f"{value!r} is no value of the project: {', '.join(values)}")
    return list(values).index(value)


def _set_figures(
    points: Sequence[Point],
    rewards: np.ndarray,
    *,
    reference: np.ndarray,
    choice: tuple[dict[int, float], int] | None,
) -> dict[str, Any]:
    on_front = pareto_front(rewards)
    figures = {
        "points": len(points),
        "front": [_figures(p) for p, on in zip(points, on_front, strict=True) if on],
        "hypervolume": hypervolume(rewards, reference),
        "prompts": dict(Counter(point.n_prompts for point in points).most_common()),
        "base": next((_figures(p) for p in points if not any(p.weights.values())), None),
    }
    if choice is not None:
        index = select(rewards, *choice)
        figures["selected"] = None if index is None else _figures(points[index])
    return figures


def balanced_soup(
    project: Project, points: Sequence[Point], *, seed: int | None = None
) -> tuple[Point, float, str] | None:
    """Find the soup whose worst gain over the base is largest.

    Args:
        project: Whose points.
        points: Of one adapter set, one per soup.
        seed: As for `front_figures`.

    Returns:
        The soup, its worst gain, and the gain's unit: standard deviations of the base's rewards
        where these are known. None while base or soups are not measured.
    """
    soups = [point for point in points if any(point.weights.values())]
    base = [point for point in points if not any(point.weights.values())]
    if not (base and soups):
        return None
    spread = project.samples.base_spread(base[0].set_key, seed=seed)
    rewards, (zero, *_) = (_rewards(some, project.values) for some in (soups, base))
    index, gain = best_balanced(rewards, zero, scale=spread)
    unit = "reward" if spread is None else "standard deviations of the base's rewards"
    return soups[index], gain, unit


def _balanced(project: Project, points: Sequence[Point], seed: int | None) -> dict[str, Any] | None:
    found = balanced_soup(project, points, seed=seed)
    if found is None:
        return None
    soup, gain, unit = found
    return {**_figures(soup), "worst_gain": gain, "unit": unit}


def _rewards(points: Sequence[Point], values: Sequence[str]) -> np.ndarray:
    return np.array([[point.rewards[value] for value in values] for point in points])


def _figures(point: Point) -> dict[str, Any]:
    return point.model_dump(include={"weights", "rewards", "low", "high", "n_prompts", "recorded"})
