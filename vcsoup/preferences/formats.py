"""A row -> a pair, for each format that is read.

| format | columns | a row becomes |
|---|---|---|
| VC-Soup Lab pairs | id, prompt (messages), chosen, rejected (text) | itself |
| TRL explicit | prompt, chosen, rejected (text or messages) | prompt and answers |
| the same, prompt repeated | both sides start with the prompt in every row | sides without it |
| TRL implicit (messages) | chosen, rejected | all turns but the last, and the last |
| TRL implicit (text) | chosen, rejected | the shared beginning, and what follows it |
| hh-rlhf dialogues | chosen, rejected with "Human:", "Assistant:" | the turns, the last answer |

The format is told from the set of columns and the types in the first row that has both sides. Text
around answers and plain prompts is stripped, except in our own files.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from vcsoup.preferences.pairs import PAIR_COLUMNS, Prompt
from vcsoup.preferences.rows import FileRows
from vcsoup.preferences.turns import (
    RowFault,
    check_answered,
    check_prompt,
    dialogue_turns,
    is_dialogue,
    read_messages,
    read_prompt,
    read_text,
    same_turns,
)

Cells = Mapping[str, Any]
SIDES = ("chosen", "rejected")


class Pair(NamedTuple):
    """A prompt with its two answers."""

    prompt: Prompt
    chosen: str
    rejected: str


class PairFormat(NamedTuple):
    """A format's name, as a person reads it, and the function that reads its rows."""

    name: str
    read: Callable[[Cells], Pair]


def detect_format(file: FileRows) -> PairFormat | None:
    """The format of a file's rows, or None when they are no preference pairs."""
    rows = [row.cells for row in file.rows if all(_is_side(row.cells.get(side)) for side in SIDES)]
    if not rows:
        return None
    first = rows[0]
    if "prompt" in file.columns:
        return _detect_explicit(file.columns, rows)
    if any(isinstance(first[side], list) for side in SIDES):
        return IMPLICIT_MESSAGES
    return DIALOGUES if all(is_dialogue(first[side]) for side in SIDES) else IMPLICIT_TEXT


def _detect_explicit(columns: Iterable[str], rows: Sequence[Cells]) -> PairFormat:
    answers_are_text = all(isinstance(rows[0][side], str) for side in SIDES)
    if set(columns) == set(PAIR_COLUMNS) and isinstance(rows[0].get("prompt"), list):
        return OWN if answers_are_text else EXPLICIT
    return REPEATED if all(_repeats_prompt(row) for row in rows) else EXPLICIT


def _is_side(cell: object) -> bool:
    return isinstance(cell, str | list)


def _repeats_prompt(row: Cells) -> bool:
    asked, sides = row.get("prompt"), [row[side] for side in SIDES]
    if not isinstance(asked, str) or not asked:
        return False
    return all(isinstance(side, str) and side.startswith(asked) for side in sides)


def _own(row: Cells) -> Pair:
    return Pair(read_prompt(row), read_text(row, "chosen"), read_text(row, "rejected"))


def _explicit(row: Cells) -> Pair:
    prompt = read_prompt(row)
    return Pair(prompt, _answer(row, "chosen", prompt), _answer(row, "rejected", prompt))


def _repeated(row: Cells) -> Pair:
    prompt = read_prompt(row)
    return Pair(prompt, *(read_text(row, s).removeprefix(row["prompt"]).strip() for s in SIDES))


def _answer(row: Cells, column: str, prompt: Prompt) -> str:
    if not isinstance(row.get(column), list):
        return read_text(row, column).strip()
    turns = read_messages(row, column)
    check_answered(turns, column)
    if len(turns) > 1 and not same_turns(turns[:-1], prompt):
        raise RowFault("prompt", column, "its earlier turns differ from the prompt")
    return turns[-1]["content"].strip()


def _implicit_messages(row: Cells) -> Pair:
    return _from_turns(read_messages(row, "chosen"), read_messages(row, "rejected"))


def _dialogues(row: Cells) -> Pair:
    chosen, rejected = (dialogue_turns(read_text(row, side), side) for side in SIDES)
    return _from_turns(chosen, rejected)


def _from_turns(chosen: Prompt, rejected: Prompt) -> Pair:
    check_answered(chosen, "chosen")
    check_answered(rejected, "rejected")
    if not same_turns(chosen[:-1], rejected[:-1]):
        raise RowFault("prompt", "rejected", "its earlier turns differ from those of chosen")
    check_prompt(chosen[:-1], "chosen")
    return Pair(chosen[:-1], chosen[-1]["content"].strip(), rejected[-1]["content"].strip())


def _implicit_text(row: Cells) -> Pair:
    chosen, rejected = (read_text(row, side).strip() for side in SIDES)
    for side, text in zip(SIDES, (chosen, rejected), strict=True):
        if not text:
            raise RowFault("empty", side, "no text")
    if chosen == rejected:
        raise RowFault("identical", "rejected", "the same text as chosen")
    cut = _end_of_prompt(chosen, rejected)
    prompt = [{"role": "user", "content": chosen[:cut].strip()}]
    return Pair(prompt, chosen[cut:].strip(), rejected[cut:].strip())


def _end_of_prompt(chosen: str, rejected: str) -> int:
    """Where the shared beginning last ends a line, or else a word, with an answer left after it."""
    pairs = enumerate(zip(chosen, rejected, strict=False))
    differs = (i for i, (a, b) in pairs if a != b)
    shared = chosen[: next(differs, min(len(chosen), len(rejected)))]
    for boundary in (r"\n", r"\s"):
        ends = [match.end() for match in re.finditer(boundary, shared)]
        if ends:
            return ends[-1]
    raise RowFault("prompt", "chosen", "shares no beginning with rejected to take as the prompt")


OWN = PairFormat("VC-Soup Lab pairs", _own)
EXPLICIT = PairFormat("TRL explicit", _explicit)
REPEATED = PairFormat("TRL explicit, prompt repeated", _repeated)
IMPLICIT_MESSAGES = PairFormat("TRL implicit (messages)", _implicit_messages)
IMPLICIT_TEXT = PairFormat("TRL implicit (text)", _implicit_text)
DIALOGUES = PairFormat("hh-rlhf dialogues", _dialogues)
