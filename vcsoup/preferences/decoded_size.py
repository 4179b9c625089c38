"""How large the cells of parquet and Arrow are once each is a text of its own.

A dictionary holds a text once for all rows that have it, and compressed pages hold repeats for next
to nothing: a file of some kilobytes can stand for gigabytes. So the size is counted before any text
is made, and a file that comes to far more than it weighs is refused.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from vcsoup.errors import PreferenceFormatError

_Part = TypeVar("_Part", pa.Table, pa.RecordBatch)
_CELL = 64
_ANY_FILE = 2**30
_TIMES = 64


def bounded(parts: Iterable[_Part], stored: int, name: str) -> Iterator[_Part]:
    """The parts of a table, as long as they come to a plausible size together.

    Plausible is 1 GiB for any file, and 64 times its own size for larger ones: texts pack to a
    third, dialogues with the same long beginning to much less.

    Args:
        parts: Sound ones (`vcsoup.preferences.arrow_soundness`) of few rows each.
        stored: Bytes of the file.
        name: What people call it, for the message.

    Raises:
        PreferenceFormatError: they come to more.
    """
    most, size = max(_ANY_FILE, _TIMES * stored), 0
    for part in parts:
        size += table_bytes(part)
        if size > most:
            raise PreferenceFormatError(
                f"{name} has {stored:,} bytes but its rows unpack to more than "
                f"{most / 2**30:.3g} GiB; split it into smaller files, or save it as JSON Lines"
            )
        yield part


def beginning(rows: Iterable[pa.Table], most: int) -> list[pa.Table]:
    """The first rows up to a size; the first one in any case.

    Args:
        rows: Sound tables of one row each.
        most: Bytes that all of them may come to.
    """
    taken: list[pa.Table] = []
    size = 0
    for row in rows:
        size += table_bytes(row)
        if taken and size > most:
            break
        taken.append(row)
    return taken


def table_bytes(table: pa.Table | pa.RecordBatch) -> int:
    """The bytes of all cells of a table as Python would hold them, give or take.

    Example:
        >>> texts = pa.DictionaryArray.from_arrays(pa.array([0] * 100), pa.array(["x" * 1000]))
        >>> table_bytes(pa.table({"chosen": texts}))
        112800
    """
    chunks = [
        chunk
        for column in table.columns
        for chunk in (column.chunks if isinstance(column, pa.ChunkedArray) else [column])
    ]
    return _CELL * table.num_rows + sum(map(_bytes, chunks))


def _bytes(array: pa.Array) -> int:
    """The bytes of the cells of an array, each counted for what it holds and 64 beside it."""
    return _CELL * len(array) + _inside(array)


def _inside(array: pa.Array) -> int:
    kind = array.type
    if array.null_count == len(array):
        return 0
    if isinstance(array, pa.ExtensionArray):
        return _inside(array.storage)
    if pa.types.is_dictionary(kind):
        return _referred(array)
    if pa.types.is_struct(kind):
        return sum(map(_bytes, array.flatten()))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _bytes(array.flatten())
    if any(told(kind) for told in _LENGTHS):
        return pc.sum(pc.binary_length(array)).as_py() or 0
    return 0 if pa.types.is_primitive(kind) else sum(map(_cell, array))


_LENGTHS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
)


def _referred(array: pa.DictionaryArray) -> int:
    """The bytes of what the cells refer to; each entry is looked at once, however often it is."""
    counted = array.indices.drop_null().value_counts()
    entries, times = counted.field("values"), counted.field("counts")
    used = array.dictionary.take(entries)
    if any(told(used.type) for told in _LENGTHS):
        each = pc.binary_length(used).fill_null(0)
    else:
        each = pa.array([_inside(used.slice(i, 1)) for i in range(len(used))], pa.int64())
    return pc.sum(pc.multiply(each.cast(pa.int64()), times)).as_py() or 0


def _cell(cell: pa.Scalar) -> int:
    """The bytes of one cell of a rarer kind, where nothing counts many at once."""
    if not cell.is_valid:
        return 0
    if isinstance(cell, pa.BinaryScalar):
        return cell.as_buffer().size
    return _bytes(cell.values) if isinstance(cell, pa.ListScalar) else len(str(cell))
