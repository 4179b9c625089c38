"""One scored dataset as the Consistency page counts it: read once, then every question is cheap.

`Measures` holds the arrays of a dataset, with each pair's place on the threshold grid and in the
bars worked out beforehand; what filters keep of it is counted in `vcsoup.ui.retained`. Pure numpy;
cached by `vcsoup.ui.look`. Shapes: n pairs, K values.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vcsoup.consistency import value_consistency
from vcsoup.filtering import PairFilter, mean_gaps
from vcsoup.gap_shapes import BoolArray, FloatArray, IntArray
from vcsoup.sweep import gap_norms

GRID: FloatArray = np.round(np.arange(-100, 101) / 100, 2)
"""The thresholds that a handle can reach by hand, 0.01 apart."""
BARS = 80
GAP_BARS = 40

Small = npt.NDArray[np.uint8]


def read_in_a_step(lengths: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Characters that a training step reads of each pair: both answers, the prompt with each.

    Args:
        lengths: Characters of prompt, chosen and rejected, shape (n, 3).

    Returns:
        Shape (n,).

    Example:
        >>> read_in_a_step(np.array([[10, 3, 5]], np.int32)).tolist()
        [28]
    """
    return np.asarray(lengths.sum(axis=1) + lengths[:, 0], dtype=np.int32)


@dataclass(frozen=True)
class Measures:
    """The arrays of one dataset. Never write to them: they are shared by all sessions.

    Attributes:
        values: The K values, in order.
        consistency: Shape (n,), float64, in [-1, 1].
        norms: Length of each gap vector in standard deviations, shape (n,), float64.
        gaps: Shape (K, n), float32, for means and drawing; decisions use the two above.
        lengths: Characters of prompt, chosen and rejected, shape (n, 3), int32.
        at_least: Last grid place whose threshold keeps the pair, shape (n,).
        at_most: First grid place at or above the pair's consistency, shape (n,).
        bars: Bar of the consistency histogram, shape (n,).
        conflict: Whether some gap of the pair is negative, shape (n,).
        gap_edges: Edges of the gap bars in standard deviations, shape (41,).
        gap_bars: Bar of each gap, shape (K, n); the outer bars also hold the gaps beyond them.
    """

    values: tuple[str, ...]
    consistency: FloatArray
    norms: FloatArray
    gaps: npt.NDArray[np.float32]
    lengths: npt.NDArray[np.int32]
    at_least: Small
    at_most: Small
    bars: Small
    conflict: BoolArray
    gap_edges: FloatArray
    gap_bars: Small

    @property
    def n(self) -> int:
        """How many pairs there are."""
        return len(self.consistency)

    @cached_property
    def all_means(self) -> tuple[float, ...]:
        """Mean gap per value over all pairs, in standard deviations."""
        return tuple(float(column.mean(dtype=np.float64)) for column in self.gaps)

    @cached_property
    def characters(self) -> npt.NDArray[np.int32]:
        """Characters that a training step reads of each pair, shape (n,); see `read_in_a_step`."""
        return read_in_a_step(self.lengths)

    def kept(self, wanted: PairFilter) -> BoolArray:
        """Say which pairs a filter keeps as they are, shape (n,); `PairFilter.mask`, prepared."""
        strong = self.norms >= wanted.min_norm
        if wanted.threshold is None:
            return np.asarray(strong)
        return np.asarray(strong & (self.consistency >= wanted.threshold))

    def flips(self, wanted: PairFilter) -> BoolArray:
        """Say which pairs look flipped at a filter's threshold, whether it wants them or not."""
        tau = wanted.threshold or 0.0
        if tau <= 0.0:
            return np.zeros(self.n, dtype=np.bool_)
        return np.asarray((self.norms >= wanted.min_norm) & (self.consistency <= -tau))

    def trained(self, wanted: PairFilter) -> BoolArray:
        """Say which pairs a run with this filter sees, kept as they are or exchanged."""
        kept = self.kept(wanted)
        return kept | self.flips(wanted) if wanted.flip else kept

    def gap_of(self, row: int) -> dict[str, float]:
        """Return a pair's gap per value, in standard deviations."""
        return dict(zip(self.values, self.gaps[:, row].tolist(), strict=True))

    @cached_property
    def all_gap_counts(self) -> IntArray:
        """Pairs per value and gap bar, shape (K, 40)."""
        return np.stack([np.bincount(column, minlength=GAP_BARS) for column in self.gap_bars])

    def gap_counts(self, mask: BoolArray) -> IntArray:
        """Count the gaps of some pairs per value and bar, shape (K, 40)."""
        rows = np.flatnonzero(mask)  # much faster to take by than a mask
        picked = (column.take(rows) for column in self.gap_bars)
        return np.stack([np.bincount(column, minlength=GAP_BARS) for column in picked])

    def mean_gaps(self, kept: BoolArray, exchanged: BoolArray | None = None) -> tuple[float, ...]:
        """Mean gap per value of the pairs that are trained on; see `vcsoup.filtering.mean_gaps`."""
        return mean_gaps(self.gaps.T, kept, exchanged)


def measure(gaps: FloatArray, lengths: npt.NDArray[np.int32], values: tuple[str, ...]) -> Measures:
    """Prepare a dataset.

    Args:
        gaps: Reward gaps in standard deviations, shape (n, K), n >= 1.
        lengths: Characters of prompt, chosen and rejected, shape (n, 3).
        values: The K value names.

    Returns:
        The prepared arrays.

    Raises:
        GapShapeError: fewer than two values or a gap that is not finite.

    Example:
        >>> gaps = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
        >>> measure(gaps, np.ones((3, 3), np.int32), ("a", "b")).kept(PairFilter(threshold=0.5))
        array([ True, False, False])
    """
    consistency = value_consistency(gaps)
    columns = np.ascontiguousarray(gaps.T, dtype=np.float32)
    limit = max(1.0, float(np.ceil(np.quantile(np.abs(columns), 0.995))))
    edges = np.linspace(-limit, limit, GAP_BARS + 1)
    place = (columns + np.float32(limit)) * np.float32(GAP_BARS / (2 * limit))
    return Measures(
        values=values,
        consistency=consistency,
        norms=gap_norms(gaps),
        gaps=columns,
        lengths=lengths,
        at_least=np.clip(np.searchsorted(GRID, consistency, "right") - 1, 0, 200).astype(np.uint8),
        at_most=np.searchsorted(GRID, consistency, "left").astype(np.uint8),
        bars=np.clip((consistency + 1) * (BARS / 2), 0, BARS - 1).astype(np.uint8),
        conflict=np.asarray((gaps < 0.0).any(axis=1)),
        gap_edges=edges,
        gap_bars=np.clip(place, 0, GAP_BARS - 1).astype(np.uint8),
    )
