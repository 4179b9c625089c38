"""Compressed files as they are inside: gzip, Zstandard, xz and bzip2, told by their first bytes."""

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from vcsoup.errors import PreferenceFormatError

_DAMAGE = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, pa.ArrowException)
_PIECE = 2**20
MARK_BYTES = 16
"""How many first bytes `packing` needs."""


def packing(beginning: bytes) -> str:
    r"""How a file is packed, by its first bytes; empty when it is not.

    Example:
        >>> packing(b"\x1f\x8b\x08"), packing(b"{}")
        ('gzipped', '')
    """
    return next((name for mark, name, _ in _KINDS if mark.match(beginning)), "")


def unpacked_beginning(path: Path, most: int, name: str) -> bytes:
    """The first bytes of what a file holds, unpacked.

    Args:
        path: The file, packed or not.
        most: How many bytes at most.
        name: What people call it, for messages.

    Raises:
        PreferenceFormatError: packed, but damaged within these bytes.
    """
    return b"".join(unpacked_pieces(path, most, name))


def unpacked_pieces(path: Path, most: int, name: str) -> Iterator[bytes]:
    """The same, in pieces of at most 1 MiB, each read when it is asked for."""
    with Path(path).open("rb") as file:
        beginning = file.read(MARK_BYTES)
        file.seek(0)
        unpack = next((unpack for mark, _, unpack in _KINDS if mark.match(beginning)), None)
        if unpack is None:
            yield from _pieces(file, most)
            return
        try:
            yield from _pieces(unpack(file), most)
        except _DAMAGE as error:
            said = " ".join(str(error).split())[:80]
            raise PreferenceFormatError(
                f"{name} is {packing(beginning)} but damaged ({said}); download it again"
            ) from error


def _pieces(file: BinaryIO, most: int) -> Iterator[bytes]:
    left = most
    while left > 0 and (piece := file.read(min(left, _PIECE))):
        yield piece
        left -= len(piece)


def _zstd(file: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, pa.CompressedInputStream(file, "zstd"))


_Unpack = Callable[[BinaryIO], BinaryIO]
_KINDS: tuple[tuple[re.Pattern[bytes], str, _Unpack], ...] = (
    (re.compile(rb"\x1f\x8b"), "gzipped", lambda file: cast(BinaryIO, gzip.open(file))),
    (re.compile(rb"\x28\xb5\x2f\xfd"), "packed by zstd", _zstd),
    (re.compile(rb"\xfd7zXZ\x00"), "packed by xz", lambda file: cast(BinaryIO, lzma.open(file))),
    (re.compile(rb"BZh\d1AY&SY"), "packed by bzip2", lambda file: cast(BinaryIO, bz2.open(file))),
)
