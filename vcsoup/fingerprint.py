"""A name for the content of a model, so that a cached reward or an adapter knows its owner.

A local folder is named by the bytes of its configuration, weights and tokenizer; a hub model by its
id and revision. Moving or copying a folder keeps its name. Reading many GB takes long, so what a
large file hashes to is remembered in the user's cache folder, for all processes. Torch-free.
"""

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from vcsoup.home_paths import from_home

_MODEL_FILES = (".json", ".safetensors", ".bin", ".model", ".txt", ".jinja", ".py")
_NOT_CONTENT = {"manifest.json", "trainer_state.json", "card.json"}
_LARGE = 64 * 2**20  # bytes from which on a file's hash is remembered

Stamp = tuple[str, int, int]
"""A file: its path, size, and time of change in nanoseconds."""


def model_fingerprint(model: str, *, revision: str | None = None) -> str:
    """Name the content of a model: 16 hex characters.

    Args:
        model: A local folder or a hub id.
        revision: Hub revision; ignored for a folder.

    Returns:
        The first 16 hex characters of a sha256. Equal for equal files, wherever they lie.

    Example:
        >>> model_fingerprint("org/model") == model_fingerprint("org/model", revision="main")
        True
    """
    folder = from_home(model)
    if folder.is_dir():
        return _hash_files(_stamps(folder))
    return hashlib.sha256(f"{model}@{revision or 'main'}".encode()).hexdigest()[:16]


def known_fingerprint(model: str, *, revision: str | None = None) -> str | None:
    """`model_fingerprint`, but None where finding it out would mean to read large files.

    For screens: a job that used the model has read them, and its answer is remembered. None also
    for a folder that is not there, as on another machine than the one that a workspace comes from.
    """
    folder = from_home(model)
    if not folder.is_dir():
        return None if folder.is_absolute() else model_fingerprint(model, revision=revision)
    stamps = _stamps(folder)
    large = (stamp for stamp in stamps if stamp[1] >= _LARGE)
    return None if any(_remembered(stamp) is None for stamp in large) else _hash_files(stamps)


def _stamps(folder: Path) -> tuple[Stamp, ...]:
    """Stamp the model files of a folder, by name; pages ask often, so it looks once."""
    root = os.path.realpath(folder)
    with os.scandir(root) as entries:
        found = [
            entry
            for entry in entries
            if entry.name.endswith(_MODEL_FILES) and entry.name not in _NOT_CONTENT
        ]
    return tuple(_stamp(Path(entry)) for entry in sorted(found, key=lambda entry: entry.name))


def _stamp(path: Path) -> Stamp:
    stat = path.stat()
    place = os.path.realpath(path) if path.is_symlink() else str(path)
    return place, stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=64)
def _hash_files(stamps: tuple[Stamp, ...]) -> str:
    digest = hashlib.sha256()
    for stamp in stamps:
        digest.update(f"{Path(stamp[0]).name}:{stamp[1]}\n".encode())
        digest.update(_file_hash(stamp))
    return digest.hexdigest()[:16]


def _file_hash(stamp: Stamp) -> bytes:
    path, large = Path(stamp[0]), stamp[1] >= _LARGE
    if large and (known := _remembered(stamp)):
        return known
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").digest()
    if large and _stamp(path) == stamp:  # nobody wrote to it meanwhile
        _remember(stamp, found)
    return found


def _remembered(stamp: Stamp) -> bytes | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        noted = json.loads(_note(stamp).read_text(encoding="utf-8"))
        if noted["file"] == list(stamp):
            return bytes.fromhex(noted["sha256"])
    return None


def _remember(stamp: Stamp, found: bytes) -> None:
    note = _note(stamp)
    with suppress(OSError):  # without a cache folder the file is read again, that is all
        note.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=note.parent, delete=False) as aside:
            json.dump({"file": stamp, "sha256": found.hex()}, aside)
        Path(aside.name).replace(note)


def _note(stamp: Stamp) -> Path:
    """Where the hash of a file is remembered, one small file for each."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (
        cache / "vcsoup" / "hashes" / f"{hashlib.sha256(stamp[0].encode()).hexdigest()[:32]}.json"
    )
