"""Build a recipe: a soup as one PEFT adapter, or merged into a full model of its own.

Both folders are written aside and renamed, so they are whole or absent, and carry texts that were
made for them (model card, recipe, picture). The contents of base and adapters are checked first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcsoup.errors import AdapterError
from vcsoup.monitor import SILENT, Monitor
from vcsoup.soup.adapters import Adapter, load_adapter
from vcsoup.soup.export_model import add_soup, load_mergeable, save_model
from vcsoup.soup.export_recipe import Recipe, check_contents
from vcsoup.soup.merge import Merged, merge_exact, merge_factor_average, merge_svd
from vcsoup.soup.merged_folder import save_merged


@dataclass(frozen=True)
class Built:
    """What came of a recipe.

    Attributes:
        path: The new folder.
        method: "exact", "svd" or "factor average".
        rank: The adapter's largest rank; 0 for a full model.
        relative_error: Frobenius norm of what the export adds to the base minus the soup's delta,
            over that of the delta: 0 for an exact adapter, the rounding to its dtype for a model.
    """

    path: Path
    method: str
    rank: int
    relative_error: float


def build(
    recipe: Recipe,
    out: Path,
    *,
    texts: Mapping[str, str] | None = None,
    monitor: Monitor = SILENT,
) -> Built:
    """Build a recipe.

    Args:
        recipe: What to build; adapter paths absolute or relative to the working folder.
        out: New folder.
        texts: More files to put in: name -> text; "{relative_error}" in them becomes the figure.
        monitor: Hears progress in modules; a stop request leaves nothing behind.

    Returns:
        The folder and its measured error.

    Raises:
        NotFoundError: an adapter is missing.
        BaseModelError: the base cannot be loaded.
        AdapterError: contents that are not the recipe's, adapters that do not merge, or `out`
            exists.
        StopRequested: asked to stop.
    """
    if out.exists():
        raise AdapterError(f"{out} exists already; choose another folder or remove it")
    check_contents(recipe)
    adapters = [load_adapter(Path(part.path)) for part in recipe.adapters]
    files = texts or {}
    if recipe.kind == "model":
        monitor.report("loading", 0, 1)
        tokenizer, model = load_mergeable(recipe.base, dtype=recipe.dtype)
        error = add_soup(model, adapters, recipe.weights, monitor=monitor)
        monitor.report("writing", 0, 1)
        manifest = {"kind": "soup model", "relative_error": error, **_manifest(recipe)}
        save_model(model, tokenizer, out, manifest=manifest, texts=_filled(files, error))
        monitor.report("writing", 1, 1)
        return Built(out, recipe.method, 0, error)
    merged = _merge(recipe, adapters)
    about = {"recipe": recipe.model_dump(mode="json"), **_manifest(recipe)}
    told = _filled(files, merged.relative_error)
    save_merged(merged, out, base=recipe.base.model, recipe=about, texts=told)
    monitor.report("merging", 1, 1)
    return Built(out, merged.method, merged.rank, merged.relative_error)


def _merge(recipe: Recipe, adapters: Sequence[Adapter]) -> Merged:
    if recipe.method == "svd":
        return merge_svd(adapters, recipe.weights, recipe.rank or 1)
    merge = merge_exact if recipe.method == "exact" else merge_factor_average
    return merge(adapters, recipe.weights)


def _manifest(recipe: Recipe) -> dict[str, Any]:
    names = {part.value: Path(part.path).name for part in recipe.adapters}
    return {
        "project": recipe.project,
        "group": recipe.group,
        "soup": recipe.soup,
        "adapters": names,
        "base": recipe.base.model,
        "base_fingerprint": recipe.base.hash,
        **({"base_quantization": kept} if (kept := recipe.base.quantization) else {}),
    }


def _filled(files: Mapping[str, str], error: float) -> dict[str, str]:
    return {name: text.replace("{relative_error}", f"{error:.2g}") for name, text in files.items()}
