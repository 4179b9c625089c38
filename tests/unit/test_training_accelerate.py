"""`train` under `accelerate launch`: one job, one adapter, the same losses as alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.tiny_models import tiny_causal
from tests.tiny_pairs import tiny_pairs
from vcsoup.cli.entry import app
from vcsoup.jobs import Jobs
from vcsoup.workspace import Project, ProjectConfig, Workspace

TRAIN = ("train", "--value", "kind", "--unfiltered", "--preset", "demo", "--steps", "4", "--json")
SMALL = ("--batch-size", "8", "--rank", "2", "--set", "eval_every=2", "--set", "sample_tokens=4")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    base = tiny_causal("llama", tmp_path / "base")
    config = ProjectConfig(name="demo", values=("kind", "funny"), base=str(base))
    project = Workspace(tmp_path / "w").create_project(config)
    project.save_pairs("kind", tiny_pairs(40), source="hand")
    return project


def trained(project: Project) -> dict[str, object]:
    where = ("--workspace", str(project.root.parents[1]))
    done = CliRunner().invoke(app, [*TRAIN, *SMALL, *where], catch_exceptions=False)
    (adapter,) = json.loads(done.stdout)["adapters"]
    return adapter


def trained_by_two(project: Project) -> dict[str, object]:
    launch = str(Path(sys.executable).with_name("accelerate"))
    quiet = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    command = [launch, "launch", "--num_processes", "2", "--cpu", "-m", "vcsoup", *TRAIN, *SMALL]
    done = subprocess.run(
        [*command, "--workspace", str(project.root.parents[1])],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, **quiet},
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    (adapter,) = json.loads(done.stdout[done.stdout.index("{") :])["adapters"]
    return adapter


def test_two_processes_train_one_adapter_to_the_same_losses(project):
    """Each step's 8 pairs are shared, 4 and 4: the same mean gradient but for the sums' order."""
    alone, shared = trained(project), trained_by_two(project)
    assert (alone["name"], shared["name"]) == ("kind-unfiltered-1", "kind-unfiltered-2")
    for figure in ("loss", "heldout_loss", "accuracy"):
        assert shared["metrics"][figure] == pytest.approx(alone["metrics"][figure], abs=2e-4)
    jobs = Jobs(project.root.parents[1] / "jobs").list()
    assert [job.state for job in jobs] == ["done", "done"]
    records, _ = jobs[0].progress_since(0)
    assert [r["done"] for r in records if "loss" in r] == [1, 2, 3, 4]
    assert [r["done"] for r in records if "kl" in r] == [2, 4]
    assert not list((project.root / "adapters").glob(".*"))
