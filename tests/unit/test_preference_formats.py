"""What is particular about each format: which answer is better, ratings, faults, refusals."""

import json

import pandas as pd
import pytest

from tests.format_samples import LONG, SAMPLES, SHORT, assistant, completion, helpsteer, user
from vcsoup.errors import PreferenceFormatError
from vcsoup.preferences.column_paths import column_paths
from vcsoup.preferences.look import first_rows, look_at
from vcsoup.preferences.readers import Reading, read_preferences


@pytest.fixture
def read(tmp_path):
    def write_and_read(*rows, **how):
        path = tmp_path / "rows"
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        result = read_preferences(path, Reading(**how))
        report = result.report
        assert report.rows == report.kept * report.rows_per_pair + len(report.problems)
        assert report.kept == len(result.pairs) == len(result.scores)
        return result

    return write_and_read


def answers(result):
    return list(result.pairs[["chosen", "rejected"]].itertuples(index=False, name=None))


def problems(result):
    return [(p.row, p.column, p.kind) for p in result.report.problems]


def scores(result):
    return result.scores.drop(columns="id").to_dict("list")


SAFE = {
    "prompt": "How?",
    "response_0": "So.",
    "response_1": "No.",
    "better_response_id": 0,
    "safer_response_id": 1,
}


def test_one_safe_rlhf_row_is_two_preferences(read):
    assert answers(read(SAFE, aspect="better")) == [("So.", "No.")]
    assert answers(read(SAFE, aspect="safer")) == [("No.", "So.")]
    assert read(SAFE, aspect="safer").report.aspect == "safer"


def test_a_file_with_several_preferences_asks_for_one(read):
    with pytest.raises(PreferenceFormatError, match=r"better, safer, and none was named.*--aspect"):
        read(SAFE)
    with pytest.raises(PreferenceFormatError, match="better, safer, not 'funnier'"):
        read(SAFE, aspect="funnier")
    with pytest.raises(PreferenceFormatError, match="one preference and no aspect 'better'"):
        read({"prompt": "a", "chosen": "b", "rejected": "c"}, aspect="better")


def test_a_file_with_one_label_needs_no_choice(read):
    single = {key: cell for key, cell in SAFE.items() if key != "safer_response_id"}
    result = read(single)
    assert (answers(result), result.report.aspect) == ([("So.", "No.")], "better")


def test_labels_may_be_written_as_text_and_others_are_reported(read):
    result = read(
        {**SAFE, "safer_response_id": "0"},
        {**SAFE, "safer_response_id": 1.0, "prompt": "2"},
        {**SAFE, "safer_response_id": 2},
        {**SAFE, "safer_response_id": None},
        {**SAFE, "safer_response_id": "the first"},
        {**SAFE, "response_0": None},
        aspect="safer",
    )
    assert answers(result) == [("So.", "No."), ("No.", "So.")]
    assert [p.reason for p in result.report.problems] == [
        "expected 0 or 1, got 2",
        "missing",
        "expected a number, got 'the first'",
        "missing",
    ]


@pytest.mark.parametrize(
    ("strength", "better"), [(-3, "one"), (-1, "one"), (1, "two"), ("3", "two")]
)
def test_the_sign_of_a_strength_says_which_is_better(read, strength, better):
    two = {"prompt": "q", "response_1": "one", "response_2": "two", "preference_strength": strength}
    three = {"context": [user("q")], "response1": "one", "response2": "two"}
    for row in (two, {**three, "overall_preference": strength}):
        assert answers(read(row))[0][0] == better


def test_completions_are_paired_best_against_worst_of_an_aspect(read):
    """Ratings 1, 5, 5, N/A of honesty: the first 5 against the 1; the unrated one takes no part."""
    rated = [completion(f"answer {i}", rating) for i, rating in enumerate(["1", "5", "5", "2"])]
    rated[3]["annotations"]["honesty"]["Rating"] = "N/A"
    rated[1]["overall_score"], rated[3]["overall_score"] = 0.5, 9.0
    row = {"instruction": "q", "completions": rated}
    result = read(row, aspect="honesty")
    assert answers(result) == [("answer 1", "answer 0")]
    assert scores(result)["honesty_chosen"] == [5.0]
    assert scores(result)["overall_score_rejected"] == [1.0]
    assert answers(read(row, aspect="overall_score")) == [("answer 3", "answer 1")]


def test_completions_without_two_ratings_are_reported(read):
    good = {"instruction": "q", "completions": [completion("a", "5"), completion("b", "1")]}
    result = read(
        good,
        {**good, "completions": [completion("a", "5")]},
        {**good, "completions": []},
        {**good, "completions": None},
        {**good, "instruction": None},
        {**good, "completions": [completion("a", "5"), completion("b", "5")]},
        aspect="helpfulness",
    )
    kinds = ["one-sided", "one-sided", "one-sided", "prompt", "tie"]
    assert [p.kind for p in result.report.problems] == kinds


def test_rows_of_one_prompt_are_paired_and_those_between_reported(read):
    """Helpfulness 2, 4, 0, 3 of one prompt: rows 2 and 3 pair, 1 and 4 lie between; 5 is alone."""
    attributes = dict.fromkeys(("correctness", "coherence", "complexity", "verbosity"), 1)
    rows = [
        {"prompt": "q", "response": f"answer {i}", "helpfulness": h, **attributes}
        for i, h in enumerate([2, 4, 0, 3])
    ]
    rows.append({**rows[0], "prompt": "alone"})
    result = read(*rows, aspect="helpfulness")
    assert answers(result) == [("answer 1", "answer 2")]
    assert problems(result) == [(1, "", "unpaired"), (4, "", "unpaired"), (5, "", "unpaired")]
    assert "neither the highest nor the lowest" in result.report.problems[0].reason
    assert scores(result)["verbosity_chosen"] == [1.0]


def test_damaged_rows_do_not_part_their_neighbours(read, tmp_path):
    """Row 2 is no JSON: rows 1 and 3 are still the two answers of one prompt."""
    better, worse = (json.dumps(row) for row in helpsteer(SHORT[0], False))
    (tmp_path / "rows").write_text(f"{better}\n{{broken\n{worse}\n")
    result = read_preferences(tmp_path / "rows", Reading(aspect="helpfulness"))
    assert (result.report.rows, result.report.kept, len(result.report.problems)) == (3, 1, 1)
    assert "kept as 1 pair" in result.report.summary


def test_rows_of_a_tie_and_without_a_rating_are_all_reported(read):
    ties = helpsteer(SHORT[0], True)
    unrated = [{**row, "coherence": "N/A"} for row in helpsteer(SHORT[1], False)]
    good = helpsteer(SHORT[2], False)
    result = read(*ties, *unrated, *good, *good, aspect="coherence")
    assert result.report.counts["tie"] == 2
    assert result.report.counts["unreadable"] == 2
    # The second pair of good rows is part of a run of four: two of them are neither best nor worst.
    assert result.report.counts["unpaired"] == 2


def test_scores_stand_beside_the_pairs_they_belong_to(read):
    row = {"prompt": "q", "chosen": "a", "rejected": "b"}
    result = read(
        {**row, "reward1_chosen": 1.5, "reward1_reject": "0.5"},
        {**row, "chosen": "b"},
        {**row, "chosen": "c", "reward1_chosen": 2, "reward1_reject": -1},
        {**row, "chosen": "d", "reward1_chosen": None, "reward1_reject": -1},
    )
    assert result.scores["id"].tolist() == result.pairs["id"].tolist()
    assert scores(result)["reward1_chosen"][:2] == [1.5, 2.0]
    assert result.scores["reward1_rejected"].isna().tolist() == [False, False, True]


def test_votes_go_with_the_answer_they_were_given_to(read):
    row = {"history": "q", "human_ref_A": "a", "human_ref_B": "b", "score_A": 9, "score_B": 3}
    assert scores(read({**row, "labels": 1})) == {"score_chosen": [9.0], "score_rejected": [3.0]}
    assert scores(read({**row, "labels": 0})) == {"score_chosen": [3.0], "score_rejected": [9.0]}


def test_a_format_without_scores_has_none(read):
    assert list(read({"prompt": "q", "chosen": "a", "rejected": "b"}).scores.columns) == ["id"]


def test_multi_turn_and_long_pairs_are_counted_and_a_limit_reports_them(read):
    """Words: 1 + 1, 1 + 1 and 1 + 1 + 1 + 1; characters decide what is noted as long."""
    short = {"prompt": "q", "chosen": "aa", "rejected": "b"}
    long = {**short, "chosen": "a" * 20_000}
    turns = {**short, "prompt": [user("a"), assistant("b"), user("c")]}
    report = read(short, long, turns).report
    assert report.notes == {"multi-turn": 1, "long": 1}
    assert report.summary.endswith("3 kept; of those kept 1 multi-turn and 1 long")
    result = read(short, long, turns, longest=3)
    assert problems(result) == [(3, "", "long")]
    assert result.report.problems[0].reason == "4 words, more than 3"
    assert result.report.longest == "3 words"
    assert "3 rows read as TRL explicit, 2 kept, 1 reported (1 long); at most 3 words" in (
        result.report.summary
    )


def test_instruction_and_input_make_one_prompt(read):
    row = {"instruction": "Translate.", "input": "Himmel", "chosen": "sky", "rejected": "sea"}
    row |= {"system": "Be brief.", "history": [["Hi", "Hello"]]}
    expected = [
        {"role": "system", "content": "Be brief."},
        user("Hi"),
        assistant("Hello"),
        user("Translate.\nHimmel"),
    ]
    assert read(row).pairs["prompt"][0] == expected


def test_messages_of_from_and_value(read):
    row = {
        "conversations": [{"from": "human", "value": "q"}],
        "chosen": {"from": "gpt", "value": "a"},
        "rejected": {"from": "gpt", "value": "b"},
    }
    odd = {**row, "conversations": [{"from": "observation", "value": "x"}]}
    result = read(row, odd, {**row, "rejected": {"from": "human", "value": "b"}})
    assert answers(result) == [("a", "b")]
    assert problems(result) == [(2, "conversations", "unreadable"), (3, "rejected", "unreadable")]


def test_a_text_prompt_beside_longer_conversations(read):
    """The prompt column holds one turn as text; the sides hold all turns."""
    turns = [{"role": "system", "content": "Be kind."}, user("a"), assistant("b"), user("c")]
    row = {"prompt": "a", "chosen": [*turns, assistant("d")], "rejected": [*turns, assistant("e")]}
    result = read(row, {**row, "prompt": "something else"})
    assert result.pairs["prompt"][0] == turns
    assert problems(result) == [(2, "chosen", "prompt")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"transcript": "x", "rating": 1.0, "min_harmlessness_score_transcript": 0}, "red-team"),
        ({"messages": [user("a")], "id": 1}, "single dialogues"),
        ({"question": "a", "answer": "b"}, "--columns prompt=question"),
    ],
)
def test_what_holds_no_pairs_is_explained(read, row, said):
    with pytest.raises(PreferenceFormatError, match=said):
        read(row)


ODD = [None, 5, -1.5, True, "", "text", [], [1], [None], [[]], {}, {"a": 1}, [{"a": 1}]]
DEEP = "[" * 900 + "]" * 900


RATED = {"answer1": "Blue.", "answer2": "Green.", "score_helpful_1": 3, "score_helpful_2": "1"}
RATED |= {"question": "Sky?", "safe_1": False, "safe_2": True, "length_1": 5, "length_2": 6}


def test_two_rated_answers_are_a_preference_per_value_with_all_ratings(read):
    """By hand: 3 > 1 prefers the first by help, true > false the second by safety."""
    helpful, safe = (read(RATED, aspect=name) for name in ("score_helpful", "safe"))
    assert (answers(helpful), answers(safe)) == ([("Blue.", "Green.")], [("Green.", "Blue.")])
    assert helpful.pairs["prompt"][0] == [user("Sky?")]
    assert scores(helpful) == {
        **{"score_helpful_chosen": [3], "score_helpful_rejected": [1]},
        **{"safe_chosen": [0], "safe_rejected": [1]},
    }
    with pytest.raises(PreferenceFormatError, match=r"preferences: score_helpful, safe, and none"):
        read(RATED)


def test_a_row_without_one_of_both_ratings_is_reported_and_without_another_kept(read):
    rows = [RATED, RATED | {"question": "Sea?", "safe_2": None}, RATED | {"score_helpful_2": ""}]
    helpful = read(*rows, aspect="score_helpful")
    assert problems(helpful) == [(3, "score_helpful_2", "unreadable")]
    assert scores(helpful)["score_helpful_chosen"] == [3, 3]
    assert problems(read(*rows, aspect="safe"))[0] == (2, "safe_2", "unreadable")


def test_ratings_of_any_name_are_read_from_every_kind_of_file(read, tmp_path):
    """Of parquet only the columns are read that some format uses."""
    row = {"prompt": "Sky?", "reply_a": "Blue.", "reply_b": "Green."}
    row |= {
        f"{name}_{end}": float(end == "a")
        for name in ("fact-check", "to the point")
        for end in "ab"
    }
    pd.DataFrame([row]).to_parquet(tmp_path / "table")
    for how in (Reading(aspect="fact-check"), Reading(aspect="to the point")):
        found = read_preferences(tmp_path / "table", how)
        assert answers(found) == answers(read(row, aspect=how.aspect)) == [("Blue.", "Green.")]
        assert sorted(found.scores) == sorted(read(row, aspect=how.aspect).scores)


@pytest.mark.parametrize(
    "change",
    [
        {"safe_1": None, "safe_2": None},  # one rating may be any figure
        {"safe_2": "unsafe"},
        {"answer3": "Red."},  # which two would it be?
        {"answer0": "Red."},
        {"answer2": 4},
        {"question": None, "asked": "Sky?"},
    ],
    ids=repr,
)
def test_other_tables_with_such_columns_are_no_two_rated_answers(read, change):
    row = {name: cell for name, cell in (RATED | change).items() if cell is not None}
    with pytest.raises(PreferenceFormatError, match="no preference pairs in a known format"):
        read(row)


def changed(rows, column):
    """Return the lines of rows with one column in turn odd, and nested beyond measure."""
    lines = [json.dumps({**row, column: odd}) for odd in ODD for row in rows]
    return lines + [json.dumps({**row, column: "DEEP"}).replace('"DEEP"', DEEP) for row in rows]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_odd_cells_in_any_column_are_reported(sample, tmp_path):
    """Whatever a column holds, the good row before it is kept and the sums hold."""
    pairs = LONG if "strings" not in sample.forms else SHORT
    good, other = sample.make(pairs[0], False), sample.make(pairs[1], False)
    for column in good[0]:
        lines = [*map(json.dumps, good), *changed(other, column)]
        (tmp_path / "rows").write_text("\n".join(lines))
        result = read_preferences(tmp_path / "rows", Reading(aspect=sample.aspect))
        report = result.report
        assert report.rows == len(lines)
        assert report.rows == report.kept * report.rows_per_pair + len(report.problems)
        assert result.pairs["chosen"][0].endswith(pairs[0][1])
        first_rows(look_at(tmp_path / "rows"), Reading(aspect=sample.aspect))
        column_paths(look_at(tmp_path / "rows").file)
