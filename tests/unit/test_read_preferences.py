"""Every format of preference rows, good and bad, through `read_preferences`."""

import json
from pathlib import Path

import pytest

from vcsoup.errors import PreferenceFormatError
from vcsoup.preferences.pairs import as_messages, make_pairs, save_pairs
from vcsoup.preferences.read_report import KINDS
from vcsoup.preferences.readers import read_preferences

SHARED = Path(__file__).parents[3] / "shared" / "data" / "hh_rlhf_harmless_base_300.jsonl"


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


@pytest.fixture
def read(tmp_path):
    def write_and_read(*rows):
        path = tmp_path / "rows.data"  # a name that says nothing
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        result = read_preferences(path)
        report = result.report
        assert report.rows == len(rows) == report.kept + len(report.problems)
        assert report.kept == len(result.pairs)
        return result

    return write_and_read


def triples(result):
    return list(result.pairs[["prompt", "chosen", "rejected"]].itertuples(index=False, name=None))


def problems(result):
    return [(p.row, p.column, p.kind) for p in result.report.problems]


def test_trl_explicit_text(read):
    result = read({"prompt": " Sky? ", "chosen": " Blue.", "rejected": "Green.\n"})
    assert triples(result) == [([user("Sky?")], "Blue.", "Green.")]
    assert result.report.format == "TRL explicit"


def test_trl_explicit_messages(read):
    prompt = [{"role": "system", "content": "Be brief."}, user("Sky?")]
    row = {"prompt": prompt, "chosen": [assistant("Blue.")], "rejected": [assistant("Green.")]}
    assert triples(read(row)) == [(prompt, "Blue.", "Green.")]


@pytest.mark.parametrize(
    "answer",
    ['[{"role": "engineer", "name": "Ann"}]', '[{"from": "Oslo", "to": "Rome"}]', '[{"a": 1}]'],
)
def test_a_list_of_records_that_are_no_messages_is_a_text(read, answer):
    """In every row, so that the first one does not make the file one of messages."""
    row = {"prompt": "List them.", "chosen": answer, "rejected": "[]"}
    assert triples(read(row)) == [([user("List them.")], answer, "[]")]


@pytest.mark.parametrize(
    ("turn", "came"),
    [
        ({"role": "tool", "content": "x"}, "'tool'"),
        ({"from": "observation", "value": "x"}, "'observation'"),
        ({"name": "Ann", "age": 3}, "fields name, age"),
        ("Blue.", "'Blue.'"),
    ],
)
def test_a_message_of_nobody_is_reported_with_what_came(read, turn, came):
    row = {"prompt": "Sky?", "chosen": [assistant("Blue.")], "rejected": [assistant("Green.")]}
    result = read(row, {**row, "rejected": [turn]})
    reason = f"a message needs a role of system, user, assistant, got {came}"
    assert [(p.row, p.column, p.reason) for p in result.report.problems] == [
        (2, "rejected", reason)
    ]


def test_messages_in_parts_of_text_are_read_as_one_text(read):
    """As OpenAI's API takes them; parquet gives every part all fields, the others empty."""
    parts = [{"type": "text", "text": "Sky", "image_url": None}, {"type": "text", "text": " now?"}]
    asked = {"role": "user", "content": parts}
    answer = {"role": "assistant", "content": [{"type": "text", "text": "Blue."}]}
    row = {"prompt": [asked], "chosen": [answer], "rejected": [assistant("Green.")]}
    expected = [([user("Sky now?")], "Blue.", "Green.")]
    assert triples(read(row)) == expected
    assert triples(read({**row, "prompt": json.dumps([asked])})) == expected
    whole = {"chosen": [asked, answer], "rejected": [asked, assistant("Green.")]}
    assert triples(read(whole)) == expected


@pytest.mark.parametrize(
    ("part", "came"),
    [
        ({"type": "image_url", "image_url": {"url": "https://x"}}, "of type image_url"),
        ({"type": "text", "text": None}, "without text"),
        ("Sky?", "of type 'Sky?'"),
    ],
)
def test_a_part_of_a_message_that_is_no_text_is_reported_by_its_type(read, part, came):
    row = {"prompt": [user("Sky?")], "chosen": [assistant("B")], "rejected": [assistant("G")]}
    seen = {"role": "user", "content": [{"type": "text", "text": "What is"}, part]}
    result = read(row, {**row, "prompt": [seen]})
    assert problems(result) == [(2, "prompt", "unreadable")]
    reason = f"part 2 of a message is {came}; only parts of type text can be read"
    assert result.report.problems[0].reason == reason


@pytest.mark.parametrize("names", [("prompt",), ("chosen", "rejected"), ("prompt", "chosen")])
def test_messages_written_as_json_in_a_text(read, names):
    row = {"prompt": [user("Sky?")], "chosen": [assistant("B")], "rejected": [assistant("G")]}
    texts = {name: json.dumps(row[name]) for name in names}
    plain = {"prompt": "q", "chosen": '[{"a": 1}]', "rejected": "[{"}
    result = read({**row, **texts}, plain)
    assert triples(result) == [([user("Sky?")], "B", "G"), ([user("q")], '[{"a": 1}]', "[{")]
    whole = {side: json.dumps([*row["prompt"], *row[side]]) for side in ("chosen", "rejected")}
    assert triples(read(whole)) == [([user("Sky?")], "B", "G")]


def test_text_prompt_with_whole_conversations_as_sides(read):
    """The hybrid form of ultrafeedback_binarized."""
    sides = {
        "chosen": [user("Sky?"), assistant("Blue.")],
        "rejected": [user("Sky?"), assistant("Green.")],
    }
    result = read({"prompt": "Sky?", "prompt_id": "x", **sides, "score_chosen": 8.0})
    assert triples(result) == [([user("Sky?")], "Blue.", "Green.")]


def test_a_prompt_that_every_row_repeats_is_taken_off(read):
    result = read(
        {"prompt": "Sky?", "chosen": "Sky? Blue.", "rejected": "Sky? Green."},
        {"prompt": "Sea?", "chosen": "Sea? Wet.", "rejected": "Sea? Dry."},
    )
    assert triples(result)[1] == ([user("Sea?")], "Wet.", "Dry.")
    assert result.report.format == "TRL explicit, prompt repeated"


def test_answers_that_happen_to_start_with_the_prompt_stay_whole(read):
    result = read(
        {"prompt": "Hi", "chosen": "Hi there!", "rejected": "Hi, go away."},
        {"prompt": "Sea?", "chosen": "Wet.", "rejected": "Dry."},
    )
    assert triples(result)[0] == ([user("Hi")], "Hi there!", "Hi, go away.")


@pytest.mark.parametrize("lack", [{"prompt": None}, {"prompt": " "}, {"chosen": ""}])
@pytest.mark.parametrize("place", [0, 1])
def test_a_row_that_lacks_a_cell_leaves_the_prompt_of_all_others_off(read, lack, place):
    rows = [{"prompt": f"{q}:", "chosen": f"{q}: Yes.", "rejected": f"{q}: No."} for q in "ab"]
    damaged = {**rows[0], **lack}
    result = read(*rows[:place], damaged, *rows[place:])
    assert triples(result) == [([user(f"{q}:")], "Yes.", "No.") for q in "ab"]
    assert [row for row, *_ in problems(result)] == [place + 1]


@pytest.mark.parametrize("name", ["question", "query", "input"])
@pytest.mark.parametrize("repeated", ["", "Sky?\n"])
def test_a_prompt_of_another_name_and_the_system_text_beside_it(read, name, repeated):
    """Orca's pairs; the answers begin alike, which is no reason to take that for the prompt."""
    row = {"system": "Be brief.", name: "Sky?\n"}
    row |= {"chosen": f"{repeated}It is blue.", "rejected": f"{repeated}It is green."}
    system = {"role": "system", "content": "Be brief."}
    said = ("It is blue.", "It is green.")
    result = read(row, {**row, "system": ""}, {**row, name: " "})
    assert triples(result) == [([system, user("Sky?")], *said), ([user("Sky?")], *said)]
    assert [row for row, *_ in problems(result)] == [3]


@pytest.mark.parametrize("prompt", ["Sky?", [user("Sky?")]])
def test_a_system_text_beside_a_prompt_is_its_first_turn(read, prompt):
    row = {"system": "Be brief.", "prompt": prompt, "chosen": "Blue.", "rejected": "Green."}
    turns = [{"role": "system", "content": "Be brief."}, user("Sky?")]
    result = read(row, {**row, "prompt": turns, "chosen": "Black."}, {**row, "system": None})
    assert [pair[0] for pair in triples(result)] == [turns, turns, [user("Sky?")]]


def test_a_prompt_in_dialogue_form_becomes_turns(read):
    prompt = "\n\nHuman: Sky?\n\nAssistant: Which?\n\nHuman: Ours.\n\nAssistant:"
    result = read({"prompt": prompt, "chosen": " Blue.", "rejected": " Green."})
    expected = [user("Sky?"), assistant("Which?"), user("Ours.")]
    assert triples(result) == [(expected, "Blue.", "Green.")]


def test_trl_implicit_messages(read):
    shared = [user("Sky?"), assistant("Which?"), user("Ours.")]
    row = {"chosen": [*shared, assistant("Blue.")], "rejected": [*shared, assistant("Green.")]}
    result = read(row)
    assert triples(result) == [(shared, "Blue.", "Green.")]
    assert result.report.format == "TRL implicit (messages)"


@pytest.mark.parametrize(
    ("chosen", "rejected", "expected"),
    [
        # cut after a word: "bl" is shared, but belongs to the answers
        ("The sky is blue.", "The sky is black.", ("The sky is", "blue.", "black.")),
        # cut after a line: "It is" is shared, but belongs to the answers
        ("2 + 2?\nIt is 4.", "2 + 2?\nIt is 5.", ("2 + 2?", "It is 4.", "It is 5.")),
        # one side is the beginning of the other: an answer is left on both
        ("Say hello there", "Say hello", ("Say", "hello there", "hello")),
    ],
)
def test_trl_implicit_text_is_cut_at_a_line_or_word(read, chosen, rejected, expected):
    result = read({"chosen": chosen, "rejected": rejected})
    assert triples(result) == [([user(expected[0])], *expected[1:])]
    assert result.report.format == "TRL implicit (text)"


def test_hh_rlhf_dialogues(read):
    start = "\n\nHuman: Sky?\n\nAssistant: Which?\n\nHuman: Ours.\n\nAssistant:"
    result = read({"chosen": start + " Blue.\n\nReally.", "rejected": start + " Green."})
    expected = [user("Sky?"), assistant("Which?"), user("Ours.")]
    assert triples(result) == [(expected, "Blue.\n\nReally.", "Green.")]
    assert result.report.format == "hh-rlhf dialogues"


def test_hh_rlhf_faults_are_told_apart(read):
    good = {"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: c"}
    result = read(
        good,
        {**good, "rejected": "\n\nHuman: other\n\nAssistant: c"},
        {**good, "rejected": "\n\nHuman: a\n\nAssistant: c\n\nHuman: thanks"},
        {**good, "chosen": "Note.\n\nHuman: a\n\nAssistant: b"},
        {**good, "chosen": "\n\nAssistant: b", "rejected": "\n\nAssistant: c"},
    )
    assert problems(result) == [
        (2, "rejected", "prompt"),
        (3, "rejected", "unreadable"),
        (4, "chosen", "unreadable"),
        (5, "chosen", "prompt"),
    ]


def test_every_kind_of_problem_is_reported_with_row_column_and_reason(read):
    good = {"prompt": "Sky?", "chosen": "Blue.", "rejected": "Green."}
    result = read(
        good,
        {"prompt": "Sky?", "chosen": "Blue."},
        {**good, "chosen": 7},
        {**good, "chosen": "  "},
        {**good, "rejected": "Blue. "},
        {**good, "prompt": " "},
        {**good, "prompt": None},
        {**good, "chosen": [user("Sky?")]},
        {**good, "chosen": [user("Sea?"), assistant("Blue.")]},
        {**good, "chosen": [{"role": "bot", "content": "Blue."}]},
        {**good, "chosen": [{"role": "assistant", "content": None}]},
        {**good, "chosen": "half \ud83c"},
        {**good, "prompt": "half \ud83c"},
        {**good, "chosen": " Blue."},
    )
    assert problems(result) == [
        (2, "rejected", "one-sided"),
        (3, "chosen", "one-sided"),
        (4, "chosen", "empty"),
        (5, "rejected", "identical"),
        (6, "prompt", "prompt"),
        (7, "prompt", "prompt"),
        (8, "chosen", "unreadable"),
        (9, "chosen", "prompt"),
        (10, "chosen", "unreadable"),
        (11, "chosen", "one-sided"),
        (12, "chosen", "unreadable"),
        (13, "prompt", "unreadable"),
        (14, "", "duplicate"),
    ]
    reasons = {p.row: p.reason for p in result.report.problems}
    assert reasons[2] == "missing"
    assert reasons[3] == "expected text, got int"
    assert reasons[14] == "the same pair as row 1"
    counts = {"unreadable": 4, "one-sided": 3, "empty": 1, "prompt": 3, "identical": 1}
    rest = {"duplicate": 1, "tie": 0, "unpaired": 0, "long": 0}
    assert result.report.counts == {**counts, **rest}


def test_implicit_text_faults_are_told_apart(read):
    result = read(
        {"chosen": "Sky? Blue.", "rejected": "Sky? Green."},
        {"chosen": "same text", "rejected": "same text "},
        {"chosen": "nothing", "rejected": "shared"},
        {"chosen": " ", "rejected": "text"},
        {"chosen": [user("Sky?"), assistant("Blue.")], "rejected": "text"},
    )
    assert problems(result) == [
        (2, "rejected", "identical"),
        (3, "chosen", "prompt"),
        (4, "chosen", "empty"),
        (5, "chosen", "one-sided"),
    ]


def test_implicit_messages_whose_earlier_turns_differ(read):
    row = {
        "chosen": [user("Sky?"), assistant("Blue.")],
        "rejected": [user("Sky?"), assistant("No.")],
    }
    other = {**row, "rejected": [user("Sea?"), assistant("Wet.")]}
    alone = {"chosen": [assistant("Blue.")], "rejected": [assistant("No.")]}
    result = read(row, other, alone, {"chosen": [], "rejected": []})
    expected = [(2, "rejected", "prompt"), (3, "chosen", "prompt"), (4, "chosen", "unreadable")]
    assert problems(result) == expected


def test_a_bad_first_row_does_not_hide_the_format(read):
    good = {"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: c"}
    result = read({"chosen": None, "rejected": 3}, good)
    assert result.report.format == "hh-rlhf dialogues"
    assert problems(result) == [(1, "chosen", "one-sided")]


def test_an_empty_first_answer_does_not_make_dialogues_plain_text(read):
    row = {"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: c"}
    result = read({**row, "chosen": ""}, row)
    assert result.report.format == "hh-rlhf dialogues"
    assert triples(result) == [([user("a")], "b", "c")]
    assert problems(result) == [(1, "chosen", "unreadable")]


def test_the_report_as_data_and_as_a_line(read):
    good = {"prompt": "Sky?", "chosen": "Blue.", "rejected": "Green."}
    report = read(good, {**good, "chosen": ""}).report
    data = json.loads(json.dumps(report.to_dict()))
    problem = {"row": 2, "column": "chosen", "kind": "empty", "reason": "no text", "file": ""}
    assert data["problems"] == [problem]
    assert (data["rows"], data["kept"], data["source"]) == (2, 1, "rows.data")
    assert data["counts"] == {kind: int(kind == "empty") for kind in KINDS}
    assert report.summary == "2 rows read as TRL explicit, 1 kept, 1 reported (1 empty)"


def test_our_own_parquet_comes_back_unchanged(tmp_path):
    """Blanks around an answer are part of it here, so the ids stay what they were."""
    pairs = make_pairs(["Hi", as_messages("Sky?")], [" a\n", "Blue."], ["b", "Green."])
    save_pairs(pairs, tmp_path / "pairs.parquet")
    result = read_preferences(tmp_path / "pairs.parquet")
    assert result.report.format == "VC-Soup Lab pairs"
    assert result.pairs["id"].tolist() == pairs["id"].tolist()
    assert triples(result)[0] == ([user("Hi")], " a\n", "b")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"question": "a", "answer": "b"}],
            "expected the columns chosen and rejected .*found: question, answer",
        ),
        ([{"chosen": "a"}], "found: chosen"),
        ([{"chosen": 1, "rejected": 2}], "no row with text or messages in both"),
        (
            [{"prompt": "a", "chosen": "b", "rejected": "b"}],
            "no usable pair in 1 row; .*row 1, column rejected, the same",
        ),
        ([[]], "found: none"),
    ],
)
def test_files_without_pairs_are_refused_in_one_line(read, rows, message):
    with pytest.raises(PreferenceFormatError, match=message) as caught:
        read(*rows)
    assert "rows.data" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared sample of hh-rlhf is not here")
def test_real_hh_rlhf_pairs():
    """Counted in the raw file: 300 rows, one side without text (row 87), prompts equal in all."""
    result = read_preferences(SHARED)
    assert (result.report.rows, result.report.kept) == (300, 299)
    assert problems(result) == [(87, "chosen", "empty")]
    raw = [json.loads(line) for line in SHARED.read_text(encoding="utf-8").split("\n") if line]
    del raw[86]
    for pair, row in zip(result.pairs.itertuples(), raw, strict=True):
        assert row["chosen"].endswith(pair.chosen) or row["chosen"].strip().endswith(pair.chosen)
        assert pair.prompt[-1]["role"] == "user"
        spoken = row["chosen"].count("\n\nHuman:") + row["chosen"].count("\n\nAssistant:")
        assert len(pair.prompt) == spoken - 1
