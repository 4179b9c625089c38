r"""Cells -> texts and turns, with the reason when a cell holds neither.

The lowest layer of the readers: text, numbers, lists of messages (role and content, also in parts
of text as OpenAI's API takes them, or from and value), dialogues in the hh-rlhf form
("\n\nHuman: ...\n\nAssistant: ...") and in HelpSteer's ("<extra_id_1>User"). Nothing here knows
what a format is.
"""

import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from vcsoup.preferences.pairs import Prompt

ROLES = ("system", "user", "assistant")
_SENDERS = {"human": "user", "gpt": "assistant", **{role: role for role in ROLES}}
_SPEAKERS = {"Human": "user", "Assistant": "assistant"}
_TURN = re.compile(r"(?:\n\n|\A\s*)(Human|Assistant):")
_TRUTHS = {"true": 1.0, "false": 0.0}
_MARKED = re.compile(r"\n*<extra_id_1>(User|Assistant)\n")
_WAITING = re.compile(r"\s*\n\nAssistant:\s*\Z")


@dataclass(eq=False)
class RowFault(Exception):  # noqa: N818 - caught and reported per row, never shown as an error
    """Why a row is not a pair: one of the report's kinds, the column, and the reason in words."""

    kind: str
    column: str
    reason: str


def read_text(row: Mapping[str, Any], column: str, *, at: str = "") -> str:
    """The text of a cell; `at` names the column in the report when it is another."""
    cell = row.get(column)
    if not isinstance(cell, str):
        raise RowFault("one-sided", at or column, _instead_of(cell, "text"))
    try:
        cell.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RowFault("unreadable", at or column, "holds half of a character") from error
    return cell


def read_number(row: Mapping[str, Any], column: str) -> float:
    """The number of a cell, also when it is written as text; true and false are 1 and 0."""
    cell = row.get(column)
    number = math.nan
    if isinstance(cell, str | int | float):
        written = _TRUTHS.get(cell.strip().casefold(), cell) if isinstance(cell, str) else cell
        with suppress(ValueError, OverflowError):
            number = float(written)
    if not math.isfinite(number):
        empty = cell is None or (isinstance(cell, str) and not cell.strip())
        said = "missing" if empty else f"expected a number, got {_shown(cell)}"
        raise RowFault("unreadable", column, said)
    return number


def read_messages(row: Mapping[str, Any], column: str) -> Prompt:
    """The messages of a cell, with role and content alone."""
    turns = row.get(column)
    if not isinstance(turns, list):
        raise RowFault("one-sided", column, _instead_of(turns, "messages"))
    return [_message(turn, column) for turn in turns]


def messages_in(text: str) -> list[dict[str, Any]]:
    """The messages that a text holds as JSON; none when it is anything else.

    Example:
        >>> messages_in('[{"role": "user", "content": "Hi"}]'), messages_in('[{"a": 1}]')
        ([{'role': 'user', 'content': 'Hi'}], [])
    """
    if not text.lstrip().startswith("[{"):
        return []
    try:
        turns = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return turns if are_messages(turns) else []


def joined_parts(content: object, column: str = "prompt") -> object:
    """A message's content, the texts of its parts one behind the other where it came in parts.

    Raises:
        RowFault: a part that is no text, such as an image.

    Example:
        >>> joined_parts([{"type": "text", "text": "Is the"}, {"text": " sky?"}])
        'Is the sky?'
    """
    if not isinstance(content, list):
        return content
    return "".join(_part(part, place, column) for place, part in enumerate(content, start=1))


def are_messages(turns: object) -> bool:
    """Whether a list is meant as messages: each has a role (or from) and says something.

    Records with other fields are none, nor are those whose field `role` is no speaker's.

    Example:
        >>> are_messages([{"role": "tool", "content": "5"}]), are_messages([{"role": "engineer"}])
        (True, False)
    """
    return isinstance(turns, list) and all(map(_is_spoken, turns))


def _is_spoken(turn: object) -> bool:
    """Whether this is meant as a message; a record with a field that is called role need not be."""
    if not isinstance(turn, dict):
        return False
    return any(
        who in turn and (what in turn or str(turn[who]) in _SENDERS)
        for who, what in (("role", "content"), ("from", "value"))
    )


def _message(turn: object, column: str) -> dict[str, str]:
    """A message of role and content, or of from and value."""
    if isinstance(turn, dict):
        if turn.get("role") in ROLES:
            content = joined_parts(turn.get("content"), column)
            said = read_text({"content": content}, "content", at=column)
            return {"role": turn["role"], "content": said}
        sender = turn.get("from")
        if turn.get("role") is None and isinstance(sender, str) and sender in _SENDERS:
            return {"role": _SENDERS[sender], "content": read_text(turn, "value", at=column)}
    raise RowFault(
        "unreadable", column, f"a message needs a role of {', '.join(ROLES)}, got {_who(turn)}"
    )


def _who(turn: object) -> str:
    """Who spoke, where somebody did, else what came instead of a message."""
    if not isinstance(turn, dict):
        return _shown(turn)
    said = turn.get("role") if turn.get("role") is not None else turn.get("from")
    return (
        _shown(said) if said is not None else f"fields {', '.join(map(str, turn))[:40] or 'none'}"
    )


def _part(part: object, place: int, column: str) -> str:
    kind = part.get("type") or "text" if isinstance(part, dict) else _shown(part)
    text = part.get("text") if isinstance(part, dict) and kind == "text" else None
    if isinstance(text, str):
        return text
    came = "without text" if kind == "text" else f"of type {kind}"
    reason = f"part {place} of a message is {came}; only parts of type text can be read"
    raise RowFault("unreadable", column, reason)


def read_prompt(row: Mapping[str, Any], column: str = "prompt") -> Prompt:
    """A prompt's cell: text, a dialogue that waits for its answer, or messages."""
    asked = row.get(column)
    if asked is None:
        raise RowFault("prompt", column, "missing")
    if not isinstance(asked, str):
        prompt = read_messages(row, column)
    elif is_dialogue(asked) and _WAITING.search(asked):
        prompt = dialogue_turns(_WAITING.sub("", asked), column)
    else:
        prompt = [{"role": "user", "content": read_text(row, column).strip()}]
    check_prompt(prompt, column)
    return prompt


def read_marked_prompt(row: Mapping[str, Any], column: str = "prompt") -> Prompt:
    """A prompt whose later turns begin with "<extra_id_1>User" and the like (HelpSteer)."""
    asked = row.get(column)
    if not isinstance(asked, str) or not _MARKED.search(asked):
        return read_prompt(row, column)
    first, *parts = _MARKED.split(read_text(row, column))
    spoken = zip(parts[::2], parts[1::2], strict=True)
    later = [{"role": role.lower(), "content": said.strip()} for role, said in spoken]
    opening = [{"role": "user", "content": first.strip()}] if first.strip() else []
    check_prompt([*opening, *later], column)
    return [*opening, *later]


def is_dialogue(text: str) -> bool:
    """Whether a text opens with a Human: or Assistant: turn."""
    return _TURN.match(text) is not None


def dialogue_turns(text: str, column: str) -> Prompt:
    """The turns of a dialogue in the hh-rlhf form, their text stripped."""
    before, *parts = _TURN.split(read_text({column: text}, column))
    if before.strip():
        raise RowFault("unreadable", column, "text before the first Human: turn")
    spoken = zip(parts[::2], parts[1::2], strict=True)
    return [{"role": _SPEAKERS[speaker], "content": said.strip()} for speaker, said in spoken]


def check_answered(turns: Prompt, column: str) -> None:
    """Refuse turns that do not end with an answer."""
    if not turns or turns[-1]["role"] != "assistant":
        raise RowFault("unreadable", column, "does not end with an assistant turn")


def check_prompt(prompt: Prompt, column: str) -> None:
    """Refuse a prompt that does not end with something that a user said."""
    if not prompt or prompt[-1]["role"] != "user":
        raise RowFault("prompt", column, "no user turn before the answer")
    if not prompt[-1]["content"].strip():
        raise RowFault("prompt", column, "the last user turn has no text")


def same_turns(a: Prompt, b: Prompt) -> bool:
    """Whether two lists of messages say the same, whatever blanks surround it."""
    spoken = [[(turn["role"], turn["content"].strip()) for turn in turns] for turns in (a, b)]
    return spoken[0] == spoken[1]


def _shown(cell: object) -> str:
    return repr(cell)[:40] if isinstance(cell, str | int | float) else type(cell).__name__


def _instead_of(cell: object, expected: str) -> str:
    return "missing" if cell is None else f"expected {expected}, got {type(cell).__name__}"
