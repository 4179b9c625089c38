"""A pair -> a row in the format of other tools; what cannot be said in a format is told, not bent.

| layout | columns | cannot say |
|---|---|---|
| trl-explicit | prompt, chosen, rejected (messages) | |
| trl-text | prompt, chosen, rejected (text) | turns, system messages |
| trl-repeated | the same, both sides after the prompt | turns, system messages |
| trl-implicit | chosen, rejected (messages) | |
| trl-implicit-text | chosen, rejected (text) | turns; answers that share their first line |
| hh | chosen, rejected ("Human:", "Assistant:") | system messages, speakers inside a text |
| sharegpt | conversations, chosen, rejected, system (LLaMA-Factory) | |
| alpaca | instruction, input, chosen, rejected, system, history | odd orders of turns |
| ultrafeedback-binarized | prompt (text), chosen, rejected (messages) | prompts without a user |
| pku | prompt, response_0, response_1, better_response_id | turns, system messages |
| helpsteer2-preference | prompt, response_1, response_2, preference_strength | system messages |
| helpsteer3-preference | context, response1, response2, overall_preference | |
| shp | history, human_ref_A, human_ref_B, labels | turns, system messages |
| stack-exchange | question, response_j, response_k | turns, system messages |
| tldr | info.post, summaries[2].text, choice | turns, system messages |
| vc-soup-lab | id, prompt (messages), chosen, rejected | |

Every row is read back before it is given out: it is the same pair, but for blanks around texts. A
strength of preference is written as the least that there is. UltraFeedback, HelpSteer and VC-Soup's
tables are read and not written: they hold ratings or rewards of each answer, which a pair lacks.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from vcsoup.errors import PreferenceFormatError
from vcsoup.preferences import labelled, layout_rows
from vcsoup.preferences.formats import (
    CONVERSATIONS,
    DIALOGUES,
    EXPLICIT,
    IMPLICIT_MESSAGES,
    IMPLICIT_TEXT,
    INSTRUCTIONS,
    OWN,
    REPEATED,
)
from vcsoup.preferences.pair_format import Pair, PairFormat
from vcsoup.preferences.pairs import PAIR_SCHEMA
from vcsoup.preferences.turns import RowFault

_MESSAGES = PAIR_SCHEMA.field("prompt").type
_SENT = pa.struct([("from", pa.string()), ("value", pa.string())])
_POST = pa.struct([("post", pa.string())])
_TEXT = pa.struct([("text", pa.string())])


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


def _columns(names: Sequence[str], **others: pa.DataType) -> pa.Schema:
    return pa.schema([*((name, pa.string()) for name in names), *others.items()])


_SIDES = ("chosen", "rejected")
_TURNS = {side: _MESSAGES for side in _SIDES}
LAYOUTS = {
    "trl-explicit": Layout(
        _columns([], prompt=_MESSAGES, **_TURNS), layout_rows.explicit, EXPLICIT
    ),
    "trl-text": Layout(_columns(["prompt", *_SIDES]), layout_rows.explicit_text, EXPLICIT),
    "trl-repeated": Layout(_columns(["prompt", *_SIDES]), layout_rows.repeated, REPEATED),
    "trl-implicit": Layout(_columns([], **_TURNS), layout_rows.implicit, IMPLICIT_MESSAGES),
    "trl-implicit-text": Layout(_columns(_SIDES), layout_rows.implicit_text, IMPLICIT_TEXT),
    "hh": Layout(_columns(_SIDES), layout_rows.dialogues, DIALOGUES),
    "sharegpt": Layout(
        _columns(["system"], conversations=pa.list_(_SENT), chosen=_SENT, rejected=_SENT),
        layout_rows.conversations,
        CONVERSATIONS,
    ),
    "alpaca": Layout(
        _columns(
            ["instruction", "input", *_SIDES, "system"],
            history=pa.list_(pa.list_(pa.string())),
        ),
        layout_rows.instructions,
        INSTRUCTIONS,
    ),
    "ultrafeedback-binarized": Layout(
        _columns(["prompt"], **_TURNS), layout_rows.binarized, EXPLICIT
    ),
    "pku": Layout(
        _columns(["prompt", "response_0", "response_1"], better_response_id=pa.int64()),
        layout_rows.by_id,
        labelled.by_response_id(["better_response_id"]),
        "better",
    ),
    "helpsteer2-preference": Layout(
        _columns(["prompt", "response_1", "response_2"], preference_strength=pa.int64()),
        layout_rows.strength,
        labelled.HELPSTEER2,
    ),
    "helpsteer3-preference": Layout(
        _columns(["response1", "response2"], context=_MESSAGES, overall_preference=pa.int64()),
        layout_rows.context,
        labelled.HELPSTEER3,
    ),
    "shp": Layout(
        _columns(["history", "human_ref_A", "human_ref_B"], labels=pa.int64()),
        layout_rows.human_refs,
        labelled.HUMAN_REFS,
    ),
    "stack-exchange": Layout(
        _columns(["question", "response_j", "response_k"]),
        layout_rows.stack_exchange,
        labelled.STACK_EXCHANGE,
    ),
    "tldr": Layout(
        _columns([], info=_POST, summaries=pa.list_(_TEXT), choice=pa.int64()),
        layout_rows.summaries,
        labelled.SUMMARIES,
    ),
    "vc-soup-lab": Layout(PAIR_SCHEMA, layout_rows.own, OWN),
}
"""Every layout by the name that the command line takes."""
