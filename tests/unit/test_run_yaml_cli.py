"""`run` and `project yaml` as commands: a kill in the middle, mistakes in one line, JSON."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.tiny_judges import fitted_judge
from tests.tiny_models import tiny_causal
from tests.tiny_pairs import tiny_pairs
from vcsoup.cli import main
from vcsoup.cli.entry import app
from vcsoup.jobs import Jobs
from vcsoup.ui.runs_track import Reports
from vcsoup.workspace import Workspace

FILE = """
project: mine
base: base
values:
  helpful: {data: pairs.jsonl, reward: judge}
  brief: {data: pairs.jsonl, reward: {kind: length, sign: -1}}
training: {preset: demo, steps: 20, batch_size: 4, rank: 4, max_length: 64, eval_every: 20,
  checkpoint_every: 2, sample_tokens: 0}
measuring: {grid: 1, prompts: 2}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny_causal("llama", tmp_path / "base")
    fitted_judge("gpt2", tmp_path / "judge")
    rows = tiny_pairs(40).drop(columns="id").to_dict("records")
    (tmp_path / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "project.yaml").write_text(FILE)
    return tmp_path


def test_a_killed_run_goes_on_where_it_was(folder: Path):
    """Killed while it trains the first adapter: the next run skips data and scores, and resumes."""
    args = ["run", str(folder / "project.yaml"), "--workspace", str(folder / "w")]
    killed = subprocess.Popen(
        [sys.executable, "-m", "vcsoup", *args],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _wait_for_checkpoint(folder / "w", killed)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    again = CliRunner().invoke(app, [*args, "--json"], catch_exceptions=False)
    steps = json.loads(again.stdout)["steps"]
    states = {step["title"]: step["state"] for step in steps}
    assert states["pairs of helpful"] == states["rewards of all pairs"] == "there"
    assert states["adapter of helpful, filtered"] == "made"
    adapters = Workspace(folder / "w").project("mine").adapter_set("filtered")
    assert adapters["helpful"].manifest["resumed_at"] >= 2
    assert adapters["helpful"].manifest["steps_done"] == 20
    jobs = Jobs(Workspace(folder / "w").jobs_root).list(kind="run")
    _, job = sorted(jobs, key=lambda job: job.created)
    reports = Reports()
    reports.read(job)
    assert list(reports.tracks) == ["helpful, filtered", "brief, filtered"]
    told = {track.value: track.adapter for track in reports.tracks.values()}
    assert told == {value: info.name for value, info in adapters.items()}
    shelf = adapters["helpful"].path.parent
    assert not list(shelf.glob(".*")), "the killed attempt left something behind"
    front = json.loads(again.stdout)["front"]["sets"]["filtered"]
    assert front["points"] == 3
    timed = next(step for step in steps if step["title"] == "adapter of helpful, filtered")
    assert timed["cost"]["seconds"] > 0
    assert timed["cost"]["tokens"] > 0
    assert timed["cost"]["memory"] > 10**8


def _wait_for_checkpoint(root: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 240
    while not list(root.glob("projects/mine/checkpoints/*/helpful/*/complete.json")):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_mistakes_are_one_line(tmp_path: Path, monkeypatch, capfd):
    file = tmp_path / "project.yaml"
    file.write_text(FILE.replace("measuring:", "measurin:"))

    def told(*args: str) -> str:
        where = ["--workspace", str(tmp_path / "w")]
        monkeypatch.setattr(sys, "argv", ["vcsoup", "run", str(file), *args, *where])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        assert (end.value.code, out) == (2, "")
        return err

    assert told() == (
        "vcsoup: project.yaml, line 9: measurin is no key here; did you mean measuring?\n"
    )
    assert told("--until", "mesure") == (
        "vcsoup: --until 'mesure' is no stage; did you mean measure?\n"
    )
    assert not (tmp_path / "w").exists()
