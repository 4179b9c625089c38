"""The heartbeat of a worker: a file touched every five seconds, also while nothing is reported."""

import threading
from contextlib import suppress
from pathlib import Path

EVERY_S = 5.0


class Pulse:
    """Touches a file from a thread of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ended = threading.Event()

    def start(self) -> None:
        """Touch the file now, and every five seconds from now on."""
        self._path.touch()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def stop(self) -> None:
        """Touch it no more."""
        self._ended.set()

    def _beat(self) -> None:
        while not self._ended.wait(EVERY_S):
            with suppress(OSError):
                self._path.touch()
