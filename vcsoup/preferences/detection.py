"""Which format a file's rows are in: told from columns and types, never from the file's name.

The first that fits is taken, so the order goes from the most particular set of columns to the most
general. What fits none is read by hand (`vcsoup.preferences.column_map`).
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from vcsoup.preferences import labelled, rated
from vcsoup.preferences.formats import detect_sides
from vcsoup.preferences.pair_format import PairFormat
from vcsoup.preferences.pairs import PAIR_COLUMNS
from vcsoup.preferences.rated_pairs import PROMPTS, is_rated, rated_pairs
from vcsoup.preferences.rows import FileRows

_FAMILIES = re.compile(r"reward\d+_(chosen|reject|rejected)|\w+_response_id")
_USED = {
    *PAIR_COLUMNS,
    *PROMPTS,
    *("score_chosen", "score_rejected", "instruction", "input", "system", "history"),
    *("conversations", "completions", "response_0", "response_1", "response_2", "context"),
    *("response1", "response2", "overall_preference", "preference_strength"),
    *("response", "pair_id", "answers", "conversation_a", "conversation_b", "winner"),
    *("human_ref_A", "human_ref_B", "labels", "score_A", "score_B"),
    *("question", "response_j", "response_k", "info", "summaries", "choice"),
    *rated.ATTRIBUTES,
}
_ATTRIBUTES_AT_LEAST = 3


class _Kind(NamedTuple):
    """Columns that must be there, some of them with a type, and the format that they tell."""

    columns: tuple[str, ...]
    types: dict[str, type]
    form: Callable[[FileRows], PairFormat | None]


_KINDS = (
    _Kind(
        ("instruction", "completions"),
        {"completions": list},
        lambda file: rated.ultrafeedback(row.cells for row in file.rows),
    ),
    _Kind(
        ("context", "response1", "response2", "overall_preference"),
        {"response1": str},
        lambda file: labelled.HELPSTEER3,
    ),
    _Kind(
        ("prompt", "response_1", "response_2", "preference_strength"),
        {"response_1": str},
        lambda file: labelled.HELPSTEER2,
    ),
    _Kind(
        ("history", "human_ref_A", "human_ref_B", "labels"),
        {"human_ref_A": str},
        lambda file: labelled.HUMAN_REFS,
    ),
    _Kind(
        ("question", "response_j", "response_k"),
        {"response_j": str},
        lambda file: labelled.STACK_EXCHANGE,
    ),
    _Kind(
        ("info", "summaries", "choice"),
        {"info": dict, "summaries": list},
        lambda file: labelled.SUMMARIES,
    ),
    _Kind(
        ("conversation_a", "conversation_b", "winner"),
        {"conversation_a": list, "winner": str},
        lambda file: labelled.ARENA,
    ),
)


def detect_format(file: FileRows) -> PairFormat | None:
    """The format of a file's rows, or None when they are no preference pairs that we know."""
    columns = set(file.columns)
    if {"prompt", "response_0", "response_1"} <= columns and labelled.preferred_ids(file.columns):
        return labelled.by_response_id(file.columns)
    for kind in _KINDS:
        fits = columns.issuperset(kind.columns) and _typed(file, kind.types)
        if fits and (form := kind.form(file)) is not None:
            return form
    attributes = [name for name in rated.ATTRIBUTES if name in columns]
    if {"prompt", "response"} <= columns and len(attributes) >= _ATTRIBUTES_AT_LEAST:
        return rated.helpsteer(file.columns)
    found = detect_sides(file) or rated.nectar(row.cells for row in file.rows)
    return found or rated_pairs(file)


def is_used(column: str) -> bool:
    """Whether some format reads a column; others need not be taken from the disk.

    Example:
        >>> is_used("better_response_id"), is_used("embedding")
        (True, False)
    """
    family = _FAMILIES.fullmatch(column) is not None
    return column in _USED or family or is_rated(column)


def _typed(file: FileRows, types: dict[str, type]) -> bool:
    """Whether the first cell of each column that holds anything is of its type."""
    return all(isinstance(file.first_cell(column), kind) for column, kind in types.items())
