"""The workspace: projects, tables, thresholds, names. Expectations worked out by hand."""

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vcsoup.errors import GapShapeError, NotFoundError, UnknownValueError, WorkspaceError
from vcsoup.preferences.pairs import make_pairs
from vcsoup.rewards.spec import RewardSpec
from vcsoup.workspace import Project, Workspace, default_workspace, project_config

VALUES = ("helpful", "harmless")


def make_project(root: Path, **fields) -> Project:
    config = project_config(name="demo", values=VALUES, base="org/base", **fields)
    return Workspace(root).create_project(config)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "w")


def pairs_of(texts: list[str]) -> pd.DataFrame:
    prompts = [[{"role": "user", "content": f"About {text}?"}] for text in texts]
    return make_pairs(
        prompts, [f"good {text}" for text in texts], [f"bad {text}" for text in texts]
    )


def rewards_of(pairs: pd.DataFrame, **columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"id": pairs["id"], **columns})


HAND = {
    "helpful_chosen": [1.0, 3.0],
    "helpful_rejected": [0.0, 4.0],
    "harmless_chosen": [2.0, 2.0],
    "harmless_rejected": [0.0, 0.0],
}


def test_a_project_is_found_again_by_another_workspace_object(tmp_path):
    made = make_project(tmp_path / "w", title="Mine", scale="shared", prompts=9)
    found = Workspace(tmp_path / "w").project("demo")
    assert found.config == made.config
    assert (found.title, found.values, found.config.prompts) == ("Mine", VALUES, 9)
    assert [p.name for p in Workspace(tmp_path / "w").projects()] == ["demo"]


def test_a_taken_name_is_refused_and_the_first_project_stays(tmp_path):
    make_project(tmp_path / "w", title="First")
    with pytest.raises(WorkspaceError, match="'demo' exists already; choose another name"):
        make_project(tmp_path / "w", title="Second")
    assert Workspace(tmp_path / "w").project("demo").title == "First"


def test_an_unknown_project_lists_the_known_ones(tmp_path, project):
    with pytest.raises(NotFoundError, match="no project 'other'; choose one of demo"):
        Workspace(tmp_path / "w").project("other")


@pytest.mark.parametrize("name", ["lab?1", "a%20b", "a#b", "with space", "ä:x@y"])
def test_a_workspace_keeps_everything_in_its_own_folder(name, tmp_path):
    make_project(tmp_path / name)
    assert (tmp_path / name / "workspace.sqlite").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert Workspace(tmp_path / "a b").projects() == []


@pytest.mark.parametrize("name", ["../etc", "a/b", "", "A", "-a", "a" * 41, "a\n", ".", "ä"])
def test_names_that_could_leave_the_workspace_are_refused(tmp_path, project, name):
    with pytest.raises(WorkspaceError, match="0-9"):
        Workspace(tmp_path / "w").project(name)
    with pytest.raises(WorkspaceError):
        project.adapter_dir(name)
    with pytest.raises(WorkspaceError):
        project_config(name=name, values=VALUES, base="org/base")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"values": ("helpful",)}, "at least 2 items"),
        ({"values": ("helpful", "helpful")}, "named twice"),
        ({"values": VALUES, "color": "red"}, "color"),
        ({"values": VALUES, "scale": "global"}, "'dataset' or 'shared'"),
        ({"values": VALUES, "rewards": {"funny": {"model": "m"}}}, "unknown values funny"),
    ],
)
def test_bad_projects_are_refused_in_one_line(fields, message):
    with pytest.raises(WorkspaceError, match=message) as caught:
        project_config(name="demo", base="org/base", **fields)
    assert "\n" not in str(caught.value)


def test_pairs_come_back_as_they_were(project):
    pairs = pairs_of(["a", "b", "c"])
    info = project.save_pairs("helpful", pairs, source="file.jsonl", report={"kept": 3})
    pd.testing.assert_frame_equal(project.pairs("helpful"), pairs)
    assert project.datasets() == {"helpful": info}
    stored = project.datasets()["helpful"]
    assert (stored.n, stored.source, stored.report) == (3, "file.jsonl", {"kept": 3})


def test_a_data_set_is_named_by_its_content(project):
    first = project.save_pairs("helpful", pairs_of(["a", "b"]), source="x").hash
    assert project.save_pairs("harmless", pairs_of(["a", "b"]), source="y").hash == first
    assert project.save_pairs("helpful", pairs_of(["b", "a"]), source="x").hash != first


def test_bad_pairs_leave_the_stored_ones(project):
    project.save_pairs("helpful", pairs_of(["a"]), source="x")
    before = project.datasets()
    twice = pd.concat([pairs_of(["a"]), pairs_of(["a"])], ignore_index=True)
    for bad, error in [
        (twice, "twice"),
        (pairs_of(["a"]).iloc[:0], "at least one"),
        (pairs_of(["a"]).drop(columns="chosen"), "lack chosen"),
    ]:
        with pytest.raises(WorkspaceError, match=error):
            project.save_pairs("helpful", bad, source="bad")
    with pytest.raises(UnknownValueError, match="values are helpful, harmless"):
        project.save_pairs("funny", pairs_of(["a"]), source="bad")
    assert project.datasets() == before
    assert len(project.pairs("helpful")) == 1


def test_former_tables_do_not_pile_up(project):
    """The current and the last five, each a table and its lengths; the same again is no more."""
    for text in "abcdefghhh":
        project.save_pairs("helpful", pairs_of([text]), source="x")
    assert len(list((project.root / "pairs" / "helpful").iterdir())) == 12


def test_rewards_become_gaps_and_consistency(project):
    """Both values by hand.

    Helpful pooled over 1 3 0 4: mean 2, squares 1+1+4+4 = 10, sd sqrt(10/3). Harmless pooled over
    2 2 0 0: sd sqrt(4/3). Gaps [1, 2] and [-1, 2] become [.548, 1.732] and [-.548, 1.732].
    """
    pairs = pairs_of(["a", "b"])
    project.save_pairs("helpful", pairs, source="x")
    assert project.rewards("helpful") is None
    project.save_rewards("helpful", rewards_of(pairs, **HAND))
    table = project.rewards("helpful")
    assert list(table["harmless_chosen"]) == [2.0, 2.0]
    assert table["harmless_chosen"].dtype == np.float32
    h, s = 1 / np.sqrt(10 / 3), 2 / np.sqrt(4 / 3)
    np.testing.assert_allclose(project.gaps("helpful"), [[h, s], [-h, s]], rtol=1e-12)
    norm = np.hypot(h, s) * np.sqrt(2)
    np.testing.assert_allclose(
        project.consistency("helpful"), [(h + s) / norm, (s - h) / norm], rtol=1e-12
    )


def test_a_shared_scale_pools_all_data_sets(tmp_path):
    """Eight rewards per value.

    Helpful: 1 3 0 4 and, in the other set, all 2: squares still 10, so the variance is 10/7.
    Harmless: 2 2 0 0 and all 1: 4/7.
    """
    project = make_project(tmp_path / "w", scale="shared")
    mine, other = pairs_of(["a", "b"]), pairs_of(["c", "d"])
    project.save_pairs("helpful", mine, source="x")
    project.save_pairs("harmless", other, source="y")
    project.save_rewards("helpful", rewards_of(mine, **HAND))
    stamp = project.rewards_stamp("helpful")
    with pytest.raises(NotFoundError, match="pairs of harmless have no current rewards"):
        project.gaps("helpful")
    middle = {name: [2.0, 2.0] if "helpful" in name else [1.0, 1.0] for name in HAND}
    project.save_rewards("harmless", rewards_of(other, **middle))
    h, s = 1 / np.sqrt(10 / 7), 2 / np.sqrt(4 / 7)
    np.testing.assert_allclose(project.gaps("helpful"), [[h, s], [-h, s]], rtol=1e-12)
    np.testing.assert_array_equal(project.gaps("harmless"), np.zeros((2, 2)))
    assert project.rewards_stamp("helpful") != stamp


def test_rewards_are_stale_once_pairs_or_models_change(tmp_path, project):
    pairs = pairs_of(["a", "b"])
    project.save_pairs("helpful", pairs, source="x")
    project.save_rewards("helpful", rewards_of(pairs, **HAND))
    stamp = project.rewards_stamp("helpful")
    assert stamp

    spec = RewardSpec(model="org/other")
    changed = project.config.model_copy(update={"rewards": {"helpful": spec}})
    other = Workspace(tmp_path / "w").update_project(changed)
    assert other.rewards("helpful") is None
    Workspace(tmp_path / "w").update_project(project.config)
    assert project.rewards_stamp("helpful") == stamp

    project.save_pairs("helpful", pairs_of(["c", "d"]), source="x")
    assert project.rewards("helpful") is None
    assert project.rewards_stamp("helpful") == ""
    with pytest.raises(NotFoundError, match="vcsoup score"):
        project.consistency("helpful")


def test_two_tabs_change_the_judges_of_two_values(tmp_path, project):
    """Each sees the other's change, and rewards of former judges are stale in both at once."""
    pairs = pairs_of(["a", "b"])
    project.save_pairs("helpful", pairs, source="x")
    project.save_rewards("helpful", rewards_of(pairs, **HAND))
    first, second = (Workspace(tmp_path / "w").project(project.name) for _ in range(2))
    first.set_reward("helpful", RewardSpec(model="org/one"))
    assert first.rewards_stamp("helpful") == ""
    second.set_reward("harmless", RewardSpec(model="org/two"))
    stored = Workspace(tmp_path / "w").project(project.name).config
    assert second.config == stored
    assert {v: spec.model for v, spec in stored.rewards.items()} == {
        "helpful": "org/one",
        "harmless": "org/two",
    }
    for value in stored.rewards:
        second.set_reward(value, project.config.rewards.get(value))
    assert second.rewards_stamp("helpful") == project.rewards_stamp("helpful") != ""
    with pytest.raises(UnknownValueError):
        second.set_reward("other", None)


def test_bad_rewards_are_named_and_harm_nothing(project):
    pairs = pairs_of(["a", "b"])
    project.save_pairs("helpful", pairs, source="x")
    project.save_rewards("helpful", rewards_of(pairs, **HAND))
    stamp = project.rewards_stamp("helpful")
    broken = {**HAND, "harmless_chosen": [2.0, float("nan")]}
    with pytest.raises(GapShapeError, match=r"harmless_chosen in row 2 .* is nan"):
        project.save_rewards("helpful", rewards_of(pairs, **broken))
    with pytest.raises(WorkspaceError, match="other ids or another order"):
        project.save_rewards("helpful", rewards_of(pairs, **HAND).iloc[::-1])
    with pytest.raises(WorkspaceError, match="lack harmless_rejected"):
        project.save_rewards("helpful", rewards_of(pairs, **HAND).drop(columns="harmless_rejected"))
    with pytest.raises(NotFoundError, match="harmless has no pairs yet"):
        project.save_rewards("harmless", rewards_of(pairs, **HAND))
    assert project.rewards_stamp("helpful") == stamp


def test_thresholds(project):
    assert project.thresholds() == {"helpful": 0.0, "harmless": 0.0}
    project.set_threshold("helpful", 0.3)
    project.set_threshold("helpful", 0.5)
    assert project.thresholds() == {"helpful": 0.5, "harmless": 0.0}
    for tau in (1.5, float("nan")):
        with pytest.raises(WorkspaceError, match="-1 to 1"):
            project.set_threshold("helpful", tau)
    with pytest.raises(UnknownValueError):
        project.set_threshold("funny", 0.1)
    assert project.thresholds()["helpful"] == 0.5


def test_held_out_prompts(project):
    assert project.held_out_prompts() == []
    prompts = [[{"role": "user", "content": "Grüße?"}]]
    project.save_held_out_prompts(prompts)
    assert project.held_out_prompts() == prompts
    with pytest.raises(WorkspaceError):
        project.save_held_out_prompts([])
    assert project.held_out_prompts() == prompts


def test_values_of_a_project_cannot_be_exchanged(tmp_path, project):
    other = project_config(name="demo", values=("a", "b"), base="org/base")
    with pytest.raises(WorkspaceError, match="create another project"):
        Workspace(tmp_path / "w").update_project(other)


def test_the_default_workspace(monkeypatch, tmp_path):
    monkeypatch.setenv("VCSOUP_WORKSPACE", str(tmp_path / "mine"))
    assert default_workspace() == tmp_path / "mine"
    monkeypatch.delenv("VCSOUP_WORKSPACE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_workspace() == tmp_path / ".local" / "share" / "vcsoup"


def test_a_folder_that_cannot_be_a_workspace(tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(WorkspaceError, match="cannot be made"):
        Workspace(file)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "workspace.sqlite").write_text("this is no database, " * 100)
    with pytest.raises(WorkspaceError, match="cannot be used as a workspace database"):
        Workspace(broken)
    assert (broken / "workspace.sqlite").read_text().startswith("this is no database")


def test_a_folder_that_is_gone_is_said(tmp_path):
    workspace = Workspace(tmp_path / "w")
    shutil.rmtree(tmp_path / "w")
    config = project_config(name="demo", values=VALUES, base="org/base")
    for deed in (workspace.projects, lambda: workspace.create_project(config)):
        with pytest.raises(
            WorkspaceError, match=r"unable to open database file\); look at the disk"
        ):
            deed()


def test_no_workspace_is_made_in_a_folder_called_as_the_home_of_nobody(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VCSOUP_WORKSPACE", "~no such user/w")
    with pytest.raises(WorkspaceError, match="begins with the home folder of a user whom"):
        Workspace(default_workspace())
    assert not list(tmp_path.iterdir())


def test_a_newer_database_is_left_alone(tmp_path, project):
    path = tmp_path / "w" / "workspace.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(WorkspaceError, match="schema 99"):
        Workspace(tmp_path / "w")
