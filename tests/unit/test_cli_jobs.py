"""The verb `jobs`: lists, one job, the queue's order, the bin, and mistakes in one line."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vcsoup.cli import main
from vcsoup.jobs import Job, Jobs
from vcsoup.jobs.folder import take_lock
from vcsoup.workspace import Workspace


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch) -> Jobs:
    monkeypatch.setattr("vcsoup.jobs.launch.ensure_runner", lambda *_: None)
    return Jobs(Workspace(tmp_path / "w").jobs_root)


@pytest.fixture
def run(jobs: Jobs, monkeypatch, capfd) -> Callable[..., tuple[int, str, str]]:
    def run(*args: object) -> tuple[int, str, str]:
        """Run `jobs *args`; return its exit status, output and error output."""
        head = ["vcsoup", "jobs", str(args[0]), "--workspace", str(jobs.root.parent)]
        monkeypatch.setattr(sys, "argv", [*head, *map(str, args[1:])])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        return int(end.value.code or 0), out, err

    return run


def enqueue(jobs: Jobs, name: str, kind: str = "train") -> Job:
    return jobs.start([kind, name], kind=kind, title=name, project="demo", queued=True)


def test_a_command_is_queued_with_its_project(run, jobs):
    code, out, _ = run("add", "--title", "My run", "--", "train", "--value", "a", "-p", "tales")
    (job,) = jobs.queue()
    assert (code, out) == (0, f"{job.id} is queued\n")
    assert (job.kind, job.title, job.project) == ("train", "My run", "tales")
    assert job.args == ["train", "--value", "a", "-p", "tales"]
    assert job.environment == {"VCSOUP_WORKSPACE": str(jobs.root.parent)}, "it works on this one"
    code, _, err = run("add", "--launcher", "slurm", "--", "train")
    assert (code, err.count("\n")) == (2, 1)
    assert "'slurm' is unknown; choose one of local, ray" in err


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["trainn"], "No such command 'trainn'. Did you mean 'train'?"),
        (["demo", "rum"], "No such command 'rum'. Did you mean 'run'?"),
        (["demo"], "a command of 'demo' is missing"),
        (["train", "--stepz", "3"], "No such option: --stepz"),
        (["train", "--steps", "many"], "Invalid value for '--steps': expected a whole number"),
        (["data", "show"], "Missing argument 'value'"),
    ],
)
def test_what_could_only_fail_is_not_queued(run, jobs, command, told):
    code, _, err = run("add", "--", *command)
    assert (code, err.count("\n"), jobs.queue()) == (2, 1, [])
    assert told in err


@pytest.mark.parametrize("help_option", ["-h", "--help"])
def test_help_of_a_command_to_queue_is_shown(run, jobs, help_option):
    code, out, _ = run("add", "--", "train", help_option)
    assert (code, jobs.queue()) == (0, [])
    assert "Train an adapter per value" in out


def test_the_list_says_state_and_place(run, jobs):
    first, second, third = (enqueue(jobs, name) for name in "abc")
    enqueue(jobs, "d", kind="score")
    second.stop()
    code, out, _ = run("list", "--json", "--kind", "train")
    rows = {row["title"]: row for row in json.loads(out)}
    assert code == 0
    assert {title: (row["state"], row["place"]) for title, row in rows.items()} == {
        "a": ("queued", 0),
        "b": ("stopped", None),
        "c": ("queued", 1),
    }
    assert (rows["b"]["resumable"], rows["a"]["resumable"]) == (True, False)
    assert [row["title"] for row in json.loads(run("list", "--json", "--state", "stopped")[1])] == [
        "b"
    ]
    table = run("list")[1].splitlines()
    assert [line.split()[0] for line in table[1:]][-3:] == [third.id, second.id, first.id]


def test_order_and_places(run, jobs):
    ids = {name: enqueue(jobs, name).id for name in "abc"}
    code, out, _ = run("move", ids["c"][-4:], 0)
    assert code == 0
    assert [line.split()[-1] for line in out.splitlines()] == ["c", "a", "b"]
    assert run("places", 3)[1] == "3 at once\n"
    assert run("places")[1] == "3 at once\n"
    code, _, err = run("places", 0)
    assert (code, err) == (2, "vcsoup: 0 at once is outside 1 to 64; choose one inside\n")


def test_from_stopped_to_resumed_retried_renamed(run, jobs):
    job = enqueue(jobs, "a")
    assert run("stop", job.id) == (0, f"{job.id} is stopped\n", "")
    assert run("resume", job.id) == (0, f"{job.id} is queued, attempt 2\n", "")
    run("stop", job.id)
    assert run("rename", job.id, "Other")[1] == f"{job.id} is called Other\n"
    assert run("retry", job.id)[0] == 0
    fresh, former = jobs.list()
    assert (fresh.title, fresh.meta, fresh.attempt) == ("Other", {"retry_of": job.id}, 1)
    assert (former.state, former.attempt) == ("stopped", 2)


def test_the_bin(run, jobs):
    job = enqueue(jobs, "a")
    code, _, err = run("remove", job.id)
    assert (code, err) == (2, "vcsoup: a is queued; stop it before removing it\n")
    job.stop()
    assert "puts it back" in run("remove", job.id)[1]
    assert json.loads(run("list", "--json")[1]) == []
    assert [row["id"] for row in json.loads(run("list", "--json", "--removed")[1])] == [job.id]
    assert run("restore", job.id)[1] == f"{job.id} is back\n"
    run("remove", job.id)
    assert run("empty-bin")[1] == "1 deleted\n"
    code, _, err = run("restore", job.id)
    assert (code, f"no job '{job.id}'" in err) == (2, True)


def test_one_job_with_the_end_of_its_log(run, jobs):
    job = enqueue(jobs, "a")
    (job.path / "log.txt").write_text("one\ntwo [bold]\n")
    shown = json.loads(run("show", job.id, "--json", "--log", 1)[1])
    assert (shown["command"], shown["log"], shown["state"]) == (
        "python -m vcsoup train a",
        ["two [bold]"],
        "queued",
    )
    out = run("show", job.id)[1]
    assert "| two [bold]" in out
    assert "python -m vcsoup train a" in out


def test_an_end_that_fits_several_jobs_is_refused(run, jobs):
    ids = [enqueue(jobs, name).id for name in "ab"]
    for index, job_id in enumerate(ids):
        (jobs.root / job_id).rename(jobs.root / f"2026-{index}-same")
    code, _, err = run("stop", "same")
    assert (code, err.count("\n")) == (2, 1)
    assert "'same' is the end of 2 jobs (2026-1-same, 2026-0-same); give more of it" in err
    assert "no job 'nonsense'" in run("show", "nonsense")[2]


def test_the_queue_is_run_until_all_is_quiet(run, jobs):
    """With nothing to do and no patience, the runner ends; a second one finds the lock taken."""
    assert run("run", "--idle", 0) == (0, "", "")
    jobs.root.mkdir(parents=True, exist_ok=True)
    held = take_lock(jobs.root / "runner.lock")
    assert held is not None
    assert run("run", "--idle", 0)[1] == "another process runs this queue already\n"
