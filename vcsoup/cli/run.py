"""`run`: make what a project file says, from nothing to a measured front and exported soups."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vcsoup.cli.front import show_front
from vcsoup.cli.options import JsonOption, WorkspaceOption, as_job, open_workspace
from vcsoup.cli.output import show, show_json, show_table
from vcsoup.errors import ProjectFileError
from vcsoup.front_figures import front_figures
from vcsoup.machine import keep_memory
from vcsoup.numbers import duration
from vcsoup.project_file import ProjectFile
from vcsoup.project_yaml import load_project_file
from vcsoup.running.plan import STAGES
from vcsoup.running.run import StepReport, changes, dry_run
from vcsoup.running.run import run as run_file
from vcsoup.workspace import Workspace
from vcsoup.yaml_lines import likely


def run(
    file: Annotated[Path, typer.Argument(help="The project file; `project yaml demo` shows one.")],
    until: Annotated[
        str, typer.Option(help="Last stage: data, score, train, measure or export.")
    ] = "export",
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make what a project file says; what is there and current is skipped, so a killed run goes on.

    What a long step costs is said before it begins.
    """
    keep_memory()
    if until not in STAGES:
        raise ProjectFileError(f"--until {until!r} is no stage; {likely(until, STAGES)}")
    wanted = load_project_file(file)
    opened = open_workspace(workspace)
    if dry:
        reports = dry_run(opened, wanted, until=until)
        if not as_json:
            for line in changes(opened, wanted):
                show(f"would set: {line}")
        _show(opened, wanted, reports, as_json=as_json)
        return
    tell = (lambda line: None) if as_json else show
    with as_job(opened, "run", f"Running {file.name}", project=wanted.project) as worker:
        reports = run_file(opened, wanted, until=until, monitor=worker, tell=tell)
        worker.finish({"steps": [report.to_dict() for report in reports]})
    _show(opened, wanted, reports, as_json=as_json)


def _show(
    workspace: Workspace, wanted: ProjectFile, reports: list[StepReport], *, as_json: bool
) -> None:
    front = _front(workspace, wanted, reports)
    if as_json:
        steps = [report.to_dict() for report in reports]
        show_json({"project": wanted.project, "steps": steps, "front": front})
        return
    rows = [
        (
            report.stage,
            report.title,
            report.state,
            duration(report.seconds) if report.seconds else "",
            report.cost.told() if report.cost else "",
        )
        for report in reports
    ]
    show("")
    show_table(["stage", "step", "state", "took", "expected"], rows)
    if front:
        show("")
        show_front(front, list(wanted.values))


def _front(
    workspace: Workspace, wanted: ProjectFile, reports: list[StepReport]
) -> dict[str, Any] | None:
    """The front, when every group of the file is measured now."""
    measured = [report.state != "to do" for report in reports if report.stage == "measure"]
    if not measured or not all(measured):
        return None
    project = workspace.project(wanted.project)
    return front_figures(project, wanted.groups, seed=wanted.measuring.seed)
