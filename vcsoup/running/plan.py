"""The steps of a project file in their order, and what each of them is.

A step knows whether its result is there and current, what it costs, and how to make it. It asks the
workspace every time: nothing is remembered between steps, so that a killed run and a finished one
look alike to the next.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

from vcsoup.cost import Cost
from vcsoup.errors import ProjectFileError
from vcsoup.filtering import PairFilter
from vcsoup.monitor import Monitor
from vcsoup.project_file import ProjectFile
from vcsoup.workspace import Project, Workspace
from vcsoup.workspace.held_out import FEWEST_PROMPTS

Stage = Literal["data", "score", "train", "measure", "export"]
STAGES: tuple[Stage, ...] = get_args(Stage)
CHECKPOINTS = "checkpoints"
"""In a project's folder: what trainings that were stopped go on from, a folder for each."""


@dataclass(frozen=True)
class Run:
    """What every step works with.

    Attributes:
        workspace: Where the project lives.
        file: What is asked for, paths absolute.
        project: The project as it is now.
        filters: Which pairs each value trains on.
        monitor: Hears progress.
        tell: Says a line to whoever started the run.
    """

    workspace: Workspace
    file: ProjectFile
    project: Project
    filters: Mapping[str, PairFilter]
    monitor: Monitor
    tell: Callable[[str], None]


class Step(Protocol):
    """One thing that a run makes.

    Attributes:
        stage: Which part of the method.
        title: What it makes, for people.
    """

    @property
    def stage(self) -> Stage: ...  # noqa: D102

    @property
    def title(self) -> str: ...  # noqa: D102

    def stands_on(self, other: "Step") -> bool:
        """Tell whether its result is made from the other step's."""
        ...

    def is_done(self, run: Run) -> bool:
        """Tell whether the result is there and made from the present inputs."""
        ...

    def cost(self, run: Run, *, timed: bool) -> Cost | None:
        """Say what it takes; None for what is done in a moment.

        Args:
            run: What it works with.
            timed: Time models on this machine; otherwise only count.
        """
        ...

    def make(self, run: Run) -> dict[str, Any]:
        """Make it; returns figures about the result. May raise `StopRequested`."""
        ...


def planned(file: ProjectFile, until: Stage = "export") -> list[Step]:
    """Return the steps of a project file up to a stage.

    Raises:
        ProjectFileError: the file lacks something that one of these steps needs.
    """
    from vcsoup.running.export_step import ExportStep
    from vcsoup.running.pair_steps import DataStep, ScoreStep
    from vcsoup.running.soup_steps import MeasureStep, TrainStep

    wanted = STAGES[: STAGES.index(until) + 1]
    _check(file, wanted)
    values = list(file.values)
    steps: list[Step] = [DataStep(value) for value in values]
    steps += [ScoreStep()]
    steps += [TrainStep(value, group) for group in file.groups for value in values]
    steps += [MeasureStep(group) for group in file.groups]
    steps += [ExportStep(entry) for entry in file.export]
    return [step for step in steps if step.stage in wanted]


def _check(file: ProjectFile, wanted: tuple[Stage, ...]) -> None:
    if file.base is None:
        raise ProjectFileError("the project file names no base model; add `base: FOLDER_OR_HUB_ID`")
    if "score" not in wanted:
        return
    if missing := [name for name, entry in file.values.items() if entry.reward is None]:
        raise ProjectFileError(
            f"the project file has no reward model for {', '.join(missing)}; add `reward:` there, "
            "or run with --until data"
        )
    if "measure" not in wanted:
        return
    if file.measuring.prompts < FEWEST_PROMPTS:
        raise ProjectFileError(
            f"measuring.prompts is {file.measuring.prompts}, and an interval needs at least "
            f"{FEWEST_PROMPTS} prompts; raise it, or run with --until train"
        )
    for name, entry in file.values.items():
        if entry.reward is not None and entry.reward.kind == "column":
            raise ProjectFileError(
                f"{name} is judged by {entry.reward.title}, which know no new replies, so soups "
                "cannot be measured; give it a reward model, or run with --until train"
            )
