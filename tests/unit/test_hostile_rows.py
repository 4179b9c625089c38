"""Rows that no one would write on purpose: each is kept as text or reported with its reason."""

import gzip
import json
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcsoup.errors import PreferenceFormatError
from vcsoup.preferences.readers import read_preferences
from vcsoup.word_diff import word_diff

GOOD = {"prompt": "Sky?", "chosen": "Blue.", "rejected": "Green."}
OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"
TEXTS = {
    "NUL": "a\x00b",
    "HTML": "<img src=x onerror=alert(1)><script>alert(2)</script><b>bold</b>",
    "Markdown": "# big ![x](http://127.0.0.1/x.png) [y](javascript:alert(3)) :material/delete:",
    "LaTeX": "$$\\frac{1}{0}$$ \\(x\\)",
    "right to left": "\u0645\u0631\u062d\u0628\u0627 " + OVERRIDE + "abc",
    "long": "long " * 200_000 + "end",
    "formula": '=HYPERLINK("http://127.0.0.1")',
    "line separators": "one\u2028two\u2029three\x85four",
    "emoji": "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL} \N{COMBINING ACUTE ACCENT}",
}


def write(folder: Path, content: bytes | str) -> Path:
    path = folder / "rows"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def sums(result) -> None:
    report = result.report
    assert report.rows == report.kept + len(report.problems)
    assert report.kept == len(result.pairs)
    assert sum(report.counts.values()) == len(report.problems)


def hostile_rows(place: str) -> list[dict[str, str]]:
    return [{**GOOD, place: f"x{text}{i}y"} for i, text in enumerate(TEXTS.values())]


@pytest.mark.parametrize("place", ["prompt", "chosen", "rejected"])
@pytest.mark.parametrize("kind", ["json lines", "json", "csv", "parquet"])
def test_hostile_text_is_kept_to_the_character(tmp_path, place, kind):
    rows = hostile_rows(place)
    path = tmp_path / "rows"
    frame = pd.DataFrame(rows)
    if kind == "json lines":
        path.write_text("\n".join(map(json.dumps, rows)))
    elif kind == "json":
        path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    elif kind == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    result = read_preferences(path)
    assert result.report.problems == ()
    found = [
        p.prompt[0]["content"] if place == "prompt" else getattr(p, place)
        for p in result.pairs.itertuples()
    ]
    assert found == [row[place] for row in rows]


def test_a_byte_that_is_not_utf_8_costs_its_line_alone(tmp_path):
    """Line 2 holds 0xff inside the rejected answer; lines 1 and 3 are kept."""
    bad = b'{"prompt": "Sky?", "chosen": "Blue.", "rejected": "Gr\xff\xfeen."}'
    lines = [json.dumps(GOOD).encode(), bad, json.dumps({**GOOD, "prompt": "Sea?"}).encode()]
    result = read_preferences(write(tmp_path, b"\n".join(lines)))
    sums(result)
    (problem,) = result.report.problems
    assert (problem.row, problem.column, problem.kind) == (2, "rejected", "unreadable")
    place = bad.index(b"\xff") + 1
    assert problem.reason == f"byte {place} of the line, 0xff, is not UTF-8"
    assert [prompt[0]["content"] for prompt in result.pairs["prompt"]] == ["Sky?", "Sea?"]


def test_latin_1_in_the_midst_of_utf_8_is_told_by_column(tmp_path):
    text = "prompt,chosen,rejected\nGröße?,Zwei,Drei\n".encode() + "Maß?,Eins,Zwei\n".encode(
        "latin-1"
    )
    result = read_preferences(write(tmp_path, text))
    sums(result)
    (problem,) = result.report.problems
    assert (problem.row, problem.column, problem.reason) == (2, "prompt", "0xdf is not UTF-8")


def test_bytes_in_a_json_array_and_in_parquet_cost_one_row(tmp_path):
    array = json.dumps([GOOD, {**GOOD, "chosen": "Red?"}]).encode().replace(b"Red?", b"R\xe9d?")
    result = read_preferences(write(tmp_path, array))
    sums(result)
    assert [(p.row, p.column) for p in result.report.problems] == [(2, "chosen")]
    cells = pa.array([b"Blue.", b"Bl\xffe", b"Azure."]).view(pa.binary()).cast(pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 3, cells.buffers())
    table = pa.table({"prompt": ["a", "b", "c"], "chosen": broken, "rejected": ["x", "y", "z"]})
    pq.write_table(table, tmp_path / "rows.parquet")
    result = read_preferences(tmp_path / "rows.parquet")
    sums(result)
    (problem,) = result.report.problems
    assert (problem.row, problem.column) == (2, "chosen")
    assert problem.reason == "byte 3, 0xff, is not UTF-8"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_a_file_in_wide_characters_is_refused_with_the_remedy(tmp_path, encoding):
    path = write(tmp_path, json.dumps(GOOD).encode(encoding))
    with pytest.raises(PreferenceFormatError, match="UTF-16 or UTF-32; save it as UTF-8"):
        read_preferences(path)


def test_half_a_character_is_reported_and_not_stored(tmp_path):
    lines = [json.dumps(GOOD), '{"prompt": "q", "chosen": "a\\ud800b", "rejected": "c"}']
    result = read_preferences(write(tmp_path, "\n".join(lines)))
    sums(result)
    (problem,) = result.report.problems
    assert (problem.column, problem.reason) == ("chosen", "holds half of a character")


def test_a_damaged_first_line_does_not_hide_the_others(tmp_path):
    for first in ("[1]", "oops", "null", "3", '"text"', "{broken"):
        result = read_preferences(write(tmp_path, f"{first}\n{json.dumps(GOOD)}\n"))
        sums(result)
        assert [p.row for p in result.report.problems] == [1], first


def test_equal_ids_in_the_file_do_not_matter_equal_pairs_do(tmp_path):
    """Ids are made from content: the same id twice is two pairs, the same content twice is one."""
    ask = [{"role": "user", "content": "q"}]
    rows = [{"id": "same", "prompt": ask, "chosen": f"a{i % 2}", "rejected": "b"} for i in range(3)]
    result = read_preferences(write(tmp_path, "\n".join(map(json.dumps, rows))))
    sums(result)
    assert result.report.kept == 2
    assert result.pairs["id"].is_unique
    assert result.report.problems[0].reason == "the same pair as row 1"


def test_column_names_in_a_message_can_be_sent_anywhere(tmp_path):
    path = write(tmp_path, '{"a\\ud800": 1}')
    with pytest.raises(PreferenceFormatError) as caught:
        read_preferences(path)
    str(caught.value).encode()


def test_a_gzip_that_unpacks_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("vcsoup.preferences.files._MOST_BYTES", 1000)
    path = write(tmp_path, gzip.compress(b"x" * 5000))
    with pytest.raises(PreferenceFormatError, match="unpacks to more than"):
        read_preferences(path)


ROWS = [{**GOOD, "prompt": f"q{i}"} for i in range(6)]
SEED = {
    "json lines": "\n".join(map(json.dumps, ROWS)).encode(),
    "json": json.dumps(ROWS).encode(),
    "csv": pd.DataFrame(ROWS).to_csv(index=False).encode(),
}


def read_or_refusal(path: Path):
    """Return what reading gives, or the one line that says why not."""
    try:
        return read_preferences(path)
    except PreferenceFormatError as error:
        return str(error)


def check(found) -> None:
    """Either a report that adds up, with texts that can be written, or a line that can."""
    if isinstance(found, str):
        found.encode()
        return
    sums(found)
    json.dumps(found.report.to_dict()).encode()
    for column in ("chosen", "rejected"):
        assert all(text.encode() for text in found.pairs[column])


@settings(max_examples=150)
@given(st.sampled_from(list(SEED)), st.data())
def test_a_file_with_bytes_changed_is_read_or_refused_and_the_sums_hold(kind, data):
    """Whatever is cut out of a good file or written over it: a report that adds up, or one line."""
    content = bytearray(SEED[kind])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        taken = data.draw(st.integers(0, 4))
        content[at : at + taken] = data.draw(st.binary(max_size=6))
        content = content or bytearray(b" ")
    with tempfile.TemporaryDirectory() as folder:
        check(read_or_refusal(write(Path(folder), bytes(content))))


@settings(max_examples=60)
@given(st.data())
def test_a_parquet_file_with_bytes_changed_is_read_or_refused(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        pd.DataFrame(ROWS).to_parquet(path, compression=None)
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            content[data.draw(st.integers(4, len(content) - 9))] = data.draw(st.integers(0, 255))
        path.write_bytes(content)
        check(read_or_refusal(path))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@settings(max_examples=150)
@given(texts, texts, st.integers(1, 12))
def test_the_spans_of_a_word_diff_give_both_texts_back(chosen, rejected, most):
    found = word_diff(chosen, rejected, most_words=most)
    for text, spans in ((chosen, found.chosen), (rejected, found.rejected)):
        assert "".join(part for _, part in spans) == text
        assert all(part for _, part in spans)
        assert all(a[0] != b[0] for a, b in pairwise(spans))


def test_a_word_diff_marks_what_differs_and_nothing_else():
    """'red' against 'dark blue'; the blank inside the changed phrase goes with it."""
    found = word_diff("a red fox, quick", "a dark blue fox, quick")
    assert found.chosen == (("same", "a "), ("only", "red"), ("same", " fox, quick"))
    assert found.rejected == (("same", "a "), ("only", "dark blue"), ("same", " fox, quick"))
    assert found.complete


def test_a_word_diff_of_huge_texts_is_bounded_and_says_so():
    rng = np.random.default_rng(0)
    left, right = (" ".join(rng.choice(["a", "b", "c"], 300_000)) for _ in range(2))
    found = word_diff(left, right)
    assert not found.complete
    assert "".join(part for _, part in found.chosen) == left
    assert found.chosen[-1][0] in ("unread", "same")
