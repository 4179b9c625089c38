"""`project rename | remove | restore | delete`: a project's title, the bin, and out of it."""

from typing import Annotated

import typer

from vcsoup.cli.options import WorkspaceOption, open_workspace
from vcsoup.cli.output import show
from vcsoup.project_removal import delete_project, remove_project

NameArgument = Annotated[str, typer.Argument(help="Short name of the project: a-z, 0-9 and '-'.")]


def rename(
    name: NameArgument,
    title: Annotated[str, typer.Argument(help="The name as people read it.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Give a project another title; its short name stays."""
    opened = open_workspace(workspace)
    project = opened.update_project(opened.project(name).config.titled(title))
    show(f"{project.name}: called {project.title} now")


def remove(name: NameArgument, workspace: WorkspaceOption = None) -> None:
    """Put a project into the bin, with all that belongs to it."""
    remove_project(open_workspace(workspace), name)
    show(f"{name}: removed; `python -m vcsoup project restore {name}` undoes")


def restore(name: NameArgument, workspace: WorkspaceOption = None) -> None:
    """Bring a project back from the bin."""
    open_workspace(workspace).bin.restore(name)
    show(f"{name}: restored")


def delete(name: NameArgument, workspace: WorkspaceOption = None) -> None:
    """Delete a project of the bin for good, with its pairs, adapters, measured points and runs."""
    delete_project(open_workspace(workspace), name)
    show(f"{name}: deleted for good")
