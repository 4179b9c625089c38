"""`data add`: look first, store what was looked at, refuse what changed since; it is a job."""

import json
import os
import sys
from pathlib import Path

import pytest

from vcsoup.cli import main
from vcsoup.jobs import Jobs
from vcsoup.workspace import Project, Workspace, project_config
from vcsoup.workspace.problems import IN_RECORD, forget_problems, load_problems


@pytest.fixture
def project(tmp_path: Path) -> Project:
    config = project_config(name="demo", values=("helpful", "harmless"), base="org/base", prompts=4)
    return Workspace(tmp_path / "w").create_project(config)


@pytest.fixture
def run(project: Project, tmp_path: Path, monkeypatch, capfd):
    def run(*args: object) -> tuple[int, str]:
        """Run `data add helpful`; return its exit status and what it printed."""
        argv = ["vcsoup", "data", "add", *map(str, args), "--workspace", str(tmp_path / "w")]
        monkeypatch.setattr(sys, "argv", argv)
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        return int(end.value.code or 0), out + err

    return run


def write(path: Path, sound: int, broken: int = 0) -> Path:
    rows = [{"prompt": f"q{i}", "chosen": "yes", "rejected": "no"} for i in range(sound)]
    lines = [json.dumps(row) for row in rows] + ["{broken"] * broken
    path.write_text("\n".join(lines))
    return path


def test_a_preview_reports_and_stores_nothing(run, project, tmp_path):
    code, said = run("helpful", write(tmp_path / "p", 5, 2), "--preview")
    assert code == 0
    assert "7 rows read as TRL explicit, 5 kept, 2 reported (2 unreadable); nothing stored" in said
    assert "row 6, whole row: not valid JSON" in said
    assert project.datasets() == {}


def test_what_was_looked_at_is_what_is_stored(run, project, tmp_path):
    path = write(tmp_path / "p", 5)
    seen = json.loads(run("helpful", path, "--preview", "--json")[1].split("reading rows")[0])
    assert [pair["chosen"] for pair in seen["first"]] == ["yes"] * 3
    named = ("--title", "Mine", "--source", "by hand", "--sha256", seen["sha256"])
    assert run("helpful", path, *named)[0] == 0
    info = project.datasets()["helpful"]
    assert (info.n, info.title, info.source) == (5, "Mine", "by hand")
    write(path, 6)
    code, said = run("helpful", path, *named)
    assert code == 2
    assert "is not the file that was looked through" in said
    assert project.datasets()["helpful"].n == 5


def test_a_bad_name_is_refused_before_anything_is_stored(run, project, tmp_path):
    code, said = run("helpful", write(tmp_path / "p", 5), "--title", "two\nlines")
    assert code == 2
    assert "cannot be used" in said
    assert project.datasets() == {}


def test_adding_is_a_job_with_a_short_result_and_all_problems_beside(run, project, tmp_path):
    run("helpful", write(tmp_path / "p", 3, 300), "--preview")
    (job,) = Jobs(Workspace(tmp_path / "w").jobs_root).list(kind="data", project="demo")
    assert job.state == "done"
    report = job.result["report"]
    assert len(report["problems"]) == IN_RECORD
    assert load_problems(job.path, report)["row"].tolist() == list(range(4, 304))


def test_problems_of_forgotten_data_go_and_the_others_stay(run, project, tmp_path):
    run("helpful", write(tmp_path / "p", 3, 300))
    (kept,) = (project.root / "problems").iterdir()
    old = kept.with_name("0123456789abcdef.parquet")
    old.write_bytes(b"")
    report = project.datasets()["helpful"].report
    forget_problems(project.root, [report])
    assert old.exists()  # someone may be about to name it
    os.utime(old, (0, 0))
    os.utime(kept, (0, 0))
    forget_problems(project.root, [report])
    assert not old.exists()
    assert kept.exists()
