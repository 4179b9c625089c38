"""The measured soups of an adapter set as rows for the chart of two fronts (`plots.fronts`)."""

from collections.abc import Mapping, Sequence

import pandas as pd

from vcsoup.front_figures import balanced_soup
from vcsoup.workspace import Point, Project
from vcsoup.workspace.points import one_per_soup, weights_key


def front_rows(
    project: Project,
    group: str,
    axes: tuple[str, str],
    *,
    ringed: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Every measured soup of a set, measured here or recorded, as `two_fronts` draws it.

    Args:
        project: The project.
        group: A complete adapter set.
        axes: Values on the horizontal and the vertical axis.
        ringed: Weights of the soup to call balanced; by default the one of all measured soups
            whose worst gain over the base is largest.

    Returns:
        Columns role, recorded, balanced, n_prompts, text, x, y; one row per soup: of those that
        were measured more than once the one of `one_per_soup`.
    """
    key = project.set_key(project.adapter_set(group))
    best = one_per_soup(project.points(key), project.values)
    if not ringed and (found := balanced_soup(project, list(best.values()))):
        ringed = found[0].weights
    ring = weights_key(ringed, project.values) if ringed else ""
    rows = [
        {
            "role": "soup" if any(point.weights.values()) else "base",
            "recorded": point.recorded,
            "balanced": key == ring,
            "n_prompts": point.n_prompts,
            "text": _hover(point, group, project.values),
            "x": point.rewards[axes[0]],
            "y": point.rewards[axes[1]],
        }
        for key, point in best.items()
    ]
    columns = ["role", "recorded", "balanced", "n_prompts", "text", "x", "y"]
    return pd.DataFrame(rows, columns=columns)


def _hover(point: Point, group: str, values: Sequence[str]) -> str:
    mix = ", ".join(f"{v} {point.weights[v]:.2f}" for v in values if point.weights.get(v))
    lines = [f"<b>{mix or 'base'}</b>, {group}"]
    lines += [
        f"{v} {point.rewards[v]:+.2f} ({point.low[v]:+.2f} to {point.high[v]:+.2f})" for v in values
    ]
    origin = "recorded" if point.recorded else "measured here"
    return "<br>".join([*lines, f"{origin}, {point.n_prompts} prompts"])
