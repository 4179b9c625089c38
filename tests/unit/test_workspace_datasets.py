"""Data sets of a project: rows, lengths, titles, the bin, pairs set aside."""

import numpy as np
import pandas as pd
import pytest

from tests.unit.test_workspace import HAND, make_project, pairs_of, rewards_of
from vcsoup.errors import NotFoundError, UnknownValueError, WorkspaceError
from vcsoup.preferences.pairs import as_arrow, make_pairs
from vcsoup.workspace import Project, Workspace


@pytest.fixture
def project(tmp_path) -> Project:
    return make_project(tmp_path / "w")


def many(n: int) -> pd.DataFrame:
    return pairs_of([f"thing {i}" for i in range(n)])


@pytest.mark.parametrize(
    "asked", [[999, 0, 128, 127, 511, 512, 0, 700], [999, 300, 301], [512], list(range(1000))]
)
def test_rows_come_back_in_the_order_asked(project, asked):
    """1,000 pairs lie in eight row groups of 128; rows at borders, and with groups between."""
    pairs = many(1000)
    project.save_pairs("helpful", pairs, source="x")
    expected = pairs.iloc[asked].reset_index(drop=True)
    pd.testing.assert_frame_equal(project.pair_rows("helpful", asked), expected)
    pd.testing.assert_frame_equal(project.pair_rows("helpful", np.array(asked)), expected)


def test_no_rows_are_an_empty_table(project):
    project.save_pairs("helpful", many(3), source="x")
    none = project.pair_rows("helpful", [])
    assert (len(none), list(none)) == (0, ["id", "prompt", "chosen", "rejected"])


@pytest.mark.parametrize("rows", [[-1], [3], [0, 3]])
def test_rows_beyond_the_data_are_refused(project, rows):
    project.save_pairs("helpful", pairs_of(["a", "b", "c"]), source="x")
    with pytest.raises(NotFoundError, match="there are 3 pairs; count from 0"):
        project.pair_rows("helpful", rows)
    with pytest.raises(NotFoundError, match="harmless has no pairs yet"):
        project.pair_rows("harmless", [0])


def test_a_pair_is_found_by_its_id(project):
    pairs = many(300)
    project.save_pairs("helpful", pairs, source="x")
    assert project.row_of("helpful", pairs["id"][277]) == 277
    assert project.row_of("helpful", "0" * 16) is None


def test_lengths_count_characters_of_all_turns(project):
    """Prompt turns of 2 + 3 characters; an emoji is one; the second prompt is a string of 2."""
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Grü"}]
    pairs = make_pairs([turns, "Yo"], ["four", "a\x00b"], ["\N{HOT BEVERAGE}!", ""])
    project.save_pairs("helpful", pairs, source="x")
    expected = [[5, 4, 2], [2, 3, 0]]
    assert project.lengths("helpful").tolist() == expected
    assert project.lengths("helpful").dtype == np.int32


def test_lengths_of_older_data_are_measured_once(project):
    project.save_pairs("helpful", many(600), source="x")
    expected = project.lengths("helpful")
    stored = next((project.root / "pairs" / "helpful").glob("*.lengths.npy"))
    stored.unlink()
    assert (project.lengths("helpful") == expected).all()
    assert stored.is_file()


def test_a_table_in_parts_is_the_same_as_a_whole_one(project):
    pairs = many(700)
    whole = project.save_pairs("helpful", pairs, source="x")
    parts = [pairs.iloc[:300], as_arrow(pairs.iloc[300:])]
    apart = project.save_pairs("harmless", parts, source="x")
    assert (apart.hash, apart.n) == (whole.hash, 700)
    pd.testing.assert_frame_equal(project.pairs("harmless"), pairs)
    assert (project.lengths("harmless") == project.lengths("helpful")).all()
    with pytest.raises(WorkspaceError, match=f"hold id {pairs['id'][5]} twice"):
        project.save_pairs("harmless", [pairs, pairs.iloc[5:6]], source="x")
    assert project.datasets()["harmless"] == apart


def test_rewards_in_parts_are_the_same_as_a_whole_table(project):
    import pyarrow as pa

    pairs = pairs_of(["a", "b"])
    project.save_pairs("helpful", pairs, source="x")
    table = rewards_of(pairs, **HAND).astype(dict.fromkeys(HAND, np.float32))
    project.save_rewards("helpful", table)
    stamp, gaps = project.rewards_stamp("helpful"), project.gaps("helpful")
    project.save_rewards("helpful", [pa.Table.from_pandas(table.iloc[[i]]) for i in (0, 1)])
    np.testing.assert_array_equal(project.gaps("helpful"), gaps)
    assert project.rewards_stamp("helpful")
    assert len(stamp) == 16


def test_titles(project):
    project.save_pairs("helpful", pairs_of(["a"]), source="file.jsonl")
    assert project.datasets()["helpful"].title == "file.jsonl"
    project.rename_dataset("helpful", " <b>Ours</b> & עברית ")
    assert project.datasets()["helpful"].title == "<b>Ours</b> & עברית"
    for bad in ("", "  ", "a\nb", "x" * 61, "nul\x00"):
        with pytest.raises(WorkspaceError, match="1 to 60 characters"):
            project.rename_dataset("helpful", bad)
    with pytest.raises(NotFoundError):
        project.rename_dataset("harmless", "x")


def test_a_removed_data_set_comes_back_with_its_rewards(project):
    pairs = pairs_of(["a", "b"])
    project.save_pairs("helpful", pairs, source="x", title="Mine")
    project.save_rewards("helpful", rewards_of(pairs, **HAND))
    info, stamp = project.datasets()["helpful"], project.rewards_stamp("helpful")
    token = project.remove_dataset("helpful")
    assert project.datasets() == {}
    assert project.rewards_stamp("helpful") == ""
    [entry] = project.removed_datasets()
    assert (entry.token, entry.dataset) == (token, info)
    with pytest.raises(NotFoundError, match="no pairs yet"):
        project.pairs("helpful")
    assert project.restore_dataset(token) == "helpful"
    assert project.datasets()["helpful"] == info
    assert project.rewards_stamp("helpful") == stamp
    pd.testing.assert_frame_equal(project.pairs("helpful"), pairs)
    assert project.removed_datasets() == []
    with pytest.raises(NotFoundError, match=f"no entry {token}"):
        project.restore_dataset(token)


def test_what_replaces_a_data_set_can_be_undone_and_done_again(project):
    old, new = pairs_of(["a", "b"]), pairs_of(["c"])
    project.save_pairs("helpful", old, source="old")
    project.save_rewards("helpful", rewards_of(old, **HAND))
    gaps = project.gaps("helpful")
    project.save_pairs("helpful", new, source="new")
    [entry] = project.removed_datasets()
    project.restore_dataset(entry.token)
    np.testing.assert_array_equal(project.gaps("helpful"), gaps)
    [other] = project.removed_datasets()
    assert (other.dataset.source, other.token != entry.token) == ("new", True)
    project.restore_dataset(other.token)
    assert project.pairs("helpful")["chosen"].tolist() == ["good c"]


def test_the_bin_keeps_the_last_five_of_each_value(project):
    project.save_pairs("harmless", pairs_of(["z"]), source="harmless")
    project.remove_dataset("harmless")
    for text in "abcdefgh":
        project.save_pairs("helpful", pairs_of([text]), source=text)
    kept = [entry.dataset.source for entry in project.removed_datasets()]
    assert kept == ["g", "f", "e", "d", "c", "harmless"]
    for entry in project.removed_datasets():
        project.restore_dataset(entry.token)
        assert project.pairs(entry.dataset.value)["chosen"][0]


def test_storing_the_same_pairs_again_leaves_the_bin_alone(project):
    for source in ("first", "second"):
        project.save_pairs("helpful", pairs_of(["a"]), source=source)
    assert project.removed_datasets() == []
    assert project.datasets()["helpful"].source == "second"


def test_removing_needs_something_to_remove(project):
    with pytest.raises(NotFoundError, match="harmless has no pairs yet"):
        project.remove_dataset("harmless")
    with pytest.raises(UnknownValueError):
        project.remove_dataset("funny")


def test_pairs_set_aside_are_stored_counted_and_listed(tmp_path, project):
    pairs = pairs_of(["a", "b", "c"])
    report = {"rows": 4, "kept": 3, "counts": {"empty": 1}, "problems": [problem(4, "empty")]}
    project.save_pairs("helpful", pairs, source="x", report=report, title="T")
    aside = pairs.iloc[[1]].assign(row=[2], column=["harmless"], reason=["reward is inf"])
    rest = pairs.iloc[[0, 2]].reset_index(drop=True)
    info = project.save_usable("helpful", rest, aside)
    assert (info.n, info.title, info.report["kept"]) == (2, "T", 2)
    assert info.report["counts"] == {"empty": 1, "reward": 1}
    assert info.report["problems"][1] == {
        **problem(2, "reward"),
        "column": "harmless",
        "reason": "reward is inf",
    }
    found = Workspace(tmp_path / "w").project("demo").set_aside("helpful")
    assert found["prompt"].tolist() == pairs["prompt"].iloc[[1]].tolist()
    assert found[["chosen", "column", "reason"]].values.tolist() == [
        ["good b", "harmless", "reward is inf"]
    ]
    project.save_rewards("helpful", rewards_of(rest, **HAND))
    assert project.gaps("helpful").shape == (2, 2)
    assert project.removed_datasets() == []


def test_set_aside_pairs_belong_to_their_data_set(project):
    """The same usable pairs, stored anew without any set aside, list none."""
    pairs = pairs_of(["a", "b"])
    aside = pairs.iloc[[1]].assign(row=[2], column=["harmless"], reason=["reward is nan"])
    project.save_pairs("helpful", pairs, source="x")
    first = project.save_usable("helpful", pairs.iloc[[0]], aside)
    second = project.save_pairs("helpful", pairs.iloc[[0]], source="x")
    assert first.hash != second.hash
    assert project.set_aside("helpful").empty
    project.restore_dataset(project.removed_datasets()[0].token)
    assert project.set_aside("helpful")["chosen"].tolist() == ["good b"]


def problem(row: int, kind: str) -> dict[str, object]:
    return {"row": row, "column": "chosen", "kind": kind, "reason": "no text"}
