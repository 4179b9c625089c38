"""What filters keep of a dataset: counts for all thresholds, and exactly for one filter.

`Retention` is what the cockpit draws while a handle moves; `Figures` is the exact answer for one
filter, whether or not its threshold lies on the grid. Pure numpy on `vcsoup.ui.measures`; cached by
`vcsoup.ui.look`. Shapes: n pairs, K values.
"""

from dataclasses import dataclass

import numpy as np

from vcsoup.filtering import PairFilter
from vcsoup.gap_shapes import IntArray
from vcsoup.ui.measures import BARS, GRID, Measures


@dataclass(frozen=True)
class Retention:
    """What every threshold of the grid keeps of the pairs with at least `min_norm`.

    Attributes:
        n: How many pairs the dataset has.
        passing: How many of them are strong enough.
        kept: Kept as they are at each threshold of `GRID`, shape (201,).
        flips: Likely label flips at each threshold of `GRID` above 0 (0 elsewhere), shape (201,).
        bars: Strong enough pairs per bar of the histogram, shape (80,).
    """

    n: int
    passing: int
    kept: IntArray
    flips: IntArray
    bars: IntArray


@dataclass(frozen=True)
class Figures:
    """What one filter keeps, exactly.

    Attributes:
        n: How many pairs the dataset has.
        kept: Pairs kept as they are.
        flips: Pairs kept with their answers exchanged; 0 unless the filter flips.
        characters: What an epoch reads: of both answers, the prompt with each, over the pairs that
            are trained on.
        mean_gaps: Mean gap per value of the pairs that are trained on, an exchanged one with its
            gaps turned (`vcsoup.filtering.mean_gaps`); nan where none is.
        all_gaps: Mean gap per value of all pairs as they came.
    """

    n: int
    kept: int
    flips: int
    characters: int
    mean_gaps: tuple[float, ...]
    all_gaps: tuple[float, ...]

    @property
    def trained(self) -> int:
        """How many pairs a run sees: kept as they are, or exchanged."""
        return self.kept + self.flips


def retention(measures: Measures, min_norm: float = 0.0) -> Retention:
    """Count a dataset once for all thresholds of the grid.

    Example:
        >>> gaps = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
        >>> from vcsoup.ui.measures import measure
        >>> found = retention(measure(gaps, np.ones((3, 3), np.int32), ("a", "b")))
        >>> found.kept[[0, 100, 150]], found.flips[150]
        (array([3, 2, 1]), np.int64(1))
    """
    strong = slice(None) if min_norm <= 0 else measures.norms >= min_norm
    least, most = measures.at_least[strong], measures.at_most[strong]
    kept = np.cumsum(np.bincount(least, minlength=len(GRID))[::-1])[::-1]
    below = np.cumsum(np.bincount(most, minlength=len(GRID)))
    flips = below[::-1].copy()  # at threshold GRID[i] those at or below GRID[200 - i]
    flips[: len(GRID) // 2 + 1] = 0
    bars = np.bincount(measures.bars[strong], minlength=BARS)
    return Retention(measures.n, len(least), kept, flips, bars)


def figures(measures: Measures, wanted: PairFilter) -> Figures:
    """Say exactly what a filter keeps of a dataset.

    Example:
        >>> gaps = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
        >>> from vcsoup.ui.measures import measure
        >>> measures = measure(gaps, np.ones((3, 3), np.int32), ("a", "b"))
        >>> figures(measures, PairFilter(threshold=0.5, flip=True)).trained
        2
    """
    mask = measures.kept(wanted)
    flips = measures.flips(wanted) if wanted.flip else None
    trained = mask if flips is None else mask | flips
    return Figures(
        n=measures.n,
        kept=int(np.count_nonzero(mask)),
        flips=0 if flips is None else int(np.count_nonzero(flips)),
        characters=int(np.multiply(measures.characters, trained).sum(dtype=np.int64)),
        mean_gaps=measures.mean_gaps(mask, flips),
        all_gaps=measures.all_means,
    )
