"""What the queue's folders say, without workers: the bin, titles, broken files, half-done steps."""

import json
import os
import shutil
import signal
import socket
import time
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import pytest

from vcsoup.errors import JobError, NotFoundError
from vcsoup.jobs import Job, Jobs, job_worker, stopping
from vcsoup.jobs import folder as files
from vcsoup.jobs.devices import visible_devices
from vcsoup.jobs.disk import write_result
from vcsoup.jobs.order import Order
from vcsoup.jobs.progress import read_from
from vcsoup.jobs.reports import Reports
from vcsoup.jobs.runner import Runner


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch) -> Jobs:
    monkeypatch.setattr("vcsoup.jobs.launch.ensure_runner", lambda *_: None)
    return Jobs(tmp_path / "jobs")


def enqueue(jobs: Jobs, name: str, **options: str) -> Job:
    args = ["train", "--value", name]
    return jobs.start(args, kind="train", title=name, project="demo", queued=True, **options)


def ended(jobs: Jobs, name: str) -> Job:
    job = enqueue(jobs, name)
    job.stop()
    return job


def titles(found: list[Job]) -> list[str]:
    return [job.title for job in found]


@pytest.mark.usefixtures("jobs")
def test_a_job_of_a_workspace_that_was_moved_names_the_place_where_it_lies_now(tmp_path):
    """Else it would go on in one that is not there, or in the one that this is a copy of."""
    here, there = tmp_path / "here", tmp_path / "there"
    inside, beside = f"{here}/projects/demo/pairs", f"{here}-beside/pairs"
    args = ["train", "--workspace", str(here), inside, beside, "--value", "a"]
    made = Jobs(here / "jobs").start(
        args, kind="train", title="a", project="demo", queued=True, workspace=here
    )
    made.stop()
    shutil.copytree(here, there)
    jobs = Jobs(there / "jobs")
    moved = ["train", "--workspace", str(there), f"{there}/projects/demo/pairs", *args[4:]]
    for job in (jobs.get(made.id), jobs.retry(made.id)):
        assert job.args == moved
        assert job.environment == {"VCSOUP_WORKSPACE": str(there)}
    assert made.args == args


@pytest.mark.parametrize("typed", [["--workspace", "w"], ["--workspace=w"], ["-w", "w"], ["-ww"]])
def test_a_workspace_that_was_typed_from_where_one_stood_is_named_in_full(
    tmp_path, monkeypatch, typed
):
    """Else the command means another folder elsewhere, and does not follow one that is moved."""
    (tmp_path / "w").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VCSOUP_WORKSPACE", "w")
    about = {"kind": "train", "title": "A", "project": None}
    args = ["train", *typed, "--out", "w"]
    with job_worker(**about, args=args, jobs_root=tmp_path / "w" / "jobs") as worker:
        pass
    here = str(tmp_path / "w")
    assert Job(worker.path).args == ["train", "--workspace", here, "--out", "w"]
    assert Job(worker.path).environment == {"VCSOUP_WORKSPACE": here}
    (tmp_path / "w").rename(tmp_path / "there")
    (job,) = Jobs(tmp_path / "there" / "jobs").list()
    there = str(tmp_path / "there")
    assert job.args == ["train", "--workspace", there, "--out", "w"]
    assert job.environment == {"VCSOUP_WORKSPACE": there}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (["add", "--", "calm", "-w.jsonl"], ["add", "--", "calm", "-w.jsonl"]),
        (["score", "--workspace=", "--json"], ["score", "--workspace", "HERE", "--json"]),
    ],
)
def test_what_is_no_workspace_stays_as_it_was_typed(tmp_path, monkeypatch, typed, kept):
    """Behind "--" stands a file that looks like the option; of an empty one nothing is the name."""
    monkeypatch.chdir(tmp_path)
    about = {"kind": "data", "title": "A", "project": None, "slot": False}
    with job_worker(**about, args=typed, jobs_root=tmp_path / "jobs") as worker:
        pass
    assert Job(worker.path).args == [arg.replace("HERE", str(tmp_path)) for arg in kept]


def test_the_bin_takes_what_has_ended_and_gives_it_back(jobs):
    first, second, waiting = ended(jobs, "a"), ended(jobs, "b"), enqueue(jobs, "c")
    with pytest.raises(JobError, match="c is queued; stop it before removing it"):
        jobs.remove(waiting.id)
    jobs.remove(second.id)
    jobs.remove(first.id)
    assert titles(jobs.list()) == ["c"]
    assert titles(jobs.removed()) == ["a", "b"]
    with pytest.raises(NotFoundError, match="no job"):
        jobs.resume(first.id)
    back = jobs.restore(first.id)
    assert (back.id, back.state) == (first.id, "stopped")
    assert titles(jobs.list()) == ["c", "a"]
    assert titles(jobs.removed()) == ["b"]
    for nonsense in (first.id, "../jobs", ""):
        with pytest.raises(NotFoundError, match="in the bin; it keeps the newest 20"):
            jobs.restore(nonsense)


def test_the_bin_keeps_the_newest_twenty(jobs):
    for number in range(22):
        jobs.remove(ended(jobs, f"run {number}").id)
    assert titles(jobs.removed()) == [f"run {number}" for number in range(21, 1, -1)]
    assert len(list((jobs.root / ".bin").iterdir())) == 20


def test_titles_are_one_line(jobs):
    job = enqueue(jobs, "a")
    assert jobs.rename(job.id, "  Räder & <b>Reifen</b> ").title == "Räder & <b>Reifen</b>"
    assert jobs.get(job.id).args == job.args
    for wrong in ("", "   ", "two\nlines", "x" * 201, "bell\a"):
        with pytest.raises(JobError, match="one line of 1 to 200 characters"):
            jobs.rename(job.id, wrong)


def test_moves_keep_everybody_else_in_order(jobs):
    ids = {name: enqueue(jobs, name).id for name in "abcd"}
    jobs.move(ids["d"], 1)
    assert titles(jobs.queue()) == ["a", "d", "b", "c"]
    jobs.move(ids["a"], 99)
    assert titles(jobs.queue()) == ["d", "b", "c", "a"]
    with pytest.raises(JobError, match="place -1 is below 0"):
        jobs.move(ids["a"], -1)
    jobs.get(ids["b"]).stop()
    enqueue(jobs, "e")
    assert titles(jobs.queue()) == ["d", "c", "a", "e"]
    jobs.resume(ids["b"])
    assert titles(jobs.queue()) == ["d", "c", "a", "e", "b"]


def test_a_broken_database_costs_the_order_and_nothing_else(jobs, caplog):
    ids = {name: enqueue(jobs, name).id for name in "abc"}
    jobs.move(ids["c"], 0)
    jobs.set_places(3)
    for ending in ("-wal", "-shm"):
        jobs.root.joinpath(f"queue.sqlite{ending}").unlink(missing_ok=True)
    (jobs.root / "queue.sqlite").write_bytes(b"no database at all" * 100)
    assert titles(jobs.queue()) == ["a", "b", "c"]
    assert jobs.places == 1
    assert "cannot be read" in caplog.text
    jobs.move(ids["c"], 1)
    assert titles(jobs.queue()) == ["a", "c", "b"]
    assert (jobs.root / "queue.broken").exists()


@pytest.mark.parametrize("name", ["lab?1", "a%20b", "a#b", "with space"])
def test_order_and_places_stay_in_the_folder_of_the_jobs(name, tmp_path):
    order = Order(tmp_path / name)
    order.path.parent.mkdir()
    order.set_places(3)
    order.set_ids(["second", "first"])
    assert (order.places, order.ids()) == (3, ["second", "first"])
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_looking_makes_no_files(tmp_path):
    jobs = Jobs(tmp_path / "jobs")
    assert (jobs.list(), jobs.queue(), jobs.removed(), jobs.places) == ([], [], [], 1)
    jobs.ensure_runner()
    assert not jobs.root.exists()


def test_resume_is_whole_or_not_at_all(jobs, monkeypatch):
    """The disk fills up while the former result is put aside: the job is stopped as before."""
    job = ended(jobs, "a")

    def full(self: Order, ids: list[str]) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Order, "set_ids", full)
    with pytest.raises(JobError, match=r"a cannot be resumed: the disk of .* is full; free some"):
        jobs.resume(job.id)
    assert (job.state, job.attempt, jobs.queue()) == ("stopped", 1, [])
    with pytest.raises(JobError, match=r"b cannot be queued: the disk of .* is full"):
        enqueue(jobs, "b")
    assert titles(jobs.list()) == ["a"]
    assert not list(jobs.root.glob("*-train-*/queued.json"))


def test_a_worker_hears_a_stop_that_comes_without_a_signal(jobs):
    """As from another machine: only the file is there."""
    options = {"kind": "train", "title": "A", "project": None, "args": ["train"]}
    with job_worker(**options, jobs_root=jobs.root) as worker:
        worker.report("training", 1, 9)
        assert not worker.stop_requested
        (worker.path / "stop").touch()
        worker.report("training", 2, 9)
        assert worker.stop_requested
        assert worker.checkpoints == Job(worker.path).checkpoints
    (job,) = jobs.list()
    assert job.state == "stopped"
    assert job.heartbeat is not None


@pytest.mark.parametrize("name", ["", "..", "a/b", "a" * 300, "a\0b"])
def test_a_name_that_no_job_can_have_is_a_job_that_is_not_there(jobs, name):
    ended(jobs, "a")
    with pytest.raises(NotFoundError, match="choose one from the list"):
        jobs.get(name)


def test_jobs_are_listed_while_another_process_removes_some(jobs, monkeypatch):
    """Gone between the look into the folder and the look at the job, in the list or in the bin."""
    kept, gone = ended(jobs, "kept"), ended(jobs, "gone")
    binned, burnt = ended(jobs, "binned"), ended(jobs, "burnt")
    for job in (binned, burnt):
        jobs.remove(job.id)
    real = files.read

    def read(path):
        if path.parent.name in (gone.id, burnt.id):
            shutil.rmtree(path.parent, ignore_errors=True)
        return real(path)

    monkeypatch.setattr(files, "read", read)
    assert [job.id for job in jobs.list()] == [kept.id]
    assert [job.id for job in jobs.removed()] == [binned.id]


def test_a_stop_that_comes_while_the_result_is_written_does_not_cut_it_short(jobs, monkeypatch):
    """The signal reaches the worker, not whatever the process does without one: that ends it."""
    late = []
    former = signal.signal(signal.SIGTERM, lambda number, frame: late.append(number))

    def write_slowly(path, outcome):
        os.kill(os.getpid(), signal.SIGTERM)
        write_result(path, outcome)

    monkeypatch.setattr("vcsoup.jobs.worker.write_result", write_slowly)
    options = {"kind": "train", "title": "A", "project": None, "args": ["train"]}
    try:
        with job_worker(**options, jobs_root=jobs.root) as worker:
            worker.finish({"steps": 3})
        assert late == []
        os.kill(os.getpid(), signal.SIGTERM)
        assert late == [signal.SIGTERM], "afterwards signals mean what they meant before"
    finally:
        signal.signal(signal.SIGTERM, former)
    (job,) = jobs.list()
    assert (job.state, job.result, job.error) == ("done", {"steps": 3}, None)


def test_reports_go_on_when_the_clock_is_set_back(jobs, monkeypatch):
    now = time.time
    options = {"kind": "train", "title": "A", "project": None, "args": ["train"]}
    with job_worker(**options, jobs_root=jobs.root) as worker:
        worker.report("scoring", 1, 9)
        monkeypatch.setattr(time, "time", lambda: now() - 3600)
        time.sleep(0.15)
        worker.report("scoring", 2, 9)
        assert Job(worker.path).latest()["done"] == 2


def test_stop_signals_nobody_on_another_machine(jobs, monkeypatch):
    options = {"kind": "train", "title": "A", "project": None, "args": ["train"]}
    with job_worker(**options, jobs_root=jobs.root):
        (job,) = jobs.list()
        assert files.find_process(files.read(job.path / "identity.json")).pid == os.getpid()
        monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
        assert files.find_process(files.read(job.path / "identity.json")) is None
        job.stop()  # would end this test run, were it signalled
        assert job.state == "stopping"
        assert stopping.asked_to_stop_since(job.path)[1] == 20.0


def test_a_report_that_was_cut_short_costs_that_report_alone(tmp_path):
    path = tmp_path / "progress.jsonl"
    path.write_bytes(b'{"done": 1}\n{"done": 2, "lo')
    reports = Reports(path)
    reports.open()
    reports.add({"done": 3})
    reports.add({"done": 4})
    reports.close()
    records, offset = read_from(path, 0)
    assert [record["done"] for record in records] == [1, 3, 4]
    assert offset == path.stat().st_size


def test_a_worker_that_dies_before_it_begins_is_not_started_for_ever(jobs):
    """Its starter is killed each time, so that nobody sees it die: the count is on the disk."""
    job = enqueue(jobs, "a")
    files.write(job.path / "queued.json", {"queued": "2026", "launches": 3})
    (job.path / "log.txt").write_text("out of memory\n")
    Runner(jobs.root, ["-c", "raise SystemExit('started again')"]).look()
    assert job.state == "failed"
    assert job.error == "the worker died 3 times before it began (last words: out of memory)"
    assert jobs.queue() == []


def test_a_crash_between_the_steps_of_resuming_leaves_a_stopped_job(jobs):
    """The mark of the queue is written, the former result not yet put aside."""
    job = ended(jobs, "a")
    files.write(job.path / "queued.json", {"queued": "2026"})
    assert (job.state, jobs.queue()) == ("stopped", [])
    jobs.resume(job.id)
    assert (job.state, job.attempt, titles(jobs.queue())) == ("queued", 2, ["a"])


def test_a_queued_job_remembers_what_its_command_means(jobs, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    job = enqueue(jobs, "a")
    assert job.folder == tmp_path
    assert job.environment == {"VCSOUP_WORKSPACE": os.environ["VCSOUP_WORKSPACE"]}


class Cluster:
    """A launcher that notes what it is asked."""

    name = "ray"
    asked: ClassVar[list[str]] = []

    def __init__(self, jobs_root: Path) -> None:
        self.root = jobs_root

    @staticmethod
    def configured(jobs_root: Path) -> bool:
        return True

    def launch(self, job_path: Path, args: list[str]) -> None:
        if args[-1] == "bad":
            raise JobError("the cluster does not answer; start it")
        if args[-1] == "stopped meanwhile":
            Job(job_path).stop()
        self.asked.append(f"launch {args[-1]}")

    def kill(self, job_path: Path) -> None:
        self.asked.append(f"kill {Job(job_path).title}")


def test_another_scheduler_takes_its_jobs_at_once_whatever_the_places(jobs, monkeypatch):
    """Three jobs for it while the only place is taken; one of them is stopped while handed over."""
    monkeypatch.setattr("vcsoup.jobs.launchers._class", lambda name: Cluster)
    monkeypatch.setattr(Cluster, "asked", [])
    assert jobs.launchers() == ["local", "ray"]
    here = enqueue(jobs, "here")
    sent = [enqueue(jobs, n, launcher="ray") for n in ("good", "bad", "stopped meanwhile")]
    assert [job.launcher for job in (here, *sent)] == ["local", "ray", "ray", "ray"]
    place = files.take_lock(jobs.root / "slot-0.lock")
    Runner(jobs.root, ["-c", "raise SystemExit('started here')"]).look()
    os.close(place)
    assert Cluster.asked == [
        *("launch good", "launch stopped meanwhile"),
        "kill stopped meanwhile",
    ]
    assert (sent[1].state, sent[1].error) == ("failed", "the cluster does not answer; start it")
    assert sent[2].state == "stopped"
    assert titles(jobs.queue()) == ["here"]
    with pytest.raises(JobError, match="'slurm' is unknown; choose one of local, ray"):
        enqueue(jobs, "x", launcher="slurm")


def test_devices_are_counted_by_their_files(tmp_path):
    for name in ("nvidia0", "nvidia3", "nvidiactl", "nvidia-uvm", "nvidia-caps"):
        (tmp_path / name).touch()
    assert visible_devices({}, tmp_path) == ["0", "1"]
    assert visible_devices({"CUDA_VISIBLE_DEVICES": "GPU-5,-1,2"}, tmp_path) == ["GPU-5"]
    assert visible_devices({"CUDA_VISIBLE_DEVICES": "-1"}, tmp_path) == []


def test_results_of_former_attempts_are_kept_by_number(jobs):
    job = ended(jobs, "a")
    for attempt in (2, 3):
        jobs.resume(job.id)
        assert job.attempt == attempt
        job.stop()
    assert list(files.former_results(job.path)) == [1, 2]
    assert json.loads((job.path / "result-2.json").read_text())["state"] == "stopped"


def test_the_time_of_a_job_is_that_of_all_attempts_without_the_pauses(jobs):
    """60 s and stopped; 40 s to the last sign of life, and lost; an hour later 20 s to the end."""
    clock = lambda second: f"2026-11-30T04:{second // 60:02d}:{second % 60:02d}.000+00:00"  # noqa: E731
    job = ended(jobs, "a")
    assert job.seconds == 0.0, "it was stopped while it waited"
    jobs.resume(job.id)
    files.write(job.path / "began.json", {"began": clock(0)})
    files.write(job.path / "result.json", {"state": "stopped", "finished": clock(60)})
    assert job.seconds == 60.0
    jobs.resume(job.id)
    assert job.seconds is None, "it has not ended"
    (job.path / "queued.json").unlink()
    files.write(job.path / "began.json", {"began": clock(600)})
    (job.path / "heartbeat").touch()
    seen = datetime.fromisoformat(clock(640)).timestamp()
    os.utime(job.path / "heartbeat", (seen, seen))
    assert job.state == "lost"
    jobs.resume(job.id)
    files.write(job.path / "began.json", {"began": clock(3000)})
    files.write(job.path / "result.json", {"state": "done", "finished": clock(3020)})
    assert (job.attempt, job.seconds) == (4, 120.0)
    files.write(job.path / "result-2.json", {"state": "stopped", "finished": clock(60)})
    assert job.seconds is None, "a former attempt of an older version did not say"
