"""`project yaml`: the file from which `run` makes the same project."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from vcsoup.cli.options import WorkspaceOption, open_workspace
from vcsoup.cli.output import show


def write_yaml(
    name: Annotated[str, typer.Argument(help="Project name.")] = "demo",
    out: Annotated[
        Path | None,
        typer.Option(
            help="New file; data that lie in the workspace alone are written beside it. Without "
            "it the file is printed."
        ),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a project as a YAML file; `run FILE` in an empty workspace makes the same."""
    from vcsoup.project_writing import project_text, write_project

    project = open_workspace(workspace).project(name)
    if out is None:
        typer.echo(project_text(project), nl=False)
        return
    first, *beside = write_project(project, out)
    show(f"{first}: run it with `python -m vcsoup run {shlex.quote(str(first))}`")
    for path in beside:
        show(f"  beside it: {path}")
