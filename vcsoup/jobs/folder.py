"""The files of one job's folder, and the lock that tells whether its worker lives.

Everything that another process may be reading is written aside and renamed, but for
`progress.jsonl`, which only grows; its readers take whole lines.
"""

import fcntl
import json
import math
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

SPEC, IDENTITY, PROGRESS = "spec.json", "identity.json", "progress.jsonl"
LOCK, LOG, RESULT = "lock", "log.txt", "result.json"
WAITING, STOP = "waiting", "stop"

# Start times are counted from the boot, whose time of day shifts when the clock is corrected.
_SAME_START_S = 2.0


def new_folder(root: Path, kind: str) -> Path:
    """Make an empty job folder; names sort by time of creation."""
    root.mkdir(parents=True, exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    folder = root / f"{moment}-{kind}-{secrets.token_hex(2)}"
    folder.mkdir()
    return folder


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON so that a reader sees either no file or all of it."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    text = json.dumps(plain(content), ensure_ascii=False)
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Any] | None:
    """Return the content of a JSON file; None when there is none."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return content


def take_lock(path: Path) -> int | None:
    """Take an exclusive lock; return its descriptor, or None when another process holds it.

    The lock lasts until the last copy of the descriptor is closed, by whatever end.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_locked(path: Path) -> bool:
    """Tell whether a process holds the lock at `path`.

    Looking means taking a shared lock for an instant; workers lock before their job can be seen.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def identity_of(pid: int) -> dict[str, Any]:
    """Return what tells a process apart from a later one with the same pid."""
    return {"pid": pid, "create_time": psutil.Process(pid).create_time()}


def find_process(identity: Mapping[str, Any] | None) -> psutil.Process | None:
    """Return the process of an identity, None when it is gone or the pid belongs to another."""
    if identity is None:
        return None
    try:
        process = psutil.Process(identity["pid"])
        same = abs(process.create_time() - identity["create_time"]) < _SAME_START_S
    except psutil.Error:
        return None
    return process if same else None


def plain(item: Any) -> Any:
    """Turn anything into what strict JSON can hold.

    numpy scalars and arrays become numbers and lists, NaN and infinities become None, whatever else
    is unknown becomes text.

    Example:
        >>> plain({"loss": float("nan"), "steps": (1, 2)})
        {'loss': None, 'steps': [1, 2]}
    """
    if isinstance(item, str | bool | int | None):
        return item
    if isinstance(item, float):
        return float(item) if math.isfinite(item) else None
    if isinstance(item, Mapping):
        return {str(key): plain(entry) for key, entry in item.items()}
    if isinstance(item, list | tuple | set):
        return [plain(entry) for entry in item]
    return plain(item.tolist()) if hasattr(item, "tolist") else str(item)
