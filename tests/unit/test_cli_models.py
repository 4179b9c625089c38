"""Verbs that load models, on tiny ones: train, merge, score, evaluate, as jobs in the app."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoModelForCausalLM

from tests.tiny_models import random_adapter, tiny_causal, tiny_classifier
from vcsoup.cli import main
from vcsoup.engine.tasting import checked_weights
from vcsoup.filtering import PairFilter
from vcsoup.jobs import Job, Jobs
from vcsoup.pipeline import measure_project
from vcsoup.preferences.pairs import make_pairs
from vcsoup.workspace import Project, Workspace, project_config

VALUES = ("helpful", "harmless")
TRAIN = ("train", "--preset", "demo", "--batch-size", "4", "--rank", "2", "--alpha", "4")


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    tiny_causal("llama", folder / "base")
    tiny_causal("llama", folder / "other", seed=1)
    tiny_classifier(folder / "helpful", seed=2)
    tiny_classifier(folder / "harmless", seed=3)
    return folder


@pytest.fixture
def project(tmp_path: Path, models: Path) -> Project:
    config = project_config(
        name="demo",
        values=VALUES,
        base=str(models / "base"),
        rewards={value: {"model": str(models / value), "max_length": 64} for value in VALUES},
    )
    project = Workspace(tmp_path / "w").create_project(config)
    for value in VALUES:
        texts = [f"{value} {i}" for i in range(24)]
        pairs = make_pairs(texts, [f"yes {text}" for text in texts], ["no"] * len(texts))
        project.save_pairs(value, pairs, source="hand")
    project.save_held_out_prompts([[{"role": "user", "content": f"hello {i}"}] for i in range(3)])
    return project


@pytest.fixture
def run(tmp_path: Path, monkeypatch, capfd):
    def run(*args: object) -> tuple[int, str, str]:
        argv = ["vcsoup", *map(str, args), "--workspace", str(tmp_path / "w")]
        monkeypatch.setattr(sys, "argv", argv)
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        return int(end.value.code or 0), out, err

    return run


def start(project: Project, *args: str) -> Job:
    root = project.root.parents[1]
    jobs = Jobs(Workspace(root).jobs_root)
    args = (*args, "--workspace", str(root))
    return jobs.start(args, kind="train", title="Training", project="demo")


def wait_for(job: Job, state: str, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while job.state != state:
        assert time.monotonic() < end, (job.state, job.log_tail())
        assert job.active, (job.state, job.error, job.log_tail())
        time.sleep(0.05)


def add_random_adapters(project: Project, base: Path, group: str) -> None:
    for seed, value in enumerate(VALUES):
        folder = random_adapter(base, project.adapter_dir(f"{value}-{group}-1"), seed=seed)
        manifest = {"value": value, "group": group}
        (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_training_job_is_stopped_and_keeps_its_adapter(project):
    job = start(project, *TRAIN, "--value", "helpful", "--unfiltered", "--steps", "5000")
    wait_for(job, "running")
    while not (last := job.latest()) or not (
        last["stage"].startswith("training") and last["done"] >= 2
    ):
        assert job.active, job.log_tail()
        time.sleep(0.05)
    job.stop(grace=60)
    wait_for(job, "stopped")
    (info,) = project.adapters()
    assert (info.name, info.value, info.group) == ("helpful-unfiltered-1", "helpful", "unfiltered")
    assert info.manifest["stopped"] is True
    assert job.result["adapters"][0]["name"] == info.name
    assert any("loss" in record for record in job.progress_since(0)[0])


def stop_when(project: Project, stage: str, done: int) -> threading.Thread:
    """Ask the next job to stop as soon as it reports so much, as another machine would."""
    jobs = Jobs(project.root.parents[1] / "jobs")

    def watch() -> None:
        while not any(
            last["stage"].startswith(stage) and last["done"] >= done
            for job in jobs.list()
            if (last := job.latest())
        ):
            time.sleep(0.02)
        (jobs.list()[0].path / "stop").touch()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    return watcher


def test_a_training_that_was_stopped_ends_with_130(project, run):
    watcher = stop_when(project, "training", 2)
    code, out, err = run(*TRAIN, "--unfiltered", "--steps", "5000", "--json")
    watcher.join()
    (figures,) = json.loads(out)["adapters"]
    assert (figures["value"], figures["stopped"]) == ("helpful", True)
    assert "stopped with 0 of 2 adapters trained to the end" in err
    assert code == 130


def test_a_measuring_that_was_stopped_ends_with_130(project, models, run):
    add_random_adapters(project, models / "base", "filtered")
    watcher = stop_when(project, "measuring", 1)
    code, out, err = run("evaluate", "--grid", "300", "--json")
    watcher.join()
    done = len(json.loads(out)["points"])
    assert 0 < done < 302
    assert f"stopped with {done} of 302 soups measured" in err
    assert code == 130


def test_kill_9_while_training_leaves_no_half_adapter_and_the_next_run_works(project, run):
    job = start(project, *TRAIN, "--value", "helpful", "--unfiltered", "--steps", "5000")
    wait_for(job, "running")
    while not job.latest():
        time.sleep(0.05)
    os.kill(json.loads((job.path / "identity.json").read_text())["pid"], signal.SIGKILL)
    wait_for_end(job)
    assert job.state == "lost"
    assert project.adapters() == []
    code, out, err = run(*TRAIN, "--unfiltered", "--steps", "2", "--json")
    figures = json.loads(out)
    assert code == 0, err
    assert [entry["value"] for entry in figures["adapters"]] == list(VALUES)
    assert list(project.adapter_sets()) == ["unfiltered"]


def wait_for_end(job: Job) -> None:
    while job.active:
        time.sleep(0.05)


def test_training_takes_the_saved_filter_whole(project, run):
    """Of 24 pairs those with a gap vector as long as the ninth, or longer, are sixteen."""
    assert run("score", "--value", "helpful", "--json")[0] == 0
    norms = np.linalg.norm(project.gaps("helpful"), axis=1)
    saved = PairFilter(threshold=-1.0, min_norm=float(np.sort(norms)[8]) - 1e-9)
    project.set_filter("helpful", saved)
    code, out, err = run(*TRAIN, "--value", "helpful", "--steps", "2", "--json")
    assert code == 0, err
    assert json.loads(out)["adapters"][0]["pairs"] == 16
    (info,) = project.adapters()
    assert info.manifest["filter"] == saved.model_dump()
    assert info.manifest["threshold"] == -1.0


def test_merge_writes_an_adapter_that_peft_loads(project, models, run, tmp_path):
    from peft import PeftModel

    add_random_adapters(project, models / "base", "filtered")
    out = tmp_path / "merged"
    code, said, err = run(
        *("soup", "merge", "--weights", "helpful=0.25,harmless=0.75", "--out", out, "--json")
    )
    figures = json.loads(said)
    assert code == 0, err
    assert (figures["method"], figures["rank"], figures["relative_error"]) == ("exact", 8, 0.0)
    base = AutoModelForCausalLM.from_pretrained(models / "base")
    assert PeftModel.from_pretrained(base, out).peft_config["default"].r == 8
    assert run("soup", "merge", "--weights", "helpful=1", "--out", out)[0] == 2


def test_an_adapter_of_another_base_is_refused_in_one_line(project, models, run, tmp_path):
    add_random_adapters(project, models / "base", "filtered")
    for value in VALUES[1:]:
        folder = project.adapter_dir(f"{value}-filtered-2")
        random_adapter(models / "other", folder)
        (folder / "manifest.json").write_text(json.dumps({"value": value, "group": "filtered"}))
    out = tmp_path / "merged"
    weights = "helpful=0.5,harmless=0.5"
    code, said, err = run("soup", "merge", "--weights", weights, "--out", out)
    assert (code, said) == (2, "")
    assert err.count("\n") == 1
    assert "base" in err
    assert not out.exists()


def test_score_evaluate_and_front(project, models, run):
    """Scored pairs have gaps; base and three soups of the grid are four points; JSON is JSON."""
    code, out, err = run("score", "--json")
    assert code == 0, err
    assert json.loads(out) == {
        "scored": {"helpful": 24, "harmless": 24},
        "set_aside": {"helpful": 0, "harmless": 0},
    }
    assert project.gaps("helpful").shape == (24, 2)
    assert run("filter", "--json")[0] == 0
    add_random_adapters(project, models / "base", "filtered")
    code, out, err = run("evaluate", "--grid", "2", "--json")
    assert code == 0, err
    points = json.loads(out)["points"]
    weights = [tuple(point["weights"][value] for value in VALUES) for point in points]
    assert sorted(weights) == [(0.0, 0.0), (0.0, 1.0), (0.5, 0.5), (1.0, 0.0)]
    assert all(point["n_prompts"] == 3 for point in points)
    figures = json.loads(run("front", "--json")[1])
    assert figures["sets"]["filtered"]["points"] == 4
    code, out, err = run("evaluate", "--grid", "4", "--missing", "--json")
    assert code == 0, err
    finer = json.loads(out)["points"]
    assert len(finer) == 6
    assert [point for point in finer if point in points] == points
    code, out, err = run("evaluate", "--grid", "4", "--missing", "--json")
    assert (code, json.loads(out)["points"]) == (0, finer)
    kinds = [job.kind for job in Jobs(Workspace(project.root.parents[1]).jobs_root).list()]
    assert kinds == ["evaluate", "evaluate", "evaluate", "score"]


def test_a_soup_too_near_the_base_does_not_take_the_place_of_its_point(project, models, run):
    """Typed weights are refused; those of a program are measured as what they are known by."""
    add_random_adapters(project, models / "base", "filtered")
    speck = ("evaluate", "--free", "--weights", "helpful=1e-7")
    code, _, err = run(*speck)
    assert (code, err.count("\n"), "weight 1e-07 cannot be told from 0" in err) == (2, 1, True)
    measured = measure_project(project, "filtered", [[1e-7, 0.0]])
    assert not measured.weights.any()
    (base,) = project.points(project.set_key(project.adapter_set("filtered")))
    assert not any(base.weights.values())
    assert not checked_weights(project, {"helpful": 1e-7}, free=True).any()
