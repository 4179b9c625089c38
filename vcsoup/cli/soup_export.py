"""`soup merge`, `soup export`, `soup build`, `soup honesty`: take a soup out of the workspace."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from vcsoup.cli.options import (
    GroupOption,
    JsonOption,
    ProjectOption,
    WorkspaceOption,
    as_job,
    open_workspace,
)
from vcsoup.cli.output import show, show_json, show_table, weights_text
from vcsoup.errors import AdapterError
from vcsoup.exports import (
    RECIPE,
    TEXTS,
    build_folder,
    error_told,
    export_folder,
    export_text,
    soup_recipe,
)
from vcsoup.honesty_report import NO_SOUP, honesty_figures
from vcsoup.jobs import Worker
from vcsoup.soup.export_recipe import Recipe, read_recipe, recipe_text
from vcsoup.soup.weights import parse_weights
from vcsoup.workspace import Project
from vcsoup.workspace.files import write_json

app = typer.Typer(help="Merge adapters and export soups.", no_args_is_help=True)

METHODS = {"exact": "exact", "svd": "svd", "factor-average": "factor average"}
FOLDERS = ("adapter", "model")
_DTYPES = get_args(Recipe.model_fields["dtype"].annotation)

WeightsOption = Annotated[str, typer.Option(help="For example helpful=0.5,harmless=0.5.")]
FreeOption = Annotated[bool, typer.Option("--free", help="Allow weights off the simplex.")]
MethodOption = Annotated[
    str, typer.Option(help="exact, svd (needs --rank) or factor-average (the reference code's).")
]
RankOption = Annotated[int | None, typer.Option(min=1, help="Rank for --method svd.")]


@app.callback()
def _soup() -> None:
    """Merge adapters and export soups."""


@app.command("merge")
def merge(
    weights: WeightsOption,
    out: Annotated[Path, typer.Option(help="New folder for the merged PEFT adapter.")],
    group: GroupOption = "filtered",
    method: MethodOption = "exact",
    rank: RankOption = None,
    free: FreeOption = False,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Merge the adapters of a set into one plain PEFT adapter, and say its error."""
    opened = open_workspace(workspace)
    target = opened.project(project)
    lambdas = parse_weights(weights, target.values, free=free)
    choices = {"kind": "adapter", "method": _method(method, rank), "rank": rank}
    recipe = partial(soup_recipe, target, group, lambdas, **choices)
    with as_job(opened, "merge", f"Merging {group}", project=project, slot=False) as worker:
        figures = _as_folder(target, recipe, out, worker)
    _show(figures, as_json)


@app.command("export")
def export(
    weights: WeightsOption,
    out: Annotated[Path, typer.Option(help="New folder, or new file for a text.")],
    kind: Annotated[
        str,
        typer.Option(
            "--as",
            help="adapter or model (folders); recipe, card, mergekit or snippet (texts).",
        ),
    ] = "adapter",
    group: GroupOption = "filtered",
    method: MethodOption = "exact",
    rank: RankOption = None,
    dtype: Annotated[str, typer.Option(help=f"Of a model: {', '.join(_DTYPES)}.")] = "float32",
    free: FreeOption = False,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export a soup: as an adapter, a full model, a recipe, a card, mergekit YAML or a script."""
    opened = open_workspace(workspace)
    target = opened.project(project)
    lambdas = parse_weights(weights, target.values, free=free)
    if kind not in (*FOLDERS, *TEXTS):
        raise AdapterError(f"export {kind!r} is unknown; choose {', '.join((*FOLDERS, *TEXTS))}")
    if dtype not in _DTYPES:
        raise AdapterError(f"--dtype {dtype!r} is unknown; choose {', '.join(_DTYPES)}")
    folder = kind if kind in FOLDERS else "adapter"
    choices = {"kind": folder, "method": _method(method, rank), "rank": rank, "dtype": dtype}
    recipe = partial(soup_recipe, target, group, lambdas, **choices)
    if kind in FOLDERS:
        title = f"Exporting {group} as {kind}"
        with as_job(opened, "export", title, project=project, slot=kind == "model") as worker:
            figures = _as_folder(target, recipe, out, worker)
    else:
        figures = _write_text(target, recipe(), kind, out)
    _show(figures, as_json)


@app.command("build")
def build(
    recipe: Annotated[Path, typer.Argument(help="The recipe.yaml of an export.")],
    out: Annotated[Path, typer.Option(help="New folder.")],
    base: Annotated[str | None, typer.Option(help="Base model, when it moved.")] = None,
    adapter: Annotated[
        list[str] | None, typer.Option(help="VALUE=FOLDER, when an adapter moved; repeatable.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build a soup from its recipe; refuses when the base or an adapter is not the recipe's."""
    chosen = _moved(read_recipe(recipe), base, adapter or [])
    opened = open_workspace(workspace)
    with as_job(opened, "export", f"Building {recipe.name}", slot=False) as worker:
        texts = {RECIPE: recipe_text(chosen)}
        figures = build_folder(chosen, out, texts=texts, monitor=worker)
        worker.finish(figures)
    _show(figures, as_json)


@app.command("honesty")
def honesty(
    weights: WeightsOption,
    group: GroupOption = "filtered",
    out: Annotated[Path | None, typer.Option(help="Also write the figures to this file.")] = None,
    free: FreeOption = False,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how exact each export of a soup is, and how far the adapters agree, layer by layer."""
    opened = open_workspace(workspace)
    target = opened.project(project)
    lambdas = parse_weights(weights, target.values, free=free)
    with as_job(opened, "honesty", f"Measuring exports of {group}", project=project) as worker:
        worker.report("reading", 0, 1)
        paths = [target.adapter_set(group)[value].path for value in target.values]
        figures = honesty_figures(paths, lambdas, target.values)
        if out is not None:
            write_json(out, figures)
        worker.finish({"out": str(out) if out else None})
    if as_json:
        show_json(figures)
        return
    if figures["base"]:
        show(f"{weights_text(figures['weights'])}: {NO_SOUP}")
    else:
        rows = [[entry["export"], entry["relative_error"]] for entry in figures["exports"]]
        show_table(["export", "relative error"], rows, title=weights_text(figures["weights"]))
    pairs = [
        [row["layer"], row["first"], row["second"], row["cosine"]] for row in figures["layers"]
    ]
    show_table(["layer", "adapter", "adapter", "cosine"], pairs)


def _as_folder(
    project: Project, recipe: Callable[[], Recipe], out: Path, worker: Worker
) -> dict[str, Any]:
    """Export into a folder; a recipe that cannot be made is the job's failure."""
    figures = export_folder(project, recipe(), out, monitor=worker)
    worker.finish(figures)
    return figures


def _write_text(project: Project, recipe: Recipe, kind: str, out: Path) -> dict[str, Any]:
    if out.exists():
        raise AdapterError(f"{out} exists already; choose another file or remove it")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(export_text(project, recipe, kind), encoding="utf-8")
    return {"path": str(out), "kind": kind, "weights": recipe.soup, "method": recipe.method}


def _moved(recipe: Recipe, base: str | None, adapters: list[str]) -> Recipe:
    given = dict(text.partition("=")[::2] for text in adapters)
    known = [part.value for part in recipe.adapters]
    if unknown := sorted(set(given) - set(known)):
        raise AdapterError(
            f"the recipe has no adapter {', '.join(unknown)}; it mixes {', '.join(known)}"
        )
    parts = tuple(
        part.model_copy(update={"path": given.get(part.value) or part.path})
        for part in recipe.adapters
    )
    named = recipe.base.model_copy(update={"model": base or recipe.base.model})
    return recipe.model_copy(update={"adapters": parts, "base": named})


def _method(method: str, rank: int | None) -> str:
    if method not in METHODS:
        raise AdapterError(f"merge method {method!r} is unknown; choose {', '.join(METHODS)}")
    if (method == "svd") != (rank is not None):
        raise AdapterError("--rank belongs to --method svd, which needs it; give both or neither")
    return METHODS[method]


def _show(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(figures)
        return
    told = [f"{figures['path']}: {weights_text(figures['weights'])}", str(figures["method"])]
    told += [f"rank {figures['rank']}"] if figures.get("rank") else []
    told += [error] if (error := error_told(figures)) else []
    show(", ".join(told))
