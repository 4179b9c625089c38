r"""Cells -> texts and turns, with the reason when a cell holds neither.

The lowest layer of the readers: text, lists of messages, and dialogues in the hh-rlhf form
("\n\nHuman: ...\n\nAssistant: ..."). Nothing here knows what a format is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vcsoup.preferences.pairs import Prompt

ROLES = ("system", "user", "assistant")
_SPEAKERS = {"Human": "user", "Assistant": "assistant"}
_TURN = re.compile(r"(?:\n\n|\A\s*)(Human|Assistant):")
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


def read_messages(row: Mapping[str, Any], column: str) -> Prompt:
    """The messages of a cell, with role and content alone."""
    turns = row.get(column)
    if not isinstance(turns, list):
        raise RowFault("one-sided", column, _instead_of(turns, "messages"))
    messages = []
    for turn in turns:
        if not isinstance(turn, dict) or turn.get("role") not in ROLES:
            raise RowFault("unreadable", column, f"a message needs a role of {', '.join(ROLES)}")
        messages.append({"role": turn["role"], "content": read_text(turn, "content", at=column)})
    return messages


def read_prompt(row: Mapping[str, Any]) -> Prompt:
    """The prompt column: text, a dialogue that waits for its answer, or messages."""
    asked = row.get("prompt")
    if asked is None:
        raise RowFault("prompt", "prompt", "missing")
    if not isinstance(asked, str):
        prompt = read_messages(row, "prompt")
    elif is_dialogue(asked) and _WAITING.search(asked):
        prompt = dialogue_turns(_WAITING.sub("", asked), "prompt")
    else:
        prompt = [{"role": "user", "content": read_text(row, "prompt").strip()}]
    check_prompt(prompt, "prompt")
    return prompt


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


def _instead_of(cell: object, expected: str) -> str:
    return "missing" if cell is None else f"expected {expected}, got {type(cell).__name__}"
