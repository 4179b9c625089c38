"""A workspace folder that was moved is the same workspace, its own models included."""

from pathlib import Path

import pytest

from vcsoup.demo.open_demo import open_demo
from vcsoup.rewards.spec import RewardSpec
from vcsoup.workspace import Project, Workspace, project_config


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
