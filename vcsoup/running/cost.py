"""What a long step costs, told before it begins: passes through models, tokens, time, memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from vcsoup.numbers import count, duration, memory, rough


@dataclass(frozen=True)
class Cost:
    """What a step takes; None where it cannot be told yet.

    Attributes:
        passes: Forward passes: one text through one model.
        tokens: Tokens read or written in them.
        seconds: About how long on this machine.
        memory: Bytes of memory of the models and what surrounds them.
        basis: Where the time comes from, such as "as timed just now".
        money: What endpoints ask for it, in the unit of their prices.
    """

    passes: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    memory: int | None = None
    basis: str = ""
    money: float | None = None

    def told(self) -> str:
        """Say it in one line.

        Example:
            >>> Cost(passes=1200, tokens=51_234, seconds=70, memory=3 * 2**29).told()
            '1,200 forward passes, about 51,000 tokens, about 1 min 10 s, 1.5 GiB of memory'
        """
        each = "forward pass" if self.passes == 1 else "forward passes"
        parts = [f"{count(self.passes)} {each}"] if self.passes else []
        parts += [f"about {rough(self.tokens)} tokens"] if self.tokens else []
        if self.seconds is not None:
            parts.append(f"about {duration(self.seconds)}{' ' + self.basis if self.basis else ''}")
        parts += [f"{memory(self.memory)} of memory"] if self.memory else []
        parts += [f"at most about {self.money:.4g} of money"] if self.money is not None else []
        return ", ".join(parts) or "not known before"


def added(costs: Sequence[Cost]) -> Cost:
    """Return what several steps in turn take; a figure that one of them lacks is None.

    Example:
        >>> added([Cost(passes=1, seconds=2.0), Cost(passes=3)])
        Cost(passes=4, tokens=None, seconds=None, memory=None, basis='', money=None)
    """

    def total(name: str) -> float | None:
        figures = [getattr(cost, name) for cost in costs]
        return None if not figures or None in figures else sum(figures)

    memories = [cost.memory for cost in costs]
    most = None if not memories or None in memories else max(filter(None, memories), default=None)
    passes, tokens = total("passes"), total("tokens")
    return Cost(
        passes=None if passes is None else int(passes),
        tokens=None if tokens is None else int(tokens),
        seconds=total("seconds"),
        memory=most,
        money=total("money"),
    )
