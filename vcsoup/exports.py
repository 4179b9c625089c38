"""Exporting soups of a project: recipes, cards and folders from what the workspace knows.

Beside `vcsoup.pipeline`: reads adapters, manifests and points, and calls `vcsoup.soup.export*`. The
Soup page's downloads and `python -m vcsoup soup export` call it. Torch is imported only when a
folder is built; texts cost no model library.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from vcsoup.errors import AdapterError
from vcsoup.evaluation.front_picture import PicturePoint, front_picture
from vcsoup.fingerprint import model_fingerprint
from vcsoup.monitor import SILENT, Monitor
from vcsoup.soup.adapter_settings import delta_hash
from vcsoup.soup.export_card import Measured, model_card
from vcsoup.soup.export_recipe import Recipe, as_recipe, recipe_text
from vcsoup.soup.export_texts import mergekit_yaml, peft_snippet
from vcsoup.soup.weights import check_weights
from vcsoup.workspace import AdapterInfo, Point, Project
from vcsoup.workspace.points import one_per_soup, weights_key

CARD, RECIPE, PICTURE = "README.md", "recipe.yaml", "front.svg"
TEXTS = {
    "recipe": RECIPE,
    "card": CARD,
    "mergekit": "mergekit.yaml",
    "snippet": "sliders.py",
}
"""Exports that are one text, and the usual name of the file."""


def soup_recipe(project: Project, group: str, weights: npt.ArrayLike, **choices: Any) -> Recipe:
    """The recipe of a soup of one adapter set.

    Args:
        project: Whose adapters.
        group: The adapter set.
        weights: K numbers, any sign and sum, in the order of the project's values.
        **choices: `kind`, `method`, `rank`, `dtype` of `Recipe`.

    Raises:
        NotFoundError: no such set.
        AdapterError: an adapter that cannot be summed, or choices that do not go together.
        WeightsError: not K finite numbers.
    """
    adapters = project.adapter_set(group)
    lambdas = check_weights(weights, len(project.values), free=True).tolist()
    parts = [
        {
            "value": value,
            "weight": weight,
            "path": str(adapters[value].path),
            "hash": delta_hash(adapters[value].path),
            "trained_on": _trained_on(adapters[value].manifest),
        }
        for value, weight in zip(project.values, lambdas, strict=True)
    ]
    loading = project.config.loading
    base = {
        "model": project.config.base,
        "hash": _base_hash(project, adapters),
        "revision": loading.revision,
        "quantization": None if loading.quantization == "none" else loading.quantization,
    }
    content = {"project": project.name, "group": group, "base": base, "adapters": parts}
    return as_recipe({**content, **choices}, name="this soup")


def export_text(project: Project, recipe: Recipe, kind: str) -> str:
    """One of the text exports of `TEXTS`.

    Raises:
        AdapterError: unknown kind, or a path that mergekit cannot name.
    """
    if kind == "recipe":
        return recipe_text(recipe)
    if kind == "card":
        told = "0 (nothing is built yet)" if recipe.method == "exact" else "measured on building"
        return soup_card(project, recipe).replace("{relative_error}", told)
    if kind == "mergekit":
        return mergekit_yaml(recipe)
    if kind == "snippet":
        return peft_snippet(recipe)
    raise AdapterError(f"export {kind!r} is unknown; choose adapter, model, {', '.join(TEXTS)}")


def export_folder(
    project: Project, recipe: Recipe, out: Path, *, monitor: Monitor = SILENT
) -> dict[str, Any]:
    """Build a soup's folder with its card, picture and recipe inside.

    Returns:
        path, kind, method, weights, rank, relative_error: what the command line prints.

    Raises:
        AdapterError, NotFoundError, StopRequested: as `vcsoup.soup.export.build`.
    """
    picture = soup_picture(project, recipe)
    texts = {RECIPE: recipe_text(recipe)} | ({PICTURE: picture} if picture else {})
    texts[CARD] = soup_card(project, recipe, picture=PICTURE if picture else "")
    return build_folder(recipe, out, texts=texts, monitor=monitor)


def build_folder(
    recipe: Recipe, out: Path, *, texts: Mapping[str, str], monitor: Monitor = SILENT
) -> dict[str, Any]:
    """Build a recipe's folder with some texts inside; returns as `export_folder`."""
    from vcsoup.soup.export import build

    built = build(recipe, out, texts=texts, monitor=monitor)
    return {
        "path": str(built.path),
        "kind": recipe.kind,
        "method": built.method,
        "weights": recipe.soup,
        "rank": built.rank,
        "relative_error": built.relative_error,
    }


def soup_card(project: Project, recipe: Recipe, *, picture: str = "") -> str:
    """The model card of a soup, with what is measured of it (`export_card.model_card`)."""
    points = _points(project, recipe.group)
    judges = {value: spec.title for value, spec in project.config.rewards.items()}
    return model_card(
        recipe,
        soup=_measured(points.get(weights_key(recipe.soup, project.values))),
        base=_measured(points.get(weights_key({}, project.values))),
        reward_models=judges,
        picture=picture,
    )


def soup_picture(project: Project, recipe: Recipe) -> str:
    """The front on the project's first two values as SVG, this soup ringed; "" without points."""
    points = _points(project, recipe.group)
    x, y = project.values[:2]
    here = weights_key(recipe.soup, project.values)
    drawn = [
        PicturePoint(
            x=point.rewards[x],
            y=point.rewards[y],
            base=not any(point.weights.values()),
            current=key == here,
        )
        for key, point in points.items()
    ]
    return front_picture(drawn, x_name=x, y_name=y) if drawn else ""


def _points(project: Project, group: str) -> dict[str, Point]:
    """The points of the adapter set's soups that the screens believe too, by `weights_key`."""
    found = project.points(project.set_key(project.adapter_set(group)))
    return one_per_soup(found, project.values)


def _measured(point: Point | None) -> Measured | None:
    if point is None:
        return None
    return Measured(
        rewards=point.rewards,
        low=point.low,
        high=point.high,
        n_prompts=point.n_prompts,
        seed=point.seed,
        recorded=point.recorded,
    )


def _trained_on(manifest: Mapping[str, Any]) -> dict[str, Any]:
    kept = manifest.get("filter")
    return {
        "pairs": manifest.get("n_pairs"),
        "pairs_all": manifest.get("n_pairs_all"),
        "data_hash": manifest.get("data_hash"),
        "threshold": manifest.get("threshold"),
        "scale": manifest.get("scale"),
        "filter": kept if isinstance(kept, dict) else None,
    }


def _base_hash(project: Project, adapters: Mapping[str, AdapterInfo]) -> str:
    """What the adapters' manifests recorded, else the base's own content (reads all of it)."""
    recorded = {info.manifest.get("base_fingerprint") for info in adapters.values()}
    only = recorded.pop() if len(recorded) == 1 else None
    chosen = project.config
    return str(only) if only else model_fingerprint(chosen.base, revision=chosen.loading.revision)


_MUCH = 0.1
"""A share of a soup whose loss shows in its answers."""


def error_told(figures: Mapping[str, Any]) -> str:
    """Say how far an export is from the soup, and what to do where that is far.

    Args:
        figures: Of `export_folder`.

    Returns:
        "" where no error is known.

    Example:
        >>> error_told({"relative_error": 0.0, "kind": "adapter"})
        'relative error 0'
        >>> error_told({"relative_error": 0.82, "kind": "model"}).partition(": ")[0]
        'relative error 0.82, rounding loses much of the soup'
    """
    error = float(figures.get("relative_error", math.nan))
    if not math.isfinite(error):
        return ""
    told = f"relative error {error:.2g}"
    if figures.get("kind") != "model" or error <= _MUCH:
        return told
    return f"{told}, rounding loses much of the soup: export it in float32, or as an adapter"
