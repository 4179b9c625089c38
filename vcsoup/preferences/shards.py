"""A folder of data files -> one set of rows, each still known by its file and its row in it.

The files may be of different kinds and differently compressed. Files that are no tables by their
name (README, licence, settings) are left out and named; the saved folders of `datasets` are the
business of `vcsoup.preferences.arrow_rows`.
"""

from pathlib import Path

from vcsoup.errors import PreferenceFormatError
from vcsoup.preferences.rows import FileRows, NumberedRow, Shard, readable

_TABLES = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".arrow", ".feather")
_PACKED = (".gz", ".zst", ".xz", ".bz2")
_ABOUT = {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"}


def shard_files(folder: Path, name: str) -> tuple[list[Path], list[Path]]:
    """The data files of a folder and of those inside it, in the order of their paths.

    Args:
        folder: The folder.
        name: What people call it, for messages.

    Returns:
        Data files, and the others; hidden ones are neither.

    Raises:
        PreferenceFormatError: no data file.
    """
    folder = Path(folder)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    seen = [path for path in files if not _hidden(path.relative_to(folder))]
    tables = [path for path in seen if is_table(path.name)]
    if not tables:
        raise PreferenceFormatError(
            f"{name} is a folder without data files; give one with {', '.join(_TABLES[:6])} files "
            "(also compressed), one that datasets.save_to_disk wrote, or a single file"
        )
    others = [path for path in seen if path not in set(tables)]
    return tables, others


def joined(parts: list[tuple[str, FileRows]]) -> FileRows:
    """The rows of several files as those of one, numbered on.

    Args:
        parts: Name and rows of each file.

    Example:
        >>> one = FileRows(("a",), [NumberedRow(1, {"a": 1}), NumberedRow(2, {"a": 2})])
        >>> both = joined([("x", one), ("y", one)])
        >>> [row.number for row in both.rows], both.place(4)
        ([1, 2, 3, 4], ('y', 2))
    """
    rows: list[NumberedRow] = []
    shards: list[Shard] = []
    before = 0
    for name, part in parts:
        shards.append(Shard(readable(name), before))
        rows += (
            NumberedRow(before + row.number, row.cells, row.fault, row.column) for row in part.rows
        )
        before = max([before, *(row.number for row in rows[-1:])])
    columns = tuple(dict.fromkeys(column for _, part in parts for column in part.columns))
    return FileRows(columns, rows, tuple(shards))


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def is_table(name: str) -> bool:
    """Whether a file's name is that of a table, compressed or not."""
    plain = name.lower()
    for packed in _PACKED:
        plain = plain.removesuffix(packed)
    return plain.endswith(_TABLES) and name not in _ABOUT
