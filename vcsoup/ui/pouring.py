"""Tables of answers of one tab: several soups answer the same prompts. No streamlit here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vcsoup.ui.watching import Calls, Seen, Watch


@dataclass(frozen=True)
class Glass:
    """One soup of a table: what people call it, its adapters and its weights (zeros: the base)."""

    name: str
    group: str
    weights: Mapping[str, float]


@dataclass(frozen=True)
class Round:
    """What is poured.

    Attributes:
        project: Short name of the project.
        prompts: What every soup answers.
        glasses: The soups.
        seed: Seed of the sampling, the same for all.
        score: Whether the answers are scored.
    """

    project: str
    prompts: tuple[str, ...]
    glasses: tuple[Glass, ...]
    seed: int = 0
    score: bool = True

    def body(self) -> dict[str, Any]:
        """Write the engine's request."""
        soups = [{"group": glass.group, "weights": dict(glass.weights)} for glass in self.glasses]
        body = {"project": self.project, "prompts": list(self.prompts), "soups": soups}
        return {**body, "seed": self.seed, "score": self.score, "free": True}


def make_pourer(connect: Callable[[], Any]) -> Watch[Round]:
    """Return what pours one table at a time.

    Args:
        connect: Returns a client of a live engine; may take seconds.
    """
    calls = Calls[Round](
        start=lambda client, asked: client.start_table(**asked.body()),
        look=lambda client, name: client.table(name),
        cancel=lambda client, name: client.cancel_table(name),
    )
    return Watch(connect, calls)


def replies_of(seen: Seen[Round]) -> Sequence[Sequence[str]]:
    """Return the answers so far, P lists of S texts; empty texts before the engine answered."""
    if seen.request is None:
        return []
    empty = [[""] * len(seen.request.glasses) for _ in seen.request.prompts]
    return seen.told.get("replies") or empty


def rewards_of(seen: Seen[Round]) -> Sequence[Sequence[Mapping[str, float] | None]]:
    """Return the answers' rewards, P lists of S; None where not scored yet."""
    if seen.request is None:
        return []
    empty = [[None] * len(seen.request.glasses) for _ in seen.request.prompts]
    return seen.told.get("rewards") or empty
