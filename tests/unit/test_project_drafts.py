"""Drafts of projects: kept, listed, forgotten; damaged ones are none."""

from pathlib import Path

from vcsoup.base_models.settings import BaseLoading
from vcsoup.workspace import Workspace
from vcsoup.workspace.project_drafts import ProjectDraft


def test_a_draft_is_kept_until_it_is_forgotten(tmp_path: Path):
    shelf = Workspace(tmp_path).drafts
    first = shelf.save(ProjectDraft(title="Kind", name="kind", values=("a", "b")))
    second = shelf.save(ProjectDraft(base="org/base", loading=BaseLoading(dtype="bfloat16")))
    assert shelf.load(first.id) == first
    assert [draft.id for draft in Workspace(tmp_path).drafts.list()] == [second.id, first.id]
    again = shelf.save(first.model_copy(update={"title": "Kinder"}))
    assert shelf.load(first.id).title == "Kinder"
    assert shelf.list()[0].id == again.id
    shelf.delete(first.id)
    shelf.delete(first.id)
    assert shelf.load(first.id) is None


def test_an_id_is_never_a_path(tmp_path: Path):
    """What the address says is not trusted."""
    shelf = Workspace(tmp_path).drafts
    (tmp_path / "outside.json").write_text("{}")
    assert shelf.load("../outside") is None
    shelf.delete("../outside")
    assert (tmp_path / "outside.json").exists()


def test_a_damaged_draft_is_none(tmp_path: Path):
    shelf = Workspace(tmp_path).drafts
    kept = shelf.save(ProjectDraft(title="Kind"))
    (tmp_path / "drafts" / "0123456789ab.json").write_text("{")
    (tmp_path / "drafts" / "ba9876543210.json").write_text('{"unknown": 1}')
    assert shelf.load("0123456789ab") is None
    assert shelf.list() == [kept]
