"""Text -> numbered rows: JSON, JSON Lines or CSV.

JSON may be a list of rows, an object around one list (as `{"data": [...]}`), or a table by columns
(what `DataFrame.to_json` writes, or a list for each column). CSV may name its separator in a line
before its header (`sep=;`, as spreadsheets want it).

Bytes that were not UTF-8 arrive as stand-ins (see `vcsoup.preferences.files`); the rows that hold
one get a fault that names the byte, its place and the column.
"""

import ast
import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from vcsoup.errors import PreferenceFormatError
from vcsoup.preferences.rows import FileRows, NumberedRow
from vcsoup.preferences.turns import are_messages

_LONGEST_CELL = 2**31 - 1
_TEXTS = ("prompt", "chosen", "rejected")
_STAND_IN = re.compile("[\udc80-\udcff]")
_EARLY_LINES = 20
_NUMPY_SEAM = re.compile(  # between two objects; texts in quotes are gone past, once
    r"""('(?:[^'\\]|\\.?)*+'?|"(?:[^"\\]|\\.?)*+"?)|(?<=\})\s++(?=\{)""", re.DOTALL
)
_NAMED_SEPARATOR = re.compile(r'\s*"?sep=([^\w\s"]|[\t ])\1*"?(?:\r\n?|\n)', re.IGNORECASE)

csv.field_size_limit(_LONGEST_CELL)  # its own limit, 131,072, is less than a long dialogue


def is_json(text: str) -> bool:
    r"""Whether a text is JSON or JSON Lines; CSV otherwise.

    Lines of JSON Lines may be damaged, the first one too: one object among the early lines tells.
    It has to hold something, which no line inside a quoted cell of CSV can: its quotes are doubled.

    Example:
        >>> is_json('oops\n{"chosen": "a"}'), is_json("chosen,rejected")
        (True, False)
    """
    if text.lstrip()[:1] in ("{", "["):
        return True
    if _NAMED_SEPARATOR.match(text):
        return False
    lines = _early_lines(text)
    header = {cell.strip(' "\r\n') for cell in re.split("[,;\t]", lines[0])} if lines else set()
    return not {"chosen", "rejected"} <= header and any(_is_object(line) for line in lines)


def is_one_value(text: str) -> bool:
    r"""Whether a text seems to be one JSON value, and no JSON Lines.

    Example:
        >>> is_one_value('{"data": [\n{"a": 1}'), is_one_value('{"a": 1}\n{"a": 2}')
        (True, False)
    """
    return text.lstrip()[:1] in ("{", "[") and _parsed(_early_lines(text.lstrip())[0]) is None


def text_rows(text: str, name: str) -> FileRows:
    """Every row of a text.

    Args:
        text: The file's content; bytes that are not UTF-8 as "surrogateescape" stand-ins.
        name: The file's name, for messages.

    Raises:
        PreferenceFormatError: a JSON array or CSV that is broken as a whole, or JSON Lines whose
            objects go over several lines.
    """
    damaged = _STAND_IN.search(text) is not None
    if not is_json(text):
        return _csv_rows(text, name, damaged=damaged)
    rows = _json_rows(text, name, damaged=damaged)
    return FileRows(tuple(dict.fromkeys(key for row in rows for key in row.cells)), rows)


def json_row(number: int, element: object) -> NumberedRow:
    """A row with the cells of a JSON object; anything else is a fault."""
    if isinstance(element, dict):
        return NumberedRow(number, element)
    return NumberedRow(number, {}, f"expected an object, got {type(element).__name__}")


def _early_lines(text: str) -> list[str]:
    lines = io.StringIO(text[: 2**20], newline="\n")
    solid = (line for line in lines if line.strip())
    return list(islice(solid, _EARLY_LINES))


def _is_object(line: str) -> bool:
    found = _parsed(line) if line.lstrip().startswith("{") else None
    return isinstance(found, dict) and bool(found)


def _parsed(text: str) -> object:
    """The content of a JSON text; None when it is broken (or null)."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _json_rows(text: str, name: str, *, damaged: bool) -> list[NumberedRow]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        if text.lstrip().startswith("[") and is_one_value(text):
            raise PreferenceFormatError(
                f"{name} is not valid JSON ({error}); mend it there"
            ) from error
        if _opens_over_lines(text):
            raise PreferenceFormatError(
                f"{name} holds JSON objects that go over several lines each; write one object a "
                "line (`jq -c .` does), or all of them in one list"
            ) from error
        return list(_json_lines(text, damaged=damaged))
    rows = [json_row(i, element) for i, element in enumerate(_elements(whole), start=1)]
    return [_checked(row) for row in rows] if damaged else rows


def _json_lines(text: str, *, damaged: bool) -> Iterator[NumberedRow]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        stand_in = _STAND_IN.search(line) if damaged else None
        try:
            row = json_row(number, json.loads(line))
        except (ValueError, RecursionError) as error:
            row = NumberedRow(number, {}, f"not valid JSON: {error}")
        if stand_in is None:
            yield row
        else:
            place = len(line[: stand_in.start()].encode("utf-8", "surrogateescape")) + 1
            found = f"byte {place} of the line, {_byte(stand_in[0])}, is not UTF-8"
            yield NumberedRow(number, {}, found, _checked(row).column)


def _opens_over_lines(text: str) -> bool:
    """Whether a text opens with a JSON object that its first line does not hold."""
    start = len(text) - len(text.lstrip())
    try:
        _, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return False
    return "\n" in text[start:end]


def _elements(whole: object) -> list[Any]:
    """The rows of a JSON text: a list, or what an object holds in place of one."""
    if not isinstance(whole, dict) or not whole:
        return whole if isinstance(whole, list) else [whole]
    columns = [_column(cells) for cells in whole.values()]
    if columns[0] and all(cells.keys() == columns[0].keys() for cells in columns):
        places = columns[0].keys()
        return [
            {name: cells[at] for name, cells in zip(whole, columns, strict=True)} for at in places
        ]
    inside = next(iter(whole.values()))
    if len(whole) == 1 and isinstance(inside, list) and inside:
        return inside if all(isinstance(row, dict) for row in inside) else [whole]
    return [whole]


def _column(cells: object) -> dict[str, Any]:
    """The cells of a column of a table by columns, by row; none when it is something else."""
    if isinstance(cells, dict) and all(place.isdigit() for place in cells):
        return cells  # as pandas writes it
    if isinstance(cells, list) and not any(isinstance(cell, dict) for cell in cells):
        return {str(place): cell for place, cell in enumerate(cells)}
    return {}


def _csv_rows(text: str, name: str, *, damaged: bool) -> FileRows:
    named = _NAMED_SEPARATOR.match(text)  # a line for Excel, before the header
    start = named.end() if named else 0
    header = next(filter(str.strip, re.split("[\r\n]+", text[: 2**20])), "")
    delimiter = named[1] if named else max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text[start:], newline=""), delimiter=delimiter, strict=True)
    filled = filter(None, reader)  # a blank line is no row
    try:
        columns = tuple(cell.strip() for cell in next(filled, []))
        raw = [_csv_row(i, columns, cells) for i, cells in enumerate(filled, start=1)]
    except csv.Error as error:
        line = reader.line_num + text[:start].count("\n")
        raise PreferenceFormatError(
            f"{name} cannot be read as CSV ({error} at line {line}); "
            "close its quotes, or save it as JSON Lines"
        ) from error
    rows = [_checked(row) for row in raw] if damaged else raw
    return FileRows(columns, rows)


def _csv_row(number: int, columns: Sequence[str], cells: Sequence[str]) -> NumberedRow:
    """A row with the cells that it has; a short one says nothing of the last columns."""
    if len(cells) > len(columns):
        return NumberedRow(number, {}, "more cells than the header has columns")
    return NumberedRow(number, dict(zip(columns, map(_csv_cell, columns, cells), strict=False)))


def _csv_cell(column: str, cell: str) -> object:
    """A cell as it is, but messages written out as JSON or by Python's `str` become a list.

    NumPy writes them without commas: so pandas and `datasets` save what came from parquet. An
    answer may be a list of records itself; elsewhere records may hold the answers.
    """
    if not cell.lstrip().startswith("[{"):
        return cell
    for parse in (json.loads, ast.literal_eval, _numpy_list):
        try:
            found = parse(cell.strip())
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            continue
        return cell if column in _TEXTS and not are_messages(found) else found
    return cell


def _numpy_list(cell: str) -> object:
    return ast.literal_eval(_NUMPY_SEAM.sub(lambda seam: seam[1] or ", ", cell))


def is_csv_row(row: Mapping[str, object]) -> bool:
    """Whether CSV gives the cells of a row back as they are: texts that nobody takes for lists.

    Example:
        >>> is_csv_row({"prompt": "Sky?", "gap1": 0.5}), is_csv_row({"responses": "[{}]"})
        (True, False)
    """
    texts = {name: cell for name, cell in row.items() if isinstance(cell, str)}
    return all("\0" not in text and _csv_cell(name, text) == text for name, text in texts.items())


def _checked(row: NumberedRow) -> NumberedRow:
    """The row, or its fault when one of its cells holds a byte that is not UTF-8."""
    for column, cell in row.cells.items():
        for text in (column, *_texts(cell)):
            if found := _STAND_IN.search(text):
                where = "" if _STAND_IN.search(column) else column
                return NumberedRow(row.number, {}, f"{_byte(found[0])} is not UTF-8", where)
    return row


def _texts(cell: object) -> Iterator[str]:
    """Every text inside a cell, however deep."""
    inside = [cell]
    while inside:
        item = inside.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            inside += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple | set):
            inside += item


def _byte(stand_in: str) -> str:
    return f"0x{ord(stand_in) - 0xDC00:02x}"
