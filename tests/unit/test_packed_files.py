"""Compressed and Arrow files, folders that `datasets` saved, and the look at a beginning."""

import bz2
import gzip
import io
import json
import lzma
import sys
import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.format_samples import ultrafeedback, user
from vcsoup.errors import NotFoundError, PreferenceFormatError
from vcsoup.preferences import look as looking
from vcsoup.preferences.column_map import ColumnMap
from vcsoup.preferences.files import read_rows
from vcsoup.preferences.json_beginning import first_json_rows
from vcsoup.preferences.look import first_rows, look_at
from vcsoup.preferences.readers import Reading, read_preferences

ROWS = [{"prompt": f"q{i}", "chosen": "yes", "rejected": "no", "other": i} for i in range(5)]
LINES = "\n".join(map(json.dumps, ROWS)).encode()


def zstd(content: bytes) -> bytes:
    return pa.Codec("zstd").compress(content, asbytes=True)


PACKINGS = {"gz": gzip.compress, "zst": zstd, "xz": lzma.compress, "bz2": bz2.compress}


@pytest.mark.parametrize("kind", PACKINGS)
def test_every_packing_is_told_by_its_first_bytes(tmp_path, kind):
    (tmp_path / "rows").write_bytes(PACKINGS[kind](LINES))
    result = read_preferences(tmp_path / "rows")
    assert (result.report.rows, result.report.kept) == (5, 5)
    assert look_at(tmp_path / "rows").format == "TRL explicit"


@pytest.mark.parametrize("kind", PACKINGS)
def test_a_damaged_packing_is_refused_in_one_line(tmp_path, kind):
    (tmp_path / "rows").write_bytes(PACKINGS[kind](LINES * 50)[:-30])
    with pytest.raises(PreferenceFormatError, match="damaged") as caught:
        read_preferences(tmp_path / "rows")
    assert "\n" not in str(caught.value)


def test_text_that_begins_like_a_packing_is_text(tmp_path):
    (tmp_path / "rows").write_text("BZh,prompt,chosen,rejected\nx,q,a,b\n")
    assert read_preferences(tmp_path / "rows").report.kept == 1


@pytest.mark.parametrize("kind", ["stream", "file"])
def test_arrow_files_of_both_kinds(tmp_path, kind):
    table = pa.Table.from_pylist(ROWS)
    new = pa.ipc.new_stream if kind == "stream" else pa.ipc.new_file
    with new(str(tmp_path / "rows"), table.schema) as writer:
        writer.write_table(table)
    result = read_preferences(tmp_path / "rows")
    assert (result.report.rows, result.report.kept) == (5, 5)
    assert look_at(tmp_path / "rows").columns == ("prompt", "chosen", "rejected", "other")
    content = (tmp_path / "rows").read_bytes()
    (tmp_path / "rows").write_bytes(content[: len(content) // 3])
    with pytest.raises(PreferenceFormatError, match="damaged Arrow file"):
        read_preferences(tmp_path / "rows")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return a folder that the datasets library wrote: several splits, several files."""
    datasets = pytest.importorskip("datasets")
    folder = tmp_path_factory.mktemp("saved") / "both"
    split = datasets.Dataset.from_list(ROWS)
    datasets.DatasetDict({"train": split, "test": split.select([3, 1])}).save_to_disk(
        folder, num_shards={"train": 2, "test": 1}
    )
    return folder


def test_a_folder_that_datasets_saved(saved):
    train = read_preferences(saved / "train")
    assert [prompt[0]["content"] for prompt in train.pairs["prompt"]] == [f"q{i}" for i in range(5)]
    assert [p.number for p in look_at(saved / "train").file.rows] == [1, 2, 3]
    test = read_preferences(saved / "test")
    assert [prompt[0]["content"] for prompt in test.pairs["prompt"]] == ["q3", "q1"]


def test_a_folder_of_several_splits_names_them(saved):
    with pytest.raises(PreferenceFormatError, match=r"several splits \(test, train\)"):
        read_preferences(saved)


def test_a_saved_folder_reads_no_file_outside_of_it(tmp_path):
    (tmp_path / "secret.arrow").write_bytes(b"x")
    folder = tmp_path / "saved"
    folder.mkdir()
    state = {"_data_files": [{"filename": "../secret.arrow"}]}
    (folder / "state.json").write_text(json.dumps(state))
    with pytest.raises(PreferenceFormatError, match=r"lacks secret\.arrow"):
        read_preferences(folder)
    (folder / "state.json").write_text("{}")
    with pytest.raises(PreferenceFormatError, match="damaged state"):
        read_preferences(folder)


def test_a_look_names_format_aspects_and_first_rows(tmp_path):
    row = ultrafeedback(([{"role": "user", "content": "Sky?"}], "Blue.", "Green."), False)[0]
    pq.write_table(pa.Table.from_pylist([row] * 2), tmp_path / "rows")
    look = look_at(tmp_path / "rows")
    assert (look.format, look.settled) == ("UltraFeedback", False)
    assert look.aspects[1:] == ("honesty", "truthfulness", "helpfulness", "overall_score")
    first = first_rows(look, Reading(aspect="honesty"))
    assert [(row.row, row.pair["chosen"]) for row in first] == [(1, "Blue."), (2, "Blue.")]


def test_a_look_at_a_large_file_reads_its_beginning(tmp_path, monkeypatch):
    monkeypatch.setattr(looking, "LOOKED_AT_BYTES", 200)
    for content in (LINES, json.dumps(ROWS).encode(), gzip.compress(LINES)):
        (tmp_path / "rows").write_bytes(content)
        look = look_at(tmp_path / "rows")
        assert look.format == "TRL explicit"
        assert 1 <= len(look.file.rows) < 5


def test_a_look_at_an_unknown_table_previews_named_columns(tmp_path):
    rows = [{"q": "Sky?", "a": "Blue.", "b": "Green."}, {"q": "Sea?", "a": "", "b": "Dry."}]
    (tmp_path / "rows").write_text("\n".join(map(json.dumps, rows)))
    look = look_at(tmp_path / "rows")
    assert (look.format, look.columns, look.settled) == ("", ("q", "a", "b"), False)
    assert first_rows(look, Reading()) == []
    columns = ColumnMap(prompt="q", chosen="a", rejected="b")
    first = first_rows(look, Reading(columns=columns))
    assert first[0].pair["chosen"] == "Blue."
    assert (first[1].pair, first[1].problem) == (None, "chosen: no text")


def test_a_look_at_nothing_is_refused(tmp_path):
    with pytest.raises(NotFoundError, match="does not exist"):
        look_at(tmp_path / "nothing")
    (tmp_path / "rows").write_bytes(b" ")
    with pytest.raises(PreferenceFormatError, match="is empty"):
        look_at(tmp_path / "rows")
    with pytest.raises(PreferenceFormatError, match="is a folder"):
        look_at(tmp_path)


@pytest.mark.parametrize("prompts", [["Sky?", "Sea?"], [[user("Sky?")], [user("Sea?")]]])
def test_a_place_outside_an_arrow_file_is_refused_and_ends_nothing(tmp_path, prompts):
    """The second answer's end is moved far behind the file; reading it would end the process."""
    sides = {"chosen": ["Blue, or so.", "Wet."], "rejected": ["Green.", "Dry."]}
    table = pa.table({"prompt": prompts, **sides})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    ends = np.array([0, 12, 16], dtype="<i4").tobytes()
    assert sink.getvalue().count(ends) == 1
    far = np.array([0, 12, 2**31 - 16], dtype="<i4").tobytes()
    (tmp_path / "rows").write_bytes(sink.getvalue().replace(ends, far))
    for reader in (read_preferences, look_at):
        with pytest.raises(ValueError, match="rows is a damaged Arrow file"):
            reader(tmp_path / "rows")


def test_cells_that_arrow_keeps_as_json_are_read_as_what_they_hold(tmp_path):
    """A column of mixed types as `datasets` saves it: the third row holds a number."""
    texts = ['"Blue."', '[{"role": "assistant", "content": "Wet."}]', "3"]
    columns = {"prompt": ["Sky?", "Sea?", "Sun?"], "rejected": ["Green.", "Dry.", "Cold."]}
    table = pa.table({**columns, "chosen": pa.array(texts, pa.json_())})
    with pa.ipc.new_stream(str(tmp_path / "arrow"), table.schema) as writer:
        writer.write_table(table)
    pq.write_table(table, tmp_path / "parquet")
    for kind in ("arrow", "parquet"):
        result = read_preferences(tmp_path / kind)
        assert result.pairs["chosen"].tolist() == ["Blue.", "Wet."]
        assert [problem.row for problem in result.report.problems] == [3]


def large_json(kind: str, rows: int) -> bytes:
    """The rows as one JSON value: a list, an object around it, tables by columns."""
    made = [{"prompt": str(i), "chosen": "y" * 2_000, "rejected": "n" * 2_000} for i in range(rows)]
    columns = {name: [row[name] for row in made] for name in made[0]}
    by_row = {name: dict(enumerate(cells)) for name, cells in columns.items()}
    whole = {"list": made, "around": {"data": made}, "columns": columns, "pandas": by_row}
    return gzip.compress(json.dumps(whole[kind], indent=1).encode())


@pytest.mark.parametrize("kind", ["list", "around", "columns", "pandas"])
def test_a_look_at_one_large_json_value_stays_small(tmp_path, kind):
    """40 MB of rows; two columns of 200 cells and a few pieces of the text come to less than 20."""
    (tmp_path / "rows").write_bytes(large_json(kind, 10_000))
    tracemalloc.start()
    look = look_at(tmp_path / "rows")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (look.format, len(look.file.rows)) == ("TRL explicit", 200)
    assert look.file.rows[:1] == read_rows(tmp_path / "rows").rows[:1]
    assert peak < 20e6


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('{"data": [{"a": 1}, {"a": 2}]}', [{"a": 1}, {"a": 2}]),
        ('[{"a": 1}, {"a": 2}, oops', [{"a": 1}, {"a": 2}]),
        ('[{"a": 1}, 12', [{"a": 1}, {}]),
        ('{"a": {"7": 1, "3": 2}, "b": {"3": 4, "7": 3}}', [{"a": 1, "b": 3}, {"a": 2, "b": 4}]),
        ('{"a": [[1], [2]], "b": ["x", "y"]}', [{"a": [1], "b": "x"}, {"a": [2], "b": "y"}]),
        ('{"turns": [{"a": 1}], "chosen": "b"}', []),  # one row
        ('{"turns": [{"a": 1}]}\n{"turns": []}', []),  # several
        ('{"prompt": "a", "chosen": "b"}', []),
        ('{"a": {"0": {"b": 1}}}', []),
        ('{"a": ["x"], "b": ["y"', []),
        (json.dumps({str(i): ["x"] for i in range(20_000)}), []),  # no table of pairs
        ("{1: 2}", []),
        ("[" * 100_000, []),
        ("{}", []),
        ("", []),
    ],
)
def test_first_rows_of_one_json_value_in_pieces_of_any_length(text, rows):
    for length in (1, 7, len(text) + 1):
        pieces = (text[at : at + length] for at in range(0, len(text), length))
        found = first_json_rows(pieces, most=200, size=1_000)
        assert [row.cells for row in found] == rows
        assert [row.number for row in found] == list(range(1, len(rows) + 1))


@pytest.mark.parametrize(
    "filling",
    ['"x",' + " " * 100_000 + '"y"', ",".join(["1.5"] * 25_000), ",".join(['"a\\"]"'] * 20_000)],
    ids=["white space", "numbers", "texts"],
)
def test_what_is_not_kept_of_one_json_value_is_gone_past_at_once(filling):
    """Packed, megabytes of it are a small file: no line of the reader runs for each piece of it."""
    text = f'{{"a": ["x", {filling}], "b": ["z", {filling}]}}'
    lines = 0

    def count(frame, event, arg):
        nonlocal lines
        lines += event == "line"
        return count

    former = sys.gettrace()
    sys.settrace(count)
    try:
        rows = first_json_rows(iter([text[:70_000], text[70_000:]]), most=1, size=99)
    finally:
        sys.settrace(former)
    assert [row.cells for row in rows] == [{"a": "x", "b": "z"}]
    assert lines < 2_000


@pytest.mark.parametrize("by_row", [False, True])
def test_cells_that_are_not_kept_are_gone_past_exactly(by_row):
    cells = ["x", 1, "y", 'a"],}\\', "", None, True, [1, ["]"], "b"], [], -1.5e-7, "ä\n{", "\\"]
    whole = {name: dict(enumerate(cells)) if by_row else cells for name in "ab"}
    for ascii_only, indent in ((True, None), (False, 2)):
        text = json.dumps(whole, ensure_ascii=ascii_only, indent=indent)
        for length in (1, 2, 3, 7, len(text)):
            pieces = (text[at : at + length] for at in range(0, len(text), length))
            rows = first_json_rows(pieces, most=2, size=1_000)
            assert [row.cells for row in rows] == [{"a": "x", "b": "x"}, {"a": 1, "b": 1}]
