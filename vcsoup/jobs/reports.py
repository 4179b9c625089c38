"""Writing a job's `progress.jsonl`: whole lines, whatever a former attempt or a full disk left."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from vcsoup.jobs import folder as files


class Reports:
    """The progress file of a worker; it goes on behind what a former attempt wrote."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._torn = False

    def open(self) -> None:
        """Make the file, or go on behind its last whole line."""
        self._file = self._path.open("ab", buffering=0)
        self._torn = not _ends_with_a_line(self._path)

    def add(self, record: Mapping[str, Any]) -> None:
        """Write one record; it is lost when the disk is full, as a report is not worth a run."""
        if self._file is None:
            return
        line = json.dumps(files.plain(record), ensure_ascii=False).encode() + b"\n"
        line = b"\n" + line if self._torn else line
        try:
            self._torn = self._file.write(line) != len(line)
        except OSError:
            self._torn = True

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def _ends_with_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, 2) == 0:
            return True
        file.seek(-1, 2)
        return file.read(1) == b"\n"
