"""Follow one task of the engine from a thread, so that no page ever waits. No streamlit here.

A new task supersedes the one before, which is cancelled on the engine. An engine that dies in the
middle is started again and the task with it; the page sees "restarting" meanwhile.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from vcsoup.errors import EngineGoneError, VcsoupError

Request = TypeVar("Request")

POLL_SECONDS = 0.03
MOST_RESTARTS = 2
ENDED = ("idle", "done", "cancelled", "failed")


@dataclass(frozen=True)
class Calls(Generic[Request]):
    """How a kind of task is started, looked at and given up, given a client of the engine."""

    start: Callable[[Any, Request], str]
    look: Callable[[Any, str], Mapping[str, Any]]
    cancel: Callable[[Any, str], None]


@dataclass(frozen=True)
class Seen(Generic[Request]):
    """How far a task is.

    Attributes:
        state: "idle"; "starting" until the engine answers; "restarting" after it died; then what
            the engine says, in the end "done", "cancelled" or "failed".
        request: What was asked for; None when idle.
        told: The engine's last answer.
        error: Why it failed, in one line.
        restarts: How often the engine was started again for this task.
    """

    state: str = "idle"
    request: Request | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    restarts: int = 0

    @property
    def active(self) -> bool:
        """True while something may still change."""
        return self.state not in ENDED


class Watch(Generic[Request]):
    """Runs one task at a time.

    Args:
        connect: Returns a client of a live engine, starting it when need be; may take seconds.
        calls: What to do with it.
    """

    def __init__(self, connect: Callable[[], Any], calls: Calls[Request]) -> None:
        self._connect = connect
        self._calls = calls
        self._client: Any = None
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._turn = 0
        self._seen: Seen[Request] = Seen()

    @property
    def seen(self) -> Seen[Request]:
        """How far the latest task is; returns at once."""
        with self._lock:
            return self._seen

    def wait(self, ready: Callable[[Seen[Request]], bool], seconds: float) -> None:
        """Wait until `ready` says yes or nothing more will come, but at most `seconds`."""
        with self._news:
            self._news.wait_for(lambda: ready(self._seen) or not self._seen.active, seconds)

    def start(self, request: Request) -> None:
        """Start a task in place of the one before; returns at once."""
        with self._lock:
            self._turn += 1
            turn = self._turn
            self._seen = Seen("starting", request)
        threading.Thread(target=self._run, args=(turn, request), daemon=True).start()

    def cancel(self) -> None:
        """Give the task up; returns at once."""
        with self._lock:
            self._turn += 1
            if self._seen.active:
                self._seen = replace(self._seen, state="cancelled")

    def _run(self, turn: int, request: Request) -> None:
        try:
            for attempt in range(MOST_RESTARTS + 1):
                try:
                    self._follow(turn, request)
                    return
                except EngineGoneError:
                    self._client = None
                    if attempt == MOST_RESTARTS:
                        raise
                    if not self._publish(turn, {"state": "restarting"}, restarts=attempt + 1):
                        return  # given up meanwhile: nobody needs an engine
        except VcsoupError as error:
            self._publish(turn, {"state": "failed", "error": str(error)})
        except Exception as error:
            line = f"the task broke off ({type(error).__name__}: {error})"
            self._publish(turn, {"state": "failed", "error": line})
            raise

    def _follow(self, turn: int, request: Request) -> None:
        client = self._client = self._client or self._connect()
        task = self._calls.start(client, request)
        while self._publish(turn, self._calls.look(client, task)):
            time.sleep(POLL_SECONDS)
        with self._lock:
            superseded = turn != self._turn
        if superseded:
            self._calls.cancel(client, task)

    def _publish(self, turn: int, told: Mapping[str, Any], *, restarts: int = 0) -> bool:
        """Take over what is known; False when there is nothing more to ask."""
        with self._lock:
            if turn != self._turn:
                return False
            kept = self._seen.told if told["state"] in ("restarting", "failed") else {}
            self._seen = replace(
                self._seen,
                state=told["state"],
                told={**kept, **told},
                error=told.get("error"),
                restarts=restarts or self._seen.restarts,
            )
            self._news.notify_all()
            return self._seen.active
