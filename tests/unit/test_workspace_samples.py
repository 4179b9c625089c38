"""Rewards prompt by prompt: stored per soup, more prompts win, several seeds side by side."""

import numpy as np
import pytest

from tests.app.fixture_project import full_project
from vcsoup.errors import UnknownValueError
from vcsoup.workspace import Workspace
from vcsoup.workspace.samples import SampleShelf

VALUES = ("helpful", "harmless")


@pytest.fixture
def shelf(tmp_path) -> SampleShelf:
    return SampleShelf(tmp_path / "samples", VALUES)


def test_round_trip(shelf):
    rewards = np.array([[0.1, -2.0], [1 / 3, 4.0]])
    shelf.save(
        "k", {"helpful": 1 / 3, "harmless": -0.25}, seed=7, prompts=["a", "b"], rewards=rewards
    )
    (found,) = shelf.load("k")
    assert found.prompts == ("a", "b")
    assert (found.seed, found.weights.tolist()) == (7, [0.333333, -0.25])
    np.testing.assert_array_equal(found.rewards, rewards)
    assert shelf.load("other") == []


def test_more_prompts_replace_and_fewer_do_not(shelf):
    soup = {"helpful": 1.0, "harmless": 0.0}
    for prompts, reward in ((["a", "b"], 1.0), (["a"], 2.0), (["a", "b", "c"], 3.0)):
        shelf.save("k", soup, seed=0, prompts=prompts, rewards=np.full((len(prompts), 2), reward))
    (found,) = shelf.load("k")
    assert found.rewards[:, 0].tolist() == [3.0, 3.0, 3.0]


def test_seeds_and_the_base_are_kept_apart(shelf):
    for seed in (0, 1):
        shelf.save("k", {}, seed=seed, prompts=["a"], rewards=[[seed, seed]])
    assert [(s.seed, s.weights.any(), s.rewards[0, 0]) for s in shelf.load("k")] == [
        (0, False, 0.0),
        (1, False, 1.0),
    ]


def test_the_stamp_changes_with_every_soup(shelf):
    stamps = [shelf.stamp("k")]
    for weight in (0.0, 0.5):
        shelf.save("k", {"helpful": weight}, seed=0, prompts=["a"], rewards=[[0, 0]])
        stamps.append(shelf.stamp("k"))
    assert len(set(stamps)) == 3


def test_the_spread_of_the_base_is_that_of_the_seed_that_soups_share(shelf):
    """Standard deviations of (0, 2) and (1, 4) are 2 / sqrt 2 and 3 / sqrt 2; seed 1 has one."""
    assert shelf.base_spread("k") is None
    shelf.save("k", {}, seed=1, prompts=["a", "b"], rewards=[[0, 0], [9, 9]])
    for weights in ({}, {"helpful": 1.0}):
        shelf.save("k", weights, seed=0, prompts=["a", "b"], rewards=[[0, 1], [2, 4]])
    assert shelf.base_spread("k") == pytest.approx(np.array([2, 3]) / np.sqrt(2))
    shelf.save("flat", {}, seed=0, prompts=["a", "b"], rewards=[[0, 1], [0, 4]])
    assert shelf.base_spread("flat") is None


def test_the_mean_of_the_base_is_that_of_the_prompts_asked_for(shelf):
    assert shelf.base_mean("k", ["a"]) is None
    rewards = [[0, 1], [2, 5], [10, 10]]
    shelf.save("k", {}, seed=0, prompts=["a", "b", "c"], rewards=rewards)
    assert shelf.base_mean("k", ["b", "a"]).tolist() == [1.0, 3.0]
    assert shelf.base_mean("k", ["a", "unknown"]) is None
    assert shelf.base_mean("k", []) is None


def test_rewards_of_another_shape_are_refused(shelf):
    with pytest.raises(UnknownValueError, match=r"shape \(2, 2\).*got \(2, 3\)"):
        shelf.save("k", {}, seed=0, prompts=["a", "b"], rewards=np.zeros((2, 3)))


def test_a_project_has_its_own(tmp_path):
    project = full_project(Workspace(tmp_path), n=20, prompts=2)
    project.samples.save("k", {}, seed=0, prompts=["a"], rewards=[[0, 0, 0]])
    assert len(Workspace(tmp_path).project("demo").samples.load("k")) == 1
