"""Rows with two answers and a column that says which is better -> pairs.

| format | columns | the better answer |
|---|---|---|
| PKU-SafeRLHF | prompt, response_0, response_1, {better,safer}_response_id | that id, per aspect |
| HelpSteer3 preference | context, response1, response2, overall_preference | below 0 the first |
| HelpSteer2 preference | prompt, response_1, response_2, preference_strength | below 0 the first |
| SHP | history, human_ref_A, human_ref_B, labels | 1 the first |
| StackExchange | question, response_j, response_k | the first |
| TL;DR comparisons | info.post, summaries[2].text, choice | the chosen one |
| Chatbot Arena | conversation_a, conversation_b, winner | model_a or model_b |

A preference of 0 and a winner called "tie" are ties and are reported. SHP's score_A and score_B
come along as "score".
"""

import re
from collections.abc import Iterable
from functools import partial

from vcsoup.preferences.pair_format import Cells, Pair, PairFormat, Scores, read_answer
from vcsoup.preferences.turns import (
    RowFault,
    check_answered,
    check_prompt,
    read_marked_prompt,
    read_messages,
    read_number,
    read_prompt,
    read_text,
)

_WINNERS = ("model_a", "model_b")
_CHOICE = re.compile(r"(\w+)_response_id")


def preferred_ids(columns: Iterable[str]) -> tuple[str, ...]:
    """The aspects of a PKU-SafeRLHF table: "better" for a column "better_response_id".

    Example:
        >>> preferred_ids(["prompt", "better_response_id", "safer_response_id"])
        ('better', 'safer')
    """
    return tuple(found[1] for column in columns if (found := _CHOICE.fullmatch(column)))


def by_response_id(columns: Iterable[str]) -> PairFormat:
    """PKU-SafeRLHF: one row is a pair of every aspect, each with its own better answer."""
    return PairFormat("PKU-SafeRLHF", _response_id, aspects=preferred_ids(columns))


def _response_id(row: Cells, aspect: str) -> Pair:
    winner = _one_of_two(row, f"{aspect}_response_id")
    return _pair(row, ("response_0", "response_1"), winner)


def _strength(row: Cells, *, label: str, answers: tuple[str, str], prompt: str) -> Pair:
    strength = read_number(row, label)
    if strength == 0:
        raise RowFault("tie", label, "0: no preference between the two answers")
    return _pair(row, answers, int(strength > 0), prompt=prompt)


def _human_refs(row: Cells) -> Pair:
    winner = 1 - _one_of_two(row, "labels")
    pair = _pair(row, ("human_ref_A", "human_ref_B"), winner, prompt="history")
    if row.get("score_A") is None or row.get("score_B") is None:
        return pair
    scores = read_number(row, "score_A"), read_number(row, "score_B")
    return pair._replace(scores=_ordered(scores, winner))


def _first_is_better(row: Cells) -> Pair:
    return _pair(row, ("response_j", "response_k"), 0, prompt="question")


def _summaries(row: Cells) -> Pair:
    info, summaries = row.get("info"), row.get("summaries")
    if not isinstance(info, dict):
        raise RowFault("prompt", "info", "expected an object with a post")
    if not isinstance(summaries, list) or len(summaries) != 2:
        raise RowFault("one-sided", "summaries", "expected two summaries")
    texts = [entry.get("text") if isinstance(entry, dict) else None for entry in summaries]
    cells = dict(zip(("first", "second"), texts, strict=True))
    post = next((info[key] for key in ("post", "article") if info.get(key)), None)
    prompt = read_prompt({"info": post}, "info")
    answers = [read_text(cells, side, at="summaries").strip() for side in cells]
    winner = _one_of_two(row, "choice")
    return Pair(prompt, answers[winner], answers[1 - winner])


def _battle(row: Cells) -> Pair:
    """Chatbot Arena: two whole conversations that part at their last turn."""
    told = read_text(row, "winner").strip()
    if told.startswith(("tie", "both")):
        raise RowFault("tie", "winner", f"{told[:40]!r}: neither is better")
    if told not in _WINNERS:
        raise RowFault("unreadable", "winner", f"expected model_a or model_b, got {told[:40]!r}")
    winner, columns = _WINNERS.index(told), ("conversation_a", "conversation_b")
    turns = read_messages(row, columns[0])
    check_answered(turns, columns[0])
    check_prompt(turns[:-1], columns[0])
    said = [read_answer(row, column, turns[:-1]) for column in columns]
    return Pair(turns[:-1], said[winner], said[1 - winner])


def _pair(row: Cells, answers: tuple[str, str], winner: int, *, prompt: str = "prompt") -> Pair:
    asked = read_marked_prompt(row, prompt)
    said = [read_answer(row, column, asked) for column in answers]
    return Pair(asked, said[winner], said[1 - winner])


def _one_of_two(row: Cells, column: str) -> int:
    number = read_number(row, column)
    if number not in (0, 1):
        raise RowFault("unreadable", column, f"expected 0 or 1, got {number:g}")
    return int(number)


def _ordered(scores: tuple[float, float], winner: int) -> Scores:
    return {"score": (scores[winner], scores[1 - winner])}


HELPSTEER3 = PairFormat(
    "HelpSteer3 preference",
    partial(
        _strength, label="overall_preference", answers=("response1", "response2"), prompt="context"
    ),
)
HELPSTEER2 = PairFormat(
    "HelpSteer2 preference",
    partial(
        _strength,
        label="preference_strength",
        prompt="prompt",
        answers=("response_1", "response_2"),
    ),
)
HUMAN_REFS = PairFormat("SHP", _human_refs)
STACK_EXCHANGE = PairFormat("StackExchange", _first_is_better)
SUMMARIES = PairFormat("TL;DR comparisons", _summaries)
ARENA = PairFormat("Chatbot Arena", _battle)
