"""A workspace folder that was moved is the same workspace, its own models included."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.tiny_pairs import tiny_pairs
from vcsoup.demo.open_demo import open_demo
from vcsoup.rewards.spec import RewardSpec
from vcsoup.workspace import Project, Workspace, project_config
from vcsoup.workspace.tables import reward_columns


def known(project: Project) -> tuple:
    """What is stored by the judges: rewards, points, samples, and the sets that they are of."""
    keys = {group: project.set_key(found) for group, found in project.adapter_sets().items()}
    stamps = {value: project.rewards_stamp(value) for value in project.values}
    assert all(stamps.values())
    return stamps, keys, len(project.points(keys["filtered"]))


@pytest.mark.parametrize("changed_before", [False, True])
def test_the_embedded_world_moves_with_its_workspace(tmp_path, changed_before):
    """Judges that were changed and changed back are the first ones still."""
    workspace = Workspace(tmp_path / "here")
    project = open_demo(workspace)
    if changed_before:
        turned = {v: s.model_copy(update={"sign": -1}) for v, s in project.config.rewards.items()}
        first = project.config
        workspace.update_project(first.model_copy(update={"rewards": turned}))
        project = workspace.update_project(first)
    before = known(project)
    (tmp_path / "here").rename(tmp_path / "there")
    for _ in range(2):
        moved = Workspace(tmp_path / "there").project("demo")
        assert known(moved) == before
        models = tmp_path / "there" / "projects" / "demo" / "models"
        assert Path(moved.config.base) == models / "base"
        judges = [Path(spec.model).parent for spec in moved.config.rewards.values()]
        assert judges == [models] * 3


def test_models_elsewhere_stay_where_they_are(tmp_path):
    """Models of other folders, of a hub, and those that are still where they were."""
    kept = tmp_path / "other" / "projects" / "demo" / "models" / "kept"
    kept.mkdir(parents=True)
    judges = {"a": RewardSpec(model=str(kept)), "b": RewardSpec(model="models/org")}
    gone = str(tmp_path / "gone" / "base")
    config = project_config(name="demo", values=("a", "b"), base=gone, rewards=judges)
    workspace = Workspace(tmp_path / "w")
    project = workspace.create_project(config)
    for name in ("kept", "base", "org"):
        (project.root / "models" / name).mkdir(parents=True)
    assert workspace.project("demo").config == config


def judge(folder: Path, words: str) -> RewardSpec:
    """A judge as far as its files tell one from another."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(words)
    return RewardSpec(model=str(folder))


def scored(folder: Path) -> Project:
    """Two values judged by models outside the workspace, all pairs scored."""
    judges = {value: judge(folder / "models" / value, value) for value in ("kind", "wise")}
    config = project_config(name="mine", values=("kind", "wise"), base="org/base", rewards=judges)
    project = Workspace(folder / "w").create_project(config)
    for value in project.values:
        project.save_pairs(value, tiny_pairs(8), source="here")
    save_rewards(project)
    return project


def save_rewards(project: Project) -> None:
    for value in project.values:
        ids = list(project.pairs(value)["id"])
        rewards = np.random.default_rng(0).normal(size=(len(ids), 4))
        table = pd.DataFrame(rewards, columns=reward_columns(project.values))
        project.save_rewards(value, table.assign(id=ids))


def seen(project: Project) -> tuple[dict[str, str], str]:
    """What tells rewards and measured soups from those by other judges."""
    return project.rewards_stamps(), project.config.judging


def test_rewards_stay_where_the_judges_did_not_come_along(tmp_path):
    """As on a laptop that shows what was made beside a GPU."""
    before = seen(scored(tmp_path))
    assert set(before[0]) == {"kind", "wise"}
    (tmp_path / "models").rename(tmp_path / "elsewhere")
    assert seen(Workspace(tmp_path / "w").project("mine")) == before


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("changed_before", [True, False])
def test_judges_at_another_place_are_the_same_ones(tmp_path, at_once, changed_before):
    """Moved twice, and told value by value or all at once; retitled where their files are not."""
    project = scored(tmp_path)
    if changed_before:
        project.set_reward("wise", project.config.rewards["wise"].model_copy(update={"sign": -1}))
        save_rewards(project)
    before = seen(project)
    assert bool(before[1]) == changed_before
    workspace = Workspace(tmp_path / "w")
    for former, place in (("models", "elsewhere"), ("elsewhere", "afar")):
        (tmp_path / former).rename(tmp_path / place)
        judges = {
            value: spec.model_copy(update={"model": str(tmp_path / place / value)})
            for value, spec in project.config.rewards.items()
        }
        if at_once:
            workspace.update_project(project.config.model_copy(update={"rewards": judges}))
        else:
            for value, spec in judges.items():
                project.set_reward(value, spec)
        project = workspace.project("mine")
        assert seen(project) == before
    (tmp_path / "afar").rename(tmp_path / "gone")
    assert seen(workspace.update_project(project.config.titled("Mine"))) == before
    (tmp_path / "gone").rename(tmp_path / "afar")
    save_rewards(project)
    assert seen(project) == before


def test_large_judges_at_another_place_are_the_same_ones(tmp_path, monkeypatch):
    """What was not read yet at the new place is read before the change."""
    monkeypatch.setattr("vcsoup.fingerprint._LARGE", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = scored(tmp_path)
    for spec in project.config.rewards.values():
        spec.fingerprint()
    save_rewards(project)
    before = seen(project)
    (tmp_path / "models").rename(tmp_path / "elsewhere")
    for value, spec in project.config.rewards.items():
        moved = spec.model_copy(update={"model": str(tmp_path / "elsewhere" / value)})
        project.set_reward(value, moved)
    assert seen(project) == before


def test_judges_at_another_place_that_were_changed_and_changed_back_are_the_same_ones(tmp_path):
    project = scored(tmp_path)
    before = seen(project)
    (tmp_path / "models").rename(tmp_path / "elsewhere")
    for value, spec in project.config.rewards.items():
        moved = spec.model_copy(update={"model": str(tmp_path / "elsewhere" / value)})
        project.set_reward(value, moved)
    first = project.config.rewards["wise"]
    project.set_reward("wise", first.model_copy(update={"sign": -1}))
    save_rewards(project)
    assert project.config.judging
    project.set_reward("wise", first)
    assert project.config.judging == before[1]
    save_rewards(project)
    assert seen(project) == before


@pytest.mark.parametrize("change", ["other files", "another label", "exchanged"])
def test_judges_at_another_place_that_are_others_are_new(tmp_path, change):
    project = scored(tmp_path)
    places = {"kind": "kind", "wise": "wise"}
    if change == "exchanged":
        places = {"kind": "wise", "wise": "kind"}
    (tmp_path / "models").rename(tmp_path / "elsewhere")
    if change == "other files":
        (tmp_path / "elsewhere" / "wise" / "config.json").write_text("wiser")
    label = 1 if change == "another label" else 0
    judges = {
        value: RewardSpec(model=str(tmp_path / "elsewhere" / place), label=label)
        for value, place in places.items()
    }
    for value, spec in judges.items():
        project.set_reward(value, spec)
    stamps, judging = seen(project)
    assert stamps == {}
    assert judging
