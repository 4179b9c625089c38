"""Every format x {strings, messages, multi-turn, ties, gz, parquet}: read, counted, written again.

The table of `docs/formats.md` is made here, from what was read. `VCSOUP_WRITE_DOCS=1` writes it.
"""

import gzip
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.format_samples import LONG, SAMPLES, SHORT, Sample
from vcsoup.export_files import WRITERS
from vcsoup.export_layouts import lay_out, layout
from vcsoup.preferences.formats import SIDES
from vcsoup.preferences.pair_format import Pair
from vcsoup.preferences.readers import Reading, ReadResult, read_preferences
from vcsoup.workspace.ready_scores import score_names

DOCS = Path(__file__).parents[2] / "docs" / "formats.md"
FORMS = ("strings", "messages", "multi-turn", "ties", "gz", "parquet")
COLUMNS = (*FORMS, "written as", "TRL and back")
NONE = "\N{EM DASH}"


def rows_of(sample: Sample, form: str):
    pairs = LONG if form == "multi-turn" else SHORT
    rows = [row for pair in pairs for row in sample.make(pair, False)]
    if form == "ties":
        rows += sample.make(([{"role": "user", "content": "Tie?"}], "Yes.", "No."), True)
    return pairs, rows


def written(folder: Path, rows, kind: str = "json lines") -> Path:
    path = folder / "rows"  # a name that says nothing
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_bytes(gzip.compress(lines) if kind == "gz" else lines)
    return path


def triples(result: ReadResult):
    return list(result.pairs[["prompt", "chosen", "rejected"]].itertuples(index=False, name=None))


def read(sample: Sample, path: Path) -> ReadResult:
    result = read_preferences(path, Reading(aspect=sample.aspect))
    report = result.report
    assert report.rows == report.kept * report.rows_per_pair + len(report.problems)
    return result


def cell(sample: Sample, form: str, folder: Path) -> str:
    """Read one form of a format: exactly its pairs come back, and every other row has a reason."""
    kind = form if form in ("gz", "parquet") else "json lines"
    if kind != "json lines":
        form = sample.forms[0]
    elif form not in sample.forms:
        return NONE
    pairs, rows = rows_of(sample, form)
    result = read(sample, written(folder, rows, kind))
    assert triples(result) == pairs, (sample.name, form)
    tied = len(rows) - len(pairs) * result.report.rows_per_pair
    assert result.report.counts["tie"] == len(result.report.problems) == tied
    assert result.report.notes["multi-turn"] == (len(pairs) if form == "multi-turn" else 0)
    line = f"{result.report.rows} rows, {result.report.kept} pairs"
    return f"{line}, {tied} tied" if tied else line


def scores(result: ReadResult):
    table = result.scores.drop(columns="id").to_dict("list")
    names = score_names(result.scores)
    sides = [zip(*(table[f"{name}_{side}"] for side in SIDES), strict=True) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*sides, strict=True)]


def back(result: ReadResult, name: str, aspect: str, folder: Path) -> ReadResult:
    """Write what was read in a layout, as JSON Lines, parquet and where it can be CSV; read it."""
    wanted = layout(name)
    said = scores(result) or [{}] * len(result.pairs)
    pairs = [Pair(*triple, told) for triple, told in zip(triples(result), said, strict=True)]
    rows = [row for pair in pairs for row in lay_out(pair, wanted)]
    table = pa.Table.from_pylist(rows, schema=wanted.schema(list(said[0])))
    read_back = []
    for kind in ("jsonl", "parquet", *(["csv"] if wanted.is_tabular else [])):
        with (folder / "again").open("wb") as file:
            write, finish = WRITERS[kind](file, table.schema)
            write(table)
            finish()
        read_back.append(read_preferences(folder / "again", Reading(aspect=aspect)))
    ids, told = read_back[0].pairs["id"].tolist(), scores(read_back[0])
    assert all(other.pairs["id"].tolist() == ids for other in read_back)
    assert all(scores(other) == told for other in read_back)
    assert not wanted.scores or told == said
    return read_back[0]


def round_trips(sample: Sample, folder: Path) -> tuple[str, str]:
    """Write what was read, in the format itself where that is offered, and in TRL's."""
    for form in sample.forms:
        result = read(sample, written(folder, rows_of(sample, form)[1]))
        aspect = sample.aspect if layout(sample.layout).form.aspects else ""
        own = back(result, sample.layout, aspect, folder)
        assert own.pairs["id"].tolist() == result.pairs["id"].tolist(), sample.name
        trl = back(result, "trl-explicit", "", folder)
        assert trl.pairs["id"].tolist() == result.pairs["id"].tolist(), sample.name
    return sample.layout, "the same pairs"


def row_of_table(sample: Sample, folder: Path) -> str:
    cells = [cell(sample, form, folder) for form in FORMS]
    return f"| {' | '.join([sample.name, *cells, *round_trips(sample, folder)])} |"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_every_form_of_a_format_is_read_counted_and_written_again(sample, tmp_path):
    line = row_of_table(sample, tmp_path)
    if not os.environ.get("VCSOUP_WRITE_DOCS"):
        assert line in DOCS.read_text(encoding="utf-8"), "run with VCSOUP_WRITE_DOCS=1"


def test_the_table_in_the_docs_is_what_was_read(tmp_path):
    lines = [row_of_table(sample, tmp_path) for sample in SAMPLES]
    head = [f"| format | {' | '.join(COLUMNS)} |", f"|{'---|' * (len(COLUMNS) + 1)}"]
    table = "\n".join([*head, *lines])
    start, end = "<!-- table -->\n", "\n<!-- end of table -->"
    text = DOCS.read_text(encoding="utf-8")
    before, rest = text.split(start)
    now, after = rest.split(end)
    if os.environ.get("VCSOUP_WRITE_DOCS"):
        DOCS.write_text(before + start + table + end + after, encoding="utf-8")
    else:
        assert now == table, "run with VCSOUP_WRITE_DOCS=1"
