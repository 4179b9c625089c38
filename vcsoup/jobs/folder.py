"""The files of one job's folder, and the lock that tells whether its worker lives.

Everything that another process may be reading is written aside and renamed, but for
`progress.jsonl`, which only grows; its readers take whole lines.
"""

import fcntl
import json
import math
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

SPEC, IDENTITY, PROGRESS = "spec.json", "identity.json", "progress.jsonl"
LOCK, LOG, RESULT = "lock", "log.txt", "result.json"
QUEUED, WAITING, BEGAN, STOP = "queued.json", "waiting", "began.json", "stop"
HEARTBEAT, CHECKPOINTS, PATIENCE = "heartbeat", "checkpoints", "patience"

# What one attempt leaves behind that the next must not take for its own.
OF_ONE_ATTEMPT = (IDENTITY, WAITING, BEGAN, STOP, PATIENCE, HEARTBEAT)

# Names the boot of this machine; start times within one boot do not move with the clock.
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SAME_START_S, _SAME_START_BY_CLOCK_S = 0.1, 2.0
_FORMER_RESULT = re.compile(r"result-(\d+)\.json")


def new_folder(root: Path, kind: str) -> Path:
    """Make an empty job folder; names sort by time of creation."""
    root.mkdir(parents=True, exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    folder = root / f"{moment}-{kind}-{secrets.token_hex(2)}"
    folder.mkdir()
    return folder


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON so that a reader sees either no file or all of it."""
    write_text(path, json.dumps(plain(content), ensure_ascii=False))


def write_text(path: Path, text: str) -> None:
    """Write a file so that a reader sees either none or all of it, also after a power cut."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
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


def former_results(path: Path) -> dict[int, Path]:
    """Return the results of a job's former attempts by the attempt's number, from 1."""
    found = ((_FORMER_RESULT.fullmatch(file.name), file) for file in path.glob("result-*.json"))
    return dict(sorted((int(match[1]), file) for match, file in found if match))


def take_lock(path: Path, patience: float = 0.0) -> int | None:
    """Take an exclusive lock; return its descriptor, or None when another process holds it.

    The lock lasts until the last copy of the descriptor is closed, by whatever end.

    Args:
        path: The lock's file; made when missing.
        patience: Seconds to try for. Whoever looks (`is_locked`) holds the lock for an instant.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() >= end:
                os.close(descriptor)
                return None
            time.sleep(0.005)
        except BaseException:
            os.close(descriptor)
            raise


@contextmanager
def holding(path: Path, patience: float = 0.0) -> Iterator[int | None]:
    """Hold an exclusive lock for the block; gives what `take_lock` returns."""
    lock = take_lock(path, patience)
    try:
        yield lock
    finally:
        if lock is not None:
            os.close(lock)


def adopt_lock(path: Path, descriptor: str | None) -> int | None:
    """Return the lock that the starter took for this process; None when it did not.

    Args:
        path: The lock's file.
        descriptor: The descriptor as the starter wrote it; believed only when it is that file.
    """
    with suppress(OSError, TypeError, ValueError):
        inherited = int(descriptor or "none")
        if os.path.samestat(os.fstat(inherited), path.stat()):
            os.set_inheritable(inherited, False)
            return inherited
    return None


@contextmanager
def one_at_a_time(root: Path) -> Iterator[None]:
    """Let one process at a time start jobs or change what is queued, for the block."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "start.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


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
    started = psutil.Process(pid).create_time()
    since_boot = started - psutil.boot_time()
    return {
        "pid": pid,
        "create_time": started,
        "since_boot": since_boot,
        "boot": _boot_id(),
        "host": socket.gethostname(),
    }


def find_process(identity: Mapping[str, Any] | None) -> psutil.Process | None:
    """Return the process of an identity.

    None when it is gone, when the pid belongs to another, or when it runs on another machine.
    """
    if identity is None or identity.get("host") not in (None, socket.gethostname()):
        return None
    try:
        process = psutil.Process(identity["pid"])
        same = _same_start(process, identity)
    except psutil.Error:
        return None
    return process if same else None


def _same_start(process: psutil.Process, identity: Mapping[str, Any]) -> bool:
    """Whether a process started when the identity says, whatever the clock was set to since."""
    started, boot = process.create_time(), identity.get("boot")
    if boot is not None and boot == _boot_id():
        since_boot = started - psutil.boot_time()
        return bool(abs(since_boot - identity["since_boot"]) < _SAME_START_S)
    return bool(abs(started - identity["create_time"]) < _SAME_START_BY_CLOCK_S)


def _boot_id() -> str | None:
    """Name this boot of the machine; None where the system does not."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return None


def utc_now() -> str:
    """Return the time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


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
