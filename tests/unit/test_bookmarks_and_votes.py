"""Bookmarks and votes live in the workspace's records: stored, listed, removed, put back."""

from pathlib import Path

import pytest

from vcsoup.errors import NotFoundError, UnknownValueError, WorkspaceError
from vcsoup.workspace import Project, ProjectConfig, Workspace
from vcsoup.workspace.bookmarks import Bookmark
from vcsoup.workspace.votes import Vote, VotedSoup


@pytest.fixture
def project(tmp_path: Path) -> Project:
    workspace = Workspace(tmp_path)
    workspace.create_project(ProjectConfig(name="other", values=("kind", "wise"), base="b"))
    return workspace.create_project(ProjectConfig(name="p", values=("kind", "wise"), base="b"))


def bookmark(name: str, **weights: float) -> Bookmark:
    return Bookmark(name=name, group="filtered", weights=weights or {"kind": 1.0})


def test_bookmarks_are_listed_newest_first_and_removal_can_be_undone(project, tmp_path):
    first = project.save_bookmark(bookmark("  gentle \n one ", kind=0.25, wise=0.75))
    second = project.save_bookmark(bookmark("../../<b>x</b>"))
    assert first.name == "gentle one"
    assert project.bookmarks() == [second, first]
    removed = project.delete_bookmark("gentle one")
    assert removed == first
    assert project.bookmarks() == [second]
    project.save_bookmark(removed)
    assert project.bookmarks() == [second, first]
    assert Workspace(tmp_path).project("other").bookmarks() == []


def test_bad_bookmarks_are_refused(project):
    project.save_bookmark(bookmark("taken"))
    with pytest.raises(WorkspaceError, match="'taken' already"):
        project.save_bookmark(bookmark("taken "))
    with pytest.raises(WorkspaceError, match="1 to 60 characters, got 0"):
        project.save_bookmark(bookmark("  "))
    with pytest.raises(WorkspaceError, match="got 61"):
        project.save_bookmark(bookmark("x" * 61))
    with pytest.raises(UnknownValueError, match="funny"):
        project.save_bookmark(bookmark("odd", funny=1.0))
    with pytest.raises(NotFoundError, match="removed already"):
        project.delete_bookmark("never there")


def test_votes_are_kept_in_order_once_and_can_be_taken_back(project):
    votes = [
        Vote(
            prompt="How?",
            seed=seed,
            first=VotedSoup(group="filtered", weights={"kind": 1.0}),
            second=VotedSoup(group="filtered", weights={}),
            answers=("a", "b"),
            winner=winner,
        )
        for seed, winner in enumerate(("first", "neither"))
    ]
    for vote in [*votes, votes[0]]:
        project.save_vote(vote)
    assert project.votes() == votes
    project.delete_vote(votes[0].id)
    project.delete_vote("never there")
    assert project.votes() == votes[1:]
