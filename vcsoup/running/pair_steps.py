"""The first steps of a run: the pairs of a value are read, and all pairs are scored."""

from dataclasses import dataclass
from typing import Any

from vcsoup.cost import Cost
from vcsoup.errors import ProjectFileError
from vcsoup.numbers import count
from vcsoup.pipeline import score_project
from vcsoup.project_file import ProjectFile
from vcsoup.rewards.bill import limit_told
from vcsoup.running.plan import Run, Stage, Step
from vcsoup.scoring_cost import JudgeCost, as_cost, judging_cost, scoring_costs
from vcsoup.workspace import Project


def check_data(project: Project | None, file: ProjectFile) -> None:
    """Refuse a file that names no data for a value of which the workspace has no pairs.

    Args:
        project: The project as it is now; None before it is created.
        file: The project file.

    Raises:
        ProjectFileError: pairs of some value can come from nowhere.
    """
    there = project.datasets() if project else {}
    named = [value for value, entry in file.values.items() if entry.data is not None]
    if missing := [value for value in file.values if value not in (*named, *there)]:
        raise ProjectFileError(
            f"the project file names no data for {', '.join(missing)}, and the workspace has none; "
            "add `data: FILE_OR_HUB_ID` there, or take the file that `python -m vcsoup project "
            f"yaml {file.project} --out FILE` writes where the pairs are: it brings them along"
        )


@dataclass(frozen=True)
class DataStep:
    """Read a value's pairs from where the file says."""

    value: str
    stage: Stage = "data"

    @property
    def title(self) -> str:
        """What it makes."""
        return f"pairs of {self.value}"

    def stands_on(self, other: Step) -> bool:
        """On nothing."""
        return False

    def is_done(self, run: Run) -> bool:
        """Whether the stored pairs were read from this source in this way."""
        from vcsoup.running.sources import is_stored

        present = run.project.datasets().get(self.value)
        entry = run.file.values[self.value].data
        if entry is None:
            check_data(run.project, run.file)
            return True
        return present is not None and is_stored(present, entry)

    def cost(self, run: Run, *, timed: bool) -> Cost | None:
        """Nothing worth telling."""
        return None

    def make(self, run: Run) -> dict[str, Any]:
        """Read, report, store."""
        from vcsoup.running.sources import read_source, store_source

        entry = run.file.values[self.value].data
        assert entry is not None  # `is_done` said so
        read = read_source(run.project, self.value, entry, monitor=run.monitor)
        store_source(run.project, self.value, entry, read)
        return {"told": read.report.summary, "pairs": len(read.pairs)}


@dataclass(frozen=True)
class ScoreStep:
    """Every reward model judges both answers of every pair."""

    stage: Stage = "score"
    title: str = "rewards of all pairs"

    def stands_on(self, other: Step) -> bool:
        """On all pairs."""
        return other.stage == "data"

    def is_done(self, run: Run) -> bool:
        """Whether the rewards of every value's pairs are there and current."""
        return not self._open(run)

    def cost(self, run: Run, *, timed: bool) -> Cost | None:
        """Replies that are not judged yet, model by model."""
        costs = scoring_costs(
            run.workspace, run.project, self._open(run), timed=timed, monitor=run.monitor
        )
        for one in costs:
            known = f", {count(one.known)} known already" if one.known else ""
            run.tell(f"    {', '.join(one.values)} by {one.title}: {told_cost(one)}{known}")
            if limit := limit_told(run.project.config.rewards[one.values[0]], one.money):
                run.tell(f"    {', '.join(one.values)}: {limit}")
        return judging_cost(costs)

    def make(self, run: Run) -> dict[str, Any]:
        """Score; the cache keeps what was scored when it is stopped."""
        scored = score_project(run.workspace, run.project, self._open(run), monitor=run.monitor)
        told = ", ".join(f"{value} {count(n)}" for value, n in scored.items())
        return {"told": f"pairs scored: {told}", "scored": scored}

    def _open(self, run: Run) -> list[str]:
        scored = run.project.rewards_stamps()
        return [value for value in run.project.datasets() if value not in scored]


def told_cost(one: JudgeCost) -> str:
    """Say it in one line."""
    return as_cost(one).told() if one.passes or one.requests else one.takes
