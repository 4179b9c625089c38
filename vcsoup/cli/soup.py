"""`evaluate` and `front`: measure mixes of adapters and choose among them."""

from typing import Annotated, Any

import numpy as np
import typer

from vcsoup.cli.front import show_front
from vcsoup.cli.options import (
    GroupOption,
    JsonOption,
    ProjectOption,
    SeedOption,
    WorkspaceOption,
    as_job,
    open_workspace,
)
from vcsoup.cli.output import interval, show_json, show_table, weights_text
from vcsoup.errors import WeightsError
from vcsoup.evaluation.chord import chord_weights
from vcsoup.front_figures import front_figures
from vcsoup.monitor import StopRequested
from vcsoup.numbers import plural
from vcsoup.soup.weights import check_no_specks, parse_weights, simplex_grid
from vcsoup.workspace import Point, Project
from vcsoup.workspace.points import weights_key


def evaluate(
    weights: Annotated[
        list[str] | None,
        typer.Option(help="A soup to measure, such as helpful=0.5,harmless=0.5; repeatable."),
    ] = None,
    grid: Annotated[
        int | None, typer.Option(min=1, help="Measure all multiples of 1/GRID on the simplex.")
    ] = None,
    explore: Annotated[
        int | None,
        typer.Option(min=1, help="Measure this many more soups, best expected gain first."),
    ] = None,
    chord: Annotated[
        tuple[str, str] | None,
        typer.Option(help="Measure the segment between two values' adapters; see --steps."),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps from end to end of --chord.")] = 8,
    group: GroupOption = "filtered",
    n_prompts: Annotated[
        int | None, typer.Option(min=2, help="How many held-out prompts; all by default.")
    ] = None,
    seed: SeedOption = 0,
    free: Annotated[bool, typer.Option("--free", help="Allow weights off the simplex.")] = False,
    missing: Annotated[
        bool,
        typer.Option("--missing", help="Leave out soups that are measured so already."),
    ] = False,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure soups on the held-out prompts; the base is always measured too, but to explore.

    Ctrl-C stops and keeps the points that are whole; the exit status is then 130, and the same
    with --missing measures the rest.
    """
    opened = open_workspace(workspace)
    target = opened.project(project)
    if explore is not None and (weights or grid is not None or chord or missing):
        raise WeightsError(
            "--explore chooses the soups itself; leave out --weights, --grid, --chord and --missing"
        )
    segment = chord_weights(target.values, *chord, steps) if chord else None
    soups = np.zeros((0, 0))
    if explore is None:
        soups = _soups(target, weights or [], grid, segment=segment, free=free)
    from vcsoup.exploring import explore_project
    from vcsoup.pipeline import measure_project, not_measured

    key = target.set_key(target.adapter_set(group))
    to_do = soups
    if missing:
        held_out = len(target.held_out_prompts())
        prompts = min(n_prompts or held_out, held_out)
        to_do = not_measured(target, group, soups, prompts=prompts, seed=seed)
    wanted = explore or len(to_do)
    title = f"Measuring {plural(wanted, 'soup')} ({group})"
    done = 0
    with as_job(opened, "evaluate", title, project=project) as worker:
        if explore is not None:
            soups = explore_project(
                target, group, explore, n_prompts=n_prompts, seed=seed, monitor=worker
            )
            done = len(soups)
        elif len(to_do):
            measured = measure_project(
                target, group, to_do, n_prompts=n_prompts, seed=seed, monitor=worker
            )
            done = len(measured.weights)
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
    if worker.stop_requested and done < wanted:
        raise StopRequested(
            f"stopped with {done} of {plural(wanted, 'soup')} measured; their points are kept"
        )


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


def _soups(
    project: Project,
    weights: list[str],
    grid: int | None,
    *,
    segment: np.ndarray | None,
    free: bool,
) -> np.ndarray:
    """Return the base and the soups that were asked for, shape (m, K), none twice."""
    if not weights and grid is None and segment is None:
        raise WeightsError(
            "name soups with --weights helpful=0.5,... or measure a --grid 4 or a --chord"
        )
    K = len(project.values)
    rows = [
        np.zeros((1, K)),
        *(
            check_no_specks(parse_weights(text, project.values, free=free))[None]
            for text in weights
        ),
    ]
    rows += [simplex_grid(K, grid)] if grid is not None else []
    rows += [segment] if segment is not None else []
    return np.array(list(dict.fromkeys(map(tuple, np.concatenate(rows).tolist()))))


def _measured(project: Project, key: str, soups: np.ndarray, seed: int) -> list[Point]:
    own = [point for point in project.points(key) if point.seed == seed]
    found = {weights_key(point.weights, project.values): point for point in own}
    named = (dict(zip(project.values, row, strict=True)) for row in soups.tolist())
    keys = (weights_key(weights, project.values) for weights in named)
    return [found[soup] for soup in keys if soup in found]


def _of(point: Point, value: str) -> dict[str, float]:
    return {"mean": point.rewards[value], "low": point.low[value], "high": point.high[value]}


def _figures(point: Point) -> dict[str, Any]:
    return point.model_dump(exclude={"set_key", "group", "judged"})
