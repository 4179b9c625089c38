"""A disk that is full and a folder that is read-only, for real: a small tmpfs of this test's own.

The test runs itself as a program behind `unshare`, so that mounting needs no rights and nothing of
it outlives the program.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.job_processes import SCRIPT, wait_until
from vcsoup.errors import VcsoupError
from vcsoup.jobs import Job, Jobs
from vcsoup.workspace import Workspace, project_config

REPO = Path(__file__).parents[2]
NAMESPACE = ["unshare", "--map-root-user", "--mount"]


def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    probe = [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(probe, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> dict:
    if not may_mount():
        pytest.skip("this user may not mount a file system of its own")
    disk = tmp_path_factory.mktemp("disk")
    shown = subprocess.run(
        [*NAMESPACE, sys.executable, __file__, str(disk)],
        **{"capture_output": True, "text": True, "cwd": REPO, "timeout": 120},
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "PYTHONPATH": str(REPO)},
    )
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


def test_a_full_disk_makes_one_line_and_no_half_a_job(seen):
    assert seen["full"]["queue"].startswith("new cannot be queued: the disk of ")
    assert seen["full"]["start"].startswith("new cannot be started: the disk of ")
    assert seen["full"]["queue"].endswith("is full; free some space and try again")
    assert seen["full"]["listed"] == ["running", "waiting"]
    assert seen["full"]["folders"] == 2


def test_a_queued_job_can_be_stopped_on_a_full_disk(seen):
    assert seen["full"]["waiting"] == ["stopped", None]


def test_a_worker_on_a_full_disk_says_how_it_ended(seen):
    """It cannot keep its next step, and says so in the room that it had reserved."""
    before, after, error, noted = seen["full"]["running"]
    assert (before, after, noted) == ("running", "failed", True)
    assert re.fullmatch(r"the disk of \S+/jobs is full; free some space and try again", error)


def test_after_room_was_made_everything_goes_on(seen):
    assert seen["later"] == {"running": ["done", 2, 40], "waiting": ["done", 2, 40]}


def test_a_read_only_folder_makes_one_line_and_can_be_looked_at(seen):
    assert seen["read-only"]["listed"] == ["running", "waiting"]
    for what in ("new cannot be queued", "running cannot be resumed", "running cannot be renamed"):
        assert any(line.startswith(f"{what}: ") for line in seen["read-only"]["said"])
    for line in seen["read-only"]["said"]:
        assert "is read-only" in line
        assert "make it writable or choose another workspace" in line


def test_records_that_cannot_be_written_make_one_line(seen):
    for disk, remedy in (
        ("full", "free some space and try again"),
        ("read-only", "make the folder writable or choose another one with --workspace"),
    ):
        assert "workspace.sqlite cannot be written (" in seen[disk]["project"]
        assert seen[disk]["project"].endswith(f"; {remedy}")
    assert seen["read-only"]["projects"] == ["first"]


def main(disk: Path) -> None:
    """Do it all on a disk of a megabyte; print what was seen as JSON."""
    mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk))
    workspace = Workspace(disk / "w")
    workspace.share()  # without a log of its own, which could not be made on a read-only disk
    create(workspace, "first")
    jobs = Jobs(disk / "jobs", python_args=(str(SCRIPT),))
    running, waiting = (enqueue(jobs, name) for name in ("running", "waiting"))
    wait_until(lambda: running.latest() is not None)
    ballast = disk / "ballast"
    state = running.state
    fill(ballast)
    full = {
        "running": [state],
        "queue": refused(lambda: enqueue(jobs, "new")),
        "start": refused(lambda: jobs.start(["finish"], kind="test", title="new")),
        "listed": sorted(job.title for job in jobs.list()),
        "folders": len(list(jobs.root.glob("*-test-*"))),
        "project": refused(lambda: create(workspace, "second")),
    }
    waiting.stop()
    full["waiting"] = [waiting.state, waiting.error]
    wait_until(lambda: not running.active)
    full["running"] += [running.state, running.error, running.finished is not None]
    ballast.unlink()
    for job in (running, waiting):
        jobs.resume(job.id)
    wait_until(lambda: not any(job.active for job in (running, waiting)))
    later = {job.title: [job.state, job.attempt, job.result["steps"]] for job in (running, waiting)}
    for root in (jobs.root, workspace.root):
        mount("--bind", str(root), str(root))
        mount("-o", "remount,bind,ro", str(root))
    forbidden = {
        "said": [
            refused(lambda: enqueue(jobs, "new")),
            refused(lambda: jobs.resume(running.id)),
            refused(lambda: jobs.rename(running.id, "other")),
            refused(lambda: jobs.remove(running.id)),
            refused(lambda: jobs.set_places(2)),
        ],
        "listed": sorted(job.title for job in jobs.list()),
        "project": refused(lambda: create(workspace, "third")),
        "projects": [project.name for project in workspace.projects()],
    }
    sys.stdout.write(json.dumps({"full": full, "later": later, "read-only": forbidden}))


def create(workspace: Workspace, name: str) -> None:
    described = "described at length. " * 2000
    config = project_config(name=name, values=("a", "b"), base="x", description=described)
    workspace.create_project(config)


def mount(*args: str) -> None:
    subprocess.run(["mount", *args], check=True)


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return


def enqueue(jobs: Jobs, title: str) -> Job:
    args = ["crawl", str(jobs.root), title]
    return jobs.start(args, kind="test", title=title, queued=True)


def refused(action) -> str:
    try:
        action()
    except VcsoupError as error:
        return str(error)
    return "not refused"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
