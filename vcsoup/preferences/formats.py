"""A row with a chosen and a rejected side -> a pair.

| format | columns | a row becomes |
|---|---|---|
| VC-Soup Lab pairs | id, prompt (messages), chosen, rejected (text) | itself |
| TRL explicit | prompt, chosen, rejected (text or messages) | prompt and answers |
| the same, prompt repeated | both sides start with the prompt in every row | sides without it |
| TRL implicit (messages) | chosen, rejected | all turns but the last, and the last |
| TRL implicit (text) | chosen, rejected | the shared beginning, and what follows it |
| hh-rlhf dialogues | chosen, rejected with "Human:", "Assistant:" | the turns, the last answer |
| LLaMA-Factory (Alpaca) | instruction, input, chosen, rejected; system, history | both as prompt |
| any TRL explicit text | question, query or input instead of prompt | that as prompt |
| LLaMA-Factory (ShareGPT) | conversations, chosen, rejected (messages); system | turns, answers |

The format is told from the set of columns and the types in the first row that has both sides. A
text in `system` opens any prompt that begins with no system turn of its own (Orca's pairs). Text
around answers and plain prompts is stripped, and messages may be written as JSON in a text, except
in our own files. Scores that stand beside the sides (score_chosen and score_rejected;
reward1_chosen and reward1_reject, as VC-Soup's own code writes them) come along; two equal scores
under "score" are a tie.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from vcsoup.preferences.pair_format import Cells, Pair, PairFormat, Scores, read_answer
from vcsoup.preferences.pairs import PAIR_COLUMNS, Prompt
from vcsoup.preferences.rows import FileRows, NumberedRow
from vcsoup.preferences.turns import (
    RowFault,
    check_answered,
    check_prompt,
    dialogue_turns,
    is_dialogue,
    messages_in,
    read_messages,
    read_number,
    read_prompt,
    read_text,
    same_turns,
)

SIDES = ("chosen", "rejected")
_MESSAGES = (*SIDES, "prompt", "conversations")
_ASKED = ("question", "query", "input")  # other names of a prompt
_REWARD = re.compile(r"(reward\d+)_chosen")


def detect_sides(file: FileRows) -> PairFormat | None:
    """The format of rows with a chosen and a rejected side, or None when they have none."""
    rows = [row.cells for row in file.rows if all(_is_side(row.cells.get(side)) for side in SIDES)]
    if not rows:
        return None
    first = rows[0]
    if set(file.columns) != set(PAIR_COLUMNS) and _unpacked(first) != first:
        unpacked = [NumberedRow(place, _unpacked(row)) for place, row in enumerate(rows, start=1)]
        form = detect_sides(FileRows(file.columns, unpacked))
        return form and replace(form, read=partial(_packed, form=form))
    if "conversations" in file.columns and isinstance(first.get("conversations"), list):
        return CONVERSATIONS
    if "prompt" in file.columns:
        return _detect_explicit(file.columns, rows)
    if "instruction" in file.columns and all(isinstance(first[side], str) for side in SIDES):
        return INSTRUCTIONS
    if any(not isinstance(first[side], str) for side in SIDES):
        return IMPLICIT_MESSAGES
    if all(is_dialogue(first[side]) for side in SIDES):
        return DIALOGUES
    asked = next((name for name in _ASKED if isinstance(first.get(name), str)), None)
    return _detect_asked(asked, rows) if asked else IMPLICIT_TEXT


def _detect_asked(asked: str, rows: Sequence[Cells]) -> PairFormat:
    form = _detect_explicit((*rows[0], "prompt"), [_with_prompt(row, asked) for row in rows])
    return PairFormat(f"{form.name}, {asked} as prompt", partial(_asked, asked=asked, form=form))


def _with_prompt(row: Cells, asked: str) -> Cells:
    return {**row, "prompt": row.get(asked)}


def _unpacked(row: Cells) -> dict[str, Any]:
    """The row with the lists of messages that it holds as JSON text."""
    texts = {name: row[name] for name in _MESSAGES if isinstance(row.get(name), str)}
    return {**row, **{name: messages_in(text) or text for name, text in texts.items()}}


def _packed(row: Cells, *, form: PairFormat) -> Pair:
    return form.pair(_unpacked(row), "")


def _detect_explicit(columns: Iterable[str], rows: Sequence[Cells]) -> PairFormat:
    asked = [row for row in rows if _holds(row.get("prompt"))]
    answers_are_text = all(isinstance(rows[0][side], str) for side in SIDES)
    if set(columns) == set(PAIR_COLUMNS) and isinstance(rows[0].get("prompt"), list):
        return OWN if answers_are_text else EXPLICIT
    if asked and all(map(_repeats_prompt, asked)):
        return REPEATED
    return SCORED if any(_REWARD.fullmatch(column) for column in columns) else EXPLICIT


def _is_side(cell: object) -> bool:
    return isinstance(cell, str | list | dict) and _holds(cell)


def _holds(cell: object) -> bool:
    """Whether a cell holds anything; a row that lacks some tells nothing of the others."""
    return cell is not None and not (isinstance(cell, str) and not cell.strip())


def _repeats_prompt(row: Cells) -> bool:
    asked, sides = row["prompt"], [row[side] for side in SIDES]
    if not isinstance(asked, str):
        return False
    return all(isinstance(side, str) and side.startswith(asked) for side in sides)


def _own(row: Cells) -> Pair:
    return Pair(read_prompt(row), read_text(row, "chosen"), read_text(row, "rejected"))


def _explicit(row: Cells) -> Pair:
    prompt = _prompt_of_sides(row) or read_prompt(row)
    chosen, rejected = (read_answer(row, side, prompt) for side in SIDES)
    return Pair(_opened(prompt, row), chosen, rejected, _scores(row))


def _asked(row: Cells, *, asked: str, form: PairFormat) -> Pair:
    return form.pair(_with_prompt(row, asked), "")


def _prompt_of_sides(row: Cells) -> Prompt | None:
    """The turns that both sides begin with, where the prompt is one of them written as text."""
    asked, cells = row.get("prompt"), [row.get(side) for side in SIDES]
    if not isinstance(asked, str) or not all(isinstance(c, list) and len(c) > 1 for c in cells):
        return None
    chosen, rejected = (read_messages(row, side)[:-1] for side in SIDES)
    texts = [turn["content"].strip() for turn in chosen if turn["role"] == "user"]
    return chosen if same_turns(chosen, rejected) and asked.strip() in texts else None


def _repeated(row: Cells) -> Pair:
    prompt = read_prompt(row)
    sides = (read_text(row, side).removeprefix(row["prompt"]) for side in SIDES)
    chosen, rejected = (side.strip() for side in sides)
    return Pair(_opened(prompt, row), chosen, rejected, _scores(row))


def _scores(row: Cells) -> Scores:
    """Ready-made scores beside the sides; columns without numbers give none."""
    names = {"score": ("score_chosen", "score_rejected")}
    for column in row:
        if found := _REWARD.fullmatch(column):
            name = found[1]
            short = f"{name}_reject"  # as VC-Soup's own tables spell it
            names[name] = (column, short if short in row else f"{name}_rejected")
    scores = {name: _numbers(row, columns) for name, columns in names.items()}
    present = {name: both for name, both in scores.items() if both is not None}
    if "score" in present and len(set(present["score"])) == 1:
        raise RowFault("tie", "score_chosen", f"both answers have the score {row['score_chosen']}")
    return present


def _numbers(row: Cells, columns: tuple[str, str]) -> tuple[float, float] | None:
    try:
        return read_number(row, columns[0]), read_number(row, columns[1])
    except RowFault:
        return None


def _instructions(row: Cells) -> Pair:
    """Alpaca's columns: instruction and input are one prompt, after system and history."""
    asked = [read_text(row, "instruction").strip()]
    if row.get("input"):
        asked.append(read_text(row, "input").strip())
    turns = [*_system(row), *_history(row)]
    prompt = [*turns, {"role": "user", "content": "\n".join(filter(None, asked))}]
    check_prompt(prompt, "instruction")
    chosen, rejected = (read_answer(row, side, prompt) for side in SIDES)
    return Pair(prompt, chosen, rejected, _scores(row))


def _history(row: Cells) -> Prompt:
    turns: Prompt = []
    exchanges = row.get("history") or []
    if not isinstance(exchanges, list):
        raise RowFault("unreadable", "history", "expected a list of earlier turns")
    for exchange in exchanges:
        if not (isinstance(exchange, list) and len(exchange) == 2):
            raise RowFault("unreadable", "history", "expected pairs of a question and an answer")
        said = dict(zip(("user", "assistant"), exchange, strict=True))
        turns += [{"role": r, "content": read_text(said, r, at="history")} for r in said]
    return turns


def _conversations(row: Cells) -> Pair:
    prompt = [*_system(row), *read_messages(row, "conversations")]
    check_prompt(prompt, "conversations")
    cells = {side: row.get(side) for side in SIDES}
    turns = {side: [cell] if isinstance(cell, dict) else cell for side, cell in cells.items()}
    chosen, rejected = (read_answer(turns, side, prompt) for side in SIDES)
    return Pair(prompt, chosen, rejected, _scores(row))


def _opened(prompt: Prompt, row: Cells) -> Prompt:
    """The prompt behind the text of `system`, where it has no system turn of its own."""
    told = row.get("system")
    if not isinstance(told, str) or not told.strip() or prompt[0]["role"] == "system":
        return prompt
    return [*_system(row), *prompt]


def _system(row: Cells) -> Prompt:
    return [{"role": "system", "content": read_text(row, "system")}] if row.get("system") else []


def _implicit_messages(row: Cells) -> Pair:
    pair = _from_turns(read_messages(row, "chosen"), read_messages(row, "rejected"))
    return pair._replace(scores=_scores(row))


def _dialogues(row: Cells) -> Pair:
    chosen, rejected = (dialogue_turns(read_text(row, side), side) for side in SIDES)
    return _from_turns(chosen, rejected)._replace(scores=_scores(row))


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
    return Pair(prompt, chosen[cut:].strip(), rejected[cut:].strip(), _scores(row))


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
SCORED = PairFormat("VC-Soup table with rewards", _explicit)
INSTRUCTIONS = PairFormat("LLaMA-Factory (Alpaca)", _instructions)
CONVERSATIONS = PairFormat("LLaMA-Factory (ShareGPT)", _conversations)
