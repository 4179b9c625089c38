"""Filters of a project, in force and by name; and a workspace of the first version, upgraded."""

import json
import sqlite3

import pytest

from tests.unit.test_workspace import HAND, make_project, pairs_of, rewards_of
from vcsoup.errors import FilterError, NotFoundError, UnknownValueError, WorkspaceError
from vcsoup.filtering import PairFilter
from vcsoup.workspace import Project, Workspace

STRICT = PairFilter(threshold=0.5, min_norm=0.25, flip=True)


@pytest.fixture
def project(tmp_path) -> Project:
    made = make_project(tmp_path / "w")
    for value, texts in (("helpful", ["a", "b"]), ("harmless", ["c", "d"])):
        pairs = pairs_of(texts)
        made.save_pairs(value, pairs, source="x")
        made.save_rewards(value, rewards_of(pairs, **HAND))
    return made


def test_a_filter_is_stored_whole_and_a_threshold_keeps_the_rest(project):
    assert project.filters() == dict.fromkeys(project.values, PairFilter(threshold=0.0))
    project.set_filter("helpful", STRICT)
    project.set_threshold("helpful", 0.75)
    assert project.filters()["helpful"] == PairFilter(threshold=0.75, min_norm=0.25, flip=True)
    assert project.thresholds() == {"helpful": 0.75, "harmless": 0.0}
    with pytest.raises(FilterError, match=r"label flips need a threshold above 0, got -0\.1"):
        project.set_threshold("helpful", -0.1)
    with pytest.raises(UnknownValueError):
        project.set_filter("funny", STRICT)


def test_no_threshold_reads_as_the_one_that_keeps_everything(project):
    project.set_filter("helpful", PairFilter(min_norm=1.0))
    assert project.thresholds()["helpful"] == -1.0
    assert project.filters()["helpful"].threshold is None


def test_a_named_filter_remembers_what_it_kept(project):
    """The gaps [.548, 1.732] and [-.548, 1.732] have consistency .89 and .46 (test_workspace)."""
    note = "for the talk; <b>"
    saved = project.save_named_filter(" תקציר ", {"helpful": STRICT}, scale="dataset", note=note)
    assert (saved.name, saved.counts, saved.note) == ("תקציר", {"helpful": (1, 2)}, note)
    assert saved.stamps == {"helpful": project.rewards_stamp("helpful")}
    assert project.named_filters() == [saved]
    assert not project.is_stale(saved)
    pairs = pairs_of(["e", "f"])
    project.save_pairs("helpful", pairs, source="x")
    assert project.is_stale(saved)
    project.save_rewards("helpful", rewards_of(pairs, **HAND))
    assert project.is_stale(saved)


def test_named_filters_are_listed_newest_first_and_replaced_by_name(project):
    for name in ("one", "two"):
        project.save_named_filter(name, {"helpful": PairFilter()}, scale="dataset")
    project.save_named_filter("one", {"helpful": STRICT}, scale="dataset")
    found = project.named_filters()
    assert [named.name for named in found] == ["one", "two"]
    assert found[0].filters == {"helpful": STRICT}
    project.delete_named_filter("one")
    assert [named.name for named in project.named_filters()] == ["two"]
    with pytest.raises(NotFoundError, match=r"no filter 'one' \(saved: two\)"):
        project.delete_named_filter("one")


def test_a_deleted_filter_comes_back_as_it_was(project):
    saved = project.save_named_filter("n", {"helpful": STRICT}, scale="dataset", note="x")
    project.delete_named_filter("n")
    project.save_pairs("helpful", pairs_of(["new"]), source="x")
    project.restore_named_filter(saved)
    assert project.named_filters() == [saved]


def test_applying_a_named_filter_sets_its_values_and_its_scale(tmp_path, project):
    project.set_threshold("harmless", 0.9)
    project.save_named_filter("n", {"helpful": STRICT}, scale="shared")
    project.apply_named_filter("n")
    again = Workspace(tmp_path / "w").project("demo")
    for seen in (project, again):
        assert seen.filters() == {"helpful": STRICT, "harmless": PairFilter(threshold=0.9)}
        assert seen.config.scale == "shared"


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 61])
def test_bad_filter_names(project, name):
    with pytest.raises(WorkspaceError, match="filter"):
        project.save_named_filter(name, {"helpful": STRICT}, scale="dataset")
    assert project.named_filters() == []


def test_a_filter_without_a_name_is_asked_for_one(project):
    with pytest.raises(WorkspaceError, match=r"^give the filter a name"):
        project.save_named_filter("", {"helpful": STRICT}, scale="dataset")


def test_a_filter_is_named_over_scored_values_only(project):
    project.save_pairs("helpful", pairs_of(["new"]), source="x")
    with pytest.raises(NotFoundError, match="vcsoup score"):
        project.save_named_filter("n", {"helpful": STRICT}, scale="dataset")
    with pytest.raises(UnknownValueError):
        project.save_named_filter("n", {"funny": STRICT}, scale="dataset")


def test_scale_of_one_look_leaves_the_projects(project):
    own, shared = project.gaps("helpful"), project.gaps("helpful", scale="shared")
    assert (own[:, 0] < shared[:, 0]).tolist() != [True, True]
    assert project.rewards_stamp("helpful") != project.rewards_stamp("helpful", scale="shared")
    project.set_scale("shared")
    assert (project.gaps("helpful") == shared).all()
    assert (project.gaps("helpful", scale="dataset") == own).all()


FIRST_VERSION = """
CREATE TABLE projects (name VARCHAR NOT NULL, config TEXT NOT NULL, created TEXT NOT NULL,
    PRIMARY KEY (name));
CREATE TABLE datasets (project VARCHAR NOT NULL, value VARCHAR NOT NULL, n INTEGER NOT NULL,
    hash TEXT NOT NULL, source TEXT NOT NULL, report TEXT NOT NULL, created TEXT NOT NULL,
    PRIMARY KEY (project, value));
CREATE TABLE rewards (project VARCHAR NOT NULL, value VARCHAR NOT NULL, hash TEXT NOT NULL,
    pairs_hash TEXT NOT NULL, specs_hash TEXT NOT NULL, created TEXT NOT NULL,
    PRIMARY KEY (project, value));
CREATE TABLE thresholds (project VARCHAR NOT NULL, value VARCHAR NOT NULL,
    threshold FLOAT NOT NULL, PRIMARY KEY (project, value));
CREATE TABLE points (project VARCHAR NOT NULL, set_key VARCHAR NOT NULL,
    weights_key VARCHAR NOT NULL, seed INTEGER NOT NULL, n_prompts INTEGER NOT NULL,
    created TEXT NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (project, set_key, weights_key, seed));
CREATE TABLE adapter_names (project VARCHAR NOT NULL, name VARCHAR NOT NULL,
    PRIMARY KEY (project, name));
PRAGMA user_version=1;
"""


def test_a_workspace_of_the_first_version_keeps_everything(tmp_path, project):
    """The same files under a database as version 1 wrote it, without lengths beside the pairs."""
    config, info = project.config, project.datasets()["helpful"]
    with sqlite3.connect(tmp_path / "w" / "workspace.sqlite") as now:
        rewards = now.execute("SELECT * FROM rewards WHERE value = 'helpful'").fetchone()
    now.close()
    for path in (tmp_path / "w").glob("workspace.sqlite*"):
        path.unlink()
    for path in (project.root / "pairs").rglob("*.npy"):
        path.unlink()
    with sqlite3.connect(tmp_path / "w" / "workspace.sqlite") as old:
        old.executescript(FIRST_VERSION)
        created = info.created
        old.execute(
            "INSERT INTO projects VALUES (?, ?, ?)", ("demo", config.model_dump_json(), created)
        )
        row = ("demo", "helpful", info.n, info.hash, info.source, json.dumps({}), created)
        old.execute("INSERT INTO datasets VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        old.execute("INSERT INTO rewards VALUES (?, ?, ?, ?, ?, ?)", rewards)
        old.execute("INSERT INTO thresholds VALUES ('demo', 'helpful', 0.123456789012345)")
    old.close()

    found = Workspace(tmp_path / "w").project("demo")
    assert found.thresholds() == {"helpful": 0.123456789012345, "harmless": 0.0}
    assert found.filters()["helpful"] == PairFilter(threshold=0.123456789012345)
    assert found.datasets()["helpful"] == info
    assert found.rewards_stamp("helpful") == rewards[2]
    assert found.lengths("helpful").tolist() == [[8, 6, 5]] * 2
    assert found.pair_rows("helpful", [1])["chosen"].tolist() == ["good b"]
    found.set_filter("helpful", STRICT)
    found.restore_dataset(found.remove_dataset("helpful"))
    assert Workspace(tmp_path / "w").project("demo").filters()["helpful"] == STRICT
