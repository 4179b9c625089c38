"""What a format is: a name, and the function that turns a row's cells into a pair.

The formats themselves are in `formats` (a chosen and a rejected side), `labelled` (two answers and
which is better) and `rated` (answers with ratings); `detection` tells them apart.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from vcsoup.preferences.pairs import Prompt
from vcsoup.preferences.rows import NumberedRow
from vcsoup.preferences.turns import (
    RowFault,
    check_answered,
    read_messages,
    read_text,
    same_turns,
)

Cells = Mapping[str, Any]
Scores = Mapping[str, tuple[float, float]]
_NO_SCORES: Scores = MappingProxyType({})


class Pair(NamedTuple):
    """A prompt with its two answers, and the scores that came with them.

    `scores` is {name: (of chosen, of rejected)}, as the file has them: larger is better.
    """

    prompt: Prompt
    chosen: str
    rejected: str
    scores: Scores = _NO_SCORES


class Joined(NamedTuple):
    """Rows of a file that make one pair, or one row that makes none.

    Attributes:
        numbers: Their numbers in the file.
        row: What the format reads.
    """

    numbers: tuple[int, ...]
    row: NumberedRow


@dataclass(frozen=True)
class PairFormat:
    """A format of preference rows.

    Attributes:
        name: For people.
        read: Cells -> pair, or cells and an aspect -> pair where there are aspects; `RowFault` for
            a row that is none.
        aspects: The preferences that one file holds, each a data set of its own; empty for one.
        join: Where a pair takes several rows: (rows, aspect) -> those that belong together.
        rows_per_pair: How many rows a pair takes.
    """

    name: str
    read: Callable[..., Pair]
    aspects: tuple[str, ...] = ()
    join: Callable[[Sequence[NumberedRow], str], list[Joined]] | None = None
    rows_per_pair: int = 1

    def pair(self, cells: Cells, aspect: str) -> Pair:
        """The pair of a row, of one aspect where the file has several."""
        return self.read(cells, aspect) if self.aspects else self.read(cells)

    def units(self, rows: Sequence[NumberedRow], aspect: str) -> list[Joined]:
        """The rows, those together that make one pair."""
        if self.join is not None:
            return self.join(rows, aspect)
        return [Joined((row.number,), row) for row in rows]


def read_answer(row: Cells, column: str, prompt: Prompt) -> str:
    """The answer of a cell: text, or messages whose earlier turns are the prompt."""
    if not isinstance(row.get(column), list):
        return read_text(row, column).strip()
    turns = read_messages(row, column)
    check_answered(turns, column)
    if len(turns) > 1 and not same_turns(turns[:-1], prompt):
        raise RowFault("prompt", column, "its earlier turns differ from the prompt")
    return turns[-1]["content"].strip()
