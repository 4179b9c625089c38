"""What a long step costs, told before it begins: passes through models, tokens, time, memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from vcsoup.numbers import count, duration, memory, money, plural, rough


@dataclass(frozen=True)
class Cost:
    """What a step takes; None where it cannot be told yet.

    Attributes:
        passes: Forward passes: one text through one model.
        requests: Answers that endpoints are asked for.
        tokens: Tokens read or written in them.
        seconds: About how long on this machine.
        memory: Bytes of memory of the models and what surrounds them.
        basis: Where the time comes from, such as "as timed just now".
        money: What endpoints ask for it, at most, in the unit of their prices.
    """

    passes: int | None = None
    requests: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    memory: int | None = None
    basis: str = ""
    money: float | None = None

    def told(self, *, nothing: str = "not known before") -> str:
        """Say it in one line.

        Args:
            nothing: What is said where no figure is known.

        Example:
            >>> Cost(passes=1200, tokens=51_234, seconds=70, memory=3 * 2**29).told()
            '1,200 forward passes, about 51,000 tokens, about 1 min 10 s, 1.5 GiB of memory'
        """
        each = "forward pass" if self.passes == 1 else "forward passes"
        parts = [f"{count(self.passes)} {each}"] if self.passes else []
        parts += [plural(self.requests, "request")] if self.requests else []
        parts += [f"about {rough(self.tokens)} tokens"] if self.tokens else []
        if self.seconds is not None:
            parts.append(f"about {duration(self.seconds)}{' ' + self.basis if self.basis else ''}")
        parts += [f"{memory(self.memory)} of memory"] if self.memory else []
        parts += [f"at most about {money(self.money)} of money"] if self.money is not None else []
        return ", ".join(parts) or nothing


def added(costs: Sequence[Cost]) -> Cost:
    """Return what several steps in turn take; a figure that one of them lacks is None.

    Money is an endpoint's alone: what asks for nothing lacks no price.

    Example:
        >>> added([Cost(passes=1, seconds=2.0), Cost(passes=3)]).told()
        '4 forward passes'
        >>> added([Cost(passes=1), Cost(passes=0, requests=3, money=0.5)]).told()
        '1 forward pass, 3 requests, at most about 0.5 of money'
    """

    def total(name: str) -> float | None:
        figures = [getattr(cost, name) for cost in costs]
        return None if not figures or None in figures else sum(figures)

    memories = [cost.memory for cost in costs]
    most = None if not memories or None in memories else max(filter(None, memories), default=None)
    passes, tokens = total("passes"), total("tokens")
    prices = [cost.money for cost in costs if cost.requests]
    return Cost(
        passes=None if passes is None else int(passes),
        requests=sum(cost.requests or 0 for cost in costs) or None,
        tokens=None if tokens is None else int(tokens),
        seconds=total("seconds"),
        memory=most,
        money=None if not prices or None in prices else sum(filter(None, prices)),
    )
