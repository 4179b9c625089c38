"""From a project to its file and back: the file makes the same project elsewhere."""

from pathlib import Path

import pytest

from tests.yaml_project import write_project
from vcsoup.errors import ProjectFileError, WorkspaceError
from vcsoup.project_writing import homeless_data, project_text, unplaced_data
from vcsoup.project_writing import write_project as write_project_file
from vcsoup.project_yaml import load_project_file
from vcsoup.running import run
from vcsoup.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def test_the_file_of_a_project_makes_the_same_project(tmp_path, workspace):
    """One set of pairs is still where it was, the other was uploaded: it is written beside.

    Equal in the end: pairs, held-out prompts, rewards, filters, the adapters' runs, the points.
    """
    path = write_project(tmp_path, "gpt2", ("gpt2", "llama"))
    run(workspace, load_project_file(path), until="measure")
    project = workspace.project("mine")
    assert "helpful.jsonl" in project_text(project)
    (tmp_path / "harmless.csv").unlink()
    assert homeless_data(project) == unplaced_data(project) == ["harmless"]
    assert "harmless: its pairs lie in the workspace alone" in project_text(project)
    file, *beside = write_project_file(project, tmp_path / "taken.yaml")
    assert [path.name for path in beside] == ["harmless.parquet"]
    assert str(tmp_path) not in file.read_text()
    other = Workspace(tmp_path / "other")
    reports = run(other, load_project_file(file), until="measure")
    assert {report.state for report in reports} == {"made"}
    assert _content(other.project("mine")) == _content(project)
    with pytest.raises(WorkspaceError, match="exists already"):
        write_project_file(project, tmp_path / "taken.yaml")


def _content(project) -> dict[str, object]:
    adapters = project.adapter_set("filtered")
    return {
        "config": project.config.model_dump(),
        "pairs": {value: info.hash for value, info in project.datasets().items()},
        "held_out": project.held_out_prompts(),
        "rewards": [project.rewards(value).to_dict() for value in project.values],
        "filters": project.filters(),
        "adapters": {value: info.hash for value, info in adapters.items()},
        "points": [point.model_dump(exclude={"created"}) for point in project.points()],
    }


def test_own_held_out_prompts_travel(tmp_path, workspace):
    """Prompts that a fresh project would not choose are written, and those alone are used."""
    path = write_project(tmp_path, "gpt2", ("gpt2", "gpt2"))
    run(workspace, load_project_file(path), until="data")
    own = [[{"role": "user", "content": f"My question {n}"}] for n in range(2)]
    workspace.project("mine").save_held_out_prompts(own)
    file, *beside = write_project_file(workspace.project("mine"), tmp_path / "own" / "p.yaml")
    assert [path.name for path in beside] == ["held_out.jsonl"]
    other = Workspace(tmp_path / "other")
    run(other, load_project_file(file), until="data")
    assert other.project("mine").held_out_prompts() == own
    beside[0].write_text('{"prompt": "one"}\n\n{"promt": 1}\n')
    with pytest.raises(ProjectFileError, match="line 3: no prompt"):
        run(other, load_project_file(file), until="data")


def test_a_file_below_the_working_folder_can_be_run(tmp_path, workspace, monkeypatch):
    path = write_project(tmp_path, "gpt2", ("gpt2", "gpt2"))
    run(workspace, load_project_file(path), until="data")
    project = workspace.project("mine")
    (tmp_path / "harmless.csv").unlink()
    monkeypatch.chdir(tmp_path)
    write_project_file(project, Path("taken") / "it.yaml")
    run(Workspace(tmp_path / "other"), load_project_file(Path("taken/it.yaml")), until="data")
    found = Workspace(tmp_path / "other").project("mine").datasets()
    assert {value: info.hash for value, info in found.items()} == {
        value: info.hash for value, info in project.datasets().items()
    }
