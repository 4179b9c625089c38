"""Two answers a row, each rated by several values -> one data set of pairs per value.

    prompt, response_a, response_b, helpful_a, helpful_b, harmless_a, harmless_b

The columns are told by their endings: of both answers (`_a` and `_b`, `_A` and `_B`, `_0` and `_1`,
`_1` and `_2`, or without the line, as `response1`), and of numbers with the same two. A pair of
numbers alone may be any figure, such as a length, so there have to be two to choose from. Of an
aspect, the answer with the larger rating is chosen; equal ones are a tie. All ratings of both
answers come along as scores.
"""

import re
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from vcsoup.preferences.pair_format import Cells, Pair, PairFormat, read_answer
from vcsoup.preferences.rows import FileRows
from vcsoup.preferences.turns import RowFault, read_marked_prompt, read_number

NAME = "two rated answers"
PROMPTS = ("prompt", "instruction", "question", "query")
_ANSWERS = ("response", "answer", "completion", "output", "reply")
_ENDINGS = (("a", "b"), ("A", "B"), ("0", "1"), ("1", "2"))
_ANY = "abcABC0123"  # a third answer, too, to see that there is one
_RATED = re.compile(rf"(?s:.+)_[{_ANY}]|({'|'.join(_ANSWERS)})[{_ANY}]")
_NO_RATING = re.compile(
    r"(^|_)(id|index|len|length|tokens?|words?|chars|characters|count|seed|time|rank|turns?|label)"
    r"(_|$)",
    re.IGNORECASE,
)
_FEWEST = 2
Both = tuple[str, str]


class _Columns(NamedTuple):
    """The columns of the prompt, of both answers, and of both ratings by aspect."""

    prompt: str
    answers: Both
    ratings: dict[str, Both]


def is_rated(column: str) -> bool:
    """Whether a column has one of the endings.

    Example:
        >>> is_rated("helpful_a"), is_rated("response1"), is_rated("embedding")
        (True, True, False)
    """
    return _RATED.fullmatch(column) is not None


def rated_pairs(file: FileRows) -> PairFormat | None:
    """The format of a table of two rated answers, or None when it is none."""
    found = _columns(file)
    if found is None:
        return None
    return PairFormat(NAME, partial(_rated, columns=found), aspects=tuple(found.ratings))


def _columns(file: FileRows) -> _Columns | None:
    prompt = next((name for name in PROMPTS if name in file.columns), None)
    for first, second in _ENDINGS:
        for stem in (f"{answer}{line}" for answer in _ANSWERS for line in ("_", "")):
            answers = f"{stem}{first}", f"{stem}{second}"
            if not all(isinstance(_early(file, column), str | list) for column in answers):
                continue
            ratings = _ratings(file, (first, second))
            ratings.pop(stem.rstrip("_"), None)
            alone = sum(f"{stem}{ending}" in file.columns for ending in _ANY) == len(answers)
            if prompt and alone and len(ratings) >= _FEWEST:
                return _Columns(prompt, answers, ratings)
    return None


def _ratings(file: FileRows, ends: Both) -> dict[str, Both]:
    """The columns of numbers with both endings, by what stands before."""
    stems = [name[:-2] for name in file.columns if name.endswith(f"_{ends[0]}")]
    both = {stem: (f"{stem}_{ends[0]}", f"{stem}_{ends[1]}") for stem in stems}
    return {
        stem: columns
        for stem, columns in both.items()
        if not _NO_RATING.search(stem) and all(_is_number(file, column) for column in columns)
    }


def _early(file: FileRows, column: str) -> object:
    """The first cell of a column that holds anything."""
    cells = (row.cells.get(column) for row in file.rows)
    return next((cell for cell in cells if cell is not None and cell != ""), None)


def _is_number(file: FileRows, column: str) -> bool:
    with suppress(RowFault):
        read_number({column: _early(file, column)}, column)
        return True
    return False


def _rated(row: Cells, aspect: str, *, columns: _Columns) -> Pair:
    prompt = read_marked_prompt(row, columns.prompt)
    answers = [read_answer(row, column, prompt) for column in columns.answers]
    first, second = (read_number(row, column) for column in columns.ratings[aspect])
    if first == second:
        raise RowFault("tie", columns.ratings[aspect][0], f"both answers have {first:g}")
    better = int(second > first)
    scores = {}
    for name, both in columns.ratings.items():
        with suppress(RowFault):
            told = [read_number(row, column) for column in both]
            scores[name] = (told[better], told[1 - better])
    return Pair(prompt, answers[better], answers[1 - better], scores)
