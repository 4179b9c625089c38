"""Synthetic projects: sound, repeatable, and honest about what they are."""

import numpy as np
import pytest

from tests.tiny_pairs import Recorder
from vcsoup.demo import synth, synth_pool
from vcsoup.demo.synth import open_synth
from vcsoup.demo.world import topic_of_prompt
from vcsoup.errors import WorkspaceError
from vcsoup.monitor import StopRequested
from vcsoup.preferences.pairs import pair_id
from vcsoup.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("synth") / "w")


@pytest.fixture(scope="module")
def project(workspace):
    return open_synth(workspace, pairs=3000, values=3)


@pytest.fixture
def few_replies(monkeypatch):
    """Sixteen replies per topic instead of 256, which take seconds to compose and to judge."""
    monkeypatch.setattr(synth, "REPLIES", 16)
    monkeypatch.setattr(synth_pool, "REPLIES", 16)


def test_every_data_set_has_sound_distinct_pairs_and_their_true_ids(project):
    known = topic_of_prompt()
    for value in project.values:
        pairs = project.pairs(value)
        assert (len(pairs), pairs["id"].nunique()) == (3000, 3000)
        asked = [prompt[0]["content"] for prompt in pairs["prompt"]]
        assert set(asked) <= set(known)
        assert (pairs["chosen"] != pairs["rejected"]).all()
        texts = zip(pairs["prompt"], pairs["chosen"], pairs["rejected"], strict=True)
        assert [pair_id(*text) for text in texts] == pairs["id"].tolist()
        assert project.rewards(value)["id"].tolist() == pairs["id"].tolist()
    held_out = {prompt[0]["content"] for prompt in project.held_out_prompts()}
    assert len(held_out) == 64
    assert not held_out & set(asked)


def test_values_agree_somewhat_and_consistency_fills_its_range(project):
    for value in project.values:
        correlation = np.corrcoef(project.gaps(value).T)[np.triu_indices(3, 1)]
        assert ((correlation > 0) & (correlation < 0.6)).all()
        consistency = project.consistency(value)
        tenths = np.histogram(consistency, bins=10, range=(-1, 1))[0]
        assert tenths.min() > 30
        assert (consistency > 0).mean() > 0.6
        assert len(np.unique(consistency)) > 2900


def test_one_prompt_and_reply_have_one_reward_everywhere(project):
    """What a reward model would do: the same text gets the same number in every data set."""
    seen: dict[tuple[str, str], float] = {}
    repeated = 0
    for value in project.values:
        pairs, rewards = project.pairs(value), project.rewards(value)
        for side in ("chosen", "rejected"):
            figures = rewards[f"helpful_{side}"]
            for prompt, reply, reward in zip(pairs["prompt"], pairs[side], figures, strict=True):
                key = (prompt[0]["content"], reply)
                repeated += key in seen
                assert seen.setdefault(key, reward) == reward
    assert repeated > 100


def test_it_says_that_its_rewards_are_synthetic(project):
    assert "Synthetic" in project.title
    assert "random numbers, given by no model" in project.config.description
    assert project.config.rewards == {}


def test_the_seed_decides_everything(workspace, few_replies):
    one = open_synth(workspace, pairs=300, values=3, name="one")
    twin = open_synth(workspace, pairs=300, values=3, name="twin")
    other = open_synth(workspace, pairs=300, values=3, name="unlike", seed=1)
    for value in one.values:
        assert twin.datasets()[value].hash == one.datasets()[value].hash
        assert twin.rewards_stamp(value) == one.rewards_stamp(value)
        assert other.datasets()[value].hash != one.datasets()[value].hash


def test_eight_values(workspace, few_replies):
    project = open_synth(workspace, pairs=500, values=8, name="eight")
    assert project.values[3:] == ("concise", "honest", "polite", "curious", "brief")
    assert project.gaps("brief").shape == (500, 8)


def test_a_stopped_one_is_finished_by_the_same_command(tmp_path, few_replies):
    workspace = Workspace(tmp_path / "w")
    stop = Recorder()
    stop.stop_requested = True
    with pytest.raises(StopRequested, match="the same command goes on"):
        open_synth(workspace, pairs=100, values=2, monitor=stop)
    assert workspace.project("synth-100").datasets() == {}
    project = open_synth(workspace, pairs=100, values=2)
    assert [project.gaps(value).shape for value in project.values] == [(100, 2), (100, 2)]


def test_it_never_takes_another_projects_name(workspace, project):
    with pytest.raises(WorkspaceError, match="exists already"):
        open_synth(workspace, pairs=100, values=3, name=project.name)
    for pairs, values in [(0, 3), (10, 1), (10, 9), (5_000_001, 3)]:
        with pytest.raises(WorkspaceError, match="cannot be drawn"):
            open_synth(workspace, pairs=pairs, values=values)
