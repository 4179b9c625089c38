"""Rows -> JSON Lines, parquet or CSV, a part at a time."""

import csv
import io
import json
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq


class RowWriter(NamedTuple):
    """Writes tables of one schema into an open file; `finish` ends it and leaves it open."""

    write: Callable[[pa.Table], object]
    finish: Callable[[], object]


def _parquet(file: BinaryIO, schema: pa.Schema) -> RowWriter:
    writer = pq.ParquetWriter(file, schema, compression="zstd")
    return RowWriter(writer.write_table, writer.close)


def _json_lines(file: BinaryIO, schema: pa.Schema) -> RowWriter:
    def write(table: pa.Table) -> None:
        lines = (json.dumps(row, ensure_ascii=False) for row in table.to_pylist())
        file.write("".join(f"{line}\n" for line in lines).encode())

    return RowWriter(write, lambda: None)


def _csv(file: BinaryIO, schema: pa.Schema) -> RowWriter:
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(schema.names)

    def write(table: pa.Table) -> None:
        writer.writerows(row.values() for row in table.to_pylist())

    return RowWriter(write, text.detach)  # flushed, and the file stays open


WRITERS: dict[str, Callable[[BinaryIO, pa.Schema], RowWriter]] = {
    "jsonl": _json_lines,
    "parquet": _parquet,
    "csv": _csv,
}
"""Opens a file of pairs, by the format's name."""
