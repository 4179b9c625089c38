"""Round trips of the pair table and the readers for any text that Unicode allows.

A few cases in the usual run; `VCSOUP_FUZZ=500` makes it a deep one.
"""

import json
import os
import tempfile
from pathlib import Path

import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vcsoup.preferences.pairs import load_pairs, make_pairs, pair_id, save_pairs
from vcsoup.preferences.readers import read_preferences

laws = settings(max_examples=int(os.environ.get("VCSOUP_FUZZ", "40")))
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
solid = text.map(lambda words: f"x{words}y")  # no blanks around it, never empty
roles = st.sampled_from(["system", "user", "assistant"])
messages = st.lists(st.fixed_dictionaries({"role": roles, "content": text}), min_size=1, max_size=4)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@laws
@given(st.lists(st.tuples(text | messages, text, text), max_size=5))
def test_the_table_round_trips_through_parquet(rows):
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    pairs = make_pairs(*columns)
    with tempfile.TemporaryDirectory() as folder:
        save_pairs(pairs, Path(folder) / "pairs.parquet")
        pd.testing.assert_frame_equal(load_pairs(Path(folder) / "pairs.parquet"), pairs)


@laws
@given(text, text, text, text)
def test_different_content_has_a_different_id(prompt, chosen, rejected, other):
    assume(other != chosen)
    assert pair_id(prompt, chosen, rejected) != pair_id(prompt, other, rejected)


def read_lines(rows):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        return read_preferences(path)


@laws
@given(st.lists(st.tuples(solid, solid, solid), min_size=1, max_size=5, unique=True))
def test_json_lines_of_explicit_rows_come_back(rows):
    rows = [(prompt, f"a{chosen}", f"b{rejected}") for prompt, chosen, rejected in rows]
    names = ("prompt", "chosen", "rejected")
    result = read_lines([dict(zip(names, row, strict=True)) for row in rows])
    found = [(p.prompt[0]["content"], p.chosen, p.rejected) for p in result.pairs.itertuples()]
    assert found == rows
    assert not result.report.problems


@laws
@given(st.lists(st.dictionaries(st.sampled_from(["prompt", "chosen", "rejected"]), anything)))
def test_whatever_comes_every_row_is_kept_or_reported(rows):
    good = {"prompt": "Sky?", "chosen": "Blue.", "rejected": "Green."}
    result = read_lines([good, *rows])
    report = result.report
    assert report.rows == len(rows) + 1 == report.kept + len(report.problems)
    assert sum(report.counts.values()) == len(report.problems)
    assert result.pairs["id"].is_unique
    json.dumps(report.to_dict())


@laws
@given(solid, solid, solid)
def test_implicit_text_is_cut_without_losing_a_word(shared, chosen, rejected):
    assume(chosen != rejected)
    sides = f"{shared} {chosen}", f"{shared} {rejected}"
    result = read_lines([dict(zip(("chosen", "rejected"), sides, strict=True))])
    pair = next(result.pairs.itertuples())
    for whole, answer in zip(sides, (pair.chosen, pair.rejected), strict=True):
        assert f"{pair.prompt[0]['content']} {answer}".split() == whole.split()
        assert answer
