"""Projects that are removed, brought back, and deleted for good."""

import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.app.fixture_project import full_project
from vcsoup.cli import main
from vcsoup.demo.open_demo import open_demo
from vcsoup.errors import JobError, NotFoundError, WorkspaceError
from vcsoup.jobs import Job, Jobs, queue, starting
from vcsoup.project_removal import delete_project, remove_project
from vcsoup.workspace import Workspace, project_config


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    here = Workspace(tmp_path / "w")
    full_project(here, n=40)
    return here


def counted(workspace: Workspace) -> dict[str, object]:
    project = workspace.project("demo")
    return {
        "pairs": {value: info.n for value, info in project.datasets().items()},
        "points": len(project.points()),
        "adapters": [info.name for info in project.adapters()],
        "filters": project.filters(),
    }


def waiting(jobs: Jobs, project: str) -> Job:
    """Queue a job without a runner that would take it."""
    about = {"kind": "train", "title": "helpful", "project": project, "meta": {}}
    return queue.enqueue(
        jobs.root, {**starting.new_spec(jobs.root, ["train"]), **about, "launcher": "local"}
    )


def other(workspace: Workspace, name: str) -> None:
    workspace.create_project(project_config(name=name, values=("a", "b"), base="org/base"))


def test_a_removed_project_is_out_of_sight_and_comes_back_as_it_was(workspace):
    before = counted(workspace)
    other(workspace, "next")
    remove_project(workspace, "demo")
    assert [project.name for project in workspace.projects()] == ["next"]
    with pytest.raises(NotFoundError, match="'demo' is in the bin; bring it back on Home"):
        workspace.project("demo")
    with pytest.raises(WorkspaceError, match="'demo' is in the bin; choose another name"):
        other(workspace, "demo")
    assert [entry.config.name for entry in workspace.bin.entries()] == ["demo"]
    workspace.bin.restore("demo")
    assert counted(workspace) == before
    assert workspace.bin.entries() == []


def test_a_project_that_is_deleted_for_good_leaves_nothing_to_one_of_its_name(workspace):
    jobs = Jobs(workspace.jobs_root)
    for project in ("demo", "demo", "next"):
        waiting(jobs, project).stop(grace=0.0)
    jobs.remove(jobs.list(project="demo")[0].id)
    with pytest.raises(NotFoundError, match="no project 'demo'; it has none"):
        delete_project(workspace, "demo")  # not without the bin
    remove_project(workspace, "demo")
    delete_project(workspace, "demo")
    assert list((workspace.root / "projects").iterdir()) == []
    assert [job.project for job in [*jobs.list(), *jobs.removed()]] == ["next"]
    other(workspace, "demo")
    project = workspace.project("demo")
    assert (project.datasets(), project.points(), project.adapters()) == ({}, [], [])


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("again", ["restore", "delete"])
def test_a_deletion_that_was_cut_short_can_be_undone_or_ended(
    workspace, again, written, monkeypatch
):
    before, page = counted(workspace), workspace.project("demo")
    remove_project(workspace, "demo")

    def killed(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(workspace.bin._records.__class__, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            delete_project(workspace, "demo")
    assert not (workspace.root / "projects" / "demo").exists()  # its folder is aside
    if written:  # by a page that was open all the time
        page.keep_draft("training", {"steps": 40})
    if again == "restore":
        workspace.bin.restore("demo")
        assert counted(workspace) == before
    else:
        delete_project(workspace, "demo")
        assert list((workspace.root / "projects").iterdir()) == []
        assert (workspace.projects(), workspace.bin.entries()) == ([], [])


def test_what_a_deletion_left_over_is_not_of_the_next_project_of_that_name(workspace, monkeypatch):
    remove_project(workspace, "demo")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_args, **_options: None)
        workspace.bin.delete("demo")  # killed once the records were gone
    other(workspace, "demo")
    workspace.project("demo").keep_draft("training", {"steps": 40})
    remove_project(workspace, "demo")
    workspace.bin.restore("demo")
    assert workspace.project("demo").draft("training") == {"steps": 40}
    assert [path.name for path in (workspace.root / "projects").iterdir()] == ["demo"]


def test_a_project_with_work_under_way_is_not_removed(workspace):
    job = waiting(Jobs(workspace.jobs_root), "demo")
    with pytest.raises(JobError, match=r"1 job of project demo runs or waits \(helpful\); stop"):
        remove_project(workspace, "demo")
    job.stop(grace=0.0)
    remove_project(workspace, "demo")


def test_the_demo_that_was_removed_is_opened_as_it_was(tmp_path):
    here = Workspace(tmp_path / "w")
    open_demo(here, recorded=False).set_threshold("helpful", 0.7)
    remove_project(here, "demo")
    assert open_demo(here, recorded=False).thresholds()["helpful"] == 0.7
    assert here.bin.entries() == []


def test_a_workspace_of_the_second_version_has_an_empty_bin(workspace):
    with sqlite3.connect(workspace.root / "workspace.sqlite") as former:
        former.execute("ALTER TABLE projects DROP COLUMN removed")
        former.execute("PRAGMA user_version=2")
    former.close()
    again = Workspace(workspace.root)
    assert ([p.name for p in again.projects()], again.bin.entries()) == (["demo"], [])


def test_a_title_is_one_line(workspace):
    config = workspace.project("demo").config
    assert config.titled(" Kind & short ").title == "Kind & short"
    for title in ("", " ", "a\nb", "a" * 61):
        with pytest.raises(WorkspaceError, match="one line of 1 to 60 characters"):
            config.titled(title)


def test_the_commands_say_what_they_did_and_how_to_undo_it(workspace, monkeypatch, capfd):
    def run(*args: str) -> str:
        argv = ["vcsoup", "project", *args, "--workspace", str(workspace.root)]
        monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit):
            main()
        out, err = capfd.readouterr()
        return (out + err).strip()

    assert run("rename", "demo", "Kind") == "demo: called Kind now"
    assert run("remove", "demo") == "demo: removed; `python -m vcsoup project restore demo` undoes"
    assert "no projects yet" in run("list")
    assert "project restore demo" in run("list")
    assert run("restore", "demo") == "demo: restored"
    assert workspace.project("demo").title == "Kind"
    assert "the bin has no project 'demo'" in run("delete", "demo")
    run("remove", "demo")
    assert run("delete", "demo") == "demo: deleted for good"
    assert workspace.bin.entries() == []
    shutil.rmtree(workspace.root)
