"""Go through a plan: skip what is there, tell what the rest costs, make it."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vcsoup.cost import Cost
from vcsoup.errors import NotFoundError, RewardModelError
from vcsoup.filtering import PairFilter
from vcsoup.machine import give_memory_back
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.numbers import duration
from vcsoup.preferences.pairs import Prompt
from vcsoup.project_file import ProjectFile
from vcsoup.project_yaml import dump_project_file
from vcsoup.rewards.readiness import why_not_ready
from vcsoup.running import own_exports
from vcsoup.running.base_memory import check_base
from vcsoup.running.export_step import ExportStep
from vcsoup.running.held_out_file import read_held_out
from vcsoup.running.one_run import only_run
from vcsoup.running.pair_steps import check_data
from vcsoup.running.plan import CHECKPOINTS, Run, Stage, Step, planned
from vcsoup.running.settings import setting_changes
from vcsoup.running.sources import check_reading
from vcsoup.workspace import Project, ProjectConfig, Workspace

RUN_FILE = "run.yaml"
"""In a project's folder: the file that was run last, with absolute paths."""


@dataclass(frozen=True)
class StepReport:
    """What became of one step.

    Attributes:
        stage: Which part of the method.
        title: What it makes.
        state: "there" when its result was current, "made" now, "to do" in a dry run.
        cost: What it was said to take; None for what is done in a moment.
        seconds: What it took; 0 when nothing was made.
        figures: What came of it.
    """

    stage: Stage
    title: str
    state: str
    cost: Cost | None = None
    seconds: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def run(
    workspace: Workspace,
    file: ProjectFile,
    *,
    until: Stage = "export",
    monitor: Monitor = SILENT,
    tell: Callable[[str], None] = lambda line: None,
) -> list[StepReport]:
    """Make what a project file says, as far as it is not there.

    Args:
        workspace: Where the project lives; it is created when missing, and brought to what the file
            says when it differs.
        file: The project file, paths absolute (`load_project_file`).
        until: The last stage.
        monitor: Hears progress; a stop request ends the run, and what is finished is kept.
        tell: Says a line: what is skipped, what a step costs, what came of it.

    Returns:
        One report per step. Checkpoints of trainings that no longer stand in the file are gone once
        all that do are at their end.

    Raises:
        ProjectFileError: the file lacks something that these stages need.
        JobError: another run of this project is going on.
        VcsoupError: what a step raises; the steps before it are finished.
        StopRequested: asked to stop.
    """
    steps = planned(file, until)
    check_data(_present(workspace, file), file)
    _check_readings(file)
    reports = list[StepReport]()
    with only_run(workspace, file.project):
        for line in changes(workspace, file):
            tell(f"set: {line}")
        project = set_up(workspace, file)
        (project.root / RUN_FILE).write_text(dump_project_file(file), encoding="utf-8")
        for number, step in enumerate(steps, start=1):
            here = Run(workspace, file, project, project.filters(), monitor, tell)
            if step.stage == "train" and reports[-1].stage != "train":
                _check_trainings(steps, here)
            ahead = steps[number - 1 :] if all(told.state == "there" for told in reports) else ()
            reports.append(_taken(step, here, f"[{number}/{len(steps)}] {step.title}", ahead))
            project = workspace.project(file.project)
        if any(step.stage == "train" for step in steps):
            # All are at their end: what is left here is of choices that the file no longer makes.
            shutil.rmtree(project.root / CHECKPOINTS, ignore_errors=True)
    return reports


def dry_run(
    workspace: Workspace, file: ProjectFile, *, until: Stage = "export"
) -> list[StepReport]:
    """Say what a run would do and, where it can be counted, what that costs; change nothing.

    Raises:
        ProjectFileError: the file lacks something that these stages need.
        VcsoupError: data or models that are not where the file says.
    """
    steps = planned(file, until)
    project = _present(workspace, file)
    check_data(project, file)
    _check_readings(file)
    if project is None:
        _check_exports(None, steps)
        _check_models(_config(file), file, steps)
        return [StepReport(step.stage, step.title, "to do") for step in steps]
    wanted = workspace.as_configured(wanted_config(project, file))
    here = Run(workspace, file, wanted, wanted_filters(project, file), SILENT, lambda line: None)
    still_open = _still_open(steps, here)
    reports = []
    for step in steps:
        below = any(step.stands_on(other) for other in still_open)
        cost = None if step not in still_open or below else step.cost(here, timed=False)
        state = "to do" if step in still_open else "there"
        reports.append(StepReport(step.stage, step.title, state, cost))
    _check_exports(wanted, still_open)
    _check_models(wanted.config, file, still_open)
    return reports


def _check_readings(file: ProjectFile) -> None:
    """Refuse data that cannot be read as the file says, before anything is made."""
    for entry in file.values.values():
        if entry.data is not None:
            check_reading(entry.data)


def _still_open(steps: Sequence[Step], here: Run) -> list[Step]:
    """The steps whose result is not there, or will not be when those below them are made."""
    found: list[Step] = []
    for step in steps:
        if any(step.stands_on(other) for other in found) or not step.is_done(here):
            found.append(step)
    return found


def _check_trainings(steps: Sequence[Step], here: Run) -> None:
    """Refuse a value that has too few pairs to train on before the first one is trained."""
    from vcsoup.running.soup_steps import TrainStep

    for step in steps:
        if isinstance(step, TrainStep):
            step.check(here)


def _check_exports(project: Project | None, steps: Sequence[Step]) -> None:
    """Refuse to begin what would end at a path that holds something else."""
    for step in steps:
        if isinstance(step, ExportStep):
            own_exports.check_free(project, Path(step.entry.out))


def _check_models(config: ProjectConfig, file: ProjectFile, steps: Sequence[Step]) -> list[str]:
    """Refuse models that these steps cannot use, before anything that takes long is made.

    Returns:
        What is worth a warning.
    """
    stages = {step.stage for step in steps}
    if "score" in stages:
        for value, spec in config.rewards.items():
            if why := why_not_ready(spec):
                raise RewardModelError(f"reward model of {value}: {why}")
    return check_base(config, file) if "train" in stages else []


def changes(workspace: Workspace, file: ProjectFile) -> list[str]:
    """Say what a run sets otherwise than the project has it; empty where there is no project yet.

    Returns:
        Lines of `setting_changes`.
    """
    project = _present(workspace, file)
    if project is None:
        return []
    return setting_changes(project, wanted_config(project, file), wanted_filters(project, file))


def set_up(workspace: Workspace, file: ProjectFile) -> Project:
    """Create the project, or bring its choices and filters to what the file says.

    Raises:
        WorkspaceError: a project of this name balances other values.
    """
    project = _present(workspace, file) or workspace.create_project(_config(file))
    wanted = wanted_config(project, file)
    if project.config != wanted:
        project = workspace.update_project(wanted)
    for value, chosen in wanted_filters(project, file).items():
        if project.filters()[value] != chosen:
            project.set_filter(value, chosen)
    prompts = _held_out(file)
    if prompts and project.held_out_prompts() != prompts:
        project.save_held_out_prompts(prompts)
    return project


def _present(workspace: Workspace, file: ProjectFile) -> Project | None:
    """The project as it is now; None when it is not created yet."""
    try:
        return workspace.project(file.project)
    except NotFoundError:
        return None


def wanted_config(project: Project, file: ProjectFile) -> ProjectConfig:
    """Return a project's choices as the file wants them; a judge that it leaves out stays."""
    config = _config(file)
    rewards = {**project.config.rewards, **config.rewards}
    config = config.model_copy(update={"rewards": rewards})
    if config.judges != project.config.judges:
        for spec in config.rewards.values():
            spec.fingerprint()  # reads its files: it may be the same model at another place
    return config.in_place_of(project.config, known_as=project.judges_known_as(config))


def wanted_filters(project: Project, file: ProjectFile) -> dict[str, PairFilter]:
    """Return the filters as the file wants them; one that it leaves out stays."""
    named = {value: entry.filter for value, entry in file.values.items() if entry.filter}
    return {**project.filters(), **named}


def _config(file: ProjectFile) -> ProjectConfig:
    """The file's choices; when it brings held-out prompts, exactly those are held out."""
    config, own = file.config(), _held_out(file)
    return config.model_copy(update={"prompts": len(own)}) if own else config


def _held_out(file: ProjectFile) -> list[Prompt]:
    """The held-out prompts that the file brings; none when it brings none."""
    path = file.measuring.held_out
    return read_held_out(Path(path)) if path else []


def _taken(step: Step, here: Run, name: str, ahead: Sequence[Step]) -> StepReport:
    """Skip or make a step; before the first, look at models and places of those ahead."""
    if here.monitor.stop_requested:
        raise StopRequested(f"stopped before: {step.title}; run the file again to go on")
    if step.is_done(here):
        here.tell(f"{name}: there already")
        return StepReport(step.stage, step.title, "there")
    still_open = _still_open(ahead, here)
    _check_exports(here.project, still_open)
    for warning in _check_models(here.project.config, here.file, still_open):
        here.tell(f"warning: {warning}")
    here.tell(name)
    if cost := step.cost(here, timed=True):
        here.tell(f"    expected: {cost.told()}")
    give_memory_back()
    began = time.monotonic()
    figures = step.make(here)
    give_memory_back()
    if here.monitor.stop_requested and not step.is_done(here):
        raise StopRequested(f"stopped in: {step.title}; run the file again to go on")
    seconds = time.monotonic() - began
    told = figures.pop("told", "done")
    here.tell(f"    made in {duration(seconds)}: {told}")
    return StepReport(step.stage, step.title, "made", cost, round(seconds, 2), figures)
