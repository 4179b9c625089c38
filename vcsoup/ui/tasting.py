"""One tasting at a time on the engine, driven from a thread so that no page ever waits.

A tasting samples a reply to one prompt from a soup and measures the soup on held-out prompts. A
new request supersedes the one before: that one is cancelled on the engine. The page only looks at
`view`. No streamlit here.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from vcsoup.errors import VcsoupError

State = Literal[
    "idle", "starting", "queued", "sampling", "measuring", "done", "cancelled", "failed"
]
POLL_SECONDS = 0.15


class Engine(Protocol):
    """What this module needs of `vcsoup.engine.client.EngineClient`."""

    def start_tasting(self, **request: Any) -> str:
        """Queue a tasting and return its id."""
        ...

    def tasting(self, tasting_id: str) -> Mapping[str, Any]:
        """Return how far a tasting is."""
        ...

    def cancel(self, tasting_id: str) -> None:
        """Give a tasting up."""
        ...


@dataclass(frozen=True)
class Request:
    """What to taste.

    Attributes:
        project: Short name of the project.
        group: Group of adapters.
        weights: Weight per value.
        prompt: What to ask the soup.
        n_prompts: Held-out prompts to measure on.
        seed: Seed of the sampling; equal seeds give comparable soups.
        max_new_tokens: Longest reply.
    """

    project: str
    group: str
    weights: Mapping[str, float]
    prompt: str
    n_prompts: int
    seed: int = 0
    max_new_tokens: int = 96


@dataclass(frozen=True)
class View:
    """How far a tasting is.

    Attributes:
        state: "starting" until the engine answers, then as the engine says.
        request: What is tasted; None when idle.
        text: The reply so far.
        point: rewards, low, high (per value) and n_prompts; refined while more prompts are scored.
        seconds: Time to the first token and to the point, where known.
        error: Why it failed, in one line.
    """

    state: State = "idle"
    request: Request | None = None
    text: str = ""
    point: Mapping[str, Any] | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None

    @property
    def active(self) -> bool:
        """True while something may still change."""
        return self.state in ("starting", "queued", "sampling", "measuring")


class Taster:
    """Runs tastings of one browser tab.

    Args:
        connect: Returns a client of a live engine; may take seconds.
    """

    def __init__(self, connect: Callable[[], Engine]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._turn = 0
        self._view = View()

    @property
    def view(self) -> View:
        """How far the latest tasting is; returns at once."""
        with self._lock:
            return self._view

    def taste(self, request: Request) -> None:
        """Start a tasting in place of the one before; returns at once."""
        with self._lock:
            self._turn += 1
            turn = self._turn
            self._view = View(state="starting", request=request)
        threading.Thread(target=self._run, args=(turn, request), daemon=True).start()

    def _run(self, turn: int, request: Request) -> None:
        try:
            client = self._connect()
            tasting = client.start_tasting(**vars(request))
            while self._publish(turn, client.tasting(tasting)):
                time.sleep(POLL_SECONDS)
            if not self._is_latest(turn):
                client.cancel(tasting)
        except VcsoupError as error:
            self._fail(turn, str(error))
        except Exception as error:
            self._fail(turn, f"the tasting broke off ({type(error).__name__}: {error})")
            raise

    def _publish(self, turn: int, told: Mapping[str, Any]) -> bool:
        """Take over what the engine says; False when there is nothing more to ask."""
        with self._lock:
            if turn != self._turn:
                return False
            seconds = {
                name: float(told[f"seconds_to_{name}"])
                for name in ("first_token", "point")
                if told.get(f"seconds_to_{name}") is not None
            }
            self._view = replace(
                self._view,
                state=told["state"],
                text=told.get("text") or "",
                point=told.get("point"),
                seconds=seconds,
                error=told.get("error"),
            )
            return self._view.active

    def _is_latest(self, turn: int) -> bool:
        with self._lock:
            return turn == self._turn

    def _fail(self, turn: int, message: str) -> None:
        with self._lock:
            if turn == self._turn:
                self._view = replace(self._view, state="failed", error=message)
