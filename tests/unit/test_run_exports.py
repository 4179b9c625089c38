"""What a run exports: in place of its own former export, and never of anything else."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tiny_project import tiny_project
from vcsoup.errors import AdapterError
from vcsoup.monitor import SILENT
from vcsoup.project_entries import ExportEntry
from vcsoup.project_file import ProjectFile
from vcsoup.running import own_exports
from vcsoup.running.export_step import ExportStep
from vcsoup.running.plan import Run
from vcsoup.workspace import Workspace

HALF, MORE = {"helpful": 0.5, "harmless": 0.5}, {"helpful": 0.75, "harmless": 0.25}


@pytest.fixture
def here(tmp_path: Path) -> Run:
    workspace = Workspace(tmp_path / "w")
    project = tiny_project(workspace, tmp_path, prompts=2)
    file = ProjectFile(project=project.name, values={value: {} for value in project.values})
    return Run(workspace, file, project, project.filters(), SILENT, lambda line: None)


def step_of(kind: str, out: Path, weights: dict[str, float] = HALF) -> ExportStep:
    return ExportStep(ExportEntry(kind=kind, out=str(out), weights=weights, group="filtered"))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_an_export_takes_the_place_of_the_former_one(here, tmp_path):
    out = tmp_path / "out" / "soup"
    step_of("adapter", out).make(here)
    before = names(out)
    assert "adapter_model.safetensors" in before
    assert step_of("adapter", out).is_done(here)
    changed = step_of("adapter", out, MORE)
    assert not changed.is_done(here)
    assert changed.make(here)["path"] == str(out)
    assert changed.is_done(here)
    assert names(out) == before
    assert names(out.parent) == {"soup"}, "nothing is left beside it"
    text = tmp_path / "out" / "soup.yaml"
    step_of("recipe", text).make(here)
    step_of("recipe", text, MORE).make(here)
    assert step_of("recipe", text, MORE).is_done(here)


class Killed(BaseException):
    """Nothing in the program runs after it, as after a SIGKILL."""


def test_what_killed_runs_left_beside_an_export_goes_with_the_next_one(here, tmp_path, monkeypatch):
    """One killed while it wrote the folder, one between its last two renames."""
    out = tmp_path / "out" / "soup [1]"
    step_of("adapter", out).make(here)
    with monkeypatch.context() as killed:
        killed.setattr("shutil.rmtree", lambda *args, **options: None)
        killed.setattr(Path, "replace", _kill)
        with pytest.raises(Killed):
            step_of("model", out, MORE).make(here)
    out.rename(out.with_name(f".{out.name}.0123456789ab"))
    mine = out.with_name(f".{out.name}-notes")
    mine.mkdir()
    assert len(names(out.parent)) == 3
    step_of("model", out, MORE).make(here)
    assert names(out.parent) == {out.name, mine.name}


def _kill(path: Path, target: Path) -> None:
    raise Killed


@pytest.mark.parametrize("kind", ["recipe", "card", "adapter", "model"])
def test_what_is_not_ours_stays(kind, here, tmp_path):
    """A file of the user, a folder of the user, and our own export that somebody changed."""
    note, folder = tmp_path / "README.md", tmp_path / "soups"
    note.write_text("mine")
    folder.mkdir()
    (folder / "old.safetensors").write_text("mine")
    for out in (note, folder):
        with pytest.raises(AdapterError, match="choose another `out:`, or move it away"):
            step_of(kind, out).make(here)
    assert (note.read_text(), (folder / "old.safetensors").read_text()) == ("mine", "mine")
    ours = tmp_path / "ours"
    step_of(kind, ours).make(here)
    changed = ours / "notes.txt" if ours.is_dir() else ours
    changed.write_text("mine")
    with pytest.raises(AdapterError, match="nobody changed"):
        step_of(kind, ours, MORE).make(here)
    assert changed.read_text() == "mine"


@pytest.mark.parametrize("kind", ["adapter", "recipe"])
def test_an_export_that_was_moved_is_still_ours_and_a_copy_is_not(kind, here, tmp_path):
    out, moved, copy = (tmp_path / name / "soup" for name in ("out", "moved", "copy"))
    step_of(kind, out).make(here)
    out.parent.rename(moved.parent)
    with pytest.raises(AdapterError, match="no export that a run of this project made"):
        own_exports.check_free(here.project, Path("/"))
    shutil.copytree(moved.parent, copy.parent)  # with the times of change
    step_of(kind, moved, MORE).make(here)
    assert step_of(kind, moved, MORE).is_done(here)
    shutil.copytree(moved.parent, out.parent)
    with pytest.raises(AdapterError, match="no export that a run of this project made"):
        step_of(kind, copy).make(here)
    with pytest.raises(AdapterError, match="no export that a run of this project made"):
        step_of(kind, out).make(here)


def test_an_adapter_names_the_base_where_it_lies_now(here, tmp_path):
    """The adapters were trained beside a base that was moved since."""
    moved = Path(here.project.config.base).rename(tmp_path / "moved")
    config = here.project.config.model_copy(update={"base": str(moved)})
    there = replace(here, project=here.workspace.update_project(config))
    step_of("adapter", tmp_path / "soup").make(there)
    settings = json.loads((tmp_path / "soup" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == str(moved)


def test_a_recipe_alone_is_no_adapter(here, tmp_path):
    step_of("recipe", tmp_path / "soups" / "recipe.yaml").make(here)
    step = step_of("adapter", tmp_path / "soups")
    assert not step.is_done(here)
    with pytest.raises(AdapterError):
        step.make(here)
    assert names(tmp_path / "soups") == {"recipe.yaml"}
