"""Data sets, filters and exports from the command line, without models."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vcsoup.cli import main
from vcsoup.filtering import PairFilter
from vcsoup.jobs import Jobs
from vcsoup.pair_export import ExportPlan, export_bytes
from vcsoup.preferences.pairs import make_pairs
from vcsoup.workspace import Project, Workspace, project_config
from vcsoup.workspace.tables import reward_columns

VALUES = ("helpful", "harmless")
# Consistency of the five pairs of each value: about 1, -0.07, -1, 1 and 0.7; the last pair makes
# the spread of harmless the smaller one.
GAPS = np.array([[2.0, 2.0], [2.0, -2.0], [-2.0, -2.0], [0.5, 0.5], [2.0, 0.0]])
Run = Callable[..., str]


@pytest.fixture
def project(tmp_path) -> Project:
    config = project_config(name="demo", values=VALUES, base="org/base")
    project = Workspace(tmp_path / "w").create_project(config)
    for value in VALUES:
        prompts = [f"{value} {i}" for i in range(len(GAPS))]
        pairs = make_pairs(prompts, [f"yes {text}" for text in prompts], ["no"] * len(GAPS))
        project.save_pairs(value, pairs, source=f"{value}.jsonl")
        rewards = pairs[["id"]].copy()
        rewards[reward_columns(VALUES)] = np.concatenate([GAPS / 2, -GAPS / 2], axis=1)
        project.save_rewards(value, rewards)
    return project


def call(root: Path, monkeypatch, capfd, args: tuple[object, ...]) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["vcsoup", *map(str, args), "--workspace", str(root)])
    capfd.readouterr()
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0), *capfd.readouterr()


@pytest.fixture
def run(tmp_path, monkeypatch, capfd) -> Run:
    def run(*args: object) -> str:
        """Run a command that must succeed; return its output."""
        code, out, err = call(tmp_path / "w", monkeypatch, capfd, args)
        assert code == 0, err
        return out

    return run


@pytest.fixture
def refused(tmp_path, monkeypatch, capfd) -> Run:
    def refused(*args: object) -> str:
        """Run a command that must fail as a user's mistake; return its one line."""
        code, out, err = call(tmp_path / "w", monkeypatch, capfd, args)
        assert (code, out) == (2, ""), err
        return err

    return refused


def test_data_sets_are_listed_shown_renamed_removed_and_restored(run, project):
    run("data", "rename", "helpful", "From the spring <b>")
    token = json.loads(run("data", "remove", "helpful", "--json"))["token"]
    listed = json.loads(run("data", "list", "--json"))
    assert [entry["value"] for entry in listed["datasets"]] == ["harmless"]
    [binned] = listed["removed"]
    assert (binned["token"], binned["title"], binned["pairs"]) == (token, "From the spring <b>", 5)
    assert "From the spring <b>" in run("data", "list")
    back = json.loads(run("data", "restore", token, "--json"))
    assert (back["value"], back["pairs"], back["scored"]) == ("helpful", 5, True)
    shown = json.loads(run("data", "show", "helpful", "--json"))
    assert shown["mean_characters"] == {"prompt": 9.0, "chosen": 13.0, "rejected": 2.0}
    assert "5 pairs from helpful.jsonl" in run("data", "show", "helpful")


def test_data_verbs_refuse(run, refused, project):
    assert "no entry 7" in refused("data", "restore", "7")
    assert "1 to 60 characters" in refused("data", "rename", "helpful", "")
    run("data", "remove", "helpful")
    assert "helpful has no pairs yet" in refused("data", "remove", "helpful")
    assert "helpful has no pairs yet" in refused("data", "show", "helpful")
    assert "no value 'funny'" in refused("data", "show", "funny")


def test_an_export_is_a_job_with_the_same_bytes_as_a_download(run, project, tmp_path):
    project.set_filter("helpful", PairFilter(threshold=0.9, flip=True))
    out = tmp_path / "kept.jsonl"
    for _ in range(2):
        made = json.loads(run("data", "export", "helpful", out, "--json"))
        assert (made["pairs"], made["bytes"]) == (3, out.stat().st_size)
        plan = ExportPlan(pair_filter=project.filters()["helpful"])
        assert out.read_bytes() == export_bytes(project, "helpful", plan)
    jobs = Jobs(tmp_path / "w" / "jobs").list(kind="export")
    assert [job.state for job in jobs] == ["done", "done"]
    assert jobs[0].title == "Exporting kept pairs of helpful"
    assert json.loads(run("data", "add", "helpful", out, "--json"))["n"] == 3


@pytest.mark.parametrize(
    ("options", "plan"),
    [
        (["--threshold", "0.9"], {"pair_filter": PairFilter(threshold=0.9)}),
        (
            ["--threshold", "0.5", "--min-norm", "1", "--side", "dropped"],
            {"pair_filter": PairFilter(threshold=0.5, min_norm=1), "side": "dropped"},
        ),
        (
            ["--threshold", "0.5", "--flip", "--scale", "shared", "--side", "all"],
            {"pair_filter": PairFilter(threshold=0.5, flip=True), "side": "all", "scale": "shared"},
        ),
        (
            ["--filter", "strict", "--no-flip", "--format", "parquet"],
            {"pair_filter": PairFilter(threshold=0.9), "scale": "shared", "format": "parquet"},
        ),
    ],
)
def test_options_choose_what_is_exported(run, project, tmp_path, options, plan):
    flipping = PairFilter(threshold=0.9, flip=True)
    project.save_named_filter("strict", {"helpful": flipping}, scale="shared")
    out = tmp_path / "file.out"
    run("data", "export", "helpful", out, *options)
    assert out.read_bytes() == export_bytes(project, "helpful", ExportPlan(**plan))


def test_the_name_decides_the_format(run, project, tmp_path):
    run("data", "export", "helpful", tmp_path / "p.parquet")
    assert (tmp_path / "p.parquet").read_bytes().startswith(b"PAR1")


def test_exports_refuse(run, refused, project, tmp_path):
    out = tmp_path / "x.jsonl"
    assert "choose kept, dropped, flips, all" in refused(
        "data", "export", "helpful", out, "--side", "x"
    )
    xml = refused("data", "export", "helpful", out, "--format", "xml")
    assert "choose jsonl, parquet, csv" in xml
    csv = refused("data", "export", "helpful", out, "--format", "csv")
    assert "in the layouts trl-text" in csv
    assert "above 0" in refused("data", "export", "helpful", out, "--side", "flips")
    assert "above 0" in refused("data", "export", "helpful", out, "--flip")
    assert "no filter 'x'" in refused("data", "export", "helpful", out, "--filter", "x")
    run("filter", "--value", "harmless", "--save", "narrow")
    assert "covers harmless" in refused("data", "export", "helpful", out, "--filter", "narrow")
    assert "is a folder" in refused("data", "export", "helpful", tmp_path)
    assert not out.exists()


def test_filters_are_set_saved_listed_applied_and_deleted(run, project):
    strict = ("--threshold", "0.9", "--min-norm", "1", "--flip")
    first = json.loads(run("filter", *strict, "--save", "strict", "--note", "why", "--json"))
    [helpful, _] = first["filters"]
    assert (helpful["kept"], helpful["flipped"], helpful["pairs"]) == (2, 1, 5)
    assert helpful["mean_gap"]["helpful"] == pytest.approx(project.gaps("helpful")[0, 0])
    assert project.filters()["harmless"] == PairFilter(threshold=0.9, min_norm=1, flip=True)
    run("filter", "--value", "helpful", "--threshold", "0", "--no-flip", "--min-norm", "0")
    assert project.filters()["helpful"] == PairFilter(threshold=0.0)
    [listed] = json.loads(run("filter", "--list", "--json"))["named_filters"]
    assert (listed["name"], listed["note"], listed["stale"]) == ("strict", "why", False)
    assert listed["counts"] == {"helpful": [2, 5], "harmless": [2, 5]}
    assert "helpful 2 of 5" in run("filter", "--list")
    run("filter", "--apply", "strict")
    assert project.filters()["helpful"] == PairFilter(threshold=0.9, min_norm=1, flip=True)
    run("filter", "--delete", "strict")
    assert project.named_filters() == []
    assert project.filters()["helpful"].flip


def test_a_share_becomes_the_threshold_of_a_pair(run, project):
    """Of five, 0.6 is three: 1, 1 and 0.7. With a least norm the weak fourth is no choice."""
    [helpful, _] = json.loads(run("filter", "--keep-share", "0.6", "--json"))["filters"]
    consistency = project.consistency("helpful")
    assert (helpful["kept"], helpful["threshold"]) == (3, consistency[4])
    assert project.thresholds()["helpful"] == consistency[4]
    out = run("filter", "--keep-share", "0.6", "--min-norm", "1", "--json")
    [helpful, _] = json.loads(out)["filters"]
    assert (helpful["kept"], helpful["threshold"]) == (3, consistency[1])


def test_filters_refuse_and_change_nothing(refused, project):
    before = project.filters()
    both = ("--threshold", "0.5", "--keep-share", "0.5")
    assert "exclude each other" in refused("filter", *both)
    for share in ("0", "7", "nan"):
        assert f"--keep-share {share} is not above 0 and at most 1" in refused(
            "filter", "--keep-share", share
        )
    assert "above 0, got 0" in refused("filter", "--flip")
    assert "min_norm = -1.0" in refused("filter", "--min-norm", "-1")
    assert "fewer than the 90.0%" in refused("filter", "--keep-share", "0.9", "--min-norm", "1")
    assert "no filter 'x'" in refused("filter", "--apply", "x")
    assert "no filter 'x'" in refused("filter", "--delete", "x")
    assert project.filters() == before


def test_a_filter_is_not_stored_when_its_name_is_bad(refused, project):
    before = project.filters()
    assert "filter name" in refused("filter", "--threshold", "0.5", "--save", "a\nb")
    assert project.filters() == before
