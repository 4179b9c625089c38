"""Parquet, JSON, JSON Lines and CSV: told apart by content, rows numbered as a person counts."""

import gzip
import json
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vcsoup.errors import NotFoundError, PreferenceFormatError
from vcsoup.preferences.files import read_rows
from vcsoup.preferences.formats import SIDES
from vcsoup.preferences.look import look_at
from vcsoup.preferences.readers import read_preferences

ROWS = [
    {"prompt": "Sky?", "chosen": 'Blue,\n"really".', "rejected": "Green."},
    {"prompt": "Größe?", "chosen": "Zwei 🍲", "rejected": "Drei\u2028!"},
]
MESSAGES = [{"role": "user", "content": "It's?"}]


@pytest.fixture
def write(tmp_path):
    def write_content(content):
        path = tmp_path / "file"
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    return write_content


def in_every_kind(tmp_path):
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
    frame = pd.DataFrame(ROWS)
    frame.to_parquet(tmp_path / "parquet")
    return {
        "json lines": lines.encode(),
        "json lines, CRLF": lines.replace("\n", "\r\n").encode(),
        "json array": json.dumps(ROWS, indent=2).encode(),
        "json with a mark": b"\xef\xbb\xbf" + json.dumps(ROWS).encode(),
        "csv": frame.to_csv(index=False).encode(),
        "csv with semicolons": frame.to_csv(index=False, sep=";").encode(),
        "tsv": frame.to_csv(index=False, sep="\t").encode(),
        "parquet": (tmp_path / "parquet").read_bytes(),
        "gzip": gzip.compress(lines.encode()),
    }


def test_all_kinds_hold_the_same_rows(tmp_path, write):
    kinds = in_every_kind(tmp_path)
    for kind, content in kinds.items():
        file = read_rows(write(content))
        assert file.columns == ("prompt", "chosen", "rejected"), kind
        assert [row.cells for row in file.rows] == ROWS, kind
        assert [row.number for row in file.rows] == [1, 2], kind


def test_json_lines_are_numbered_by_line_and_bad_ones_named(write):
    good = json.dumps(ROWS[0])
    file = read_rows(write(f"{good}\n\n{{broken\n[1]\n{good}\n"))
    assert [(row.number, bool(row.fault)) for row in file.rows] == [
        (1, False),
        (3, True),
        (4, True),
        (5, False),
    ]
    assert "not valid JSON" in file.rows[1].fault
    assert file.rows[2].fault == "expected an object, got list"


def test_bad_json_lines_are_reported_and_not_dropped(write):
    good = json.dumps(ROWS[0])
    report = read_preferences(write(f"{good}\n{{broken\n")).report
    assert (report.rows, report.kept, report.counts["unreadable"]) == (2, 1, 1)
    assert report.problems[0].row == 2


def test_a_single_indented_object_is_one_row(write):
    assert read_rows(write(json.dumps(ROWS[0], indent=2))).rows[0].cells == ROWS[0]


def test_csv_rows_with_too_many_or_too_few_cells(write):
    path = write("prompt,chosen,rejected\na,b,c\na,b,c,d\na,b\n")
    report = read_preferences(path).report
    assert [(p.row, p.column, p.kind) for p in report.problems] == [
        (2, "", "unreadable"),
        (3, "rejected", "one-sided"),
    ]


def test_a_csv_header_far_wider_than_its_rows_takes_no_more_memory_than_they_do(write):
    """50,000 names over 2,000 rows of three cells: 6,000 cells, not a hundred million."""
    names = ",".join(f"n{i}" for i in range(50_000))
    file = read_rows(write(f"prompt,chosen,rejected,{names}\n" + "q,a,b\n" * 2_000))
    assert len(file.columns) == 50_003
    assert [row.cells for row in file.rows] == [
        {"prompt": "q", "chosen": "a", "rejected": "b"}
    ] * 2_000


def test_a_csv_header_may_follow_blank_lines_and_have_blanks_in_it(write):
    file = read_rows(write("\r\n\r\nprompt , chosen, rejected\r\nq,a,b\r\n\r\nr,c,d\r\n"))
    assert file.columns == ("prompt", "chosen", "rejected")
    assert [(row.number, row.cells["chosen"]) for row in file.rows] == [(1, "a"), (2, "c")]


@pytest.mark.parametrize(
    ("line", "separator"),
    [
        ("sep=;\n", ";"),
        ("SEP=,\r\n", ","),
        ('"sep=|"\n', "|"),
        ("\n\nsep=\t\n", "\t"),
        ("sep=;;;\n", ";"),
    ],
)
def test_csv_whose_first_line_names_the_separator(write, line, separator):
    """The answers hold the other separators more often; the line is no row and no column."""
    rows = [{"prompt": "Sky?", "chosen": ",,,,a;;;;", "rejected": "b|\t|\t"}, ROWS[1]]
    frame = pd.DataFrame(rows)
    file = read_rows(write(line + frame.to_csv(index=False, sep=separator)))
    assert file.columns == ("prompt", "chosen", "rejected")
    assert [(row.number, row.cells) for row in file.rows] == [(1, rows[0]), (2, rows[1])]
    result = read_preferences(write(line + frame.assign(rejected=["", "c"]).to_csv(sep=separator)))
    assert [problem.row for problem in result.report.problems] == [1]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_separator_of_csv_is_that_of_its_header(write, end):
    """Lines may end in any way; the answers hold the other separator more often."""
    lines = ["prompt;chosen;rejected", "Sky?;a, b, c;d, e, f", ""]
    [row] = read_rows(write(end.join(lines))).rows
    assert row.cells == {"prompt": "Sky?", "chosen": "a, b, c", "rejected": "d, e, f"}


def test_damage_behind_a_named_separator_is_at_the_line_of_the_file(write):
    """Line 1 names the separator, 2 is the header, 3 a row, and 4 has the text behind a quote."""
    text = 'sep=;\nprompt;chosen;rejected\na;b;c\n"a"x;b;c\n'
    with pytest.raises(PreferenceFormatError, match=r"at line 4\)"):
        read_rows(write(text))


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_a_column_that_stands_twice_is_refused_where_it_is_read(tmp_path, kind):
    """Which of both holds the answer, nobody can tell; notes may stand twice."""
    for names, twice in ((["q", "chosen", "rejected", "chosen"], "chosen"), (list("qanq"), "")):
        table = pa.table([["q"], ["good"], ["bad"], ["other"]], names=names)
        if kind == "csv":
            (tmp_path / "f").write_text(f"{','.join(names)}\nq,good,bad,other\n")
        elif kind == "arrow":
            with pa.ipc.new_stream(tmp_path / "f", table.schema) as file:
                file.write_table(table)
        else:
            pq.write_table(table, tmp_path / "f")
        for read in (read_rows, look_at):
            refused = pytest.raises(PreferenceFormatError, match="column 'chosen' more than once")
            with refused if twice else nullcontext():
                read(tmp_path / "f")


@pytest.mark.parametrize("written", [json.dumps(MESSAGES), str(MESSAGES)])
def test_csv_cells_that_hold_messages(write, written):
    frame = pd.DataFrame({"prompt": [written], "chosen": ["yes"], "rejected": ["no"]})
    result = read_preferences(write(frame.to_csv(index=False)))
    assert result.pairs["prompt"][0] == MESSAGES


@pytest.mark.parametrize("said", ["Blue.", 'It\'s "blue"\n} {', "long " * 99, "\\", "'"])
def test_csv_cells_of_arrays_of_messages(tmp_path, said):
    """What pandas writes of lists that it read from parquet, as `Dataset.to_csv` does."""
    turns = [{"role": "user", "content": said}, {"content": said, "role": "assistant"}]
    cell = np.array(turns, dtype=object)
    pd.DataFrame({"prompt": [said], "chosen": [cell]}).to_csv(tmp_path / "f", index=False)
    assert read_rows(tmp_path / "f").rows[0].cells == {"prompt": said, "chosen": turns}


@pytest.mark.parametrize("records", ['[{"name": "Fiat"}]', "[{'role': 'engineer'}]"])
def test_a_csv_answer_that_is_a_list_of_records_stays_text(write, records):
    frame = pd.DataFrame({"prompt": ["List them."], "chosen": [records], "rejected": ["none"]})
    assert read_preferences(write(frame.to_csv(index=False))).pairs["chosen"][0] == records


def test_a_csv_cell_that_only_looks_like_messages_stays_text(write):
    frame = pd.DataFrame(
        {"prompt": ["[{[]: 1}] is bad Python"], "chosen": ["yes"], "rejected": ["no"]}
    )
    result = read_preferences(write(frame.to_csv(index=False)))
    assert result.pairs["prompt"][0][0]["content"] == "[{[]: 1}] is bad Python"


def test_a_csv_cell_may_be_a_long_dialogue(write):
    long = "word " * 100_000
    frame = pd.DataFrame({"prompt": ["p"], "chosen": [long], "rejected": ["no"]})
    assert read_preferences(write(frame.to_csv(index=False))).pairs["chosen"][0] == long.strip()


@pytest.mark.parametrize("header", ["prompt,chosen,rejected", "chosen,prompt,rejected,n", "q,a,b"])
@pytest.mark.parametrize("cell", ["Sure:\n{}\nDone", '{}\n{"a": 1}', '\n{"chosen": "a"}\n'])
def test_a_csv_cell_may_hold_lines_of_json(write, header, cell):
    columns = header.split(",")
    rows = [{name: f"{cell}{name}{i}" for name in columns} for i in range(2)]
    file = read_rows(write(pd.DataFrame(rows).to_csv(index=False)))
    assert file.columns == tuple(columns)
    assert [row.cells for row in file.rows] == rows


def test_nested_messages_in_parquet_become_plain_dicts(tmp_path):
    answers = {side: [[{"role": "assistant", "content": side}]] for side in ("chosen", "rejected")}
    pd.DataFrame({"prompt": [MESSAGES], **answers, "score": [1.0]}).to_parquet(tmp_path / "x")
    pairs = read_preferences(tmp_path / "x").pairs
    assert pairs["prompt"][0] == MESSAGES
    assert pairs["chosen"][0] == "chosen"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"\xff\xfe\x00binary", "neither parquet nor UTF-8"),
        (b"PAR1 but not really", "damaged parquet"),
        (b"\x1f\x8bno gzip", "gzipped but damaged"),
        (gzip.compress(b"x" * 1000, mtime=0)[:-20], "gzipped but damaged"),
        (b'[{"chosen": "a"},', "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'prompt,chosen,rejected\na,"b,c\nd,e,f\n', "cannot be read as CSV"),
        (b"just a line of prose", "holds no preference pairs.*found: just a line of prose"),
        (b"prompt,chosen,rejected\n", "no row with text"),
        (b'"two\nlines",b\n1,2\n', "found: two lines, b"),
        (b'{\n "chosen": "a"\n}\n{\n "chosen": "b"\n}', "over several lines each; .*one object a"),
        (b"prompt,chosen,rejected\nHi,sch\xf6n,no\n", "row 1, column chosen, 0xf6 is not UTF-8"),
        (
            b'{"train": [{"prompt": "a"}], "test": [{}, {}]}',
            r"inside others: train \(1\), test \(2",
        ),
        (b'{"prompt": "a", "completion": "b", "label": true}', "single answers with a label each"),
        (b"PK\x03\x04\x14\x00\x06\x00", "is a ZIP archive, as Excel's files are"),
    ],
)
def test_files_of_no_known_kind_are_refused_in_one_line(write, content, message):
    with pytest.raises(PreferenceFormatError, match=message) as caught:
        read_preferences(write(content))
    assert "\n" not in str(caught.value)


TABLE = pd.DataFrame(ROWS)


@pytest.mark.parametrize(
    "text",
    [
        TABLE.to_json(),
        TABLE.set_index(pd.Index([3, 8])).to_json(indent=2),
        json.dumps(TABLE.to_dict("list")),
        json.dumps({"data": TABLE.to_dict("records")}),
        json.dumps({"data": TABLE.to_dict("records")}, indent=2),
    ],
    ids=("pandas", "pandas, indented", "lists", "wrapped", "wrapped, indented"),
)
def test_tables_inside_one_json_object_are_read(write, text):
    result = read_preferences(write(text))
    assert result.pairs["chosen"].tolist() == [row["chosen"] for row in ROWS]
    assert (result.report.rows, result.report.kept) == (2, 2)


def test_a_table_by_columns_is_put_together_by_row_number(write):
    columns = {
        "prompt": {"0": "p0", "1": "p1"},
        "chosen": {"0": "c0", "1": "c1"},
        "rejected": {"1": "r1", "0": "r0"},
    }
    pairs = read_preferences(write(json.dumps(columns))).pairs
    assert pairs["chosen"].tolist() == ["c0", "c1"]
    assert pairs["rejected"].tolist() == ["r0", "r1"]
    columns["rejected"] = {"1": "r1", "2": "r2"}
    with pytest.raises(PreferenceFormatError):  # which answers belong together is not guessed
        read_preferences(write(json.dumps(columns)))


def test_a_row_alone_is_no_table_around_others(write):
    """By hand: two messages a side are the turns of one row, not two rows."""
    sides = {side: [*MESSAGES, {"role": "assistant", "content": side}] for side in SIDES}
    result = read_preferences(write(json.dumps(sides)))
    assert (result.report.rows, result.pairs["chosen"].tolist()) == (1, ["chosen"])


def test_a_large_object_around_all_rows_is_looked_at(write):
    rows = [{"prompt": f"{i}?", "chosen": "a" * 9_000, "rejected": "b"} for i in range(300)]
    look = look_at(write(json.dumps({"data": rows})))
    assert (look.format, len(look.file.rows)) == ("TRL explicit", 200)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(NotFoundError, match="does not exist; give the path"):
        read_rows(tmp_path / "nothing.json")
    with pytest.raises(PreferenceFormatError, match="is a folder"):
        read_rows(tmp_path)
