"""`train`'s configuration, calibration, and what a job's next attempt does."""

import json
import sys
from pathlib import Path

import pytest

from tests.tiny_models import tiny_causal
from tests.tiny_pairs import Recorder, tiny_pairs
from vcsoup.cli import main
from vcsoup.cli.train import _figures
from vcsoup.filtering import PairFilter
from vcsoup.jobs import Jobs
from vcsoup.pipeline import train_project
from vcsoup.training.checkpoints import whole_checkpoints
from vcsoup.training.config import train_config
from vcsoup.training.config_file import dump_train_config, parse_train_config
from vcsoup.workspace import Project, ProjectConfig, Workspace

SMALL = {"steps": 4, "batch_size": 4, "rank": 2, "alpha": 4, "sample_tokens": 4, "holdout": 0.2}
SMALL |= {"eval_every": 2, "checkpoint_every": 1}


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return tiny_causal("llama", tmp_path_factory.mktemp("models") / "base")


@pytest.fixture
def project(tmp_path: Path, base: Path) -> Project:
    config = ProjectConfig(name="demo", values=("kind", "funny"), base=str(base))
    project = Workspace(tmp_path / "w").create_project(config)
    for seed, value in enumerate(config.values):
        project.save_pairs(value, tiny_pairs(32, seed=seed), source="hand")
    return project


@pytest.fixture
def run(project, monkeypatch, capfd):
    def run(*args: object) -> tuple[int, str, str]:
        root = project.root.parents[1]
        monkeypatch.setattr(sys, "argv", ["vcsoup", *map(str, args), "--workspace", str(root)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        return int(end.value.code or 0), out, err

    return run


def test_flags_go_before_settings_settings_before_the_file_the_file_before_the_preset(
    run, tmp_path
):
    file = tmp_path / "train.yaml"
    file.write_text("preset: demo\nsteps: 11\nseed: 12\nrank: 13\n")
    options = ("--config", file, "--set", "seed=22", "--set", "rank=23", "--rank", "33")
    code, out, err = run("train", "--preset", "paper", *options, "--print-config")
    assert code == 0, err
    expected = train_config("demo", steps=11, seed=22, rank=33)
    assert parse_train_config(out) == expected


def test_mistakes_name_the_line_or_the_field(run, project, tmp_path):
    file = tmp_path / "train.yaml"
    file.write_text("steps: 3\nstepz: 4\n")
    code, _, err = run("train", "--config", file)
    assert (code, "train.yaml, line 2" in err) == (2, True)
    code, _, err = run("train", "--set", "rang=3")
    assert (code, "did you mean rank?" in err) == (2, True)
    assert project.adapters() == []


def test_a_file_trains_what_it_says(run, project, tmp_path):
    file = tmp_path / "train.yaml"
    file.write_text(dump_train_config(train_config("demo", **SMALL)))
    code, _, err = run(*("train", "--value", "kind", "--unfiltered", "--config", file, "--json"))
    assert code == 0, err
    (info,) = project.adapters()
    (job,) = Jobs(project.root.parents[1] / "jobs").list()
    assert info.manifest["job"] == job.id
    assert info.manifest["config"] == train_config("demo", **SMALL).model_dump(mode="json")
    assert not job.checkpoints.joinpath("kind").exists()
    cache = project.root.parents[1] / "reference_cache"
    assert list(cache.glob("*/*.parquet"))


def test_calibration_is_a_job_that_keeps_nothing_but_figures(run, project):
    options = [f"--set={name}={told}" for name, told in SMALL.items()]
    code, out, err = run(
        *("train", "--value", "funny", "--unfiltered", *options, "--calibrate", "--json")
    )
    assert code == 0, err
    found = json.loads(out)
    (job,) = Jobs(project.root.parents[1] / "jobs").list()
    assert (job.kind, job.state, job.result) == ("calibrate", "done", found)
    assert found["value"] == "funny"
    assert found["config"]["batch_size"] == 4
    assert found["tokens_per_step"] / found["seconds_per_step"] == pytest.approx(
        found["tokens_per_s"]
    )
    assert 4 * 2 * 10 < found["tokens_per_step"] < 4 * 2 * 100  # 4 pairs of two texts
    assert found["seconds_per_look"] > 0
    assert project.adapters() == []


def attempt(project: Project, value: str, folder: Path, *, job="job-1", monitor=None):
    return train_project(
        project,
        value,
        train_config("demo", **SMALL),
        group="unfiltered",
        pair_filter=None,
        monitor=monitor or Recorder(),
        job=job,
        checkpoints=folder,
    )


def test_the_next_attempt_of_a_job_skips_what_is_finished_and_goes_on(project, tmp_path):
    folder = tmp_path / "checkpoints"
    first = attempt(project, "kind", folder)
    half = attempt(project, "funny", folder, monitor=Recorder(stop_at=2, within="training"))
    assert (half.manifest["stopped"], half.manifest["steps_done"]) == (True, 2)
    assert _figures(half)["steps"] == 2, "what the command line tells is what was done"
    assert [one.step for one in whole_checkpoints(folder / "funny")] == [2, 1]
    left = project.root / "adapters" / ".funny-unfiltered-9.job-1"
    left.mkdir()
    assert attempt(project, "kind", folder) == first
    whole = attempt(project, "funny", folder)
    assert (whole.manifest["resumed_at"], whole.manifest["steps_done"]) == (2, 4)
    assert whole.name == "funny-unfiltered-2"
    assert not (folder / "funny").exists()
    assert not left.exists()
    assert attempt(project, "kind", folder, job="job-2").name == "kind-unfiltered-2"


def test_an_adapter_says_where_it_comes_from(project, tmp_path):
    info = attempt(project, "kind", tmp_path / "checkpoints")
    again = attempt(project, "kind", tmp_path / "checkpoints", job="job-2")
    data = project.datasets()["kind"]
    assert info.manifest["data_hash"] == data.hash
    assert info.manifest["reward_stamp"] is None
    assert info.manifest["pairs_hash"] == again.manifest["pairs_hash"]
    other = attempt(project, "funny", tmp_path / "checkpoints")
    assert other.manifest["pairs_hash"] != info.manifest["pairs_hash"]


def test_a_filtered_adapter_names_the_rewards_it_was_filtered_by(project, tmp_path, monkeypatch):
    monkeypatch.setattr(Project, "rewards_stamp", lambda self, value: f"stamp of {value}")
    pairs = project.pairs("kind").iloc[:20].reset_index(drop=True)
    monkeypatch.setattr("vcsoup.pipeline.training.kept_pairs", lambda *_: pairs)
    info = train_project(
        project,
        "kind",
        train_config("demo", **SMALL),
        group="filtered",
        pair_filter=PairFilter(threshold=0.5, min_norm=0.2),
    )
    assert info.manifest["reward_stamp"] == "stamp of kind"
    assert info.manifest["filter"]["min_norm"] == 0.2
    assert info.manifest["n_pairs"] == 20
