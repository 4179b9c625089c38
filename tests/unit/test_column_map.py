"""Columns named by hand: by side or by label, inside others, joined; bad names are refused."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.format_samples import assistant, user
from vcsoup.errors import PreferenceFormatError
from vcsoup.preferences.column_map import ColumnMap
from vcsoup.preferences.readers import Reading, read_preferences

LABELLED = "prompt=q,first=a,second=b,label=win,first_if=A,second_if=B"


@pytest.fixture
def read(tmp_path):
    def write_and_read(columns, *rows):
        path = tmp_path / "rows"
        path.write_text("\n".join(json.dumps(row) for row in rows))
        result = read_preferences(path, Reading(columns=ColumnMap.parse(columns)))
        assert result.report.rows == len(rows) == result.report.kept + len(result.report.problems)
        return result

    return write_and_read


def triples(result):
    return list(result.pairs[["prompt", "chosen", "rejected"]].itertuples(index=False, name=None))


def test_two_columns_hold_the_better_and_the_worse_answer(read):
    row = {"question": "Sky?", "good": "Blue.", "bad": "Green.", "chosen": "a trap"}
    result = read("prompt=question,chosen=good,rejected=bad", row, {**row, "bad": None})
    assert triples(result) == [([user("Sky?")], "Blue.", "Green.")]
    assert result.report.format == "named columns, TRL explicit"
    assert [(p.row, p.kind) for p in result.report.problems] == [(2, "one-sided")]


def test_a_label_says_which_is_better_and_anything_else_is_a_tie(read):
    row = {"q": "Sky?", "a": "Blue.", "b": "Green."}
    result = read(
        LABELLED,
        {**row, "win": "tie"},
        {**row, "win": "A"},
        {**row, "win": " b "},
        {**row, "win": None},
    )
    assert [t[1] for t in triples(result)] == ["Blue.", "Green."]
    assert [(p.row, p.column, p.kind) for p in result.report.problems] == [
        (1, "win", "tie"),
        (4, "win", "tie"),
    ]


@pytest.mark.parametrize("said", [1, 1.0, "1", " 1 "])
def test_a_number_is_one_label_however_it_is_written(read, said):
    columns = "prompt=q,first=a,second=b,label=win,first_if=1,second_if=2"
    result = read(columns, {"q": "Sky?", "a": "Blue.", "b": "Green.", "win": said})
    assert triples(result)[0][1] == "Blue."


def test_columns_inside_others_and_joined_ones(read):
    row = {
        "info": {"post": "Sky?"},
        "more": "Briefly.",
        "answers": [{"text": "Blue."}, {"text": "Green."}],
    }
    columns = "prompt=info.post+more,chosen=answers.0.text,rejected=answers.1.text"
    assert triples(read(columns, row)) == [([user("Sky?\nBriefly.")], "Blue.", "Green.")]


def test_named_cells_may_hold_messages_or_dialogues(read):
    turns = {"x": [user("Sky?"), assistant("Blue.")], "y": [user("Sky?"), assistant("Green.")]}
    assert triples(read("chosen=x,rejected=y", turns)) == [([user("Sky?")], "Blue.", "Green.")]
    texts = {"x": "\n\nHuman: Sky?\n\nAssistant: Blue.", "y": "\n\nHuman: Sky?\n\nAssistant: No."}
    assert triples(read("chosen=x,rejected=y", texts)) == [([user("Sky?")], "Blue.", "No.")]


def test_named_scores_come_along(read):
    row = {"q": "Sky?", "x": "Blue.", "y": "Green.", "sx": 3, "sy": "1"}
    columns = "prompt=q,chosen=x,rejected=y,score_chosen=sx,score_rejected=sy"
    found = read(columns, row).scores
    assert (found["score_chosen"][0], found["score_rejected"][0]) == (3.0, 1.0)


def test_only_named_columns_are_read_from_the_disk():
    columns = ColumnMap.parse("prompt=info.post+more,chosen=a,rejected=b")
    names = ("info", "more", "a", "b", "post", "c", "info2")
    assert [name for name in names if columns.reads(name)] == ["info", "more", "a", "b"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "question",
        "prompt=q",
        "prompt=q,chosen=a",
        "prompt=q,answer=a",
        "chosen=a,rejected=b,first=c",
        "first=a,second=b,label=w",
        "first=a,second=b,label=w,first_if=1,second_if=1",
        "{broken",
        '{"prompt": 1, "chosen": "a", "rejected": "b"}',
    ],
)
def test_roles_that_make_no_pairs_are_refused_in_one_line(text):
    with pytest.raises(PreferenceFormatError) as caught:
        ColumnMap.parse(text)
    assert "\n" not in str(caught.value)


def test_columns_that_are_not_there_are_named(read):
    with pytest.raises(PreferenceFormatError, match=r"no row with .* it has q, a; name others"):
        read("prompt=q,chosen=x,rejected=y", {"q": "a", "a": "b"})


names = st.text(min_size=1, max_size=8).filter(lambda name: not set(name) & set("\ud800"))


@settings(max_examples=40)
@given(names, names, names)
def test_a_map_written_down_reads_back_the_same(prompt, chosen, rejected):
    columns = ColumnMap(prompt=prompt, chosen=chosen, rejected=rejected)
    assert ColumnMap.parse(columns.written()) == columns


@pytest.mark.parametrize("role", ["prompt", "chosen", "rejected"])
def test_a_column_that_the_file_has_not_is_named_with_those_it_has(read, role):
    columns = {"prompt": "Frage", "chosen": "Gut", "rejected": "Schlecht"}
    named = {**columns, role: "Fragen"}
    row = dict(zip(columns.values(), ("Sky?", "Blue.", "Green."), strict=True))
    written = ",".join(f"{name}={column}" for name, column in named.items())
    told = f"has no row with {role}=Fragen; it has Frage, Gut, Schlecht; name others"
    with pytest.raises(PreferenceFormatError, match=told):
        read(written, row)
    inside = {**row, "more": {"text": "Gray."}}
    assert read("prompt=Frage,chosen=Gut,rejected=more.text", inside).report.kept == 1
