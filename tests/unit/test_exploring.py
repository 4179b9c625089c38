"""Exploring a tiny project: points are stored as they come, the promising ones, stop and CLI."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.tiny_project import tiny_project
from vcsoup.cli.entry import app
from vcsoup.exploring import explore_project, measured_soups
from vcsoup.pipeline import measure_project
from vcsoup.workspace import Point, Project, Workspace


class Listener:
    """Notes progress and the stored points at each report; may ask to stop after some points."""

    def __init__(self, project: Project, stop_after: int = 10**9) -> None:
        self.project, self.stop_after = project, stop_after
        self.reports: list[tuple[str, int, int]] = []

    @property
    def stop_requested(self) -> bool:
        return len(self.project.points()) >= self.stop_after

    def report(self, stage: str, done: int, total: int, **figures: object) -> None:
        self.reports.append((stage, done, total))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return tiny_project(Workspace(tmp_path / "workspace"), tmp_path, prompts=4)


def shares(project: Project) -> list[float]:
    return [round(point.weights["helpful"], 6) for point in project.points()]


def test_an_empty_project_gets_its_corners_and_then_the_widest_gap(project):
    listener = Listener(project)
    found = explore_project(project, "filtered", 5, monitor=listener)
    assert found.shape == (5, 2)
    assert shares(project)[:3] == [1.0, 0.0, 0.5]
    assert len(set(shares(project))) == 5
    stages = [report for report in listener.reports if report[0] == "measuring"]
    assert stages[-1] == ("measuring", 20, 20)
    assert [done for _, done, _ in stages] == sorted(done for _, done, _ in stages)


def test_measured_soups_are_not_measured_again(project):
    measure_project(project, "filtered", [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.25, 0.75]])
    before = set(shares(project))
    explore_project(project, "filtered", 3)
    assert len(shares(project)) == 7
    assert not before & set(shares(project)[4:])


def test_a_stop_keeps_what_is_stored(project):
    found = explore_project(project, "filtered", 50, monitor=Listener(project, stop_after=4))
    assert len(found) == len(project.points()) == 4


def test_points_off_the_simplex_do_not_count(project):
    def point(helpful: float, harmless: float, prompts: int, reward: float) -> Point:
        named = {"helpful": reward, "harmless": 0.0}
        weights = {"helpful": helpful, "harmless": harmless}
        return Point(
            set_key="s",
            group="g",
            weights=weights,
            rewards=named,
            low=named,
            high=named,
            n_prompts=prompts,
        )

    points = [point(0, 0, 9, 5), point(2, -1, 9, 5), point(0.5, 0.5, 8, 1), point(0.5, 0.5, 4, 2)]
    soups, rewards = measured_soups(points, project.values)
    np.testing.assert_array_equal(soups, [[0.5, 0.5]])
    np.testing.assert_array_equal(rewards, [[1.0, 0.0]])
    assert measured_soups([], project.values)[0].shape == (0, 2)


def test_the_command_explores_as_a_job_and_refuses_two_wishes(project, tmp_path):
    root = str(tmp_path / "workspace")
    run = CliRunner().invoke(
        app, ["evaluate", "--explore", "2", "--project", "demo", "--workspace", root, "--json"]
    )
    assert run.exit_code == 0, run.output
    assert [p["weights"]["helpful"] for p in json.loads(run.stdout)["points"]] == [1.0, 0.0]
    both = CliRunner().invoke(app, ["evaluate", "--explore", "2", "--grid", "2", "-w", root])
    assert "--explore chooses the soups itself" in str(both.exception)
