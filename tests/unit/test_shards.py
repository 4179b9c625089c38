"""Folders of data files: one set of rows, each known by its file and its row in it."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vcsoup.intake import content_hash
from vcsoup.preferences.look import look_at
from vcsoup.preferences.readers import Reading, read_preferences


def row(prompt, chosen="Yes.", rejected="No."):
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}


def lines(*rows):
    return "\n".join(json.dumps(entry) for entry in rows).encode()


@pytest.fixture
def folder(tmp_path):
    """Return five data files of four kinds, two of them packed, and two files about them.

    By hand: 2 + 1 + 2 + 2 + 1 = 8 rows; one is empty, one repeats the first, one is damaged, so
    five pairs are left.
    """
    root = tmp_path / "set"
    (root / "more").mkdir(parents=True)
    (root / ".hidden").mkdir()
    (root / "a.jsonl").write_bytes(lines(row("1"), row("2", chosen="")))
    (root / "b.csv").write_text("prompt,chosen,rejected\n3,Yes.,No.\n")
    (root / "c.jsonl.gz").write_bytes(gzip.compress(lines(row("4"), row("1"))))
    (root / "d.jsonl").write_bytes(b"\n{broken\n" + lines(row("5")))
    pq.write_table(pa.Table.from_pylist([row("6")]), root / "more" / "e.parquet")
    (root / "empty.jsonl").touch()
    (root / "README.md").write_text("# About")
    (root / "LICENSE").write_text("free")
    (root / "dataset_info.json").write_text("{}")
    (root / ".hidden" / "x.jsonl").write_bytes(lines(row("7")))
    return root


def test_rows_of_every_file_are_kept_or_reported_with_their_file(folder):
    result = read_preferences(folder)
    report = result.report
    asked = [prompt[0]["content"] for prompt in result.pairs["prompt"]]
    assert asked == ["1", "3", "4", "5", "6"]
    assert (report.rows, report.kept, len(report.problems)) == (8, 5, 3)
    assert [(p.file, p.row, p.kind) for p in report.problems] == [
        ("a.jsonl", 2, "empty"),
        ("c.jsonl.gz", 2, "duplicate"),
        ("d.jsonl", 2, "unreadable"),
    ]
    assert report.problems[1].reason == "the same pair as row 1 of a.jsonl"
    assert report.summary.startswith("8 rows of 6 files read as TRL explicit, 5 kept, 3 reported")
    assert report.left_out == ("LICENSE", "README.md", "dataset_info.json")


def test_a_look_shows_the_first_file(folder):
    look = look_at(folder)
    assert (look.format, len(look.file.rows)) == ("TRL explicit", 2)


def test_the_hash_is_of_every_file_and_its_name(folder):
    before = content_hash(folder)
    (folder / "README.md").write_text("# More about it")
    assert content_hash(folder) == before
    (folder / "d.jsonl").rename(folder / "f.jsonl")
    renamed = content_hash(folder)
    (folder / "b.csv").write_text("prompt,chosen,rejected\n3,Yes.,Never.\n")
    assert len({before, renamed, content_hash(folder)}) == 3


def test_a_damaged_file_is_named(folder):
    (folder / "more" / "e.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ValueError, match=r"set/more/e\.parquet is a damaged parquet file"):
        read_preferences(folder)


def test_a_folder_without_data_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(ValueError, match=r"a folder without data files; give one with \.json"):
        read_preferences(tmp_path)


def test_answers_to_one_prompt_are_joined_across_files(tmp_path):
    """HelpSteer keeps an answer a row: the second one of a prompt begins the second file."""
    names = ("helpfulness", "correctness", "coherence")
    rated = [{"prompt": "Sky?", "response": f"{n}", **dict.fromkeys(names, n)} for n in (1, 4)]
    for name, entry in zip(("a.jsonl", "b.jsonl"), rated, strict=True):
        (tmp_path / name).write_bytes(lines(entry))
    result = read_preferences(tmp_path, Reading(aspect="helpfulness"))
    assert (result.pairs["chosen"][0], result.report.rows, result.report.kept) == ("4", 2, 1)
