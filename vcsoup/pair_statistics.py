"""Lengths of a data set in figures: what the Data page counts. Pure numpy.

Shapes: n pairs. Lengths are characters of prompt, chosen and rejected answer, in this order.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_BINS = 40
_COMMON = 0.99


@dataclass(frozen=True)
class LengthStatistics:
    """Lengths of the answers of n pairs, in characters.

    Attributes:
        edges: Borders of the bins, shape (b + 1,); the last bin also takes everything longer.
        chosen: Chosen answers per bin, shape (b,).
        rejected: Rejected answers per bin, shape (b,).
        median: Median length of prompt, chosen and rejected.
        longest: Longest prompt, chosen and rejected.
        chosen_longer: Share of pairs whose chosen answer is the longer one, in [0, 1].
        same_length: Share of pairs with answers of one length.
        beyond: Answers longer than the last border.
    """

    edges: npt.NDArray[np.float64]
    chosen: npt.NDArray[np.int64]
    rejected: npt.NDArray[np.int64]
    median: tuple[float, float, float]
    longest: tuple[int, int, int]
    chosen_longer: float
    same_length: float
    beyond: int


def length_statistics(lengths: npt.NDArray[np.int32]) -> LengthStatistics:
    """Count lengths into bins that a few very long answers cannot stretch.

    The bins reach to the length that 99 % of the answers do not exceed.

    Args:
        lengths: Shape (n, 3), n >= 1.

    Example:
        >>> found = length_statistics(np.array([[5, 10, 20], [5, 30, 20]]))
        >>> found.median, found.chosen_longer
        ((5.0, 20.0, 20.0), 0.5)
    """
    answers = lengths[:, 1:]
    reach = max(float(_BINS), float(np.quantile(answers, _COMMON)))
    step = max(1.0, np.ceil(reach / _BINS))
    edges = np.arange(_BINS + 1) * step
    chosen, rejected = (
        np.histogram(np.minimum(side, edges[-1]), bins=edges)[0].astype(np.int64)
        for side in answers.T
    )
    median, longest = np.median(lengths, axis=0), lengths.max(axis=0)
    return LengthStatistics(
        edges,
        chosen,
        rejected,
        median=(float(median[0]), float(median[1]), float(median[2])),
        longest=(int(longest[0]), int(longest[1]), int(longest[2])),
        chosen_longer=float((answers[:, 0] > answers[:, 1]).mean()),
        same_length=float((answers[:, 0] == answers[:, 1]).mean()),
        beyond=int((answers > edges[-1]).sum()),
    )
