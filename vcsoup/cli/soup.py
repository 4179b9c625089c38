"""`soup merge`, `evaluate` and `front`: mix adapters, measure the mixes, choose among them."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from vcsoup.cli.front import front_figures, show_front
from vcsoup.cli.options import (
    GroupOption,
    JsonOption,
    ProjectOption,
    SeedOption,
    WorkspaceOption,
    as_job,
    open_workspace,
)
from vcsoup.cli.output import interval, show, show_json, show_table, weights_text
from vcsoup.errors import AdapterError, WeightsError
from vcsoup.soup.weights import parse_weights, simplex_grid
from vcsoup.workspace import Point, Project

app = typer.Typer(help="Merge adapters.", no_args_is_help=True)

METHODS = ("exact", "svd", "factor-average")


@app.callback()
def _soup() -> None:
    """Merge adapters."""


@app.command("merge")
def merge(
    weights: Annotated[str, typer.Option(help="For example helpful=0.5,harmless=0.5.")],
    out: Annotated[Path, typer.Option(help="New folder for the merged PEFT adapter.")],
    group: GroupOption = "filtered",
    method: Annotated[
        str,
        typer.Option(help="exact, svd (needs --rank) or factor-average (the reference code's)."),
    ] = "exact",
    rank: Annotated[int | None, typer.Option(min=1, help="Rank for --method svd.")] = None,
    free: Annotated[bool, typer.Option("--free", help="Allow weights off the simplex.")] = False,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Merge the adapters of a set into one plain PEFT adapter, and say its error."""
    opened = open_workspace(workspace)
    target = opened.project(project)
    lambdas = parse_weights(weights, target.values, free=free)
    if method not in METHODS:
        raise AdapterError(f"merge method {method!r} is unknown; choose {', '.join(METHODS)}")
    if (method == "svd") != (rank is not None):
        raise AdapterError("--rank belongs to --method svd, which needs it; give both or neither")
    with as_job(opened, "merge", f"Merging {group}", project=project, slot=False) as worker:
        figures = _merge(target, lambdas, group=group, method=method, rank=rank, out=out)
        worker.finish(figures)
    if as_json:
        show_json(figures)
    else:
        show(
            f"{figures['path']}: {weights_text(figures['weights'])}, {figures['method']}, "
            f"rank {figures['rank']}, relative error {figures['relative_error']:.2g}"
        )


def evaluate(
    weights: Annotated[
        list[str] | None,
        typer.Option(help="A soup to measure, such as helpful=0.5,harmless=0.5; repeatable."),
    ] = None,
    grid: Annotated[
        int | None, typer.Option(min=1, help="Measure all multiples of 1/GRID on the simplex.")
    ] = None,
    group: GroupOption = "filtered",
    n_prompts: Annotated[
        int | None, typer.Option(min=2, help="How many held-out prompts; all by default.")
    ] = None,
    seed: SeedOption = 0,
    free: Annotated[bool, typer.Option("--free", help="Allow weights off the simplex.")] = False,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure soups on the held-out prompts; the base is always measured too."""
    opened = open_workspace(workspace)
    target = opened.project(project)
    soups = _soups(target, weights or [], grid, free=free)
    from vcsoup.pipeline import adapter_set, measure_project

    key = target.set_key(adapter_set(target, group))
    title = f"Measuring {len(soups)} soups ({group})"
    with as_job(opened, "evaluate", title, project=project) as worker:
        measure_project(target, group, soups, n_prompts=n_prompts, seed=seed, monitor=worker)
        points = _measured(target, key, soups, seed)
        figures = {"group": group, "set_key": key, "points": [_figures(p) for p in points]}
        worker.finish(figures)
    if as_json:
        show_json(figures)
    else:
        rows = [
            [weights_text(p.weights), *(interval(_of(p, v)) for v in target.values), p.n_prompts]
            for p in points
        ]
        show_table(["soup", *target.values, "prompts"], rows, title=f"Mean reward, {group}")


def front(
    group: Annotated[
        list[str] | None,
        typer.Option(help="Adapter set; repeatable. All complete ones by default."),
    ] = None,
    minimum: Annotated[
        list[str] | None,
        typer.Option("--min", help="Constraint VALUE=REWARD for --maximise; repeatable."),
    ] = None,
    maximise: Annotated[
        str | None, typer.Option(help="The value to make best under the constraints.")
    ] = None,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the Pareto front of the measured points, hypervolumes, and the best balanced soup."""
    opened = open_workspace(workspace).project(project)
    figures = front_figures(opened, group or [], minimums=minimum or [], maximise=maximise)
    if as_json:
        show_json(figures)
    else:
        show_front(figures, opened.values)


def _merge(
    project: Project,
    lambdas: np.ndarray,
    *,
    group: str,
    method: str,
    rank: int | None,
    out: Path,
) -> dict[str, Any]:
    from vcsoup.pipeline import adapter_set
    from vcsoup.soup.adapters import load_adapter
    from vcsoup.soup.merge import merge_exact, merge_factor_average, merge_svd, save_merged

    infos = adapter_set(project, group)
    adapters = [load_adapter(info.path) for info in infos.values()]
    if method == "svd":
        merged = merge_svd(adapters, lambdas, rank or 1)
    else:
        merged = (merge_exact if method == "exact" else merge_factor_average)(adapters, lambdas)
    weights = dict(zip(project.values, lambdas.tolist(), strict=True))
    names = {value: info.name for value, info in infos.items()}
    recipe = {"project": project.name, "group": group, "soup": weights, "adapters": names}
    path = save_merged(merged, out, recipe=recipe)
    return {
        "path": str(path),
        "method": merged.method,
        "weights": weights,
        "rank": merged.rank,
        "relative_error": merged.relative_error,
    }


def _soups(project: Project, weights: list[str], grid: int | None, *, free: bool) -> np.ndarray:
    """Return the base and the soups that were asked for, shape (m, K), none twice."""
    if not weights and grid is None:
        raise WeightsError("name soups with --weights helpful=0.5,... or measure a --grid 4")
    K = len(project.values)
    rows = [
        np.zeros((1, K)),
        *(parse_weights(text, project.values, free=free)[None] for text in weights),
    ]
    rows += [simplex_grid(K, grid)] if grid is not None else []
    return np.array(list(dict.fromkeys(map(tuple, np.concatenate(rows).tolist()))))


def _measured(project: Project, key: str, soups: np.ndarray, seed: int) -> list[Point]:
    found = {
        tuple(round(p.weights.get(v, 0.0), 6) for v in project.values): p
        for p in project.points(key)
        if p.seed == seed
    }
    keys = [tuple(round(weight, 6) for weight in row) for row in soups.tolist()]
    return [found[row] for row in keys if row in found]


def _of(point: Point, value: str) -> dict[str, float]:
    return {"mean": point.rewards[value], "low": point.low[value], "high": point.high[value]}


def _figures(point: Point) -> dict[str, Any]:
    return point.model_dump(exclude={"set_key", "group"})
