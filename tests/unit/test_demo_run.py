"""The whole method on a tiny but real project: every part runs and the figures fit together."""

import json

import numpy as np
import pytest

from tests.tiny_pairs import tiny_pairs
from tests.tiny_project import VALUES, tiny_project
from vcsoup.cli.demo import show_run
from vcsoup.demo.run import GROUPS, run_method
from vcsoup.monitor import StopRequested
from vcsoup.training.config import train_config
from vcsoup.workspace import Workspace

SMALL = train_config("demo", steps=2, batch_size=4, micro_batch=2, rank=2, alpha=4)


@pytest.fixture
def project(tmp_path):
    made = tiny_project(Workspace(tmp_path / "w"), tmp_path, prompts=4)
    for k, value in enumerate(VALUES):
        made.save_pairs(value, tiny_pairs(40, noise=0.1 * k), source="test")
        made.set_threshold(value, -0.5)
    return made


class Recorder:
    """A monitor that asks to stop when a stage begins."""

    def __init__(self, stop_at: str = "never") -> None:
        self.stages: list[str] = []
        self.stop_at = stop_at

    @property
    def stop_requested(self) -> bool:
        return self.stop_at in self.stages

    def report(self, stage: str, done: int, total: int, **figures: object) -> None:
        self.stages.append(stage)


def test_whole_method_and_its_summary(project, tmp_path, capsys):
    """Two trainings per value, 3 soups of each set; figures equal those stored as points."""
    result = run_method(Workspace(tmp_path / "w"), project, config=SMALL, grid_steps=2)
    assert set(result["sets"]) == set(GROUPS)
    for group in GROUPS:
        found = result["sets"][group]
        key = project.set_key(project.adapter_sets()[group])
        points = [point for point in project.points(key) if point.seed == 0]
        assert len(points) == 4  # the base and (1, 0), (1/2, 1/2), (0, 1)
        base = next(point for point in points if not any(point.weights.values()))
        assert base.rewards == pytest.approx({v: result["base"][v]["mean"] for v in VALUES})
        assert found["pairs"]["helpful"] <= 40
        assert len(found["corners"]) == 2
        best = max(
            min(p["gains"][v]["mean"] for v in VALUES) for p in [*found["front"], found["balanced"]]
        )
        assert found["balanced"]["worst_gain"] == pytest.approx(best)
        assert found["hypervolume"]["mean"] >= 0
    assert result["sets"]["unfiltered"]["pairs"] == dict.fromkeys(VALUES, 40)
    json.dumps(result, allow_nan=False)
    show_run(result)
    printed = capsys.readouterr().out
    for word in ("base", "corners", "front", "hypervolume", "best balanced", "fresh samples"):
        assert word in printed


class FirstStep(Recorder):
    """A monitor that asks to stop once the first training tells of so many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__(stop_at="told")
        self.steps = steps

    def report(self, stage: str, done: int, total: int, **figures: object) -> None:
        super().report(stage, done, total)
        self.stages += ["told"] * (stage == "training helpful" and done >= self.steps)


@pytest.mark.parametrize(("steps", "kept"), [(0, []), (1, [("helpful", True)])])
def test_a_stop_keeps_what_is_finished(project, tmp_path, steps, kept):
    """Asked to stop in the first training: scores and that adapter stay, nothing else begins.

    Before the first step has ended there is no adapter yet.
    """
    monitor = FirstStep(steps)
    with pytest.raises(StopRequested):
        run_method(Workspace(tmp_path / "w"), project, config=SMALL, monitor=monitor)
    assert all(project.rewards(value) is not None for value in VALUES)
    own = [info for info in project.adapters() if "steps_done" in info.manifest]
    assert [(info.value, info.manifest["stopped"]) for info in own] == kept
    assert np.isfinite(project.consistency("helpful")).all()


class SecondMeasuring(Recorder):
    """A monitor that asks to stop once the second measuring has begun to tell of its soups."""

    def __init__(self) -> None:
        super().__init__(stop_at="again")
        self.measured = 0

    def report(self, stage: str, done: int, total: int, **figures: object) -> None:
        super().report(stage, done, total)
        if stage == "measuring" and done:
            self.stages += ["again"] * (done < self.measured)
            self.measured = done


def test_a_stop_in_the_last_measuring_sums_nothing_up(project, tmp_path):
    """Of the unfiltered soups some lack then: two sets of unequal size cannot be compared."""
    workspace = Workspace(tmp_path / "w")
    with pytest.raises(StopRequested):
        run_method(workspace, project, config=SMALL, grid_steps=100, monitor=SecondMeasuring())
    key = project.set_key(project.adapter_sets()["unfiltered"])
    assert 0 < len(project.points(key)) < 102
