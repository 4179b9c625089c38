"""The heartbeat of a worker: a file written every five seconds, also while nothing is reported.

It says what the worker holds in memory and what the machine has left: the kernel ends processes
without a word when memory runs out, and then this is all that tells why.
"""

import json
import threading
from contextlib import suppress
from pathlib import Path

import psutil

from vcsoup.numbers import memory
from vcsoup.room import machine_room

EVERY_S = 5.0
_SCARCE = 0.1  # of all memory


class Pulse:
    """Touches a file from a thread of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ended = threading.Event()

    def start(self) -> None:
        """Write the file now, and every five seconds from now on."""
        self._path.touch()
        self._write()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def stop(self) -> None:
        """Write it no more."""
        self._ended.set()

    def _beat(self) -> None:
        while not self._ended.wait(EVERY_S):
            self._write()

    def _write(self) -> None:
        with suppress(OSError):  # a sign of life all the same, on a full disk too
            self._path.touch()
            self._path.write_text(_told(), encoding="utf-8")


def memory_ran_short(path: Path) -> str:
    """Say that memory was scarce at a worker's last sign of life.

    Args:
        path: The file of its heartbeat.

    Returns:
        Words for people; "" where there was enough, or nothing is known.
    """
    with suppress(OSError, ValueError, KeyError):
        told = json.loads(path.read_text(encoding="utf-8"))
        held, free, total = (float(told[name]) for name in ("held", "free", "total"))
        if free < _SCARCE * total:
            return f"memory had run short: it held {memory(held)}, and {memory(free)} were free"
    return ""


def _told() -> str:
    room = machine_room()
    held = psutil.Process().memory_info().rss
    return json.dumps({"held": held, "free": room.free, "total": room.total})
