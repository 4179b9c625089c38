"""A pair -> a row in the format of other tools; what cannot be said in a format is told, not bent.

| layout | columns | cannot say |
|---|---|---|
| trl-explicit | prompt, chosen, rejected (messages) | |
| trl-text | prompt, chosen, rejected (text) | turns, system messages |
| trl-implicit | chosen, rejected (messages) | |
| hh | chosen, rejected ("Human:", "Assistant:") | system messages, speakers inside a text |
| sharegpt | conversations, chosen, rejected, system (LLaMA-Factory) | |
| alpaca | instruction, input, chosen, rejected, system, history | odd orders of turns |
| pku | prompt, response_0, response_1, better_response_id | turns, system messages |
| shp | history, human_ref_A, human_ref_B, labels | turns, system messages |
| stack-exchange | question, response_j, response_k | turns, system messages |

Every row is read back before it is given out: it is the same pair, but for blanks around texts.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from vcsoup.errors import PreferenceFormatError
from vcsoup.preferences import labelled
from vcsoup.preferences.formats import (
    CONVERSATIONS,
    DIALOGUES,
    EXPLICIT,
    IMPLICIT_MESSAGES,
    INSTRUCTIONS,
)
from vcsoup.preferences.pair_format import Pair, PairFormat
from vcsoup.preferences.pairs import PAIR_SCHEMA, Prompt
from vcsoup.preferences.turns import RowFault

_MESSAGES = PAIR_SCHEMA.field("prompt").type
_SENT = pa.struct([("from", pa.string()), ("value", pa.string())])
_SENDERS = {"user": "human", "assistant": "gpt", "system": "system"}
_SPEAKERS = {"user": "Human", "assistant": "Assistant"}


class Layout(NamedTuple):
    """How pairs are written for another tool: its columns, and who reads them back."""

    schema: pa.Schema
    write: Callable[[Pair], dict[str, Any]]
    form: PairFormat
    aspect: str = ""


def layout(name: str) -> Layout:
    """A layout by its name.

    Raises:
        PreferenceFormatError: no such layout.
    """
    if name not in LAYOUTS:
        raise PreferenceFormatError(f"no layout {name[:40]!r}; choose {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def lay_out(pair: Pair, wanted: Layout) -> dict[str, Any]:
    """One pair as a row of another tool.

    Args:
        pair: The pair; its scores are not written.
        wanted: The layout.

    Raises:
        RowFault: the layout cannot say this pair.

    Example:
        >>> sky = Pair([{"role": "user", "content": "Sky?"}], "Blue.", "Green.")
        >>> lay_out(sky, layout("stack-exchange"))
        {'question': 'Sky?', 'response_j': 'Blue.', 'response_k': 'Green.'}
    """
    row = wanted.write(pair)
    back = wanted.form.pair(row, wanted.aspect)
    if _stripped(back) != _stripped(pair):
        raise RowFault("layout", "", "would be read back as another pair")
    return row


def _stripped(pair: Pair) -> tuple[object, ...]:
    said = [(turn["role"], turn["content"].strip()) for turn in pair.prompt]
    return said, pair.chosen.strip(), pair.rejected.strip()


def _explicit(pair: Pair) -> dict[str, Any]:
    return {
        "prompt": pair.prompt,
        "chosen": [_said("assistant", pair.chosen)],
        "rejected": [_said("assistant", pair.rejected)],
    }


def _explicit_text(pair: Pair) -> dict[str, Any]:
    asked = _lone(pair.prompt)
    if pair.chosen.startswith(asked) and pair.rejected.startswith(asked):
        raise RowFault("layout", "prompt", "both answers begin with it, so it would be taken off")
    return {"prompt": asked, "chosen": pair.chosen, "rejected": pair.rejected}


def _implicit(pair: Pair) -> dict[str, Any]:
    sides = {"chosen": pair.chosen, "rejected": pair.rejected}
    return {side: [*pair.prompt, _said("assistant", text)] for side, text in sides.items()}


def _dialogues(pair: Pair) -> dict[str, Any]:
    if any(turn["role"] == "system" for turn in pair.prompt):
        raise RowFault("layout", "prompt", "a dialogue has no place for a system message")
    asked = "".join(f"\n\n{_SPEAKERS[t['role']]}: {t['content']}" for t in pair.prompt)
    sides = {"chosen": pair.chosen, "rejected": pair.rejected}
    return {side: f"{asked}\n\nAssistant: {text}" for side, text in sides.items()}


def _conversations(pair: Pair) -> dict[str, Any]:
    system, turns = _system(pair.prompt)
    return {
        "conversations": [{"from": _SENDERS[t["role"]], "value": t["content"]} for t in turns],
        "chosen": {"from": "gpt", "value": pair.chosen},
        "rejected": {"from": "gpt", "value": pair.rejected},
        "system": system,
    }


def _instructions(pair: Pair) -> dict[str, Any]:
    system, turns = _system(pair.prompt)
    said = [turn["content"] for turn in turns]
    history = [list(exchange) for exchange in zip(said[:-1:2], said[1:-1:2], strict=False)]
    asked = {"instruction": said[-1], "input": ""}
    sides = {"chosen": pair.chosen, "rejected": pair.rejected}
    return {**asked, **sides, "system": system, "history": history}


def _by_id(pair: Pair) -> dict[str, Any]:
    answers = {"response_0": pair.chosen, "response_1": pair.rejected}
    return {"prompt": _lone(pair.prompt), **answers, "better_response_id": 0}


def _human_refs(pair: Pair) -> dict[str, Any]:
    answers = {"human_ref_A": pair.chosen, "human_ref_B": pair.rejected}
    return {"history": _lone(pair.prompt), **answers, "labels": 1}


def _stack_exchange(pair: Pair) -> dict[str, Any]:
    answers = {"response_j": pair.chosen, "response_k": pair.rejected}
    return {"question": _lone(pair.prompt), **answers}


def _system(prompt: Prompt) -> tuple[str, Prompt]:
    """The system message at the beginning, and the turns after it."""
    first = prompt[0]["content"] if prompt[0]["role"] == "system" else ""
    turns = prompt[1:] if prompt[0]["role"] == "system" else prompt
    if not turns:
        raise RowFault("layout", "prompt", "no turn of a user")
    return first, turns


def _lone(prompt: Prompt) -> str:
    if len(prompt) != 1 or prompt[0]["role"] != "user":
        raise RowFault("layout", "prompt", f"{len(prompt)} messages do not fit into one text")
    return prompt[0]["content"]


def _said(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


def _columns(names: Sequence[str], **others: pa.DataType) -> pa.Schema:
    return pa.schema([*((name, pa.string()) for name in names), *others.items()])


_SIDES = ("chosen", "rejected")
_TURNS = {side: _MESSAGES for side in _SIDES}
LAYOUTS = {
    "trl-explicit": Layout(_columns([], prompt=_MESSAGES, **_TURNS), _explicit, EXPLICIT),
    "trl-text": Layout(_columns(["prompt", *_SIDES]), _explicit_text, EXPLICIT),
    "trl-implicit": Layout(_columns([], **_TURNS), _implicit, IMPLICIT_MESSAGES),
    "hh": Layout(_columns(_SIDES), _dialogues, DIALOGUES),
    "sharegpt": Layout(
        _columns(["system"], conversations=pa.list_(_SENT), chosen=_SENT, rejected=_SENT),
        _conversations,
        CONVERSATIONS,
    ),
    "alpaca": Layout(
        _columns(
            ["instruction", "input", *_SIDES, "system"],
            history=pa.list_(pa.list_(pa.string())),
        ),
        _instructions,
        INSTRUCTIONS,
    ),
    "pku": Layout(
        _columns(["prompt", "response_0", "response_1"], better_response_id=pa.int64()),
        _by_id,
        labelled.by_response_id(["better_response_id"]),
        "better",
    ),
    "shp": Layout(
        _columns(["history", "human_ref_A", "human_ref_B"], labels=pa.int64()),
        _human_refs,
        labelled.HUMAN_REFS,
    ),
    "stack-exchange": Layout(
        _columns(["question", "response_j", "response_k"]),
        _stack_exchange,
        labelled.STACK_EXCHANGE,
    ),
}
"""Every layout by the name that the command line takes."""
