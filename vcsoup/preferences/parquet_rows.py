"""Parquet -> numbered rows; a cell that cannot be read costs its row and no other."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vcsoup.errors import PreferenceFormatError
from vcsoup.preferences.arrow_soundness import checked
from vcsoup.preferences.decoded_size import bounded
from vcsoup.preferences.json_cells import json_decoder
from vcsoup.preferences.rows import FileRows, NumberedRow

_TOGETHER = 1_000
_COUNTED_TOGETHER = 64  # rows; all of a few huge cells are in memory at once
UNREADABLE = (pa.ArrowException, OSError, ValueError, OverflowError)


def parquet_rows(content: bytes, name: str, wanted: Callable[[str], bool]) -> FileRows:
    """Every row of a parquet file, with the wanted columns.

    Args:
        content: The file.
        name: Its name, for messages.
        wanted: Which columns to read; the others are named all the same.

    Raises:
        PreferenceFormatError: the file is damaged as a whole, or unpacks to far more than it
            weighs.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        columns = tuple(file.schema_arrow.names)
        used = [c for c in dict.fromkeys(columns) if wanted(c)]
        few = file.iter_batches(_COUNTED_TOGETHER, columns=used)
        for _ in bounded(few, len(content), name):
            pass
        table = checked(file.read(columns=used))
    except PreferenceFormatError:
        raise
    except UNREADABLE as error:
        raise PreferenceFormatError(
            f"{name} is a damaged parquet file ({' '.join(str(error).split())[:80]!r}); "
            "export or download it again"
        ) from error
    return FileRows(columns, list(table_rows(table)))


def table_rows(table: pa.Table) -> Iterator[NumberedRow]:
    """The rows of a table, numbered from 1; an unreadable cell is the fault of its row."""
    found = {field.name: json_decoder(field.type) for field in table.schema}
    decoders = {name: decode for name, decode in found.items() if decode}
    for row in _raw_rows(table):
        decoded = {name: decoders[name](row.cells[name]) for name in decoders if name in row.cells}
        yield replace(row, cells=row.cells | decoded) if decoded else row


def _raw_rows(table: pa.Table) -> Iterator[NumberedRow]:
    for start in range(0, table.num_rows, _TOGETHER):
        part = table.slice(start, _TOGETHER)
        try:
            cells = part.to_pylist()
        except UNREADABLE:
            yield from (_row(part.slice(i, 1), start + i + 1) for i in range(part.num_rows))
        else:
            yield from (NumberedRow(start + i, row) for i, row in enumerate(cells, start=1))


def _row(table: pa.Table, number: int) -> NumberedRow:
    cells: dict[str, Any] = {}
    for column in table.column_names:
        try:
            cells[column] = table.column(column)[0].as_py()
        except UnicodeDecodeError as error:
            byte = f"byte {error.start + 1}, 0x{error.object[error.start]:02x}, is not UTF-8"
            return NumberedRow(number, {}, byte, column)
        except UNREADABLE as error:
            return NumberedRow(number, {}, f"unreadable cell ({type(error).__name__})", column)
    return NumberedRow(number, cells)
