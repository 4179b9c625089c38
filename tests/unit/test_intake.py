"""A file on its way in: where it may lie, what is known about it, that it stays what it was."""

import io
import json

import pyarrow as pa
import pytest

from vcsoup.intake import allowed_file, data_root, preview_file
from vcsoup.workspace import Workspace
from vcsoup.workspace.incoming import Incoming


def file_of(tmp_path, rows):
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def rows(n):
    return [{"prompt": f"q{i}", "chosen": "yes", "rejected": "no"} for i in range(n)]


@pytest.mark.parametrize(
    "typed",
    ["/etc/hosts", "../outside.jsonl", "link.jsonl", "\0", "~root/x", "~nobody-of-that-name/x"],
)
def test_files_outside_the_allowed_root_are_refused(tmp_path, typed):
    root = (tmp_path / "root").resolve()
    root.mkdir()
    (tmp_path / "outside.jsonl").write_text("{}")
    (root / "link.jsonl").symlink_to(tmp_path / "outside.jsonl")
    with pytest.raises(ValueError, match=r"only below|no path"):
        allowed_file(typed, root)


def test_a_file_below_the_root_is_found_through_a_link_inside(tmp_path):
    (tmp_path / "a.jsonl").write_text("{}")
    (tmp_path / "b.jsonl").symlink_to(tmp_path / "a.jsonl")
    assert allowed_file("b.jsonl", tmp_path.resolve()) == (tmp_path / "a.jsonl").resolve()
    with pytest.raises(FileNotFoundError, match="does not exist"):
        allowed_file("c.jsonl", tmp_path.resolve())


def test_a_folder_of_data_files_is_allowed_unless_a_link_leads_out(tmp_path):
    root = (tmp_path / "root").resolve()
    (root / "shards").mkdir(parents=True)
    with pytest.raises(ValueError, match="a folder without data files"):
        allowed_file("shards", root)
    file_of(root / "shards", rows(2))
    assert allowed_file("shards", root) == root / "shards"
    (root / "shards" / "more.jsonl").symlink_to(file_of(tmp_path, rows(1)))
    with pytest.raises(ValueError, match="a link that leads out"):
        allowed_file("shards", root)


def test_another_content_than_the_one_looked_at_is_not_stored(tmp_path):
    path = file_of(tmp_path, rows(2))
    seen = preview_file("helpful", path)
    file_of(tmp_path, rows(3))
    with pytest.raises(ValueError, match="look it through again"):
        preview_file("helpful", path, sha256=seen.sha256)


def test_a_saved_folder_is_allowed_and_bound_to_its_content(tmp_path):
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "d.arrow"}]}))
    table = pa.Table.from_pylist(rows(3))
    with pa.ipc.new_stream(str(folder / "d.arrow"), table.schema) as writer:
        writer.write_table(table)
    assert allowed_file("saved", tmp_path.resolve()) == folder.resolve()
    seen = preview_file("helpful", folder)
    assert (len(seen.sha256), len(seen.pairs)) == (64, 3)
    with pa.ipc.new_stream(str(folder / "d.arrow"), table.schema) as writer:
        writer.write_table(table.slice(1))
    with pytest.raises(ValueError, match="look it through again"):
        preview_file("helpful", folder, sha256=seen.sha256)


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "w")


def test_a_lost_upload_is_forgotten(workspace):
    files = workspace.incoming
    files.put(Incoming("raw", "helpful", "x", str(workspace.root / "gone"), True, "job"))
    assert files.find("raw", "helpful") is None


def test_an_upload_goes_when_it_is_dropped_or_another_takes_its_place(workspace):
    files = workspace.incoming
    first, second = (files.receive(io.BytesIO(text)) for text in (b"one", b"two"))
    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")
    files.put(Incoming("raw", "helpful", "x", str(first), True, "job-1"))
    files.put(Incoming("raw", "helpful", "x", str(second), True, "job-2"))
    assert not first.exists()
    found = files.find("raw", "helpful")
    assert (found.job, found.store_job) == ("job-2", "")
    files.storing(found, "job-3")
    assert files.find("raw", "helpful").store_job == "job-3"
    files.put(Incoming("raw", "helpful", "x", str(second), True, "job-2", options=("--aspect=a",)))
    assert files.find("raw", "helpful").options == ("--aspect=a",)
    files.drop(found)
    assert files.find("raw", "helpful") is None
    assert not second.exists()


def test_a_named_file_is_never_removed(workspace, tmp_path):
    mine = file_of(tmp_path, rows(1))
    workspace.incoming.put(Incoming("raw", "helpful", "x", str(mine), False, "job"))
    workspace.incoming.drop(workspace.incoming.find("raw", "helpful"))
    assert mine.exists()


def test_the_allowed_root_is_the_home_folder_unless_said_otherwise(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("VCSOUP_DATA_ROOT", raising=False)
    assert data_root() == tmp_path.resolve()
    monkeypatch.setenv("VCSOUP_DATA_ROOT", str(tmp_path / "data"))
    assert data_root() == (tmp_path / "data").resolve()


@pytest.mark.parametrize("name", ["~draft of mine.jsonl", "\N{DESERT ISLAND}" * 200])
def test_an_upload_may_have_a_name_that_can_be_no_path_here(tmp_path, name):
    """The home of a user whom nobody knows; and 800 bytes, which other systems may give a file."""
    read = preview_file("helpful", file_of(tmp_path, rows(2)), source=name)
    assert (read.report.kept, read.path) == (2, "")
