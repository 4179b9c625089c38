"""Many processes, one workspace: nothing is lost, nothing is half-written."""

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vcsoup.workspace import Workspace, project_config

REPO = Path(__file__).parents[2]
VALUES = ("helpful", "harmless")

PREAMBLE = """
import sys
from pathlib import Path
from vcsoup.preferences.pairs import make_pairs
from vcsoup.workspace import Point, Workspace
workspace, number = Workspace(Path(sys.argv[1])), int(sys.argv[2])
def pairs_of(n, tag):
    prompts = [[{"role": "user", "content": f"{tag} {i}"}] for i in range(n)]
    return make_pairs(prompts, ["yes"] * n, ["no"] * n)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "w"
    config = project_config(name="demo", values=VALUES, base="org/base")
    Workspace(root).create_project(config)
    return root


def start(root: Path, program: str, number: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + program, str(root), str(number)],
        cwd=REPO,
        stdout=subprocess.PIPE,
        text=True,
    )


def run_all(root: Path, program: str, count: int = 3) -> list[str]:
    processes = [start(root, program, number) for number in range(count)]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * count
    return outputs


def test_thresholds_points_and_names_survive_writers_at_once(root):
    """Three processes write 25 points each: 75 points; 25 names each: 75 different names."""
    outputs = run_all(
        root,
        """
project = workspace.project("demo")
figures = {"helpful": 0.0, "harmless": 0.0}
for i in range(25):
    project.set_threshold("helpful", number / 10)
    project.save_point(Point(set_key="k", group="g", weights={}, rewards=figures, low=figures,
                             high=figures, n_prompts=1, seed=1000 * number + i))
    sys.stdout.write(project.new_adapter_name("helpful", "filtered") + "\\n")
""",
    )
    project = Workspace(root).project("demo")
    assert len(project.points()) == 75
    assert len(set("".join(outputs).split())) == 75
    assert project.thresholds()["helpful"] in (0.0, 0.1, 0.2)


def test_a_new_workspace_may_be_opened_by_many_at_once(tmp_path):
    run_all(tmp_path / "new", "workspace.projects()\n")
    assert Workspace(tmp_path / "new").projects() == []


def test_readers_never_miss_a_table_that_is_being_replaced(root):
    """Two writers alternate tables of 10 and 20 pairs; every reading is one of them, whole."""
    writer = """
project = workspace.project("demo")
for i in range(20):
    n = 10 if i % 2 else 20
    project.save_pairs("helpful", pairs_of(n, f"{number}-{i}"), source=str(n))
"""
    reader = """
project = workspace.project("demo")
for i in range(150):
    if project.datasets():
        assert len(project.pairs("helpful")) in (10, 20)
"""
    processes = [start(root, program, i) for i, program in enumerate([writer, writer, reader])]
    for process in processes:
        process.communicate(timeout=120)
    assert [process.returncode for process in processes] == [0, 0, 0]
    project = Workspace(root).project("demo")
    assert len(project.pairs("helpful")) == project.datasets()["helpful"].n
    # The current table and the five in the bin, each with its lengths; nothing half-written.
    files = [path.name for path in (root / "projects" / "demo" / "pairs" / "helpful").iterdir()]
    assert len(files) == 12
    assert not [name for name in files if name.startswith(".")]


def test_a_writer_killed_at_any_moment_leaves_a_whole_table(root):
    program = """
project = workspace.project("demo")
sys.stdout.write("ready\\n"); sys.stdout.flush()
for i in range(10_000):
    project.save_pairs("helpful", pairs_of(50, i), source=str(i))
"""
    for delay in (0.05, 0.2):
        process = start(root, program, 0)
        assert process.stdout.readline() == "ready\n"
        time.sleep(delay)
        process.kill()
        process.communicate()
        project = Workspace(root).project("demo")
        if project.datasets():
            assert len(project.pairs("helpful")) == 50


def test_a_shared_workspace_keeps_no_write_ahead_log(root):
    """SQLite's WAL needs memory shared by all writers; three writers still lose nothing."""
    Workspace(root).share()
    outputs = run_all(
        root,
        """
project = workspace.project("demo")
for i in range(10):
    print(project.new_adapter_name("helpful", "filtered"))
""",
    )
    assert len({name for output in outputs for name in output.split()}) == 30
    assert not list(root.glob("workspace.sqlite-*"))
    with sqlite3.connect(root / "workspace.sqlite") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
