"""Options that many verbs share, and how they open what they name."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from vcsoup.errors import UnknownValueError
from vcsoup.jobs import Worker, job_worker
from vcsoup.workspace import Project, Workspace, default_workspace
from vcsoup.workspace.points import MOST_SEED

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        help="Workspace folder; $VCSOUP_WORKSPACE or ~/.local/share/vcsoup by default.",
        show_default=False,
    ),
]
ProjectOption = Annotated[str, typer.Option("--project", "-p", help="Project name.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print figures as JSON.")]
ValuesOption = Annotated[
    list[str] | None,
    typer.Option("--value", help="Only this value; repeatable. All by default."),
]
MinNormOption = Annotated[
    float | None,
    typer.Option(help="Least length of the gap vector, in sigmas, instead of the stored one."),
]
FlipOption = Annotated[
    bool | None,
    typer.Option("--flip/--no-flip", help="Exchange the answers of likely label flips."),
]
ScaleOption = Annotated[
    str | None,
    typer.Option(help="Scale of the gaps, dataset or shared, instead of the project's."),
]
GroupOption = Annotated[str, typer.Option("--group", help="Adapter set, such as 'filtered'.")]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, max=MOST_SEED, help="Fixes the sampling.")
]


def open_workspace(root: Path | None) -> Workspace:
    """Open the workspace that was named, or the default one."""
    return Workspace(root or default_workspace())


def chosen_values(project: Project, values: Sequence[str] | None) -> list[str]:
    """Return the named values in the project's order, all when none is named.

    Raises:
        UnknownValueError: a name that the project does not have.
    """
    for value in values or ():
        if value not in project.values:
            raise UnknownValueError(
                f"project {project.name} has no value {value!r}; "
                f"its values are {', '.join(project.values)}"
            )
    return [value for value in project.values if not values or value in values]


@contextmanager
def as_job(
    workspace: Workspace, kind: str, title: str, *, project: str | None = None, slot: bool = True
) -> Iterator[Worker]:
    """Run a long verb as a job that the app sees, whoever started it."""
    with job_worker(
        kind=kind,
        title=title,
        project=project,
        args=sys.argv[1:],
        jobs_root=workspace.jobs_root,
        slot=slot,
    ) as worker:
        yield worker
