"""How often people preferred a soup in blind votes, and how sure that is.

A vote compares two soups' answers to one prompt. "No difference" counts as half a win for both.
"""

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from vcsoup.errors import GapShapeError

Winner = Literal["first", "second", "neither"]
Soup = TypeVar("Soup", bound=Hashable)
_Z = 1.959963984540054  # 97.5 % quantile of the normal distribution


@dataclass(frozen=True)
class WinRate:
    """How a soup did.

    Attributes:
        wins: Votes won, a tie counts half.
        votes: Votes that it took part in.
        rate: wins / votes.
        low: Lower end of the 95 % Wilson interval, in [0, 1].
        high: Its upper end.
    """

    wins: float
    votes: int
    rate: float
    low: float
    high: float


def wilson_interval(wins: float, n: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share.

    Args:
        wins: 0 <= wins <= n; halves are allowed.
        n: Number of votes, n >= 1.

    Returns:
        (low, high), inside [0, 1].

    Raises:
        GapShapeError: no votes, or wins outside 0 to n.

    Example:
        >>> [round(end, 3) for end in wilson_interval(5, 10)]
        [0.237, 0.763]
    """
    if n < 1 or not 0 <= wins <= n:
        raise GapShapeError(f"expected 0 <= wins <= n and n >= 1, got {wins} of {n}; count again")
    share, spread = wins / n, _Z**2 / n
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def win_rates(votes: Iterable[tuple[Soup, Soup, Winner]]) -> Mapping[Soup, WinRate]:
    """Sum votes up per soup.

    Args:
        votes: (first soup, second soup, who was preferred).

    Returns:
        Win rate per soup, the most votes first.

    Example:
        >>> found = win_rates([("a", "b", "first"), ("a", "b", "neither")])
        >>> found["a"].wins, found["a"].votes, found["b"].wins
        (1.5, 2, 0.5)
    """
    counts: dict[Soup, tuple[float, int]] = {}
    for first, second, winner in votes:
        shares = {"first": (1.0, 0.0), "second": (0.0, 1.0), "neither": (0.5, 0.5)}[winner]
        for soup, won in zip((first, second), shares, strict=True):
            wins, n = counts.get(soup, (0.0, 0))
            counts[soup] = (wins + won, n + 1)
    ordered = sorted(counts.items(), key=lambda item: -item[1][1])
    return {
        soup: WinRate(wins, n, wins / n, *wilson_interval(wins, n)) for soup, (wins, n) in ordered
    }
