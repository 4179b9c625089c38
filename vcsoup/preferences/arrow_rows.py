"""Arrow -> numbered rows: single files, and folders that `datasets.save_to_disk` wrote.

A folder names its files in `state.json`. One that holds several splits has a folder for each.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa

from vcsoup.errors import PreferenceFormatError
from vcsoup.preferences.arrow_soundness import checked
from vcsoup.preferences.decoded_size import bounded
from vcsoup.preferences.parquet_rows import UNREADABLE, table_rows
from vcsoup.preferences.rows import FileRows, check_once, readable

STREAM_MARK, FILE_MARK = b"\xff\xff\xff\xff", b"ARROW1"
_Reader: TypeAlias = pa.ipc.RecordBatchStreamReader | pa.ipc.RecordBatchFileReader
_STATE, _SPLITS = "state.json", "dataset_dict.json"


def is_saved(folder: Path) -> bool:
    """Whether a folder was written by `datasets.save_to_disk`, with one split or several."""
    return any((Path(folder) / name).is_file() for name in (_STATE, _SPLITS))


def saved_files(folder: Path, name: str) -> list[Path]:
    """The Arrow files of a saved folder, in order.

    Args:
        folder: The folder.
        name: What people call it, for messages.

    Raises:
        PreferenceFormatError: not such a folder, or one of several splits.
    """
    folder = Path(folder)
    if (folder / _SPLITS).is_file():
        splits = sorted(path.name for path in folder.iterdir() if (path / _STATE).is_file())
        raise PreferenceFormatError(
            f"{name} holds several splits ({', '.join(map(readable, splits)) or 'none'}); give the "
            "folder of one of them"
        )
    if not (folder / _STATE).is_file():
        raise PreferenceFormatError(
            f"{name} is a folder; give one file of preference pairs, or a folder that "
            "datasets.save_to_disk wrote"
        )
    try:
        state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        # Only files inside the folder are read, whatever the names say.
        files = [folder / Path(str(entry["filename"])).name for entry in state["_data_files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise PreferenceFormatError(f"{name} has a damaged {_STATE}; save it again") from error
    if missing := [file.name for file in files if not file.is_file()]:
        raise PreferenceFormatError(f"{name} lacks {readable(missing[0])}; copy it again")
    return files


def saved_rows(folder: Path, name: str, wanted: Callable[[str], bool]) -> FileRows:
    """Every row of a saved folder, with the wanted columns."""
    files = saved_files(folder, name)
    return _rows([file.read_bytes() for file in files], name, wanted)


def arrow_rows(content: bytes, name: str, wanted: Callable[[str], bool]) -> FileRows:
    """Every row of an Arrow file, with the wanted columns.

    Raises:
        PreferenceFormatError: the file is damaged as a whole, or unpacks to far more than it
            weighs.
    """
    return _rows([content], name, wanted)


def _rows(contents: list[bytes], name: str, wanted: Callable[[str], bool]) -> FileRows:
    try:
        readers = [_reader(content) for content in contents]
        for reader in readers:
            check_once(reader.schema.names, name, wanted)
        columns = tuple(dict.fromkeys(name for reader in readers for name in reader.schema.names))
        parts = (part for reader in readers for part in _parts(reader, wanted))
        kept = list(bounded(parts, sum(map(len, contents)), name))
        table = pa.concat_tables(kept, promote_options="default") if kept else pa.table({})
    except PreferenceFormatError:
        raise
    except UNREADABLE as error:
        said = " ".join(str(error).split())[:80]
        raise PreferenceFormatError(
            f"{name} is a damaged Arrow file ({said!r}); save or download it again"
        ) from error
    return FileRows(columns, list(table_rows(table)))


def _reader(content: bytes) -> _Reader:
    source = pa.BufferReader(content)
    return pa.ipc.open_file(source) if content.startswith(FILE_MARK) else pa.ipc.open_stream(source)


def batches(reader: _Reader) -> Iterator[pa.RecordBatch]:
    """The batches of an open Arrow file of either kind, in order."""
    if isinstance(reader, pa.ipc.RecordBatchFileReader):
        return (reader.get_batch(i) for i in range(reader.num_record_batches))
    return iter(reader)


def _parts(reader: _Reader, wanted: Callable[[str], bool]) -> Iterator[pa.Table]:
    """The wanted columns, a batch at a time; one empty part first, for a file without rows."""
    used = [column for column in reader.schema.names if wanted(column)]
    yield reader.schema.empty_table().select(used)
    for batch in batches(reader):
        yield checked(pa.Table.from_batches([batch]).select(used))
