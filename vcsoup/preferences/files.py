"""A file -> numbered rows: parquet, JSON, JSON Lines or CSV, each also gzipped.

The kind is told from the first bytes, never from the file's name. Row numbers are what a person
would look up: lines of JSON Lines, elements of a JSON array, data rows of CSV and parquet, all
counted from 1. What the rows mean is the business of `vcsoup.preferences.formats`.
"""

import ast
import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vcsoup.errors import NotFoundError, PreferenceFormatError
from vcsoup.preferences.pairs import PAIR_COLUMNS

_LONGEST_CELL = 2**31 - 1  # csv's own limit of 131,072 characters is less than a long dialogue


@dataclass(frozen=True)
class NumberedRow:
    """One row of a file: its cells by column, or the fault that kept it from being read."""

    number: int
    cells: dict[str, Any]
    fault: str = ""


@dataclass(frozen=True)
class FileRows:
    """All rows of a file, with the names of its columns in the order of their first use."""

    columns: tuple[str, ...]
    rows: list[NumberedRow]


def read_rows(path: Path) -> FileRows:
    """Every row of a parquet, JSON, JSON Lines or CSV file.

    Args:
        path: The file; UTF-8 where it is text, gzipped or not.

    Returns:
        Columns and rows; of a parquet file only the columns that a pair can use are read.

    Raises:
        NotFoundError: no such file.
        PreferenceFormatError: a folder, an empty file, or content of none of the four kinds.
    """
    path = Path(path)
    content = _content(path)
    if content.startswith(b"PAR1"):
        return _parquet_rows(content, path.name)
    text = _as_text(content, path.name)
    if text.lstrip()[:1] in ("{", "["):
        rows = _json_rows(text, path.name)
        return FileRows(tuple(dict.fromkeys(key for row in rows for key in row.cells)), rows)
    return _csv_rows(text, path.name)


def _content(path: Path) -> bytes:
    if path.is_dir():
        raise PreferenceFormatError(f"{path} is a folder; give one file of preference pairs")
    if not path.is_file():
        raise NotFoundError(f"{path} does not exist; give the path of a file of preference pairs")
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise PreferenceFormatError(
                f"{path.name} is gzipped but damaged ({error}); download it again"
            ) from error
    if not content.strip():
        raise PreferenceFormatError(f"{path.name} is empty; give a file with preference pairs")
    return content


def _as_text(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PreferenceFormatError(
            f"{name} is neither parquet nor UTF-8 text (byte {error.start}); "
            "save it as JSON Lines, CSV or parquet in UTF-8"
        ) from error


def _parquet_rows(content: bytes, name: str) -> FileRows:
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        columns = tuple(file.schema_arrow.names)
        cells = file.read(columns=[c for c in columns if c in PAIR_COLUMNS]).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise PreferenceFormatError(
            f"{name} is a damaged parquet file ({str(error)[:80]!r}); export or download it again"
        ) from error
    return FileRows(columns, [NumberedRow(i, row) for i, row in enumerate(cells, start=1)])


def _json_rows(text: str, name: str) -> list[NumberedRow]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        if text.lstrip().startswith("{"):
            return list(_json_lines(text))
        raise PreferenceFormatError(f"{name} is not valid JSON ({error}); mend it there") from error
    elements = whole if isinstance(whole, list) else [whole]
    return [_json_row(i, element) for i, element in enumerate(elements, start=1)]


def _json_lines(text: str) -> Iterator[NumberedRow]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield _json_row(number, json.loads(line))
        except (ValueError, RecursionError) as error:
            yield NumberedRow(number, {}, f"not valid JSON: {error}")


def _json_row(number: int, element: object) -> NumberedRow:
    if isinstance(element, dict):
        return NumberedRow(number, element)
    return NumberedRow(number, {}, f"expected an object, got {type(element).__name__}")


def _csv_rows(text: str, name: str) -> FileRows:
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    usual = csv.field_size_limit(_LONGEST_CELL)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        rows = [_csv_row(i, cells) for i, cells in enumerate(reader, start=1)]
    except csv.Error as error:
        raise PreferenceFormatError(
            f"{name} cannot be read as CSV ({error} at line {reader.line_num}); "
            "close its quotes, or save it as JSON Lines"
        ) from error
    finally:
        csv.field_size_limit(usual)
    return FileRows(tuple(reader.fieldnames or ()), rows)


def _csv_row(number: int, cells: dict[str | Any, Any]) -> NumberedRow:
    if None in cells:
        return NumberedRow(number, {}, "more cells than the header has columns")
    return NumberedRow(number, {column: _csv_cell(cell) for column, cell in cells.items()})


def _csv_cell(cell: str | None) -> object:
    """A cell as it is, but messages written out as JSON or by Python's `str` become a list."""
    if cell is None or not cell.lstrip().startswith("[{"):
        return cell
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(cell.strip())
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            continue
    return cell
