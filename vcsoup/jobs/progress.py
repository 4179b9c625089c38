"""Reading a job's `progress.jsonl`: one JSON object per line, growing while the worker lives.

A record is {"time": seconds since the epoch, "stage", "done", "total", and the reported figures}.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Record = dict[str, Any]

_TAIL_BYTES = 65_536


def read_from(path: Path, offset: int) -> tuple[list[Record], int]:
    """Return the whole records from byte `offset` on, and the offset to go on from next time."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read()
    except FileNotFoundError:
        return [], offset
    whole = content[: content.rfind(b"\n") + 1]
    return _records(whole), offset + len(whole)


def tail(path: Path) -> list[Record]:
    """Return the newest records, oldest first: those in the last 64 KiB."""
    try:
        start = max(0, path.stat().st_size - _TAIL_BYTES)
        with path.open("rb") as file:
            file.seek(start)
            content = file.read()
    except FileNotFoundError:
        return []
    if start:
        content = content[content.find(b"\n") + 1 :]
    return _records(content[: content.rfind(b"\n") + 1])


def seconds_left(records: Sequence[Record], now: float) -> float | None:
    """Estimate when the present stage ends, from its mean speed.

    Args:
        records: The newest records, oldest first.
        now: Seconds since the epoch.

    Returns:
        Seconds, at least 0; None before anything can be said.

    Example:
        >>> at = [{"time": t, "stage": "s", "done": t, "total": 10} for t in (0, 2, 4)]
        >>> seconds_left(at, now=5.0)
        5.0
    """
    if not records:
        return None
    last = records[-1]
    stage = [record for record in records if record["stage"] == last["stage"]]
    seconds, done = last["time"] - stage[0]["time"], last["done"] - stage[0]["done"]
    if last["done"] >= last["total"]:
        return 0.0
    if seconds <= 0 or done <= 0:
        return None
    left: float = (last["total"] - last["done"]) * seconds / done
    return max(0.0, left - float(now - last["time"]))


def _records(content: bytes) -> list[Record]:
    return [record for line in content.split(b"\n") if (record := _record(line)) is not None]


def _record(line: bytes) -> Record | None:
    """Read one line; None when a killed worker or a full disk left only a piece of it."""
    try:
        record: Record = json.loads(line)
    except ValueError:
        return None
    return record
