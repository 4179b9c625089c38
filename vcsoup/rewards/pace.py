"""When the next request to a server may start: so many a minute, and none while it asks to wait.

Keeps the time and nothing else; whoever asks sleeps by itself, so that it can be woken to stop.
"""

import threading
import time
from collections.abc import Callable


class Pace:
    """Turns of requests from many threads, evenly spaced.

    Example:
        >>> pace = Pace(60, clock=lambda: 100.0)
        >>> pace.turn(), pace.turn(), pace.turn()
        (0.0, 1.0, 2.0)
    """

    def __init__(
        self, per_minute: int | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with the first turn now; None spaces nothing."""
        self._gap = 60.0 / per_minute if per_minute else 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._next = self._held_until = clock()

    def turn(self) -> float:
        """Take the next turn; returns the seconds until it comes."""
        with self._lock:
            now = self._clock()
            start = max(now, self._next, self._held_until)
            self._next = start + self._gap
            return start - now

    def hold(self, seconds: float) -> None:
        """Let nothing start for so long; turns that were taken already have to look at `held`."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)

    def held(self) -> float:
        """Seconds until requests may start again; 0 when they may."""
        with self._lock:
            return max(0.0, self._held_until - self._clock())
