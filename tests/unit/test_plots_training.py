"""What the board of curves is told to draw. Expectations by hand."""

import numpy as np
import pytest

from vcsoup.plots.palette import LIGHT
from vcsoup.plots.training import (
    LEARNING,
    MACHINE,
    RunCurves,
    curve_data,
    mean_window,
    named,
    running_mean,
)

COLOURS = {"a": "#111111", "b": "#222222"}


def board(runs, measures=LEARNING):
    data = curve_data(runs, measures, colour_of=COLOURS, colours=LIGHT)
    return {panel["title"]: panel for panel in data["panels"]}


def test_running_means_begin_with_what_is_there():
    """Window 3 over 3, 6, 9, 12: 3, (3+6)/2, (3+6+9)/3, (6+9+12)/3."""
    assert running_mean([3, 6, 9, 12], 3).tolist() == [3, 4.5, 6, 9]
    assert running_mean([], 3).tolist() == []


@pytest.mark.parametrize(("steps", "window"), [(1, 1), (39, 1), (40, 2), (500, 25), (90_000, 50)])
def test_the_mean_goes_over_a_twentieth_of_the_run(steps, window):
    assert mean_window(steps) == window


def test_steps_and_looks_are_apart():
    figures = {"loss": [(1, 0.7), (2, 0.5)], "heldout_loss": [(2, 0.65)]}
    panel = board([RunCurves("r", "run", "a", 40, figures=figures)])["DPO loss"]
    (line,) = panel["lines"]
    assert line["raw"] == [[1, 2], [0.7, 0.5]]
    assert line["mean"] == [[1, 2], [0.7, 0.6]]
    assert line["looks"] == [[2], [0.65]]
    assert panel["x"] == [0, 40]
    low, high = panel["y"]
    assert low < 0.5
    assert high > 0.7


def test_the_landmark_is_in_sight():
    """Losses of 0.1 alone would leave the base's log 2 outside."""
    panel = board([RunCurves("r", "run", "a", 10, figures={"loss": [(1, 0.1)]})])["DPO loss"]
    assert panel["landmark"] == [pytest.approx(0.6931, abs=1e-4), "base"]
    assert panel["y"][1] > 0.6931


def test_accuracy_stays_a_share():
    figures = {"accuracy": [(1, 0.0), (2, 1.0)]}
    panel = board([RunCurves("r", "run", "a", 10, figures=figures)])["reward accuracy"]
    assert panel["y"] == [0.0, 1.0]


def test_of_many_runs_only_the_means_are_drawn():
    runs = [RunCurves(str(k), "run", "a", 100, figures={"loss": [(1, 0.5)]}) for k in range(4)]
    assert all(line["raw"] == [[], []] for line in board(runs)["DPO loss"]["lines"])


def test_long_runs_are_thinned_but_keep_their_ends():
    points = [(step, 1 / step) for step in range(1, 5001)]
    (line,) = board([RunCurves("r", "run", "a", 5000, figures={"loss": points})])["DPO loss"][
        "lines"
    ]
    steps, losses = line["raw"]
    assert len(steps) <= 962
    assert (steps[0], steps[-1]) == (1, 5000)
    assert losses[-1] == pytest.approx(1 / 5000, rel=0.1)
    assert set(np.diff(steps[:-1])) == {6}


def test_twins_are_broken_lines_and_runs_of_one_value_differ():
    runs = [
        RunCurves("1", "a", "a", 1),
        RunCurves("2", "a twin", "a", 1, twin=True),
        RunCurves("3", "a again", "a", 1),
        RunCurves("4", "b", "b", 1),
    ]
    names = named(runs, colour_of=COLOURS, colours=LIGHT)
    assert [(name.colour, name.dash) for name in names] == [
        ("#111111", 0),
        ("#111111", 1),
        ("#111111", 2),
        ("#222222", 0),
    ]


def test_a_gpu_that_nobody_has_gets_no_panel():
    run = RunCurves("r", "run", "a", 10, figures={"memory_mb": [(1, 900.0)]})
    titles = list(board([run], MACHINE))
    assert "memory of the process, MB" in titles
    assert "memory of the GPU, MB" not in titles


def test_panels_stay_while_nothing_was_reported():
    assert len(board([RunCurves("r", "run", "a", 10)])) == len(LEARNING)
