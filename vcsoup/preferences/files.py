"""A file or a folder -> numbered rows: parquet, Arrow, JSON, JSON Lines, CSV, also compressed.

The kind is told from the first bytes, never from the file's name. Row numbers are what a person
would look up: lines of JSON Lines, elements of a JSON array, data rows of CSV and parquet, all
counted from 1. What the rows mean is the business of `vcsoup.preferences.formats`.

A byte that is not UTF-8 costs its row and no other: it is decoded to a stand-in (Python's
"surrogateescape"), which `vcsoup.preferences.text_rows` finds again.
"""

from collections.abc import Callable
from pathlib import Path

from vcsoup.errors import NotFoundError, PreferenceFormatError
from vcsoup.preferences.arrow_rows import (
    FILE_MARK,
    STREAM_MARK,
    arrow_rows,
    is_saved,
    saved_files,
    saved_rows,
)
from vcsoup.preferences.detection import is_used
from vcsoup.preferences.packing import MARK_BYTES, packing, unpacked_beginning
from vcsoup.preferences.parquet_rows import parquet_rows
from vcsoup.preferences.rows import FileRows, check_once, readable
from vcsoup.preferences.shards import joined, shard_files
from vcsoup.preferences.text_rows import is_json, text_rows

_MOST_BYTES = 4 * 2**30
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_ZIP_MARK = b"PK\x03\x04"
_LOOKED_AT = 4_096


def read_rows(path: Path, *, name: str = "", wanted: Callable[[str], bool] = is_used) -> FileRows:
    """Every row of a file, of a folder of them, or of one that `datasets.save_to_disk` wrote.

    Args:
        path: The file; UTF-8 where it is text, compressed (gzip, zstd, xz, bzip2) or not.
        name: What people call it, for messages; the file's own name by default.
        wanted: Which columns of parquet and Arrow to read; those that a format uses by default.

    Returns:
        Columns and rows. A row with a byte that is not UTF-8 has a fault, the others are as they
        are.

    Raises:
        NotFoundError: no such file.
        PreferenceFormatError: a folder without data, an empty file, a column that stands twice, or
            content of no such kind.
    """
    path = Path(path)
    name = readable(name or path.name)
    if path.is_dir():
        return saved_rows(path, name, wanted) if is_saved(path) else _folder(path, name, wanted)
    file = _rows(_content(path, name), name, wanted)
    check_once(file.columns, name, wanted)
    return file


def data_files(path: Path, name: str) -> list[Path]:
    """The files that hold the rows: those of a folder in their order, or the file itself.

    Raises:
        PreferenceFormatError: a folder without data.
    """
    if not path.is_dir():
        return [path]
    return saved_files(path, name) if is_saved(path) else shard_files(path, name)[0]


def _rows(content: bytes, name: str, wanted: Callable[[str], bool]) -> FileRows:
    if content.startswith(b"PAR1"):
        return parquet_rows(content, name, wanted)
    if content.startswith((STREAM_MARK, FILE_MARK)):
        return arrow_rows(content, name, wanted)
    return text_rows(as_text(content, name), name)


def _folder(folder: Path, name: str, wanted: Callable[[str], bool]) -> FileRows:
    """The rows of every data file of a folder; empty files have none."""
    parts = [(str(path.relative_to(folder)), path) for path in data_files(folder, name)]
    full = [(inside, path) for inside, path in parts if path.stat().st_size]
    return joined(
        [(inside, read_rows(path, name=f"{name}/{inside}", wanted=wanted)) for inside, path in full]
    )


def _content(path: Path, name: str) -> bytes:
    if not path.is_file():
        whole = readable(str(path))
        raise NotFoundError(f"{whole} does not exist; give the path of a file of preference pairs")
    with path.open("rb") as file:
        packed = packing(file.read(MARK_BYTES))
    content = unpacked_beginning(path, _MOST_BYTES + 1, name) if packed else path.read_bytes()
    if packed and len(content) > _MOST_BYTES:
        raise PreferenceFormatError(
            f"{name} unpacks to more than {_MOST_BYTES / 2**30:g} GiB; split it into smaller files"
        )
    if not content.strip():
        raise PreferenceFormatError(f"{name} is empty; give a file with preference pairs")
    return content


def as_text(content: bytes, name: str) -> str:
    """Decode UTF-8; bytes that are not become stand-ins, unless the whole file is something else.

    Raises:
        PreferenceFormatError: text in two or four bytes a character, or no text at all.
    """
    if content.startswith(_ZIP_MARK):
        raise PreferenceFormatError(
            f"{name} is a ZIP archive, as Excel's files are; unpack it, or save the sheet as CSV"
        )
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
