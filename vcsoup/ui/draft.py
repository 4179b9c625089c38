"""The filters under the hand: what the Consistency page shows and has not necessarily saved.

A `Draft` is one choice of thresholds, minimum norm and flips for all datasets. Saving turns it into
a `PairFilter` per value. Pure; no streamlit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from vcsoup.filtering import PairFilter


@dataclass(frozen=True)
class Draft:
    """Thresholds by value in [-1, 1], one minimum norm in sigmas, and the values to flip in."""

    thresholds: Mapping[str, float]
    min_norm: float = 0.0
    flips: frozenset[str] = frozenset()

    def filter_of(self, value: str) -> PairFilter:
        """Return the filter of a value's dataset.

        Flips count only where the threshold allows them.

        Example:
            >>> Draft({"helpful": 0.0}, flips=frozenset({"helpful"})).filter_of("helpful").flip
            False
        """
        tau = self.thresholds[value]
        return PairFilter(
            threshold=tau, min_norm=self.min_norm, flip=value in self.flips and tau > 0
        )

    def filters(self) -> dict[str, PairFilter]:
        """Return the filter of every value."""
        return {value: self.filter_of(value) for value in self.thresholds}

    def moved(self, changes: Mapping[str, float]) -> "Draft":
        """Return a draft with some thresholds changed; values it does not have are left out.

        Example:
            >>> dict(Draft({"a": 0.0, "b": 0.1}).moved({"b": 0.5, "c": 1.0}).thresholds)
            {'a': 0.0, 'b': 0.5}
        """
        known = {value: tau for value, tau in changes.items() if value in self.thresholds}
        return replace(self, thresholds={**self.thresholds, **known})

    def flipped(self, value: str, wanted: bool) -> "Draft":
        """Return a draft that flips, or does not flip, in a value's dataset."""
        flips = self.flips | {value} if wanted else self.flips - {value}
        return replace(self, flips=flips)


def draft_of(filters: Mapping[str, PairFilter]) -> Draft:
    """Return the draft that shows some filters; of different minimum norms the largest.

    Example:
        >>> draft_of({"a": PairFilter(threshold=0.2), "b": PairFilter(min_norm=1.0)}).min_norm
        1.0
    """
    return Draft(
        thresholds={
            value: -1.0 if kept.threshold is None else kept.threshold
            for value, kept in filters.items()
        },
        min_norm=max((kept.min_norm for kept in filters.values()), default=0.0),
        flips=frozenset(value for value, kept in filters.items() if kept.flip),
    )
