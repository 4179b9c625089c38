"""A first look at a file: its columns, its format, the preferences it holds, some of its rows.

Only the beginning is read and kept, so that it takes no longer and no more memory for a large file.
What the look finds decides what a person is asked before the file is read as a whole.
"""

import codecs
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vcsoup.errors import NotFoundError, PreferenceFormatError
from vcsoup.preferences.arrow_rows import FILE_MARK, STREAM_MARK, batches
from vcsoup.preferences.arrow_soundness import checked
from vcsoup.preferences.decoded_size import beginning
from vcsoup.preferences.detection import detect_format, is_used
from vcsoup.preferences.files import as_text, data_files
from vcsoup.preferences.json_beginning import first_json_rows
from vcsoup.preferences.packing import unpacked_beginning, unpacked_pieces
from vcsoup.preferences.pair_format import Joined, Pair
from vcsoup.preferences.parquet_rows import UNREADABLE, table_rows
from vcsoup.preferences.readers import Reading, read_rows_as_pairs
from vcsoup.preferences.rows import FileRows, check_once, readable
from vcsoup.preferences.text_rows import is_one_value, text_rows
from vcsoup.preferences.turns import RowFault

LOOKED_AT_BYTES = 2**21
LOOKED_AT_ROWS = 200
GONE_THROUGH_BYTES = 2**28  # of a JSON table by columns
LOOKED_AT_SIZE = 2**26  # bytes in memory; reached by rows of many megabytes only


@dataclass(frozen=True)
class FileLook:
    """What the beginning of a file shows.

    Attributes:
        columns: Names of its columns.
        format: Name of the format; empty when none fits and a person must name the columns.
        aspects: The preferences that it holds, when there are several.
        file: Its first rows, at most 200.
    """

    columns: tuple[str, ...]
    format: str
    aspects: tuple[str, ...]
    file: FileRows

    @property
    def settled(self) -> bool:
        """Whether the file can be read without asking anybody."""
        return bool(self.format) and len(self.aspects) < 2


@dataclass(frozen=True)
class FirstRow:
    """One of the first rows, as the pair it would become or with the reason why it would not.

    Attributes:
        row: Its number in the file, from 1.
        pair: prompt (messages), chosen and rejected; None when it is none.
        problem: The reason; empty when there is a pair.
    """

    row: int
    pair: dict[str, Any] | None
    problem: str


def look_at(path: Path, *, name: str = "") -> FileLook:
    """Look at the beginning of a file.

    Args:
        path: The file, or a folder of files: then its first one is looked at.
        name: What people call it, for messages; the file's own name by default.

    Raises:
        NotFoundError: no such file.
        PreferenceFormatError: a beginning that cannot be read.
    """
    path = Path(path)
    name = readable(name or path.name)
    if not path.exists():
        raise NotFoundError(f"{readable(str(path))} does not exist; check the path")
    file = _beginning(path, name)
    check_once(file.columns, name, is_used)
    form = detect_format(file)
    aspects = form.aspects if form else ()
    return FileLook(file.columns, form.name if form else "", aspects, file)


def first_rows(look: FileLook, how: Reading, *, most: int = 3) -> list[FirstRow]:
    """The first rows of a file as pairs, in the way that someone is choosing.

    Args:
        look: The beginning of the file.
        how: Which aspect, by which columns.
        most: How many rows (or pairs of rows).
    """
    read = read_rows_as_pairs(look.file, how)
    if read is None:
        return []
    return [_first_row(unit, outcome) for unit, outcome in islice(read, most)]


def _first_row(unit: Joined, outcome: Pair | RowFault) -> FirstRow:
    if isinstance(outcome, RowFault):
        where = f"{outcome.column}: " if outcome.column else ""
        return FirstRow(unit.numbers[0], None, f"{where}{outcome.reason}")
    pair = {"prompt": outcome.prompt, "chosen": outcome.chosen, "rejected": outcome.rejected}
    return FirstRow(unit.numbers[0], pair, "")


def _beginning(path: Path, name: str) -> FileRows:
    if path.is_dir():
        files = data_files(path, name)
        first = next((file for file in files if file.stat().st_size), files[0])
        return _beginning(first, f"{name}/{first.relative_to(path)}")
    with path.open("rb") as opened:
        mark = opened.read(8)
    if mark.startswith(b"PAR1"):
        return _parquet_rows(path, name)
    if mark.startswith((STREAM_MARK, FILE_MARK)):
        return _arrow_rows(path, name)
    content = unpacked_beginning(path, LOOKED_AT_BYTES + 1, name)
    if not content.strip():
        raise PreferenceFormatError(f"{name} is empty; give a file with preference pairs")
    if content.startswith(b"PAR1"):
        raise PreferenceFormatError(f"{name} is a compressed parquet file; unpack it first")
    whole = len(content) <= LOOKED_AT_BYTES
    text = as_text(content if whole else _whole_lines(content), name)
    if whole:
        return text_rows(text, name)
    file = _json_rows(path, name) if is_one_value(text) else FileRows((), [])
    return file if file.rows else _first_rows(text, name)


def _json_rows(path: Path, name: str) -> FileRows:
    decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
    pieces = map(decoder.decode, unpacked_pieces(path, GONE_THROUGH_BYTES, name))
    rows = first_json_rows(pieces, most=LOOKED_AT_ROWS, size=LOOKED_AT_BYTES)
    return FileRows(tuple(dict.fromkeys(key for row in rows for key in row.cells)), rows)


def _parquet_rows(path: Path, name: str) -> FileRows:
    try:
        with pq.ParquetFile(path) as file:
            table = _first_of(file.iter_batches(1), file.schema_arrow)
    except UNREADABLE as error:
        raise PreferenceFormatError(f"{name} is a damaged parquet file; export it again") from error
    return FileRows(tuple(table.column_names), list(table_rows(table)))


def _arrow_rows(path: Path, name: str) -> FileRows:
    try:
        with pa.memory_map(str(path)) as source:
            if source.read(6) == FILE_MARK:
                reader = pa.ipc.open_file(source)
            else:
                source.seek(0)
                reader = pa.ipc.open_stream(source)
            first = islice(batches(reader), 1)
            rows = (part.slice(i, 1) for part in first for i in range(part.num_rows))
            table = _first_of(rows, reader.schema)
            return FileRows(tuple(table.column_names), list(table_rows(table)))
    except UNREADABLE as error:
        raise PreferenceFormatError(f"{name} is a damaged Arrow file; save it again") from error


def _first_of(rows: Iterable[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """The first of rows that come one by one: 200, or as many as a screen should ever hold."""
    sound = (checked(pa.Table.from_batches([row])) for row in islice(rows, LOOKED_AT_ROWS))
    return pa.concat_tables([schema.empty_table(), *beginning(sound, LOOKED_AT_SIZE)])


def _whole_lines(content: bytes) -> bytes:
    """The content up to its last line break; all of it when it has none."""
    end = content.rfind(b"\n")
    return content[: end + 1] if end > 0 else content


def _first_rows(text: str, name: str) -> FileRows:
    """The rows of lines of which the last ones are missing."""
    try:
        file = text_rows(text, name)
    except PreferenceFormatError:
        return FileRows((), [])
    return FileRows(file.columns, file.rows[:LOOKED_AT_ROWS])
