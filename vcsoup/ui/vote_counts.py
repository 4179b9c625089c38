"""Blind votes summed up per soup. No streamlit."""

from collections.abc import Mapping, Sequence

from vcsoup.evaluation.win_rates import WinRate, win_rates
from vcsoup.ui.soups import soup_key
from vcsoup.workspace import Project
from vcsoup.workspace.votes import Vote, VotedSoup

Soup = tuple[str, str]
"""Group and key of a soup; the base is the same in every group."""


def counted(votes: Sequence[Vote], values: Sequence[str]) -> Mapping[Soup, WinRate]:
    """Return the win rate of every soup that was voted on, the most votes first."""
    return win_rates(
        (_soup(vote.first, values), _soup(vote.second, values), vote.winner) for vote in votes
    )


def rates_of(project: Project, group: str) -> dict[str, WinRate]:
    """Return the win rates of one group's soups and of the base, by key of the soup."""
    found = counted(project.votes(), project.values)
    return {key: rate for (of, key), rate in found.items() if of in (group, "")}


def _soup(side: VotedSoup, values: Sequence[str]) -> Soup:
    base = not any(side.weights.values())
    return "" if base else side.group, soup_key(side.weights, values)
