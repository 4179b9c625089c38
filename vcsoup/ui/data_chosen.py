"""A file that someone chose on the Data page: a small one as its content, a large one on the disk.

Small files are read while the person waits; large ones are handed to a job.
"""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from vcsoup.preferences.arrow_rows import FILE_MARK, STREAM_MARK
from vcsoup.preferences.look import FileLook
from vcsoup.preferences.packing import packing
from vcsoup.ui import state

TABS = (
    ":material/upload: Upload",
    ":material/folder_open: This machine",
    ":material/hub: Hugging Face hub",
)
"""Where a file may come from."""
INLINE_BYTES = 400_000
"""Larger files are read by a job: reading them here would hold the tab up."""
INLINE_LINES = 5_000
_BINARY = (b"PAR1", STREAM_MARK, FILE_MARK)
UPLOAD_TOLD = "A larger file is read where it lies: *This machine*."


@dataclass(frozen=True)
class Arriving:
    """A file that someone chose.

    Attributes:
        source: Where it comes from, for people.
        content: What it holds, when it is small; None otherwise.
        path: Where it lies; None for the content of a small upload.
        owned: Whether it is an upload of ours.
    """

    source: str
    content: bytes | None = None
    path: Path | None = None
    owned: bool = False

    @contextmanager
    def file(self) -> Iterator[Path]:
        """Give a path where the content can be read."""
        if self.content is None and self.path is not None:
            yield self.path
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "upload"
            path.write_bytes(self.content or b"")
            yield path


@dataclass(frozen=True)
class Unsettled:
    """A chosen file that asks something first, and what its beginning shows."""

    arriving: Arriving
    look: FileLook


def received(source: str, content: BinaryIO, path: Path | None = None) -> Arriving:
    """Take a file: a small one as its content, a large one where it lies or as an upload of ours.

    Args:
        source: Where it comes from, for people.
        content: The file, open at its beginning.
        path: Where it lies; None for an upload.
    """
    beginning, size = content.read(INLINE_BYTES), content.seek(0, io.SEEK_END)
    content.seek(0)
    if is_small(size, beginning):
        return Arriving(source, content=content.read())
    if path is not None:
        return Arriving(source, path=path)
    return Arriving(source, path=state.workspace().incoming.receive(content), owned=True)


def found_at(path: Path, source: str = "") -> Arriving:
    """Take a file or a folder of this machine.

    Args:
        path: Where it lies.
        source: Where it comes from, for people; its path by default.
    """
    source = source or str(path)
    if path.is_dir():
        return Arriving(source, path=path)
    with path.open("rb") as content:
        return received(source, content, path)


def is_small(size: int, beginning: bytes) -> bool:
    """Tell whether a file can be read while someone waits.

    Args:
        size: Bytes of the file.
        beginning: Its first bytes. No compressed kind is small, since a few kilobytes of it may
            unpack to gigabytes; many short lines count for many rows.

    Example:
        >>> is_small(100_000, b"prompt"), is_small(3_000, b"PAR1")
        (True, False)
    """
    packed = packing(beginning) or beginning.startswith(_BINARY)
    few = beginning.count(b"\n") <= INLINE_LINES
    return not packed and few and size <= INLINE_BYTES


def printable(name: str) -> str:
    """A file's name without characters that no one can see; it is data, never a path."""
    return "".join(character for character in name[:200] if character.isprintable()) or "upload"
