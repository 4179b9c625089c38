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
| ultrafeedback | instruction, completions (response, annotations) | turns, system messages |
| helpsteer | prompt, response, five attributes, pair_id; two rows a pair | system messages |
| arena | conversation_a, conversation_b, winner (Chatbot Arena) | |
| nectar | prompt (a waiting dialogue), answers (answer, rank) | system messages |
| vc-soup | prompt, chosen, rejected, rewards, gaps, Consistency | turns, system messages |
| vc-soup-lab | id, prompt (messages), chosen, rejected | |

Every row is read back before it is given out: it is the same pair, but for blanks around texts. A
strength of preference is written as the least that there is. The layouts `ultrafeedback` and
`helpsteer` hold ratings of each answer, `vc-soup` rewards: a pair without any cannot be said in
them, nor, in the first two, one whose answers no rating orders as the pair does.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal, NamedTuple

import pyarrow as pa

from vcsoup import export_layout_rows as layout_rows
from vcsoup.errors import PreferenceFormatError
from vcsoup.preferences import labelled, rated
from vcsoup.preferences.formats import (
    CONVERSATIONS,
    DIALOGUES,
    EXPLICIT,
    IMPLICIT_MESSAGES,
    IMPLICIT_TEXT,
    INSTRUCTIONS,
    OWN,
    REPEATED,
    SCORED,
    SIDES,
)
from vcsoup.preferences.pair_format import Pair, PairFormat
from vcsoup.preferences.pairs import PAIR_SCHEMA
from vcsoup.preferences.rows import NumberedRow
from vcsoup.preferences.turns import RowFault

_MESSAGES = PAIR_SCHEMA.field("prompt").type
_SENT = pa.struct([("from", pa.string()), ("value", pa.string())])
_POST = pa.struct([("post", pa.string())])
_TEXT = pa.struct([("text", pa.string())])
_RANKED = pa.struct([("answer", pa.string()), ("rank", pa.float64())])


Row = layout_rows.Row


class Layout(NamedTuple):
    """How pairs are written for another tool: its columns, and who reads them back.

    Attributes:
        schema: Names of the scores that pairs have -> the columns.
        write: A pair -> its row, or its rows where it takes several.
        form: Reads them back.
        aspect: Which of the preferences of `form` they are.
        scores: What it says of each answer: ratings, rewards or nothing.
    """

    schema: Callable[[Sequence[str]], pa.Schema]
    write: Callable[[Pair], Row | list[Row]]
    form: PairFormat
    aspect: str = ""
    scores: Literal["", "ratings", "rewards"] = ""

    @property
    def is_tabular(self) -> bool:
        """Whether CSV holds it: texts and numbers alone, with both sides in the header."""
        schema = self.schema([])
        flat = not any(pa.types.is_nested(kind) for kind in schema.types)
        return flat and set(SIDES) <= set(schema.names)


def layout(name: str) -> Layout:
    """A layout by its name.

    Raises:
        PreferenceFormatError: no such layout.
    """
    if name not in LAYOUTS:
        raise PreferenceFormatError(f"no layout {name[:40]!r}; choose {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def lay_out(pair: Pair, wanted: Layout) -> list[Row]:
    """One pair as the rows of another tool; mostly it is one row.

    Args:
        pair: The pair; its scores are written by the layouts that have a place for them.
        wanted: The layout.

    Raises:
        RowFault: the layout cannot say this pair.

    Example:
        >>> sky = Pair([{"role": "user", "content": "Sky?"}], "Blue.", "Green.")
        >>> lay_out(sky, layout("stack-exchange"))
        [{'question': 'Sky?', 'response_j': 'Blue.', 'response_k': 'Green.'}]
    """
    if wanted.scores and not pair.scores:
        raise RowFault("layout", "", f"came without {wanted.scores} of its answers")
    written = wanted.write(pair)
    rows = written if isinstance(written, list) else [written]
    aspects = pair.scores if wanted.scores and wanted.form.aspects else [wanted.aspect]
    if not any(_reads_back(rows, pair, wanted.form, aspect) for aspect in aspects):
        raise RowFault("layout", "", "would be read back as another pair")
    return rows


def _reads_back(rows: Sequence[Row], pair: Pair, form: PairFormat, aspect: str) -> bool:
    """Whether rows are read as the pair that they were written for."""
    units = form.units([NumberedRow(i, row) for i, row in enumerate(rows, start=1)], aspect)
    if len(units) != 1 or units[0].row.fault:
        return False
    with suppress(RowFault):
        return _stripped(form.pair(units[0].row.cells, aspect)) == _stripped(pair)
    return False


def _stripped(pair: Pair) -> tuple[object, ...]:
    said = [(turn["role"], turn["content"].strip()) for turn in pair.prompt]
    return said, pair.chosen.strip(), pair.rejected.strip()


def _columns(names: Sequence[str], **others: pa.DataType) -> Callable[[Sequence[str]], pa.Schema]:
    """The columns of a layout whatever scores there are: texts, then others."""
    schema = pa.schema([*((name, pa.string()) for name in names), *others.items()])
    return lambda scores: schema


def _completions(scores: Sequence[str]) -> pa.Schema:
    """UltraFeedback's columns: annotations are ratings as text, overall scores are numbers."""
    annotated = [name for name in scores if name not in rated.OVERALL]
    rating = pa.struct([("Rating", pa.string())])
    completion = [("response", pa.string())]
    if annotated:  # parquet has no empty structs
        completion.append(("annotations", pa.struct([(name, rating) for name in annotated])))
    completion += [(name, pa.float64()) for name in scores if name in rated.OVERALL]
    completions = pa.list_(pa.struct(completion))
    return pa.schema([("instruction", pa.string()), ("completions", completions)])


def _rewards(scores: Sequence[str]) -> pa.Schema:
    """The columns of VC-Soup's own tables for K values."""
    texts = [(name, pa.string()) for name in ("prompt", *SIDES)]
    figures = layout_rows.table_columns(len(scores))
    return pa.schema([*texts, *((name, pa.float64()) for name in figures)])


_TURNS = {side: _MESSAGES for side in SIDES}
LAYOUTS = {
    "trl-explicit": Layout(
        _columns([], prompt=_MESSAGES, **_TURNS), layout_rows.explicit, EXPLICIT
    ),
    "trl-text": Layout(_columns(["prompt", *SIDES]), layout_rows.explicit_text, EXPLICIT),
    "trl-repeated": Layout(_columns(["prompt", *SIDES]), layout_rows.repeated, REPEATED),
    "trl-implicit": Layout(_columns([], **_TURNS), layout_rows.implicit, IMPLICIT_MESSAGES),
    "trl-implicit-text": Layout(_columns(SIDES), layout_rows.implicit_text, IMPLICIT_TEXT),
    "hh": Layout(_columns(SIDES), layout_rows.dialogues, DIALOGUES),
    "sharegpt": Layout(
        _columns(["system"], conversations=pa.list_(_SENT), chosen=_SENT, rejected=_SENT),
        layout_rows.conversations,
        CONVERSATIONS,
    ),
    "alpaca": Layout(
        _columns(
            ["instruction", "input", *SIDES, "system"],
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
    "ultrafeedback": Layout(
        _completions,
        layout_rows.completions,
        rated.ULTRAFEEDBACK,
        scores="ratings",
    ),
    "helpsteer": Layout(
        _columns(
            ["prompt", "response", "pair_id"], **dict.fromkeys(rated.ATTRIBUTES, pa.float64())
        ),
        layout_rows.attributes,
        rated.HELPSTEER,
        scores="ratings",
    ),
    "arena": Layout(
        _columns(["winner"], conversation_a=_MESSAGES, conversation_b=_MESSAGES),
        layout_rows.battle,
        labelled.ARENA,
    ),
    "nectar": Layout(
        _columns(["prompt"], answers=pa.list_(_RANKED)), layout_rows.ranked, rated.NECTAR
    ),
    "vc-soup": Layout(_rewards, layout_rows.rewards, SCORED, scores="rewards"),
    "vc-soup-lab": Layout(lambda scores: PAIR_SCHEMA, layout_rows.own, OWN),
}
"""Every layout by the name that the command line takes."""
