"""The numbers of the presenter's steps, exactly computed or measured. No streamlit widgets here."""

import itertools

import numpy as np
import pandas as pd

from vcsoup.comparing import measured_sets
from vcsoup.errors import NotFoundError
from vcsoup.evaluation.intervals import bootstrap_interval
from vcsoup.ui import state
from vcsoup.ui.measures import Measures
from vcsoup.ui.soups import base_rewards
from vcsoup.workspace import Project

_TELLING = 200


def scored(project: Project) -> list[str]:
    """Values whose pairs have current rewards, in the project's order."""
    return list(project.rewards_stamps())


def conflicts(project: Project) -> tuple[int, int] | None:
    """Scored pairs of all values, and on how many of them some value prefers the rejected answer.

    Returns:
        (pairs, conflicting), or None when nothing is scored.
    """
    found = [state.measures(project, value) for value in scored(project)]
    if not found:
        return None
    return sum(m.n for m in found), int(sum(m.conflict.sum() for m in found))


def telling_pair(measures: Measures, value: str, turn: int) -> int:
    """A row whose answer is right for its own value and wrong for another, strongly both.

    Args:
        measures: One dataset.
        value: The dataset's own value.
        turn: 0, 1, 2, ...: another row at every turn.

    Returns:
        Row of the pair; of a dataset without such pairs, of the one that comes closest.
    """
    own = measures.values.index(value)
    others = np.delete(measures.gaps, own, axis=0)
    strength = np.minimum(measures.gaps[own], -others.min(axis=0))
    order = np.argsort(-strength, kind="stable")[:_TELLING]
    return int(order[(turn * 37) % len(order)])


def corner_gains(project: Project, group: str) -> pd.DataFrame | None:
    """What each adapter alone gains over the base, in standard deviations of the base's rewards.

    Paired over prompts where rewards are known prompt by prompt; else from the points' means, in
    the reward models' units, without intervals.

    Returns:
        Columns adapter, value, gain, low, high; None while base or adapters are not measured.
    """
    try:
        found = measured_sets(project, (group,))
    except NotFoundError:
        return _from_points(project, group)
    soups, base = found.sets[group], found.base
    rows = []
    for k, adapter in enumerate(project.values):
        alone = np.flatnonzero(np.abs(soups.weights - np.eye(len(project.values))[k]).max(1) < 1e-4)
        if not len(alone):
            return _from_points(project, group)
        gains = (soups.rewards[alone[0]] - base) / base.std(axis=0, ddof=1)
        mean, low, high = bootstrap_interval(gains, rng=np.random.default_rng(0))
        rows += [
            {"adapter": adapter, "value": v, "gain": mean[j], "low": low[j], "high": high[j]}
            for j, v in enumerate(project.values)
        ]
    return pd.DataFrame(rows)


def far_axes(project: Project, groups: list[str]) -> tuple[str, str]:
    """The two values on which the measured soups differ most, in the project's order."""
    values = list(project.values)
    tables = [state.points_of(project, group)[values] for group in groups]
    spread = pd.concat(tables).astype(float).std().fillna(0.0)
    pairs = itertools.combinations(values, 2)
    return max(pairs, key=lambda pair: float(spread[pair[0]] * spread[pair[1]]))


def _from_points(project: Project, group: str) -> pd.DataFrame | None:
    table = state.points_of(project, group)
    base = base_rewards(table, project.values)
    corners = table[table["role"] == "corner"].set_index("label")
    if base is None or not set(project.values) <= set(corners.index):
        return None
    rows = [
        {
            "adapter": adapter,
            "value": value,
            "gain": float(corners.loc[adapter, value]) - base[value],
            "low": np.nan,
            "high": np.nan,
        }
        for adapter in project.values
        for value in project.values
    ]
    return pd.DataFrame(rows)
