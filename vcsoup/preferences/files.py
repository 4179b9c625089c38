"""A file -> numbered rows: parquet, JSON, JSON Lines or CSV, each also gzipped.

The kind is told from the first bytes, never from the file's name. Row numbers are what a person
would look up: lines of JSON Lines, elements of a JSON array, data rows of CSV and parquet, all
counted from 1. What the rows mean is the business of `vcsoup.preferences.formats`.

A byte that is not UTF-8 costs its row and no other: it is decoded to a stand-in (Python's
"surrogateescape"), which `vcsoup.preferences.text_rows` finds again.
"""

import gzip
import io
import zlib
from pathlib import Path

from vcsoup.errors import NotFoundError, PreferenceFormatError
from vcsoup.preferences.parquet_rows import parquet_rows
from vcsoup.preferences.rows import FileRows, readable
from vcsoup.preferences.text_rows import is_json, text_rows

_MOST_BYTES = 4 * 2**30
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_LOOKED_AT = 4_096


def read_rows(path: Path, *, name: str = "") -> FileRows:
    """Every row of a parquet, JSON, JSON Lines or CSV file.

    Args:
        path: The file; UTF-8 where it is text, gzipped or not.
        name: What people call it, for messages; the file's own name by default.

    Returns:
        Columns and rows; of a parquet file only the columns that a pair can use are read. A row
        with a byte that is not UTF-8 has a fault, the others are as they are.

    Raises:
        NotFoundError: no such file.
        PreferenceFormatError: a folder, an empty file, or content of none of the four kinds.
    """
    path = Path(path)
    name = readable(name or path.name)
    content = _content(path, name)
    if content.startswith(b"PAR1"):
        return parquet_rows(content, name)
    return text_rows(_as_text(content, name), name)


def _content(path: Path, name: str) -> bytes:
    if path.is_dir():
        raise PreferenceFormatError(f"{name} is a folder; give one file of preference pairs")
    if not path.is_file():
        whole = readable(str(path))
        raise NotFoundError(f"{whole} does not exist; give the path of a file of preference pairs")
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = _unpacked(content, name)
    if not content.strip():
        raise PreferenceFormatError(f"{name} is empty; give a file with preference pairs")
    return content


def _unpacked(content: bytes, name: str) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as file:
            unpacked = file.read(_MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise PreferenceFormatError(
            f"{name} is gzipped but damaged ({error}); download it again"
        ) from error
    if len(unpacked) > _MOST_BYTES:
        raise PreferenceFormatError(
            f"{name} unpacks to more than {_MOST_BYTES / 2**30:g} GiB; split it into smaller files"
        )
    return unpacked


def _as_text(content: bytes, name: str) -> str:
    """Decode UTF-8; bytes that are not become stand-ins, unless the whole file is something else.

    Raises:
        PreferenceFormatError: text in two or four bytes a character, or no text at all.
    """
    head = content[:_LOOKED_AT]
    if head.startswith(_WIDE_MARKS) or head.count(0) * 4 > len(head):
        raise PreferenceFormatError(
            f"{name} is neither parquet nor UTF-8 text, but looks like UTF-16 or UTF-32; "
            "save it as UTF-8"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = content.decode("utf-8-sig", "surrogateescape")
        if is_json(text) or error.start > content.find(b"\n") > 0:
            return text
        raise PreferenceFormatError(
            f"{name} is neither parquet nor UTF-8 text (byte {error.start}); "
            "save it as JSON Lines, CSV or parquet in UTF-8"
        ) from error
