"""`demo build | open | run | synth`: the embedded world, and a project of any size."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from vcsoup.cli.options import JsonOption, WorkspaceOption, as_job, open_workspace
from vcsoup.cli.output import interval, show, show_json, show_table, weights_text
from vcsoup.machine import keep_memory

app = typer.Typer(
    help="The embedded world: build, open, run; synthetic projects.", no_args_is_help=True
)


@app.command("build")
def build(
    seed: Annotated[int, typer.Option(min=0, help="Source of all data and weights.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Bundle folder; assets/demo by default.", show_default=False)
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the embedded world from nothing: data, models, adapters, a measured front."""
    from vcsoup.demo.build import build_bundle
    from vcsoup.demo.bundle import bundle_folder

    folder = out or bundle_folder()
    with as_job(open_workspace(workspace), "demo", "Building the embedded world") as worker:
        card = build_bundle(folder.resolve(), seed=seed, monitor=worker)
        worker.finish(card)
    if as_json:
        show_json(card)
    else:
        show(f"{folder}: done; figures in {folder / 'card.md'}")


@app.command("open")
def open_project(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Put the demo project into the workspace; an existing one keeps all that was done in it."""
    from vcsoup.cli.project import project_figures
    from vcsoup.demo.open_demo import open_demo

    project = open_demo(open_workspace(workspace))
    if as_json:
        show_json(project_figures(project))
    else:
        show(f"project {project.name} is open; see it with `python -m vcsoup app`")


@app.command("run")
def run(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Run the whole method on the demo: score, filter, train, soup, measure, compare."""
    keep_memory()
    from vcsoup.demo.run import run_demo

    opened = open_workspace(workspace)
    with as_job(opened, "demo", "Running the whole method", project="demo") as worker:
        result = run_demo(opened, monitor=worker)
        worker.finish(result)
    if as_json:
        show_json(result)
    else:
        show_run(result)


@app.command("synth")
def synth(
    pairs: Annotated[int, typer.Option(min=1, help="Pairs in the data set of every value.")] = (
        1_000_000
    ),
    values: Annotated[int, typer.Option(min=2, max=8, help="How many values.")] = 3,
    name: Annotated[
        str, typer.Option(help="Project name; synth-PAIRS by default.", show_default=False)
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Source of all texts and rewards.")] = 0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a scored project of any size, with random rewards, to try the pages on."""
    from vcsoup.cli.project import project_figures
    from vcsoup.demo.synth import open_synth

    opened = open_workspace(workspace)
    title = f"Drawing {pairs:,} pairs for {values} values"
    with as_job(opened, "demo", title) as worker:
        project = open_synth(
            opened, pairs=pairs, values=values, name=name, seed=seed, monitor=worker
        )
        worker.finish(project_figures(project))
    if as_json:
        show_json(project_figures(project))
    else:
        show(f"project {project.name} is there; see it with `python -m vcsoup app`")


def show_run(result: Mapping[str, Any]) -> None:
    """Print what `vcsoup.demo.run.run_method` found."""
    values = list(result["base"])
    show(f"{result['n_prompts']} held-out prompts; every figure with its 95 % interval")
    row = ["base", *(interval(result["base"][value]) for value in values)]
    show_table(["reward models' units", *values], [row])
    show(f"\nGains over the base, in {result['unit']}")
    for group, found in result["sets"].items():
        for name in ("corners", "front"):
            show_table([f"{group}: {name}", *values], _gain_rows(found[name], values))
        _show_totals(group, found)
    for pair, difference in result["differences"].items():
        show(f"{pair}: hypervolume {interval(difference['hypervolume'])}")


def _gain_rows(points: list[Mapping[str, Any]], values: list[str]) -> list[list[str]]:
    return [
        [weights_text(point["weights"]), *(interval(point["gains"][value]) for value in values)]
        for point in points
    ]


def _show_totals(group: str, found: Mapping[str, Any]) -> None:
    best = found["balanced"]
    show(f"{group}: hypervolume {interval(found['hypervolume'])}")
    show(
        f"{group}: best balanced {weights_text(best['weights'])}, worst gain "
        f"{best['worst_gain']:.3f}; on fresh samples {interval(best['fresh'])}"
    )
    kept = ", ".join(f"{value} {n:,}" for value, n in found["pairs"].items())
    spent = ", ".join(f"{value} {s:.0f} s" for value, s in found["seconds"].items())
    show(f"{group}: pairs {kept}; training {spent}\n")
