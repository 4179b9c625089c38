"""`compare`: two adapter sets side by side, paired over prompts; the Compare page as a command."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from vcsoup.cli.options import JsonOption, ProjectOption, WorkspaceOption, open_workspace
from vcsoup.cli.output import interval, show, show_json, show_table, weights_text
from vcsoup.comparing import compare_project
from vcsoup.errors import WorkspaceError
from vcsoup.evaluation.comparison import Comparison, named_differences, sentence


def compare(
    first: Annotated[str, typer.Option(help="An adapter set.")] = "filtered",
    second: Annotated[str, typer.Option(help="The set to compare it with.")] = "unfiltered",
    html: Annotated[
        Path | None, typer.Option(help="Write a report: one HTML file that needs no network.")
    ] = None,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Did filtering help? Compare what is measured of two sets on the same prompts."""
    opened = open_workspace(workspace).project(project)
    found = compare_project(opened, first, second)
    if html is not None:
        if html.exists():
            raise WorkspaceError(f"{html} exists already; choose another file or remove it")
        from vcsoup.comparison_report import comparison_report

        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(comparison_report(opened, found), encoding="utf-8")
    if as_json:
        show_json(_figures(found))
        return
    show(sentence(found))
    rows = [[name, interval(asdict(difference))] for name, difference in named_differences(found)]
    show_table(["difference", f"{first} minus {second}"], rows)
    for group in found.groups:
        best = found.summary["sets"][group]["balanced"]
        show(
            f"{group}: best balanced {weights_text(best['weights'])}, worst gain "
            f"{best['worst_gain']:+.3f}"
        )
    if html is not None:
        show(f"report: {html}")


def _figures(found: Comparison) -> dict[str, Any]:
    named = {name: asdict(d) | {"verdict": d.verdict} for name, d in named_differences(found)}
    return {
        "sentence": sentence(found),
        "groups": found.groups,
        "n_prompts": found.n_prompts,
        "n_soups": found.n_soups,
        "n_same_weights": found.n_same,
        "differences": named,
        **{key: found.summary[key] for key in ("unit", "reference", "sets")},
    }
