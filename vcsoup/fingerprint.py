"""A name for the content of a model, so that a cached reward or an adapter knows its owner.

A local folder is named by the bytes of its configuration, weights and tokenizer; a hub model by its
id and revision. Moving or copying a folder keeps its name. Torch-free, reads only.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

_MODEL_FILES = ("*.json", "*.safetensors", "*.bin", "*.model", "*.txt", "*.jinja", "*.py")
_NOT_CONTENT = {"manifest.json", "trainer_state.json", "card.json"}


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
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _hash_files(tuple(_stamp(path) for path in _model_files(folder)))
    return hashlib.sha256(f"{model}@{revision or 'main'}".encode()).hexdigest()[:16]


def _model_files(folder: Path) -> list[Path]:
    found = {path for pattern in _MODEL_FILES for path in folder.glob(pattern)}
    return sorted(path for path in found if path.name not in _NOT_CONTENT)


def _stamp(path: Path) -> tuple[str, int, int]:
    stat = path.stat()
    return str(path.resolve()), stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=64)
def _hash_files(stamps: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for name, size, _ in stamps:
        path = Path(name)
        digest.update(f"{path.name}:{size}\n".encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
