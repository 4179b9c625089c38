"""What asking an endpoint has cost, and what it would: requests, tokens, money.

Money is in whatever unit the prices of the spec are in; without prices it is not counted. A request
reserves the most that it can cost before it is sent, so a cap holds with many under way at once.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vcsoup.errors import RewardModelError
from vcsoup.numbers import money, plural, rough
from vcsoup.preferences.pairs import AnyPrompt
from vcsoup.rewards.endpoint_question import BYTES_PER_TOKEN, question, token_estimate
from vcsoup.rewards.spec import RewardSpec

_MILLION = 1e6
_LOOK_AGAIN_S = 0.2
_MARK = "0" * 12


@dataclass(frozen=True)
class Estimate:
    """What asking an endpoint will take.

    Attributes:
        requests: How many.
        input_tokens: Sent, about.
        output_tokens: Answered, at most.
        cost: About, with the longest answers; None without prices.
    """

    requests: int
    input_tokens: int
    output_tokens: int
    cost: float | None

    @property
    def words(self) -> str:
        """One line for people.

        Example:
            >>> Estimate(2000, 400_000, 128_000, 0.18).words
            '2,000 requests, about 400,000 tokens sent and up to 130,000 answered, cost about 0.18'
        """
        cost = "no prices set" if self.cost is None else f"cost about {money(self.cost)}"
        return (
            f"{plural(self.requests, 'request')}, about {rough(self.input_tokens)} tokens sent and "
            f"up to {rough(self.output_tokens)} answered, {cost}"
        )


def price(spec: RewardSpec, sent: int, answered: int) -> float | None:
    """Price of tokens; None without prices.

    Example:
        >>> asked = dict(kind="endpoint", url="http://localhost/v1", model="m", criterion="wit")
        >>> price(RewardSpec(**asked, input_price=2.0, output_price=8.0), 500_000, 125_000)
        2.0
    """
    if spec.input_price is None and spec.output_price is None:
        return None
    money = sent * (spec.input_price or 0.0) + answered * (spec.output_price or 0.0)
    return money / _MILLION


def estimate(spec: RewardSpec, prompts: Sequence[AnyPrompt], replies: Sequence[str]) -> Estimate:
    """Say what an endpoint's answers to n replies take, when none has to be asked for again.

    Args:
        spec: Of kind "endpoint".
        prompts: Of the replies that no reward is known for.
        replies: Those replies, distinct.
    """
    asked = zip(prompts, replies, strict=True)
    sent = sum(token_estimate(question(p, r, spec.criterion, mark=_MARK)) for p, r in asked)
    answered = spec.answer_tokens * len(replies)
    return Estimate(len(replies), sent, answered, price(spec, sent, answered))


def estimate_from_lengths(spec: RewardSpec, lengths: npt.NDArray[np.integer]) -> Estimate:
    """Say what judging both answers of n pairs takes, from lengths alone, so a little too much.

    Args:
        spec: Of kind "endpoint".
        lengths: Characters of prompt, chosen and rejected answer, shape (n, 3).
    """
    requests = 2 * len(lengths)
    around = token_estimate(question("", "", spec.criterion, mark=_MARK))
    sent = requests * around + int((lengths.astype(np.int64) @ [2, 1, 1]).sum()) // BYTES_PER_TOKEN
    answered = spec.answer_tokens * requests
    return Estimate(requests, sent, answered, price(spec, sent, answered))


def limit_told(spec: RewardSpec, cost: float | None) -> str:
    """Say that a spec's `most_cost` can end a run before everything is scored; empty when not.

    Args:
        spec: Of kind "endpoint".
        cost: What the answers to come cost, as estimated.

    Example:
        >>> asked = dict(kind="endpoint", url="http://localhost/v1", model="m", criterion="wit")
        >>> spec = RewardSpec(**asked, input_price=2.0, output_price=8.0, most_cost=1.0)
        >>> limit_told(spec, 4.0).split(":")[0]
        'most_cost = 1 is less than that'
    """
    if cost is None or spec.most_cost is None or cost <= spec.most_cost:
        return ""
    return (
        f"most_cost = {spec.most_cost:g} is less than that: a run ends before it costs more, which "
        "may be before all is scored. What it has is kept; each further start may spend as much"
    )


class Bill:
    """Requests, tokens and money of one run; safe to share between threads."""

    def __init__(self, spec: RewardSpec) -> None:
        self._spec = spec
        self.requests = self.input_tokens = self.output_tokens = 0
        self._reserved: list[float] = []
        self._changed = threading.Condition()

    @property
    def cost(self) -> float | None:
        """So far; None without prices."""
        return price(self._spec, self.input_tokens, self.output_tokens)

    def reserve(self, sent: int) -> float:
        """Set aside the most that one request can cost; waits for others while that is too much.

        Args:
            sent: Its tokens.

        Returns:
            What was set aside; goes back by `release`.

        Raises:
            RewardModelError: it could cost more than the spec's `most_cost` leaves.
        """
        most = price(self._spec, sent, self._spec.answer_tokens) or 0.0
        with self._changed:
            while not self._affordable(most):
                if not self._reserved:
                    raise RewardModelError(self._too_dear())
                self._changed.wait(_LOOK_AGAIN_S)
            self._reserved.append(most)
            self.requests += 1
        return most

    def release(self, reserved: float, sent: int, answered: int) -> None:
        """Replace what was set aside by the tokens that were really used."""
        with self._changed:
            self._reserved.remove(reserved)
            self.input_tokens += sent
            self.output_tokens += answered
            self._changed.notify_all()

    def figures(self) -> dict[str, float | str]:
        """What progress reports tell: requests, tokens, and the cost where prices are set.

        Requests count from when they are sent, tokens and cost from when they are answered; those
        between the two are "under_way".
        """
        figures: dict[str, float | str] = {
            "requests": self.requests,
            "under_way": len(self._reserved),
            "tokens": self.input_tokens + self.output_tokens,
        }
        return figures if self.cost is None else {**figures, "cost": round(self.cost, 6)}

    def _affordable(self, most: float) -> bool:
        cap = self._spec.most_cost
        return cap is None or (self.cost or 0.0) + sum(self._reserved) + most <= cap

    def _too_dear(self) -> str:
        have = "has" if self.requests == 1 else "have"
        return (
            f"{self._spec.title} was stopped before it costs more than most_cost = "
            f"{self._spec.most_cost:g}: {plural(self.requests, 'request')} {have} cost "
            f"{money(self.cost or 0.0, digits=4)}, and the next could go beyond. What was scored "
            "is kept; raise most_cost, or start again to spend that much once more"
        )
