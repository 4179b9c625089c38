"""The first rows of one large JSON value: of a list, an object around one, or a table by columns.

The text comes in pieces, and only what is kept stays in memory. A list is left where enough of it
is known; a table by columns (see `vcsoup.preferences.text_rows`) is gone through to its end, since
the first cells of its last column lie there.
"""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from vcsoup.preferences.rows import NumberedRow
from vcsoup.preferences.text_rows import json_row

_LONGEST_VALUE = 2**24  # characters; a longer one, and all behind it, stays unknown
_MOST_COLUMNS = 10_000
_DECODER = json.JSONDecoder()
_GOES_ON = ("", ".", "e", "E")  # what may come behind the part of a number that was read
_SOLID = re.compile(r"[^ \t\r\n]")
_SPACE, _STRING = r"[ \t\r\n]*+", r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_NAME, _SCALAR = rf'"\d++"{_SPACE}:{_SPACE}', rf"(?:{_STRING}|[-+.\w]++)"
_FURTHER_CELLS = re.compile(  # of a list, or by row, each with the comma before it
    rf"(?:{_SPACE},{_SPACE}(?:{_NAME})?{_SCALAR}(?={_SPACE}[],}}])){{1,1000}}"
)


class _CutOffError(Exception):
    """The value cannot be told: damaged, too long or too wide, or the text ends in it."""


def first_json_rows(pieces: Iterable[str], *, most: int, size: int) -> list[NumberedRow]:
    """The first rows of a JSON value, numbered from 1.

    Args:
        pieces: Its text from the beginning.
        most: How many rows at most.
        size: How many characters of them, give or take the last row.

    Returns:
        None of them where the value is one row, or its rows cannot be told from the beginning.

    Example:
        >>> rows = first_json_rows(['{"data": [{"a": 1}, {"a"', ": 2}, "], most=200, size=100)
        >>> [row.cells for row in rows]
        [{'a': 1}, {'a': 2}]
    """
    text = _Text(pieces)
    if text.takes("["):
        return _numbered(_first(text, most, size))
    try:
        return _inside_object(text, most, size) if text.takes("{") else []
    except _CutOffError:
        return []


class _Text:
    """A text that is read piece by piece and forgotten behind the present place."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces, self._text, self._at, self._forgotten = iter(pieces), "", 0, 0

    @property
    def place(self) -> int:
        return self._forgotten + self._at

    def sign(self) -> str:
        """The next character that is no white space; empty at the end."""
        while not (found := _SOLID.search(self._text, self._at)):
            self._at = len(self._text)
            if not self._more():
                return ""
        self._at = found.start()
        return found[0]

    def takes(self, sign: str) -> bool:
        """Go past a character when it is the next one."""
        found = self.sign() == sign
        self._at += found
        return found

    def value(self) -> Any:
        """Go past the next value.

        Raises:
            _CutOffError: there is none that ends.
        """
        self.sign()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except ValueError as error:
                if not self._more():
                    raise _CutOffError from error
            except RecursionError as error:
                raise _CutOffError from error
            else:
                if self._text[end : end + 1] not in _GOES_ON or not self._more():
                    self._at = end
                    return value

    def pass_cells(self) -> None:
        """Go past the cells behind a value that are texts and numbers, as far as they were read."""
        while found := _FURTHER_CELLS.match(self._text, self._at):
            self._at = found.end()

    def _more(self) -> bool:
        """Read on, as much again as lies ahead, so that a long value is not tried too often."""
        ahead = self._text[self._at :]
        added: list[str] = []
        while sum(map(len, added)) <= len(ahead) < _LONGEST_VALUE:
            if (piece := next(self._pieces, None)) is None:
                break
            added.append(piece)
        if not added:
            return False
        self._forgotten += self._at
        self._text, self._at = "".join([ahead, *added]), 0
        return True


def _first(text: _Text, most: int, size: int) -> list[Any]:
    """The first elements of the list that the text is in."""
    start, found = text.place, []
    with suppress(_CutOffError):
        for element in _elements(text):
            found.append(element)
            if len(found) == most or text.place - start > size:
                break
    return found


def _elements(text: _Text) -> Iterator[Any]:
    """The elements of the list that the text is in, up to its bracket."""
    while text.sign() != "]":
        yield text.value()
        text.takes(",")


def _entries(text: _Text) -> Iterator[tuple[str, Any]]:
    """The entries of the object that the text is in, up to its brace."""
    while text.sign() != "}":
        place = _name(text)
        yield place, text.value()
        text.takes(",")


def _by_place(text: _Text) -> Iterator[tuple[str, Any]]:
    return ((str(place), cell) for place, cell in enumerate(_elements(text)))


def _name(text: _Text) -> str:
    name = text.value()
    if not isinstance(name, str) or not text.takes(":"):
        raise _CutOffError
    return name


def _numbered(elements: Iterable[Any]) -> list[NumberedRow]:
    return [json_row(number, element) for number, element in enumerate(elements, start=1)]


def _inside_object(text: _Text, most: int, size: int) -> list[NumberedRow]:
    columns: dict[str, dict[str, Any]] = {}
    while not text.takes("}"):
        if len(columns) == _MOST_COLUMNS:
            raise _CutOffError
        name = _name(text)
        if text.takes("["):
            if not columns and text.sign() == "{":
                return _numbered(_wrapped(text, most, size))
            cells = _by_place(text)
        elif text.takes("{"):
            cells = _entries(text)
        else:
            return []
        columns[name] = _column(text, cells, most, size)
        text.takes(text.sign())  # the bracket or brace
        text.takes(",")
    return _across(columns)


def _wrapped(text: _Text, most: int, size: int) -> list[Any]:
    """The first elements of the list that is all an object holds; a row's own turns are none."""
    found = _first(text, most, size)
    ended = text.takes("]")
    return [] if ended and not (text.takes("}") and not text.sign()) else found


def _column(text: _Text, cells: Iterator[tuple[str, Any]], most: int, size: int) -> dict[str, Any]:
    """The first cells of a column by row; all others are gone past."""
    start = text.place
    found: dict[str, Any] = {}
    for place, cell in cells:
        if not place.isdigit() or isinstance(cell, dict):
            raise _CutOffError
        if not found or (len(found) < most and text.place - start <= size):
            found[place] = cell
        else:
            text.pass_cells()
    return found


def _across(columns: dict[str, dict[str, Any]]) -> list[NumberedRow]:
    """The rows whose cells are known in every column."""
    places = next(iter(columns.values()), {})
    return [
        NumberedRow(number, {name: cells[place] for name, cells in columns.items()})
        for number, place in enumerate(places, start=1)
        if all(place in cells for cells in columns.values())
    ]
