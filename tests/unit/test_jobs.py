"""Jobs as real processes: start, watch, stop and keep, kill -9, double start, adoption."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from tests.job_processes import SCRIPT, own_jobs, wait_until
from vcsoup.errors import JobError, NotFoundError
from vcsoup.jobs import Job, Jobs, Worker
from vcsoup.jobs import folder as files
from vcsoup.jobs.display import make_display
from vcsoup.jobs.progress import tail

REPO = Path(__file__).parents[2]


@pytest.fixture
def jobs(tmp_path: Path):
    with own_jobs(tmp_path / "jobs") as jobs:
        yield jobs


def begin(jobs: Jobs, mode: str) -> Job:
    return jobs.start(
        [mode, str(jobs.root)], kind="test", title=f"Testing {mode}", project="demo", meta={"n": 1}
    )


def pid_of(job: Job) -> int:
    return json.loads((job.path / "identity.json").read_text())["pid"]


def test_a_job_runs_to_its_result(jobs):
    """Three steps of three: the last report is 3/3 with loss 1/3, the result says 3 steps."""
    job = begin(jobs, "finish")
    assert job.state in ("queued", "running")
    wait_until(lambda: not job.active)
    assert (job.state, job.result, job.error) == ("done", {"steps": 3}, None)
    last = job.latest()
    assert (last["stage"], last["done"], last["total"]) == ("stepping", 3, 3)
    assert last["loss"] == pytest.approx(1 / 3)
    assert (job.kind, job.project, job.meta) == ("test", "demo", {"n": 1})
    assert job.command == f"python -m vcsoup finish {jobs.root}"
    assert "step 2" in job.log_tail()
    assert job.finished > job.created


def test_progress_is_read_piece_by_piece_and_only_in_whole_lines(jobs):
    job = begin(jobs, "finish")
    wait_until(lambda: not job.active)
    records, offset = job.progress_since(0)
    assert [record["done"] for record in records] == [1, 2, 3]
    with (job.path / "progress.jsonl").open("a") as file:
        file.write('{"time": 1, "stage": "x", "do')
        file.flush()
        assert job.progress_since(offset) == ([], offset)
        assert job.latest()["done"] == 3
        file.write('ne": 9, "total": 9}\n')
        file.flush()
    assert [record["done"] for record in job.progress_since(offset)[0]] == [9]


def test_stop_keeps_what_was_made(jobs):
    job = begin(jobs, "stall")
    wait_until(lambda: job.state == "running" and job.latest() is not None)
    job.stop()
    assert job.state in ("stopping", "stopped")
    wait_until(lambda: not job.active)
    assert job.state == "stopped"
    assert 0 < job.result["steps"] < 3000


def test_stop_right_after_the_start_is_heard(jobs):
    """The worker is still importing: no signal may kill it before it can hear one."""
    job = begin(jobs, "stall")
    job.stop()
    wait_until(lambda: not job.active)
    assert (job.state, job.result) == ("stopped", {"steps": 1})


def test_a_worker_that_does_not_listen_is_killed_after_the_grace(jobs):
    job = begin(jobs, "deaf")
    wait_until(lambda: job.state == "running" and job.latest() is not None)
    job.stop(grace=0.5)
    assert job.state == "stopping"
    wait_until(lambda: not job.active, seconds=10)
    assert job.state == "stopped"
    assert "had to be killed" in job.error


def test_a_first_step_that_is_long_is_waited_for(tmp_path, monkeypatch):
    """A reading pass took 1 s, and the step after it has taken 60 so far."""
    clock = iter([100.0, 101.0, 161.0])
    worker = Worker(tmp_path, make_display())
    worker.open()
    with monkeypatch.context() as patch:
        told = SimpleNamespace(monotonic=lambda: next(clock), time=time.time)
        patch.setattr("vcsoup.jobs.worker.time", told)
        worker.report("the base reads", 1, 2)
        worker.report("training", 0, 9)
        worker.request_stop()
    worker.close()
    assert float((tmp_path / "patience").read_text()) == 240.0


def test_a_long_look_within_a_step_is_waited_for(tmp_path, monkeypatch):
    """Step 1 ended at 100 s; its look says at 130 and 160 how far it is, and is not done at 165."""
    clock = iter([100.0, 130.0, 160.0, 165.0])
    worker = Worker(tmp_path, make_display())
    worker.open()
    with monkeypatch.context() as patch:
        told = SimpleNamespace(monotonic=lambda: next(clock), time=time.time)
        patch.setattr("vcsoup.jobs.worker.time", told)
        for looked in (0, 4, 8):
            worker.report("training", 1, 9, looked_at=looked)
        worker.request_stop()
    worker.close()
    assert float((tmp_path / "patience").read_text()) == 4 * 65.0


def test_signs_of_life_are_no_reports(tmp_path):
    """Written ten times a second, they would push the reports out of what is read for time left."""
    worker = Worker(tmp_path, make_display())
    worker.open()
    for done in (0, 0, 0, 4):
        time.sleep(0.11)  # closer ones are left out anyway
        worker.report("measuring", done, 9)
    worker.report("measuring", 4, 9, loss=0.5)
    worker.close()
    assert [record["done"] for record in tail(tmp_path / "progress.jsonl")] == [0, 4, 4]


def test_a_shorter_grace_counts_from_who_asks_for_it(jobs):
    job = begin(jobs, "deaf")
    wait_until(lambda: job.state == "running" and job.latest() is not None)
    job.stop(grace=20.0)
    job.stop(grace=0.5)
    wait_until(lambda: not job.active, seconds=10)
    assert job.state == "stopped"


def test_a_worker_in_a_long_step_may_end_it(jobs, monkeypatch):
    """Half a second is the usual grace here, and a step takes one."""
    monkeypatch.setattr("vcsoup.jobs.stopping.GRACE_S", 0.5)
    job = begin(jobs, "slow")
    wait_until(lambda: (job.latest() or {}).get("done") == 2)
    job.stop(grace=0.5)
    wait_until(lambda: not job.active, seconds=10)
    assert (job.state, job.result, job.error) == ("stopped", {"steps": 3}, None)


def test_a_long_step_ends_at_once_when_one_asks_again(jobs, monkeypatch):
    monkeypatch.setattr("vcsoup.jobs.stopping.GRACE_S", 0.5)
    job = begin(jobs, "slow")
    wait_until(lambda: (job.latest() or {}).get("done") == 2)
    job.stop(grace=0.5)
    wait_until((job.path / "patience").exists)
    job.stop(grace=0.0)
    wait_until(lambda: not job.active, seconds=10)
    assert job.state == "stopped"
    assert "had to be killed" in job.error


@pytest.mark.parametrize("step", [-86_400, 3600])
def test_a_clock_that_was_set_hides_no_worker_from_who_stops_it(jobs, monkeypatch, step):
    """The boot's time of day moves with the clock, and with it the start times of all processes."""
    job = begin(jobs, "deaf")
    wait_until(lambda: job.state == "running" and job.latest() is not None)
    booted = psutil.boot_time()
    monkeypatch.setattr(psutil._psplatform, "boot_time", lambda: booted + step)
    assert files.find_process(files.read(job.path / "identity.json")).pid == pid_of(job)
    job.stop(grace=0.5)
    wait_until(lambda: not job.active, seconds=10)
    assert job.state == "stopped"


def test_a_process_of_another_boot_is_no_worker_of_ours(tmp_path):
    mine = files.identity_of(os.getpid())
    assert files.find_process(mine).pid == os.getpid()
    assert files.find_process({**mine, "since_boot": mine["since_boot"] + 0.5}) is None
    rebooted = {**mine, "boot": "another", "create_time": mine["create_time"] - 3600}
    assert files.find_process(rebooted) is None


def test_kill_9_of_the_worker_is_seen_at_once(jobs):
    job = begin(jobs, "stall")
    wait_until(lambda: job.latest() is not None)
    os.kill(pid_of(job), signal.SIGKILL)
    wait_until(lambda: not job.active, seconds=5)
    assert job.state == "lost"
    assert job.error.startswith("Testing stall: the worker was killed")
    job.stop()
    assert job.state == "lost"


def test_a_worker_that_is_killed_where_memory_is_scarce_leaves_word_of_it(jobs):
    """A tenth is scarce: of 16 GiB 1 GiB is free. What it wrote itself is of this machine."""
    job = begin(jobs, "stall")
    wait_until(lambda: job.latest() is not None)
    told = json.loads((job.path / "heartbeat").read_text())
    assert 0 < told["held"] < told["total"]
    os.kill(pid_of(job), signal.SIGKILL)
    wait_until(lambda: not job.active, seconds=5)
    scarce = {"held": 14.5 * 2**30, "free": 2**30, "total": 16 * 2**30}
    (job.path / "heartbeat").write_text(json.dumps(scarce))
    short = "memory had run short: it held 14.5 GiB, and 1.0 GiB were free"
    assert f"was killed or the machine went down; {short}; resume it" in job.error
    (job.path / "heartbeat").write_text(json.dumps({**scarce, "free": 2 * 2**30}))
    assert "memory" not in job.error


def test_a_job_outlives_the_process_that_started_it_and_is_adopted(jobs):
    """The starter exits; another process sees the job running and stops it."""
    program = (
        "import sys; from pathlib import Path; from vcsoup.jobs import Jobs\n"
        f"jobs = Jobs(Path({str(jobs.root)!r}), python_args=({str(SCRIPT)!r},))\n"
        f"sys.stdout.write(jobs.start(['stall', {str(jobs.root)!r}], kind='test', title='T').id)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=REPO
    )
    job = jobs.get(shown.stdout)
    wait_until(lambda: job.state == "running" and job.latest() is not None)
    job.stop()
    wait_until(lambda: job.state == "stopped")


def test_a_double_click_starts_one_job(jobs):
    first, second = begin(jobs, "stall"), begin(jobs, "stall")
    assert first.id == second.id
    assert len(jobs.list()) == 1
    other = begin(jobs, "finish")
    assert other.id != first.id


def test_starters_in_many_processes_at_once_start_one_job(jobs):
    program = (
        "from pathlib import Path; from vcsoup.jobs import Jobs\n"
        f"jobs = Jobs(Path({str(jobs.root)!r}), python_args=({str(SCRIPT)!r},))\n"
        f"jobs.start(['stall', {str(jobs.root)!r}], kind='test', title='T')"
    )
    starters = [subprocess.Popen([sys.executable, "-c", program], cwd=REPO) for _ in range(4)]
    assert [starter.wait(60) for starter in starters] == [0, 0, 0, 0]
    assert len(jobs.list()) == 1


def test_a_second_worker_cannot_enter_a_running_job(jobs):
    job = begin(jobs, "stall")
    wait_until(lambda: job.latest() is not None)
    second = subprocess.run(
        [sys.executable, str(SCRIPT), "finish", str(jobs.root)],
        env={**os.environ, "VCSOUP_JOB": str(job.path), "PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
    )
    assert second.returncode != 0
    assert "JobError" in second.stderr
    assert "was started already" in second.stderr
    assert job.state == "running"
    assert len(jobs.list()) == 1


def test_stop_signals_nobody_when_the_pid_belongs_to_another_process(jobs):
    """The identity names this process's child, but a start time one hour off."""
    job = begin(jobs, "deaf")
    wait_until(lambda: job.latest() is not None)
    real = json.loads((job.path / "identity.json").read_text())
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    forged = {"pid": bystander.pid, "create_time": psutil.Process(bystander.pid).create_time()}
    files.write(job.path / "identity.json", {**forged, "create_time": forged["create_time"] - 3600})
    job.stop(grace=0.2)
    time.sleep(0.6)
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    files.write(job.path / "identity.json", real)


def test_a_failure_leaves_its_one_line(jobs):
    job = begin(jobs, "fail")
    wait_until(lambda: not job.active)
    assert (job.state, job.error) == ("failed", "too few pairs: 3; lower the threshold")


def test_a_fault_of_ours_names_itself_and_is_in_the_log(jobs):
    job = begin(jobs, "crash")
    wait_until(lambda: not job.active)
    assert job.state == "failed"
    assert job.error == "KeyError: 'a fault of ours' (details in the log)"
    # The interpreter prints it on its way out, behind the result.
    wait_until(lambda: any("Traceback" in line for line in job.log_tail(60)), seconds=5)


def test_heavy_jobs_take_turns_and_the_next_starts_when_one_is_killed(jobs):
    first = begin(jobs, "stall-slot")
    wait_until(lambda: first.state == "running" and first.latest() is not None)
    second = begin(jobs, "finish-slot")
    wait_until(lambda: (second.path / "waiting").exists())
    assert (first.state, second.state) == ("running", "queued")
    told = f"{second.id} waits for {first.id} to end"
    wait_until(lambda: any(told in line for line in second.log_tail()))
    light = begin(jobs, "stall")  # needs no place, so nobody waits for it
    wait_until(lambda: light.latest() is not None)
    assert [job.id for job in jobs.computing()] == [first.id]
    os.kill(pid_of(first), signal.SIGKILL)
    wait_until(lambda: second.state == "done")
    assert first.state == "lost"


def test_a_queued_job_can_be_stopped(jobs):
    first = begin(jobs, "stall-slot")
    wait_until(lambda: first.latest() is not None)
    second = begin(jobs, "finish-slot")
    wait_until(lambda: (second.path / "waiting").exists())
    second.stop()
    wait_until(lambda: second.state == "stopped")
    assert second.latest() is None
    assert first.state == "running"


def test_a_command_typed_in_a_terminal_is_a_job_too(jobs):
    """Without Jobs.start the worker makes its own folder; Ctrl-C means stop and keep."""
    typed = subprocess.Popen(
        [sys.executable, str(SCRIPT), "stall", str(jobs.root)],
        env={**os.environ, "PYTHONPATH": str(REPO)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    wait_until(lambda: len(jobs.list()) == 1 and jobs.list()[0].latest() is not None)
    (job,) = jobs.list(kind="test", project="demo")
    assert job.state == "running"
    typed.send_signal(signal.SIGINT)
    _, said = typed.communicate(timeout=30)
    assert typed.returncode == 0
    assert job.state == "stopped"
    assert b"what is finished is kept" in said
    assert b"stepping: 1/3000" in said


def test_lists_newest_first_and_by_project(jobs):
    first = begin(jobs, "finish")
    wait_until(lambda: not first.active)
    second = begin(jobs, "finish")
    assert [job.id for job in jobs.list()] == [second.id, first.id]
    assert jobs.list(project="other") == []
    assert jobs.list(kind="train") == []
    with pytest.raises(NotFoundError, match="no job 'nonsense'"):
        jobs.get("nonsense")
    with pytest.raises(NotFoundError):
        jobs.get("../../etc")


def test_a_process_that_cannot_start_is_a_failed_job_with_a_reason(jobs, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(JobError, match="cannot be started"):
        begin(jobs, "finish")
    (job,) = jobs.list()
    assert job.state == "failed"
