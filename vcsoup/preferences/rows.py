"""Numbered rows: what every kind of file turns into before its rows are read as pairs."""

from dataclasses import dataclass
from typing import Any


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


@dataclass(frozen=True)
class FileRows:
    """All rows of a file, with the names of its columns in the order of their first use."""

    columns: tuple[str, ...]
    rows: list[NumberedRow]


def readable(text: str) -> str:
    r"""A text that can be written and sent anywhere: halves of characters become escapes.

    Example:
        >>> readable("a\ud800b")
        'a\\ud800b'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
