"""One blind vote: two soups in an order that nobody knows, a prompt, the preference. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vcsoup.ui.pouring import Glass, Round
from vcsoup.workspace.votes import Vote, VotedSoup

CHOICES = {"first": "A", "second": "B", "neither": "no difference"}


@dataclass(frozen=True)
class Ballot:
    """What is voted on, and the vote once it is given.

    Attributes:
        asked: One prompt and two glasses; the first is answer A.
        vote: None until somebody voted.
    """

    asked: Round
    vote: Vote | None = None


def new_ballot(
    project: str, prompt: str, soups: tuple[Glass, Glass], *, rng: np.random.Generator
) -> Ballot:
    """Put two soups into a random order, with a fresh seed.

    Args:
        project: Short name of the project.
        prompt: What both answer.
        soups: The two soups.
        rng: Decides order and seed.
    """
    order = soups if rng.random() < 0.5 else soups[::-1]
    seed = int(rng.integers(1, 1_000_000))
    return Ballot(Round(project, (prompt,), order, seed=seed, score=False))


def vote_of(ballot: Ballot, answers: Sequence[str], winner: str) -> Vote:
    """Write down a vote.

    Args:
        ballot: What was voted on.
        answers: Answer A and answer B as they were read.
        winner: "first", "second" or "neither".
    """
    first, second = (
        VotedSoup(group=g.group, weights=dict(g.weights)) for g in ballot.asked.glasses
    )
    return Vote(
        prompt=ballot.asked.prompts[0],
        seed=ballot.asked.seed,
        first=first,
        second=second,
        answers=(answers[0], answers[1]),
        winner=winner,
    )
