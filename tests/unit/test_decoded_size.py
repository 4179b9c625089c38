"""Files of a few kilobytes that stand for gigabytes: counted before they are unpacked."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.format_samples import user
from vcsoup.errors import PreferenceFormatError
from vcsoup.preferences.decoded_size import table_bytes
from vcsoup.preferences.look import LOOKED_AT_SIZE, look_at
from vcsoup.preferences.readers import read_preferences

TEXTS = ["Sky?", None, "Sea?", "Sky?"]


@pytest.mark.parametrize(
    ("cells", "inside"),
    [
        (pa.array(TEXTS), 12),
        (pa.array(TEXTS, pa.large_string()), 12),
        (pa.array(TEXTS, pa.string_view()), 12),
        (pa.array(TEXTS).dictionary_encode(), 12),
        (pc.run_end_encode(pa.array(TEXTS)), 12),
        (pa.array([*TEXTS[:3], '"a"'], pa.json_()), 11),
        (pa.array([1, None, 3, 4]), 0),
        (pa.nulls(4), 0),
        (pa.array([["Sky?", "x"], [], None, ["y"]]), 3 * 64 + 6),
        (pa.ListViewArray.from_arrays([0] * 4, [2] * 4, pa.array(["ab", "c"])), 4 * (2 * 64 + 3)),
        (pa.array([[("key", "ab")]] * 4, pa.map_("string", "string")), 4 * (3 * 64 + 5)),
        (pa.DictionaryArray.from_arrays(pa.array([0] * 4), pa.array([["ab"]])), 4 * (64 + 2)),
    ],
    ids=lambda cells: str(cells.type)[:30] if isinstance(cells, pa.Array) else "",
)
def test_cells_count_for_what_they_are_in_memory(cells, inside):
    """Four rows and their four cells are 64 bytes each; every cell inside one is 64 more."""
    assert table_bytes(pa.table({"chosen": cells})) == 4 * 64 + 4 * 64 + inside


def test_messages_count_role_and_content():
    """List 64, its struct 64, two fields of 64, "user" 4, "Sky?" 4; and the row's own 64."""
    table = pa.table({"prompt": [[user("Sky?")]]})
    assert table_bytes(table) == 64 + 64 + 64 + 2 * 64 + 4 + 4


def swollen(rows: int, letters: int) -> pa.Table:
    same = pa.DictionaryArray.from_arrays(pa.array([0] * rows), pa.array(["c" * letters]))
    return pa.table(
        {"prompt": [f"q{i}" for i in range(rows)], "chosen": same, "rejected": ["no"] * rows}
    )


@pytest.mark.parametrize("kind", ["parquet", "stream", "file"])
def test_a_small_file_that_stands_for_gigabytes_is_refused_before_it_is_unpacked(tmp_path, kind):
    """300 times four million letters is 1.2 GB, of which the file holds them once."""
    table = swollen(300, 4_000_000)
    if kind == "parquet":
        pq.write_table(table, tmp_path / "rows", compression="zstd")
        assert (tmp_path / "rows").stat().st_size < 20_000
    else:
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        new = pa.ipc.new_stream if kind == "stream" else pa.ipc.new_file
        with new(str(tmp_path / "rows"), table.schema, options=options) as writer:
            writer.write_table(table)
    with pytest.raises(PreferenceFormatError, match=r"rows unpack to more than 1 GiB; split it"):
        read_preferences(tmp_path / "rows")
    rows = look_at(tmp_path / "rows").file.rows
    assert 1 <= len(rows) <= LOOKED_AT_SIZE / 4_000_000


def test_rows_of_nothing_count_too(tmp_path):
    """Seven million rows without a text are some kilobytes of parquet and gigabytes of rows."""
    rows = 1_000_000
    table = pa.table({name: pa.nulls(rows, "string") for name in ("prompt", "chosen", "rejected")})
    with pq.ParquetWriter(tmp_path / "rows", table.schema) as writer:
        for _ in range(7):
            writer.write_table(table)
    with pytest.raises(PreferenceFormatError, match="more than 1 GiB"):
        read_preferences(tmp_path / "rows")


def test_repeats_of_a_plausible_size_are_read(tmp_path):
    pq.write_table(swollen(5, 1_000), tmp_path / "rows")
    assert read_preferences(tmp_path / "rows").pairs["chosen"].tolist() == ["c" * 1_000] * 5
