"""Any rows in any format: no crash, and rows in = rows in pairs + rows reported.

A few cases in the usual run; `VCSOUP_FUZZ=500` (or more) makes it a deep one, `--hypothesis-seed`
repeats it.
"""

import copy
import csv
import gzip
import io
import json
import os
import tempfile
from contextlib import suppress
from functools import cache
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.format_samples import LONG, SAMPLES, SHORT
from vcsoup.errors import PreferenceFormatError
from vcsoup.export_files import WRITERS
from vcsoup.export_layouts import LAYOUTS, lay_out
from vcsoup.preferences.column_map import ColumnMap
from vcsoup.preferences.files import as_text
from vcsoup.preferences.look import first_rows, look_at
from vcsoup.preferences.pair_format import Pair
from vcsoup.preferences.readers import Reading, read_preferences
from vcsoup.preferences.rows import NumberedRow
from vcsoup.preferences.text_rows import is_csv_row, text_rows
from vcsoup.preferences.turns import RowFault

REAL = Path(__file__).parents[3] / "shared" / "data" / "hh_rlhf_harmless_base_300.jsonl"
CASES = int(os.environ.get("VCSOUP_FUZZ", "40"))
laws = settings(max_examples=CASES)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=8) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


def paths(cell, here=()):
    """Return every place inside a row, so that any of them can be changed."""
    found = [here] if here else []
    if isinstance(cell, dict):
        inside = list(cell.items())
    else:
        inside = list(enumerate(cell)) if isinstance(cell, list) else []
    for key, inner in inside:
        found += paths(inner, (*here, key))
    return found


@st.composite
def damaged_rows(draw):
    """Return good rows of one format with any cells inside them changed, left out or doubled."""
    sample = draw(st.sampled_from(SAMPLES))
    pairs = LONG if "multi-turn" in sample.forms and draw(st.booleans()) else SHORT
    rows = [copy.deepcopy(row) for pair in pairs for row in sample.make(pair, draw(st.booleans()))]
    for _ in range(draw(st.integers(1, 5))):
        row = draw(st.sampled_from(rows))
        *way, last = draw(st.sampled_from(paths(row) or [("new",)]))
        place = row
        for step in way:
            place = place[step]
        if draw(st.booleans()):
            place[last] = draw(anything)
        elif isinstance(place, dict):
            place.pop(last, None)
    return sample, draw(st.permutations(rows)) if draw(st.booleans()) else rows


def read_or_refusal(path: Path, how: Reading):
    try:
        return read_preferences(path, how)
    except PreferenceFormatError as error:
        return str(error)


def check(path: Path, how: Reading) -> None:
    """A report that adds up and can be written, or one line that says why not."""
    result = read_or_refusal(path, how)
    if isinstance(result, str):
        assert "\n" not in result
        result.encode()
        return
    report = result.report
    assert report.rows == report.kept * report.rows_per_pair + len(report.problems)
    assert sum(report.counts.values()) == len(report.problems)
    places = {(problem.file, problem.row) for problem in report.problems}
    assert len(places) == len(report.problems)
    assert len(result.pairs) == report.kept == len(result.scores)
    assert result.pairs["id"].is_unique
    json.dumps(report.to_dict()).encode()


def check_both(path: Path, aspect: str) -> None:
    check(path, Reading(aspect=aspect))
    try:
        look = look_at(path)
    except PreferenceFormatError:
        return
    if aspect in look.aspects or not look.aspects:
        first_rows(look, Reading())


@laws
@given(damaged_rows())
def test_damaged_rows_of_every_format_are_kept_or_reported(made):
    sample, rows = made
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        path.write_text("\n".join(map(json.dumps, rows)))
        check_both(path, sample.aspect)
        path.write_text(json.dumps(rows))
        check_both(path, sample.aspect)


@laws
@given(damaged_rows())
def test_damaged_rows_in_parquet_are_kept_or_reported(made):
    sample, rows = made
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        try:
            pq.write_table(pa.Table.from_pylist(rows), path)
        except (pa.ArrowException, OverflowError, TypeError):
            return  # no table can hold these rows
        check_both(path, sample.aspect)


@cache
def real_files() -> tuple[bytes, ...]:
    """Return the first real rows as JSON Lines, gzip, CSV, parquet and Arrow; none without them."""
    if not REAL.is_file():
        return ()
    with REAL.open("rb") as file:
        lines = b"".join(islice(file, 12))
    table = pa.Table.from_pylist([json.loads(line) for line in lines.splitlines()])
    csv_file, parquet, arrow = io.StringIO(), io.BytesIO(), io.BytesIO()
    writer = csv.DictWriter(csv_file, table.column_names)
    writer.writeheader()
    writer.writerows(table.to_pylist())
    pq.write_table(table, parquet)
    with pa.ipc.new_stream(arrow, table.schema) as stream:
        stream.write_table(table)
    written = (csv_file.getvalue().encode(), parquet.getvalue(), arrow.getvalue())
    return (lines, gzip.compress(lines), *written)


@st.composite
def damaged_file(draw):
    """Return a real file with up to eight places overwritten, cut out or filled."""
    content = bytearray(draw(st.sampled_from(real_files())))
    for _ in range(draw(st.integers(0, 8))):
        at, taken = draw(st.integers(0, max(0, len(content) - 1))), draw(st.integers(0, 40))
        content[at : at + taken] = draw(st.binary(max_size=12))
    return bytes(content) or b" "


@laws
@given(st.data())
def test_a_real_file_with_bytes_changed_is_read_or_refused(data):
    if not real_files():
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        path.write_bytes(data.draw(damaged_file()))
        check_both(path, "")


@laws
@given(st.data())
def test_a_folder_of_real_files_with_bytes_changed_is_read_or_refused(data):
    if not real_files():
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.jsonl", "b.parquet", "c.csv.gz"):
            (Path(folder) / name).write_bytes(data.draw(damaged_file()))
        check_both(Path(folder), "")


columns = st.lists(
    st.sampled_from(["q", "a", "b", "w", "a.0", "b.x", "q+a", "none"]), min_size=3, max_size=3
)


@laws
@given(st.lists(st.dictionaries(st.sampled_from("qabw"), anything), max_size=5), columns)
def test_any_table_with_any_named_columns_is_kept_or_reported(rows, names):
    good = {"q": "Sky?", "a": "Blue.", "b": "Green.", "w": "1"}
    maps = [
        ColumnMap(prompt=names[0], chosen=names[1], rejected=names[2]),
        ColumnMap(
            prompt=names[0], first=names[1], second=names[2], label="w", first_if="1", second_if="2"
        ),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        path.write_text("\n".join(map(json.dumps, [good, *rows])))
        for named in maps:
            check(path, Reading(columns=named))
            first_rows(look_at(path), Reading(columns=named))


messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant"]), "content": text}
    ),
    min_size=1,
    max_size=4,
)


ratings = st.dictionaries(
    st.sampled_from(["helpfulness", "honesty", "overall_score", "reward 2"]),
    st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)),
    max_size=3,
)


def of_an_aspect(rows, wanted, aspect):
    units = wanted.form.units([NumberedRow(i, row) for i, row in enumerate(rows)], aspect)
    with suppress(RowFault):
        return [wanted.form.pair(unit.row.cells, aspect) for unit in units if not unit.row.fault]
    return []


@laws
@given(messages, text, text, ratings, st.sampled_from(sorted(LAYOUTS)))
def test_a_layout_gives_the_same_pair_back_or_says_that_it_cannot(
    prompt, chosen, rejected, scores, name
):
    wanted = LAYOUTS[name]
    pair = Pair(prompt, chosen, rejected, scores)
    try:
        rows = lay_out(pair, wanted)
    except RowFault:
        return
    aspects = list(scores) if wanted.scores and wanted.form.aspects else [wanted.aspect]
    told = [back for aspect in aspects for back in of_an_aspect(rows, wanted, aspect)]
    same = [back for back in told if back.chosen.strip() == chosen.strip()]
    assert same
    for back in same:
        assert [(turn["role"], turn["content"].strip()) for turn in back.prompt] == [
            (turn["role"], turn["content"].strip()) for turn in prompt
        ]
        assert back.rejected.strip() == rejected.strip()
        both = [back.scores[name] for name in scores if name in back.scores]
        assert both == [scores[name] for name in scores if name in back.scores]


@laws
@given(st.lists(st.tuples(text, text, text), min_size=1, max_size=4))
def test_what_csv_holds_is_read_back(said):
    wanted = LAYOUTS["vc-soup"]
    scores = {"a": (1.0, 0.5), "b": (-0.25, 3.0)}
    rows = []
    for asked, chosen, rejected in said:
        with suppress(RowFault):
            pair = Pair([{"role": "user", "content": asked}], chosen, rejected, scores)
            rows += [row for row in lay_out(pair, wanted) if is_csv_row(row)]
    file = io.BytesIO()
    write, finish = WRITERS["csv"](file, wanted.schema(list(scores)))
    write(pa.Table.from_pylist(rows, schema=wanted.schema(list(scores))))
    finish()
    if rows:
        found = text_rows(as_text(file.getvalue(), "rows"), "rows")
        assert [row.fault for row in found.rows] == [""] * len(rows)
        names = ("prompt", "chosen", "rejected")
        assert [[row.cells[name] for name in names] for row in found.rows] == [
            [row[name] for name in names] for row in rows
        ]


SKY = ("Sky?", "Blue.", "Green.")  # answers that do not repeat their prompt, whatever else there is
ODD = ("\n{}\n", "\n[1]\n", "[{", '{"a": 1}', "\n", "\r", '"', ",", ";", "\t", "\0", "\x85", "'")
SAID = ("\u2028", "\ufeff", "Human: ", "\n\nAssistant: ", "chosen,rejected", "NaN", "=1+1", "\\n")
RATED = {"helpfulness": (2.0, 1.0), "correctness": (1.5, 0.0)}
odd_text = st.lists(st.sampled_from([*ODD, *SAID]) | text, min_size=1, max_size=5).flatmap(
    lambda parts: st.sampled_from(["", "\n"]).map(lambda between: between.join(parts))
)


def written_as(kind):
    """Return a kind of file with any of the layouts that it holds."""
    names = [name for name, known in sorted(LAYOUTS.items()) if kind != "csv" or known.is_tabular]
    return st.tuples(st.just(kind), st.sampled_from(names))


def stripped(pairs):
    return [
        ([(turn["role"], turn["content"].strip()) for turn in prompt], *map(str.strip, sides))
        for prompt, *sides in pairs
    ]


def pairs_in(path: Path, aspect: str = ""):
    found = read_or_refusal(path, Reading(aspect=aspect))
    assert not isinstance(found, str), found
    table = found.pairs[["prompt", "chosen", "rejected"]]
    return list(table.itertuples(index=False, name=None))


def laid_out(pairs, wanted, kind):
    """Return the pairs that a layout and a kind of file can say, and their rows."""
    said, rows = [], []
    for prompt, chosen, rejected in pairs:
        with suppress(RowFault):
            new = lay_out(Pair(prompt, chosen, rejected, RATED), wanted)
            if kind != "csv" or all(map(is_csv_row, new)):
                said.append((prompt, chosen, rejected))
                rows += new
    return said, rows


@laws
@given(
    st.lists(st.tuples(odd_text | messages, odd_text, odd_text), max_size=3),
    st.sampled_from(["csv", "jsonl", "parquet"]).flatmap(written_as),
)
def test_pairs_of_the_workspace_come_back_from_a_file_in_any_layout(rows, as_file):
    """Whatever was read once is read again from every file that it is exported to."""
    kind, wanted = as_file[0], LAYOUTS[as_file[1]]
    schema = wanted.schema(list(RATED))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        columns = ("prompt", "chosen", "rejected")
        named = [dict(zip(columns, row, strict=True)) for row in [SKY, *rows]]
        path.write_text("\n".join(map(json.dumps, named)))
        pairs, laid = laid_out(pairs_in(path), wanted, kind)
        with path.open("wb") as file:
            write, finish = WRITERS[kind](file, schema)
            write(pa.Table.from_pylist(laid, schema=schema))
            finish()
        aspect = "helpfulness" if wanted.scores == "ratings" else wanted.aspect
        assert stripped(pairs_in(path, aspect)) == stripped(pairs)
