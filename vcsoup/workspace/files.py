"""Files that are either the old or the new version, never half of one."""

import json
import os
import time
import uuid
from collections.abc import Container, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vcsoup.errors import WorkspaceError

_ABANDONED_AFTER_S = 3600.0


def now() -> str:
    """Return the time in UTC, ISO 8601 to the microsecond, so that text order is time order."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes `path`'s place when the block succeeds.

    The folder is made when missing. After an exception the old file stays and the new one is gone.
    Of a link the file that it leads to is replaced, and the link stays.

    Raises:
        WorkspaceError: a device or a pipe; a file in its place would take it from everybody.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise WorkspaceError(f"{path} is no ordinary file and cannot be replaced; name another")
    path = path.resolve() if path.is_symlink() else path
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{uuid.uuid4().hex[:12]}.{path.name}")
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def forget_tables(folder: Path, named: Container[str]) -> None:
    """Remove the parquet files of a folder that nobody names and that nobody can be writing."""
    for path in folder.glob("*.parquet"):
        if path.stem not in named and time.time() - path.stat().st_mtime > _ABANDONED_AFTER_S:
            path.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON, atomically and safely against a power cut."""
    with replacing(path) as aside, aside.open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1, default=str)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def read_json(path: Path) -> Any | None:
    """Return the content of a JSON file, None when the file does not exist."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
