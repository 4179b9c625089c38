"""Which words differ between two answers: spans of text for each side, in a bounded time.

Pure. The longest common subsequence of words, after the shared beginning and end are set aside.
Its table is filled row by row with numpy, so the cost depends on the number of words alone and
never on what they say; words past the limit are marked as not compared instead of compared slowly.
Display is the business of `vcsoup.ui.components.word_diff`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Op = Literal["same", "only", "unread"]
Span = tuple[Op, str]

MOST_WORDS = 1_500
"""How many words of each side are compared, between the shared beginning and the shared end."""

_WORD = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True)
class WordDiff:
    """Two texts as spans; the spans of a side joined give its text back exactly.

    Attributes:
        chosen: Spans of the first text: "same" on both sides, "only" here, or "unread", which
            stands for words past the limit that were not compared.
        rejected: The same for the second text.
    """

    chosen: tuple[Span, ...]
    rejected: tuple[Span, ...]

    @property
    def complete(self) -> bool:
        """Whether every word was compared."""
        return all(op != "unread" for op, _ in (*self.chosen, *self.rejected))


def word_diff(chosen: str, rejected: str, *, most_words: int = MOST_WORDS) -> WordDiff:
    """Compare two texts word by word.

    Args:
        chosen: The first text, of any length.
        rejected: The second text.
        most_words: How many words of each side are compared (blanks and marks count as words).

    Returns:
        The spans of both sides. Neighbours never have the same kind; no span is empty.

    Example:
        >>> word_diff("a red fox", "a blue fox").chosen
        (('same', 'a '), ('only', 'red'), ('same', ' fox'))
    """
    left, right = _WORD.findall(chosen), _WORD.findall(rejected)
    start = _shared(left, right)
    end = _shared(left[start:][::-1], right[start:][::-1])
    middles = left[start : len(left) - end], right[start : len(right) - end]
    kept = [side[:most_words] for side in middles]
    common = _common(*kept)
    return WordDiff(
        *(
            _spans(side, start, len(side) - end, marks)
            for side, marks in zip((left, right), common, strict=True)
        )
    )


def _shared(left: Sequence[str], right: Sequence[str]) -> int:
    """How many words both begin with."""
    differ = (i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b)
    return next(differ, min(len(left), len(right)))


def _common(left: Sequence[str], right: Sequence[str]) -> tuple[list[bool], list[bool]]:
    """Per word of each side, whether it belongs to the longest common subsequence."""
    marks = [False] * len(left), [False] * len(right)
    if not left or not right:
        return marks
    number: dict[str, int] = {}
    a, b = ([number.setdefault(word, len(number)) for word in side] for side in (left, right))
    table = _lengths(np.array(a), np.array(b))
    i, j = len(a), len(b)
    while i and j:
        if a[i - 1] == b[j - 1]:
            i, j = i - 1, j - 1
            marks[0][i] = marks[1][j] = True
        elif table[i - 1, j] >= table[i, j - 1]:
            i -= 1
        else:
            j -= 1
    return _without_lone_blanks(left, marks[0]), _without_lone_blanks(right, marks[1])


def _lengths(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Length of the longest common subsequence of every pair of beginnings."""
    table = np.zeros((len(a) + 1, len(b) + 1), dtype=np.int32)
    for row, word in enumerate(a, start=1):
        above = table[row - 1]
        best = np.maximum(above[1:], above[:-1] + (b == word))
        np.maximum.accumulate(best, out=table[row, 1:])
    return table


def _without_lone_blanks(words: Sequence[str], same: Sequence[bool]) -> list[bool]:
    """Count a shared blank between two changed words as changed, so that phrases stay whole."""
    last = len(words) - 1
    return [
        mark and not (0 < i < last and words[i].isspace() and not same[i - 1] and not same[i + 1])
        for i, mark in enumerate(same)
    ]


def _spans(words: Sequence[str], start: int, end: int, marks: Sequence[bool]) -> tuple[Span, ...]:
    compared = start + len(marks)
    runs: list[tuple[Op, list[str]]] = [("same", list(words[:start]))]
    for mark, word in zip(marks, words[start:compared], strict=True):
        op: Op = "same" if mark else "only"
        if runs[-1][0] != op:
            runs.append((op, []))
        runs[-1][1].append(word)
    if compared < end:
        runs.append(("unread", list(words[compared:end])))
    if runs[-1][0] != "same":
        runs.append(("same", []))
    runs[-1][1].extend(words[end:])
    return tuple((op, "".join(parts)) for op, parts in runs if parts)
