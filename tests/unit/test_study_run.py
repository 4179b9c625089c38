"""A whole study on a tiny but real project: every arm, two seeds, killed, resumed, repeated."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from tests.study_text import parse_study
from tests.tiny_pairs import Recorder, tiny_pairs
from tests.tiny_project import VALUES, tiny_project
from vcsoup.cli.entry import app
from vcsoup.monitor import StopRequested
from vcsoup.rewards.spec import RewardSpec
from vcsoup.study.conduct import Order, compared_rows, conduct, repeat_row, study_bench
from vcsoup.study.cost import plan_cost
from vcsoup.study.measures import MEASURES
from vcsoup.study.published import RESULT, load_published, tuning_errors, tuning_rows
from vcsoup.study.report import write_report
from vcsoup.study.settings import StudyError
from vcsoup.workspace import Workspace

STUDY = """
name: tiny
project: demo
worlds: {noise: [0.0, 0.2], conflict: [null], pairs: [30], design: grid}
seeds: {tuning: [9], reporting: [1, 2]}
thresholds: [-0.5, 1.0]
elsewhere: [unfiltered]
weights: [[1, 0], [0.5, 0.5]]
grid_steps: 2
train: {steps: 1, batch_size: 4, rank: 2, alpha: 4}
conditioned: {levels: 3, steps: 1}
prompts: 4
heldout_pairs: 2
best_of: 2
"""
ARMS = {
    "base",
    "single values",
    "unfiltered",
    "filtered--0.5",
    "random--0.5",
    "weighted",
    "conditioned",
    "best-of-2",
}


def make_workspace(root):
    workspace = Workspace(root / "w")
    project = tiny_project(workspace, root, prompts=4)
    for k, value in enumerate(VALUES):
        project.save_pairs(value, tiny_pairs(40, seed=k), source="test")
    return workspace


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The study, carried out once: its workspace, bench and results."""
    workspace = make_workspace(tmp_path_factory.mktemp("study"))
    study = parse_study(STUDY)
    bench = study_bench(study, workspace, Order())
    return workspace, bench, conduct(study, bench)


def test_too_few_prompts_are_refused_before_anything_is_made(tmp_path):
    workspace = make_workspace(tmp_path)
    project = workspace.project("demo")
    project.save_held_out_prompts(project.held_out_prompts()[:1])
    with pytest.raises(StudyError, match="holds out 1 prompt, and a study measures on at least 4"):
        study_bench(parse_study(STUDY), workspace, Order())


def test_a_judge_that_cannot_tell_the_bases_replies_apart_is_named_before_any_training(tmp_path):
    """The pattern is found in some answers of the pairs, and in nothing that the base says."""
    workspace = make_workspace(tmp_path)
    config = workspace.project("demo").config
    judge = RewardSpec(kind="pattern", pattern="gladly")
    judges = {**config.rewards, "harmless": judge}
    workspace.update_project(config.model_copy(update={"rewards": judges}))
    bench = study_bench(parse_study(STUDY), workspace, Order())
    with pytest.raises(StudyError, match="rewards for harmless are all 0 on 4 prompts"):
        conduct(parse_study(STUDY), bench)
    assert not list(bench.shelf.root.glob("units/policy-*"))


def test_every_arm_has_its_figures(done):
    """The filter at 1.0 keeps next to nothing: that arm is an error, not a crash."""
    _, _, results = done
    rows = results.rows
    centre = rows[rows["noise"] == 0.0]
    assert set(centre["arm"]) >= ARMS
    assert set(rows[rows["noise"] == 0.2]["arm"]) == {
        "base",
        "single values",
        "unfiltered",
        "unfiltered (factor average)",
    }
    unfiltered = centre[centre["arm"] == "unfiltered"].set_index("measure")
    assert set(unfiltered.index) == set(MEASURES) - {
        "truth_utility",
        "truth_balanced",
        "over_optimisation",
    }
    assert unfiltered.loc["kept", "mean"] == 30
    assert unfiltered.loc["trainings", "mean"] == 2
    assert (unfiltered["n_seeds"] == 2).all()
    assert (unfiltered["n_prompts"] == 4).all()
    assert len(results.errors) == 4  # two arms (filtered, random) with two seeds
    assert all("fewer than one batch" in line for line in results.errors)


def test_the_base_is_the_zero_of_every_gain(done):
    rows = done[2].rows
    base = rows[rows["arm"] == "base"].set_index("measure")["mean"]
    assert base.loc["utility"].abs().max() == 0
    assert base.loc["kl"].abs().max() == 0
    np.testing.assert_allclose(base.loc["hypervolume"], 1.0)


def test_figures_are_tidy_and_rows_are_their_means(done):
    results = done[2]
    keys = ["setting", "arm", "measure"]
    assert not results.figures.duplicated([*keys, "seed"]).any()
    means = results.figures.groupby(keys)["value"].mean()
    stated = results.rows.set_index(keys)["mean"]
    np.testing.assert_allclose(stated, means.loc[stated.index])


def test_differences_are_paired_and_those_of_their_rows(done):
    """First minus second, over the seeds that both have; every pair of arms once per measure."""
    results = done[2]
    means = results.rows.set_index(["setting", "arm", "measure"])["mean"]
    table = results.comparisons
    assert not table.duplicated(["setting", "first", "second", "measure"]).any()
    for row in table.itertuples():
        gap = (
            means[row.setting, row.first, row.measure] - means[row.setting, row.second, row.measure]
        )
        assert row.mean == pytest.approx(gap)
        assert row.low <= row.mean <= row.high
    pairs = set(zip(table["first"], table["second"], strict=True))
    assert ("filtered--0.5", "random--0.5") in pairs
    assert ("filtered--0.5", "weighted") in pairs
    assert ("unfiltered", "unfiltered (factor average)") in pairs


def test_a_whole_study_is_not_computed_again(done):
    workspace, bench, results = done
    before = {path: path.stat().st_mtime_ns for path in bench.shelf.root.glob("units/*/unit.json")}
    again = conduct(parse_study(STUDY), study_bench(parse_study(STUDY), workspace, Order()))
    assert before == {path: path.stat().st_mtime_ns for path in before}
    pd.testing.assert_frame_equal(again.rows, results.rows)
    cost = plan_cost(bench.plan, bench.shelf)["total"]
    assert cost["done"] == cost["units"] == len(before)
    assert cost["cpu_seconds_left"] == 0


def test_one_row_from_nothing_lands_inside_its_interval(done, tmp_path):
    workspace, bench, _ = done
    name = "noise0-conflictany-qualityany-30/filtered--0.5"
    order = Order(only=name, folder=tmp_path)
    alone = study_bench(parse_study(STUDY), workspace, order)
    assert len(alone.plan.units) < len(bench.plan.units) / 2
    table = repeat_row(alone, bench.shelf.root / RESULT)
    assert {"hypervolume", "balanced", "utility", "kl"} <= set(table["measure"])
    assert table["inside"].all(), table


def test_a_row_that_moved_is_said_to_lie_outside(done):
    rows = done[2].rows
    name = "noise0-conflictany-qualityany-30/unfiltered"
    width = (rows["high"] - rows["low"]).fillna(0)  # of two seeds, so it may be wide
    moved = rows.assign(mean=rows["mean"] + 100 + width)
    assert not compared_rows(rows, moved, name)["inside"].any()


def test_the_report_says_what_the_tables_say(done, tmp_path):
    _, bench, results = done
    files = write_report(bench.shelf.root / RESULT, tmp_path, file="study.yaml")
    page = (tmp_path / "STUDY.md").read_text()
    assert all(path.exists() for path in files)
    for name in ("study/hypervolume.svg", "study/comparisons.md"):
        assert name in page
    rows = results.rows.set_index(["setting", "arm", "measure"])
    volume = rows.loc["noise0-conflictany-qualityany-30", "unfiltered", "hypervolume"]["mean"]
    assert f"| unfiltered | {volume:.2f} (" in page
    listed = (tmp_path / "study" / "comparisons.md").read_text()
    assert listed.count("\n| noise") == len(results.comparisons)
    assert f"{len(results.comparisons)} comparisons are listed" in page
    assert all(line in page for line in results.errors)


def test_a_stop_keeps_whole_units_and_the_next_run_goes_on(tmp_path):
    workspace, study = make_workspace(tmp_path), parse_study(STUDY)
    bench = study_bench(study, workspace, Order())
    with pytest.raises(StopRequested):
        conduct(study, bench, monitor=Recorder(stop_at=2, within="study"))
    assert plan_cost(bench.plan, bench.shelf)["total"]["done"] == 2
    assert not (bench.shelf.root / RESULT).exists()


def test_another_process_makes_what_this_one_does_not(done, tmp_path):
    """A unit that somebody else holds is left to them, and not made twice."""
    bench = study_bench(parse_study(STUDY), done[0], Order(folder=tmp_path))
    unit = next(iter(bench.plan.units.values()))
    with bench.shelf.claim(unit) as mine, bench.shelf.claim(unit) as twice:
        assert mine
        assert not twice
    with bench.shelf.claim(unit) as again:
        assert again


def test_a_unit_that_fails_half_way_is_not_there(done, tmp_path):
    bench = study_bench(parse_study(STUDY), done[0], Order(folder=tmp_path))
    unit = next(iter(bench.plan.units.values()))

    def fail():
        with bench.shelf.making(unit) as (folder, _):
            (folder / "half").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not bench.shelf.has(unit)
    with bench.shelf.making(unit) as (folder, figures):
        assert list(folder.iterdir()) == []
        figures["tokens"] = 3
    assert bench.shelf.record(unit)["cost"]["tokens"] == 3


def test_worlds_of_a_project_cannot_be_given_a_conflict(done):
    told = STUDY.replace("conflict: [null]", "conflict: [0.4]")
    study = parse_study(told)
    with pytest.raises(StudyError, match=r"are what they are.*\[null\]"):
        conduct(study, study_bench(study, done[0], Order()))


def test_tuning_takes_its_own_seeds_in_the_centre_alone(done, tmp_path):
    bench = study_bench(parse_study(STUDY), done[0], Order(tuning=True, folder=tmp_path))
    assert {seed for row in bench.plan.rows for seed in row.measured} == {9}
    assert {row.setting.noise for row in bench.plan.rows} == {0.0}
    assert bench.shelf.root == tmp_path / "tuning"


def test_other_steps_are_tried_on_the_tuning_seeds_and_kept_apart(done, tmp_path):
    """One figure per arm, measure and number of steps; no pair has a consistency of 1."""
    study = parse_study(STUDY).model_copy(update={"tuning_arms": ("filtered",)})
    own = study.config(0).steps
    for steps in (None, own + 1):
        order = Order(tuning=True, steps=steps, folder=tmp_path)
        tried = study.with_steps(steps) if steps else study
        conduct(tried, study_bench(tried, done[0], order))
    rows = pd.DataFrame(tuning_rows(tmp_path))
    assert set(rows["steps"]) == {own, own + 1}
    assert not rows.duplicated(["arm", "measure", "steps"]).any()
    tokens = rows[(rows["arm"] == "filtered--0.5") & (rows["measure"] == "tokens")]
    assert tokens.set_index("steps")["mean"].is_monotonic_increasing
    told = tuning_errors(tmp_path)
    assert [line.split(",")[0] for line in told] == [f"tuning with {own + n} steps" for n in (0, 1)]
    assert all("filtered-1" in line for line in told)


def test_the_command_says_what_it_would_cost_and_refuses_what_makes_no_sense(done, tmp_path):
    (tmp_path / "study.yaml").write_text(STUDY)
    args = ["study", str(tmp_path / "study.yaml"), "--workspace", str(done[0].root)]
    told = CliRunner().invoke(app, [*args, "--plan", "--json"])
    cost = json.loads(told.stdout)["total"]
    assert (cost["units"], cost["cpu_seconds_left"]) == (len(done[1].plan.units), 0)
    with pytest.raises(StudyError, match="--seed goes with --only"):
        CliRunner().invoke(app, [*args, "--seed", "3"], catch_exceptions=False)
    with pytest.raises(StudyError, match="--steps goes with --tuning"):
        CliRunner().invoke(app, [*args, "--steps", "3"], catch_exceptions=False)


def test_killed_in_the_middle_it_loses_at_most_the_running_unit(done, tmp_path):
    """`kill -9` once five units are whole; the same command goes on to the same result."""
    workspace, _, results = done
    few = STUDY.replace("noise: [0.0, 0.2]", "noise: [0.0]") + "arms: [unfiltered, best-of-n]\n"
    (tmp_path / "study.yaml").write_text(few)
    args = ["study", str(tmp_path / "study.yaml"), "--folder", str(tmp_path / "s")]
    args += ["--json", "--workspace", str(workspace.root)]
    command = [sys.executable, "-W", "ignore", "-m", "vcsoup", *args, "--workers", "2"]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    whole = []
    try:
        until = time.monotonic() + 300
        while len(whole) < 5 and first.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
            whole = list((tmp_path / "s" / "units").glob("[a-z]*/unit.json"))
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    before = {path: path.stat().st_mtime_ns for path in whole}
    assert len(before) >= 5
    second = CliRunner().invoke(app, args, catch_exceptions=False)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    rows = {(r["setting"], r["arm"], r["measure"]): r["mean"] for r in json.loads(second.stdout)}
    stated = results.rows.set_index(["setting", "arm", "measure"])["mean"]
    assert len(rows) == 5 * 3  # three arms of their own, two that come with them; no truth
    for key, mean in rows.items():
        assert mean == pytest.approx(stated[key], rel=1e-3, abs=1e-3), key
    assert load_published(tmp_path / "s" / RESULT).study.name == "tiny"
