"""Tastings of one browser tab: a soup answers a prompt and is measured on held-out prompts.

The engine does the work, `vcsoup.ui.watching` follows it from a thread; the page only looks at
`view`. No streamlit here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from vcsoup.ui.watching import Calls, Watch

State = Literal[
    "idle",
    "starting",
    "restarting",
    "queued",
    "sampling",
    "measuring",
    "done",
    "cancelled",
    "failed",
]


PATIENCE = 0.25  # seconds that the engine holds back its word that there is no word yet


class Engine(Protocol):
    """What this module needs of `vcsoup.engine.client.EngineClient`."""

    def start_tasting(
        self,
        *,
        project: str,
        group: str,
        weights: Mapping[str, float],
        prompt: str,
        n_prompts: int,
        **options: Any,
    ) -> str:
        """Queue a tasting and return its id."""
        ...

    def tasting(self, tasting_id: str, *, patience: float = 0.0) -> Mapping[str, Any]:
        """Return how far a tasting is; wait at most `patience` seconds for its first word."""
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
        free: Whether the weights may lie off the simplex.
    """

    project: str
    group: str
    weights: Mapping[str, float]
    prompt: str
    n_prompts: int
    seed: int = 0
    max_new_tokens: int = 96
    free: bool = False


@dataclass(frozen=True)
class View:
    """How far a tasting is.

    Attributes:
        state: "starting" until the engine answers, "restarting" after it died, then as it says.
        request: What is tasted; None when idle.
        text: The reply so far.
        point: rewards, low, high (per value), n_prompts, recorded (came with the bundle), set_key
            (of its adapters); refined while more prompts are scored.
        seconds: Time to the first token and to the point, where known.
        error: Why it failed, in one line.
        restarts: How often the engine was started again for this tasting.
    """

    state: State = "idle"
    request: Request | None = None
    text: str = ""
    point: Mapping[str, Any] | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    restarts: int = 0

    @property
    def active(self) -> bool:
        """True while something may still change."""
        return self.state not in ("idle", "done", "cancelled", "failed")


class Taster:
    """Runs tastings of one browser tab.

    Args:
        connect: Returns a client of a live engine; may take seconds.
    """

    def __init__(self, connect: Callable[[], Engine]) -> None:
        calls = Calls[Request](
            start=lambda client, request: client.start_tasting(**vars(request)),
            look=lambda client, name: client.tasting(name, patience=PATIENCE),
            cancel=lambda client, name: client.cancel(name),
        )
        self._watch = Watch(connect, calls)

    @property
    def view(self) -> View:
        """How far the latest tasting is; returns at once."""
        seen = self._watch.seen
        return View(
            state=seen.state,  # type: ignore[arg-type]
            request=seen.request,
            text=seen.told.get("text") or "",
            point=seen.told.get("point"),
            seconds={
                name: float(seen.told[f"seconds_to_{name}"])
                for name in ("first_token", "point")
                if seen.told.get(f"seconds_to_{name}") is not None
            },
            error=seen.error,
            restarts=seen.restarts,
        )

    def wait_for_word(self, seconds: float) -> None:
        """Wait for the first word of the latest tasting, but at most `seconds`."""
        self._watch.wait(lambda seen: bool(seen.told.get("text")), seconds)

    def taste(self, request: Request) -> None:
        """Start a tasting in place of the one before; returns at once."""
        self._watch.start(request)

    def cancel(self) -> None:
        """Give the tasting up; returns at once."""
        self._watch.cancel()
