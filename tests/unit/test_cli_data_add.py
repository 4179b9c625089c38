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
from vcsoup.workspace.ready_scores import forget_scores, load_scores


@pytest.fixture
def project(tmp_path: Path) -> Project:
    config = project_config(name="demo", values=("helpful", "harmless"), base="org/base", prompts=4)
    return Workspace(tmp_path / "w").create_project(config)


@pytest.fixture
def run(project: Project, tmp_path: Path, monkeypatch, capfd):
    def run(*args: object, verb: str = "add") -> tuple[int, str]:
        """Run `data add` (or another verb); return its exit status and what it printed."""
        where = ["--workspace", str(tmp_path / "w")] if verb == "add" else []
        argv = ["vcsoup", "data", verb, *map(str, args), *where]
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


def safe_rlhf(path: Path) -> Path:
    row = {"prompt": "How?", "response_0": "So.", "response_1": "No."}
    path.write_text(json.dumps({**row, "better_response_id": 0, "safer_response_id": 1}))
    return path


def test_a_look_lists_what_a_file_holds(run, tmp_path):
    code, said = run(safe_rlhf(tmp_path / "p"), verb="look")
    assert code == 0
    assert "format: PKU-SafeRLHF" in said
    assert "preferences, one for each `--aspect`: better, safer" in said
    found = json.loads(run(tmp_path / "p", "--aspect", "safer", "--json", verb="look")[1])
    assert found["aspects"] == ["better", "safer"]
    assert [row["pair"]["chosen"] for row in found["first"]] == ["No."]


def test_one_file_becomes_the_data_of_two_values(run, project, tmp_path):
    path = safe_rlhf(tmp_path / "p")
    code, said = run("helpful", path)
    assert code == 2
    assert "better, safer, and none was named" in said
    assert run("helpful", path, "--aspect", "better")[0] == 0
    assert run("harmless", path, "--aspect", "safer")[0] == 0
    assert project.pairs("helpful")["chosen"].tolist() == ["So."]
    assert project.pairs("harmless")["chosen"].tolist() == ["No."]
    assert project.datasets()["harmless"].report["aspect"] == "safer"


def test_columns_are_named_and_long_pairs_reported(run, project, tmp_path):
    rows = [{"q": "Sky?", "x": "Blue.", "y": "Green."}, {"q": "Sea?", "x": "wet " * 9, "y": "No."}]
    (tmp_path / "p").write_text("\n".join(map(json.dumps, rows)))
    code, said = run("helpful", tmp_path / "p")
    assert code == 2
    assert "found: q, x, y; name them" in said
    columns = ("--columns", "prompt=q,chosen=x,rejected=y")
    code, said = run("helpful", tmp_path / "p", *columns, "--longest", 6)
    assert (code, project.pairs("helpful")["chosen"].tolist()) == (0, ["Blue."])
    assert "1 kept, 1 reported (1 long); at most 6 words (org/base has no tokenizer.json" in said


def test_ready_made_scores_are_kept_and_follow_the_data_set(run, project, tmp_path):
    row = {"prompt": "q", "chosen": "a", "rejected": "b"}
    lines = [{**row, "score_chosen": 5.0, "score_rejected": 1.0}, {**row, "chosen": "c"}]
    (tmp_path / "p").write_text("\n".join(map(json.dumps, lines)))
    run("helpful", tmp_path / "p")
    info = project.datasets()["helpful"]
    found = load_scores(project.root, info.report)
    assert found["id"].tolist() == project.pairs("helpful")["id"].tolist()
    assert found["score_chosen"].tolist()[0] == 5.0
    assert found["score_rejected"].isna().tolist() == [False, True]
    token = project.remove_dataset("helpful")
    run("helpful", write(tmp_path / "other", 2))
    assert load_scores(project.root, project.datasets()["helpful"].report).empty
    project.restore_dataset(token)
    again = load_scores(project.root, project.datasets()["helpful"].report)
    assert again.equals(found)


def test_scores_of_forgotten_data_go(run, project, tmp_path):
    row = {"prompt": "q", "chosen": "a", "rejected": "b", "score_chosen": 5, "score_rejected": 1}
    (tmp_path / "p").write_text(json.dumps(row))
    run("helpful", tmp_path / "p")
    (kept,) = (project.root / "scores").iterdir()
    forget_scores(project.root, [])
    assert kept.exists()  # someone may be about to name it
    os.utime(kept, (0, 0))
    forget_scores(project.root, [project.datasets()["helpful"].report])
    assert kept.exists()
    forget_scores(project.root, [])
    assert not kept.exists()
