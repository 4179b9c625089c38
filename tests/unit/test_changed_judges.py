"""What happens to rewards and measured soups when their judges become others.

Another judge in the project, and other files in the folder of the same judge.
"""

import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from tests.tiny_pairs import tiny_pairs
from tests.tiny_project import tiny_project
from vcsoup.engine.bench import Benches
from vcsoup.engine.owner import Owner
from vcsoup.engine.tasting import Tasting, TastingRequest
from vcsoup.front_figures import front_figures
from vcsoup.pipeline import measure_project, score_project
from vcsoup.rewards.spec import RewardSpec
from vcsoup.workspace import Project, Workspace

CORNERS = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "w")


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> Project:
    made = tiny_project(workspace, tmp_path, prompts=4)
    for value in made.values:
        made.save_pairs(value, tiny_pairs(6), source="made up")
    return made


def again(project: Project, workspace: Workspace) -> Project:
    """The project as a process that starts now sees it."""
    return workspace.project(project.name)


def replace_weights(project: Project, value: str) -> None:
    """Put other weights into the folder of a value's judge, as a training run of it does."""
    path = Path(project.config.rewards[value].model) / "model.safetensors"
    save_file({name: part * 1.5 for name, part in load_file(path).items()}, path)


def of_set(project: Project) -> list[tuple[tuple[float, ...], int]]:
    key = project.set_key(project.adapter_set("filtered"))
    found = project.points(key)
    assert {point.set_key for point in found} <= {key}
    assert len(project.samples.load(key)) == len(found)
    return [(tuple(point.weights.values()), point.n_prompts) for point in found]


def test_a_front_never_mixes_soups_of_two_judges(project, workspace):
    measure_project(project, "filtered", CORNERS)
    before = front_figures(project, ["filtered"], minimums=[], maximise=None)
    former = project.config.rewards["helpful"]
    project.set_reward("helpful", RewardSpec(kind="length"))
    assert of_set(again(project, workspace)) == []
    measure_project(again(project, workspace), "filtered", [[1.0, 0.0]], n_prompts=2)
    found = again(project, workspace)
    assert of_set(found) == [((1.0, 0.0), 2)]
    words = found.points(found.set_key(found.adapter_set("filtered")))[0].rewards["helpful"]
    assert words > 1
    found.set_reward("helpful", former)
    found = again(project, workspace)
    assert front_figures(found, ["filtered"], minimums=[], maximise=None) == before


def test_the_adapters_name_stays_while_the_judges_are_the_first(project, workspace):
    first = project.set_key(project.adapter_set("filtered"))
    config = project.config
    assert "first_judges" not in config.model_dump_json()
    workspace.update_project(config.model_copy(update={"rewards": {}}))
    assert project.set_key(again(project, workspace).adapter_set("filtered")) == first
    found = again(project, workspace)
    assert found.set_key(found.adapter_set("filtered")) != first
    workspace.update_project(config)
    found = again(project, workspace)
    assert found.set_key(found.adapter_set("filtered")) == first


def test_how_fast_and_how_dear_an_endpoint_is_leaves_its_rewards_current(project, workspace):
    asked = {"kind": "endpoint", "url": "http://127.0.0.1:1/v1", "model": "m", "criterion": "kind"}
    project.set_reward("helpful", RewardSpec(**asked))
    rewards = project.pairs("helpful")[["id"]].assign(
        helpful_chosen=1.0, helpful_rejected=0.0, harmless_chosen=1.0, harmless_rejected=0.0
    )
    project.save_rewards("helpful", rewards)
    stamp = project.rewards_stamp("helpful")
    key = project.set_key(project.adapter_set("filtered"))
    project.set_reward("helpful", RewardSpec(**asked, at_once=2, timeout=9.0))
    found = again(project, workspace)
    assert stamp
    assert found.rewards_stamp("helpful") == stamp
    assert found.set_key(found.adapter_set("filtered")) == key
    project.set_reward("helpful", RewardSpec(**{**asked, "criterion": "wit"}))
    assert again(project, workspace).rewards_stamp("helpful") == ""


def test_rewards_are_stale_once_a_judges_files_are_others(project, workspace):
    score_project(workspace, project)
    before = project.rewards("helpful")
    replace_weights(project, "helpful")
    found = again(project, workspace)
    assert [found.rewards_stamp(value) for value in found.values] == ["", ""]
    assert found.rewards("helpful") is None
    score_project(workspace, found)
    after = again(project, workspace).rewards("helpful")
    assert (after["helpful_chosen"] != before["helpful_chosen"]).all()
    assert (after["harmless_chosen"] == before["harmless_chosen"]).all()


def test_soups_measured_before_a_judges_files_changed_are_set_aside(project, workspace):
    measure_project(project, "filtered", CORNERS)
    replace_weights(project, "helpful")
    measure_project(again(project, workspace), "filtered", [[1.0, 0.0]], n_prompts=2)
    found = again(project, workspace)
    assert of_set(found) == [((1.0, 0.0), 2)]
    assert len(found.points()) == 4, "the former ones are kept, under another name"


def tasted(workspace: Workspace, n_prompts: int, **options: int) -> Tasting:
    """The soup of the first adapter alone, tasted in an engine that starts now."""
    asked = TastingRequest(
        project="demo", weights={"helpful": 1}, prompt="hi", n_prompts=n_prompts, **options
    )
    tasting, owner = Tasting(Benches(workspace), asked, np.array([1.0, 0.0])), Owner()
    owner.submit(tasting)
    deadline = time.monotonic() + 60
    while not tasting.ended and time.monotonic() < deadline:
        time.sleep(0.01)
    owner.close()
    assert (tasting.state, tasting.error) == ("done", None)
    return tasting


def test_a_soup_that_was_tasted_is_set_aside_like_a_measured_one(project, workspace):
    """A tasting's point knows its judges, so that it does not stand among those of other ones."""
    tasted(workspace, 4)
    replace_weights(project, "helpful")
    measure_project(again(project, workspace), "filtered", [[0.0, 1.0]], n_prompts=2)
    assert of_set(again(project, workspace)) == [((0.0, 1.0), 2)]


def test_a_soup_is_tasted_anew_once_a_judges_files_are_others(project, workspace):
    measure_project(project, "filtered", CORNERS)
    replace_weights(project, "helpful")
    assert tasted(workspace, 2).point.n_prompts == 2
    found = again(project, workspace)
    points = found.points(found.set_key(found.adapter_set("filtered")))
    assert [(tuple(point.weights.values()), point.n_prompts) for point in points] == [((1, 0), 2)]
    assert tasted(workspace, 2).point == points[0], "it is known now"


def test_replies_of_another_length_are_measured_but_stand_among_no_points(project, workspace):
    """A point of three tokens a reply must not be taken for one of 96, nor the other way round."""
    short = tasted(workspace, 2, max_new_tokens=3).point
    assert project.points() == []
    whole = tasted(workspace, 2).point
    assert whole.rewards != short.rewards
    assert [point.rewards for point in project.points()] == [whole.rewards]
    assert tasted(workspace, 2, max_new_tokens=3).point.rewards == short.rewards
