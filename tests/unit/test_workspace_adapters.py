"""Adapters, sets of adapters and points of a project."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vcsoup.errors import NotFoundError, UnknownValueError, WorkspaceError
from vcsoup.workspace import Point, Project, Workspace, project_config

VALUES = ("helpful", "harmless")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    config = project_config(name="demo", values=VALUES, base="org/base")
    return Workspace(tmp_path / "w").create_project(config)


def put_adapter(folder: Path, value: str, group: str, *, weights: str = "w", **manifest) -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_text(weights)
    (folder / "manifest.json").write_text(json.dumps({"value": value, "group": group, **manifest}))
    return folder


def train(project: Project, value: str, group: str, created: str, **manifest) -> str:
    name = project.new_adapter_name(value, group)
    put_adapter(project.adapter_dir(name), value, group, created=created, weights=name, **manifest)
    return name


def test_names_count_up_and_are_never_given_twice(tmp_path, project):
    assert project.new_adapter_name("helpful", "filtered") == "helpful-filtered-1"
    assert project.new_adapter_name("helpful", "filtered") == "helpful-filtered-2"
    assert project.new_adapter_name("helpful", "unfiltered") == "helpful-unfiltered-1"
    put_adapter(project.adapter_dir("helpful-filtered-7"), "helpful", "filtered")
    assert project.new_adapter_name("helpful", "filtered") == "helpful-filtered-8"
    with pytest.raises(UnknownValueError):
        project.new_adapter_name("funny", "filtered")
    with pytest.raises(WorkspaceError):
        project.new_adapter_name("helpful", "../x")


def test_adapters_of_a_long_value_say_their_group(tmp_path):
    """A value may have 40 characters, as an adapter has; cut is the value, from behind."""
    long = "harmlessness-under-adversarial-pressure"
    shelf = Workspace(tmp_path).create_project(
        project_config(name="long", values=(long, "b"), base="org/base")
    )
    assert shelf.new_adapter_name(long, "filtered") == "harmlessness-under-adversar-filtered-1"
    assert shelf.new_adapter_name(long, "unfiltered") == "harmlessness-under-advers-unfiltered-1"


@pytest.mark.parametrize("named", ["value", "group"])
def test_a_manifest_whose_names_are_none_is_no_adapter(tmp_path, project, named):
    """Names go into file names, addresses and Markdown; a folder may come from anywhere."""
    names = {"value": "helpful", "group": "filtered", named: "![x](https://elsewhere.example)"}
    source = put_adapter(tmp_path / "own", **names)
    with pytest.raises(WorkspaceError, match="names no value and group"):
        project.add_adapter(source, "helpful-filtered-1")
    put_adapter(project.adapter_dir("helpful-filtered-2"), **names)
    assert project.adapters() == []


def test_only_complete_adapters_are_seen_newest_first(project):
    old = train(project, "helpful", "filtered", "2026-01-01T00:00:00")
    new = train(project, "helpful", "filtered", "2026-01-02T00:00:00")
    unfinished = project.adapter_dir("helpful-filtered-9")
    unfinished.mkdir()
    (unfinished / "adapter_model.safetensors").write_text("half")
    broken = project.adapter_dir("helpful-filtered-10")
    broken.mkdir()
    (broken / "manifest.json").write_text('{"value": "helpful"}')
    assert [info.name for info in project.adapters()] == [new, old]
    assert project.adapters()[0].manifest["created"] == "2026-01-02T00:00:00"


def test_sets_take_the_newest_of_every_value(project):
    train(project, "helpful", "filtered", "2026-01-01")
    newer = train(project, "helpful", "filtered", "2026-01-02")
    assert project.adapter_sets() == {}
    harmless = train(project, "harmless", "filtered", "2026-01-01")
    train(project, "harmless", "unfiltered", "2026-01-03")
    sets = project.adapter_sets()
    assert list(sets) == ["filtered"]
    assert {value: info.name for value, info in sets["filtered"].items()} == {
        "helpful": newer,
        "harmless": harmless,
    }


def test_recorded_adapters_only_fill_gaps(tmp_path, project):
    """The recorded ones are newer, yet the user's own helpful adapter goes first."""
    own = train(project, "helpful", "filtered", "2026-01-01")
    for value in VALUES:
        source = put_adapter(tmp_path / "bundle" / value, value, "filtered", created="2026-06-01")
        project.add_adapter(source, f"{value}-filtered-0", recorded=True)
    chosen = project.adapter_sets()["filtered"]
    assert chosen["helpful"].name == own
    assert (chosen["harmless"].name, chosen["harmless"].recorded) == ("harmless-filtered-0", True)


def test_an_earlier_adapter_can_stand_again_until_another_is_trained(tmp_path, project):
    source = put_adapter(tmp_path / "bundle", "helpful", "filtered", created="2026-06-01")
    recorded = project.add_adapter(source, "helpful-filtered-0", recorded=True).name
    first = train(project, "helpful", "filtered", "2026-01-01")
    second = train(project, "helpful", "filtered", "2026-01-02")
    train(project, "harmless", "filtered", "2026-01-01")
    train(project, "helpful", "unfiltered", "2026-01-09")

    def standing() -> str:
        return project.adapter_sets()["filtered"]["helpful"].name

    before = project.set_key(project.adapter_sets()["filtered"])
    project.choose_adapter(recorded)
    assert standing() == recorded
    assert {info.name for info in project.adapters() if info.aside} == {first, second}
    project.choose_adapter(first)
    assert standing() == first
    assert {info.name for info in project.adapters() if info.aside} == {second}
    project.choose_adapter(second)
    assert project.set_key(project.adapter_sets()["filtered"]) == before
    project.choose_adapter(recorded)
    third = train(project, "helpful", "filtered", "2026-01-03")
    assert standing() == third
    project.choose_adapter(first)
    shutil.rmtree(project.adapter_dir(first))
    shutil.rmtree(project.adapter_dir(recorded))
    assert standing() == third  # it was put aside, but there is no other
    with pytest.raises(NotFoundError, match=f"called 'helpful-filtered-99'.*{third}"):
        project.choose_adapter("helpful-filtered-99")


def test_adding_an_adapter_again_keeps_the_first(tmp_path, project):
    source = put_adapter(tmp_path / "s", "helpful", "filtered")
    first = project.add_adapter(source, "helpful-filtered-0", recorded=True)
    (source / "adapter_model.safetensors").write_text("other")
    again = project.add_adapter(source, "helpful-filtered-0", recorded=True)
    assert again.hash == first.hash
    assert "recorded" not in json.loads((source / "manifest.json").read_text())
    with pytest.raises(NotFoundError, match=r"holds no manifest.json"):
        project.add_adapter(tmp_path, "helpful-filtered-1")


def test_a_set_is_named_by_the_content_of_its_adapters(tmp_path, project):
    other_config = project_config(name="other", values=VALUES, base="org/base")
    other = Workspace(tmp_path / "w").create_project(other_config)
    for place in (project, other):
        for value in VALUES:
            train(place, value, "filtered", "2026-01-01")
    key = project.set_key(project.adapter_sets()["filtered"])
    assert other.set_key(other.adapter_sets()["filtered"]) == key
    train(project, "helpful", "filtered", "2026-01-02")
    assert project.set_key(project.adapter_sets()["filtered"]) != key


def point(weights: dict[str, float], n_prompts: int = 16, **fields) -> Point:
    figures = {"helpful": 1.0, "harmless": 2.0}
    content = {"set_key": "k", "group": "filtered", "rewards": figures, "low": figures}
    return Point(**{**content, "high": figures, **fields}, weights=weights, n_prompts=n_prompts)


def test_points_come_back_oldest_first(project):
    first = point({"helpful": 0.5, "harmless": 0.5}, created="2026-01-01", label="even")
    second = point({"helpful": 1.0}, created="2026-01-02")
    elsewhere = point({}, created="2026-01-03", set_key="other")
    for one in (second, first, elsewhere):
        project.save_point(one)
    assert project.points() == [first, second, elsewhere]
    assert project.points("k") == [first, second]


def test_more_prompts_replace_a_point_and_fewer_do_not(project):
    """Zeros and nothing are the same soup, the base; another seed is another point."""
    project.save_point(point({"helpful": 0.0, "harmless": -0.0}, n_prompts=32))
    project.save_point(point({}, n_prompts=16))
    assert [p.n_prompts for p in project.points()] == [32]
    project.save_point(point({}, n_prompts=64))
    assert [p.n_prompts for p in project.points()] == [64]
    project.save_point(point({}, n_prompts=16, seed=1))
    assert sorted(p.n_prompts for p in project.points()) == [16, 64]


def test_a_point_of_other_values_is_refused(project):
    with pytest.raises(UnknownValueError, match="funny"):
        project.save_point(point({"funny": 1.0}))
    with pytest.raises(UnknownValueError, match="expected exactly helpful, harmless"):
        project.save_point(point({}, rewards={"helpful": 1.0}))
    assert project.points() == []


def test_choices_for_two_values_at_once_are_both_kept(project):
    """Two tabs, or a page and the command line: each writes down what it knows of both."""
    earlier = {}
    for value in VALUES:
        earlier[value] = train(project, value, "filtered", "2026-01-01")
        for day in range(2, 30):
            train(project, value, "filtered", f"2026-01-{day:02}")
    for _ in range(10):
        (project.root / "adapters" / "aside.json").unlink(missing_ok=True)
        with ThreadPoolExecutor() as pool:
            list(pool.map(project.choose_adapter, earlier.values()))
        standing = project.adapter_sets()["filtered"]
        assert {value: info.name for value, info in standing.items()} == earlier
