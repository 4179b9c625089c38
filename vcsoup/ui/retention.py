"""What every threshold of one data set keeps, counted once, so that a slider step costs nothing.

Each pair falls into a cell of the threshold grid (step 0.01); cumulative counts from the top then
answer "how many kept", "which mean gaps" and both histograms for any threshold on the grid, in
microseconds for any number of pairs. No streamlit here; the pages cache the result.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcsoup.consistency import chance_retention, value_consistency

FloatArray = npt.NDArray[np.float64]

GRID: FloatArray = np.round(np.arange(-100, 101) / 100, 2)
GAP_BINS = 40
_BIN_CELLS = 4  # grid cells per bar: bars are 0.04 wide


@dataclass(frozen=True)
class Retention:
    """Counts of one data set, per threshold of `GRID`.

    Attributes:
        values: The K values, in order.
        kept: Pairs kept at each threshold, shape (201,).
        gap_sums: Sum of the kept pairs' gaps, shape (201, K).
        gap_edges: Edges of the gap bins in standard deviations, shape (41,); the outer bins also
            hold the few gaps beyond them.
        gap_counts: Kept pairs per gap bin, shape (201, K, 40).
        chance: Share that independent gaps would keep, shape (201,).
    """

    values: tuple[str, ...]
    kept: npt.NDArray[np.int64]
    gap_sums: FloatArray
    gap_edges: FloatArray
    gap_counts: npt.NDArray[np.int64]
    chance: FloatArray

    @property
    def n(self) -> int:
        """How many pairs there are."""
        return int(self.kept[0])

    def kept_at(self, threshold: float) -> int:
        """How many pairs have a consistency of at least `threshold`."""
        return int(self.kept[grid_index(threshold)])

    def share_at(self, threshold: float) -> float:
        """Kept pairs as a share of all, 0 to 1."""
        return self.kept_at(threshold) / self.n

    def chance_at(self, threshold: float) -> float:
        """The share that independent gaps would keep, 0 to 1."""
        return float(self.chance[grid_index(threshold)])

    def mean_gaps_at(self, threshold: float) -> dict[str, float]:
        """Mean gap of the kept pairs per value, in standard deviations; NaN when none is kept."""
        place = grid_index(threshold)
        count = int(self.kept[place])
        means = self.gap_sums[place] / count if count else np.full(len(self.values), math.nan)
        return dict(zip(self.values, means.tolist(), strict=True))

    def consistency_bins(self, threshold: float) -> pd.DataFrame:
        """Bars for `consistency_histogram`: left, right, kept, dropped, chance."""
        above = np.append(self.kept, 0)
        chance = np.append(self.chance, 0.0)
        place = grid_index(threshold)
        left = np.arange(0, len(GRID) - 1, _BIN_CELLS)
        right = left + _BIN_CELLS
        # The last bar is closed: consistency 1.0 sits in a grid cell of its own.
        end = np.where(right == len(GRID) - 1, len(GRID), right)
        kept = above[np.clip(place, left, end)] - above[end]
        return pd.DataFrame(
            {
                "left": GRID[left],
                "right": GRID[right],
                "kept": kept,
                "dropped": above[left] - above[end] - kept,
                "chance": self.n * (chance[left] - chance[end]),
            }
        )

    def gap_bins(self, threshold: float) -> pd.DataFrame:
        """Bars for `gap_histograms`: value, middle, all, kept."""
        middle = (self.gap_edges[:-1] + self.gap_edges[1:]) / 2
        kept = self.gap_counts[grid_index(threshold)]
        panels = [
            pd.DataFrame(
                {"value": value, "middle": middle, "all": self.gap_counts[0, k], "kept": kept[k]}
            )
            for k, value in enumerate(self.values)
        ]
        return pd.concat(panels, ignore_index=True)


def grid_index(threshold: float) -> int:
    """Return where a threshold stands in `GRID`, to the nearest step.

    Example:
        >>> float(GRID[grid_index(0.3)])
        0.3
    """
    return int(np.clip(round((threshold + 1) * 100), 0, len(GRID) - 1))


def count_retention(gaps: FloatArray, values: tuple[str, ...]) -> Retention:
    """Count a data set once for all thresholds.

    Args:
        gaps: Reward gaps in standard deviations, shape (n, K).
        values: The K value names.

    Returns:
        The counts.

    Raises:
        GapShapeError: fewer than two values or a gap that is not finite.

    Example:
        >>> gaps = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
        >>> count_retention(gaps, ("a", "b")).kept_at(0.5)
        1
    """
    cells, K = len(GRID), len(values)
    cell = np.clip(np.searchsorted(GRID, value_consistency(gaps), side="right") - 1, 0, cells - 1)
    edges, bins = _gap_edges(gaps), GAP_BINS
    sums = np.empty((cells, K))
    counts = np.empty((cells, K, bins), dtype=np.int64)
    for k in range(K):
        column = gaps[:, k]
        gap_bin = np.clip(np.searchsorted(edges, column, side="right") - 1, 0, bins - 1)
        counts[:, k] = np.bincount(cell * bins + gap_bin, minlength=cells * bins).reshape(-1, bins)
        sums[:, k] = np.bincount(cell, weights=column, minlength=cells)
    return Retention(
        values=values,
        kept=_from_top(np.bincount(cell, minlength=cells)),
        gap_sums=_from_top(sums),
        gap_edges=edges,
        gap_counts=_from_top(counts),
        chance=np.asarray(chance_retention(GRID, K), dtype=np.float64),
    )


def _gap_edges(gaps: FloatArray) -> FloatArray:
    """Span all but the most extreme half per cent, symmetric around zero, by whole sigmas."""
    limit = max(1.0, float(np.ceil(np.quantile(np.abs(gaps), 0.995)))) if gaps.size else 1.0
    return np.linspace(-limit, limit, GAP_BINS + 1)


def _from_top(counts: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    return np.cumsum(counts[::-1], axis=0)[::-1]
