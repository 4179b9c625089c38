"""Numbered rows: what every kind of file turns into before its rows are read as pairs."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from vcsoup.errors import PreferenceFormatError


@dataclass(frozen=True)
class NumberedRow:
    """One row of a file: its cells by column, or the fault that kept it from being read.

    Attributes:
        number: Its line, element or data row, from 1.
        cells: What its columns hold; empty when there is a fault.
        fault: What is wrong, in words; empty when nothing is.
        column: Where the fault is; empty when it is the whole row.
    """

    number: int
    cells: dict[str, Any]
    fault: str = ""
    column: str = ""


class Shard(NamedTuple):
    """One file of a folder: its name in it, and the last row number of the files before it."""

    name: str
    before: int


@dataclass(frozen=True)
class FileRows:
    """All rows of a file, or of the files of a folder.

    Attributes:
        columns: Names of the columns in the order of their first use.
        rows: The rows; in a folder they are numbered on from file to file.
        shards: The files of a folder; none when it is a single file.
    """

    columns: tuple[str, ...]
    rows: list[NumberedRow]
    shards: tuple[Shard, ...] = ()

    def first_cell(self, column: str) -> Any:
        """The first cell of a column that holds anything; None where none does."""
        cells = (row.cells.get(column) for row in self.rows)
        return next((cell for cell in cells if cell is not None), None)

    def place(self, number: int) -> tuple[str, int]:
        """The file of a row ("" for a single file), and its number in it."""
        if not self.shards:
            return "", number
        shard = self.shards[bisect_left([shard.before for shard in self.shards], number) - 1]
        return shard.name, number - shard.before

    def named(self, number: int) -> str:
        """A row in words: "row 3", or "row 3 of b.jsonl"."""
        name, row = self.place(number)
        return f"row {row} of {name}" if name else f"row {row}"


def check_once(columns: Iterable[str], name: str, wanted: Callable[[str], bool]) -> None:
    """Make sure that no column that is read stands twice in a file: which one would be meant?

    Raises:
        PreferenceFormatError: one does.
    """
    counted = Counter(column for column in columns if wanted(column))
    if twice := [column for column, times in counted.items() if times > 1]:
        raise PreferenceFormatError(
            f"{name} has the column {readable(twice[0])!r} more than once; rename or remove one"
        )


def readable(text: str) -> str:
    r"""A text that can be written and sent anywhere: halves of characters become escapes.

    Example:
        >>> readable("a\ud800b")
        'a\\ud800b'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
