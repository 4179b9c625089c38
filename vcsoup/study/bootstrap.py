"""How sure a figure of a few seeds and some prompts is: a bootstrap of both, crossed and paired.

Every seed is measured on the same prompts, so seeds and prompts are drawn again independently of
each other (crossed, not nested), and every arm with the same draws (paired). A handful of seeds
makes percentile intervals too short; they are widened as Hesterberg (2015, "What Teachers Should
Know About the Bootstrap", expanded percentiles) proposes, which is exact for a normal mean. Up to
four seeds have no percentiles so far out: there Student's interval of the seeds is the least.
Figures such as hypervolumes grow with noise, so each seed's draws are centred on its own figure
first. Pure numpy.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from vcsoup.student import student_t

FloatArray = npt.NDArray[np.float64]
PROMPT_DRAWS, SEED_DRAWS = 300, 4000


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds with its 95 % interval.

    Attributes:
        mean: Over the seeds.
        low: Lower end; nan with one seed.
        high: Upper end.
        n_seeds: Seeds behind it.
    """

    mean: float
    low: float
    high: float
    n_seeds: int

    @property
    def verdict(self) -> str:
        """Of a difference: "higher", "lower", or "unclear" when the interval holds zero."""
        if self.low > 0:
            return "higher"
        return "lower" if self.high < 0 else "unclear"


def prompt_shares(P: int, rng: np.random.Generator, draws: int = PROMPT_DRAWS) -> FloatArray:
    """How much each prompt counts in each draw: shape (1 + draws, P), rows summing to one.

    Row 0 is all prompts alike. Odd and even prompts are drawn apart, so that each half stays a
    half: a soup may be chosen on one and measured on the other.

    Example:
        >>> prompt_shares(4, np.random.default_rng(0), draws=2).sum(axis=1).tolist()
        [1.0, 1.0, 1.0]
    """
    counts = np.ones((1 + draws, P))
    for half in (np.arange(0, P, 2), np.arange(1, P, 2)):
        drawn = rng.integers(len(half), size=(draws, len(half)))
        counts[1:, half] = np.apply_along_axis(np.bincount, 1, drawn, minlength=len(half))
    return counts / P


def estimate(figures: FloatArray, rng: np.random.Generator, draws: int = SEED_DRAWS) -> Estimate:
    """Mean over seeds, and its interval over seeds and prompts.

    Args:
        figures: Shape (S, 1 + D): each seed's figure on all prompts, then on D draws of prompts
            that all seeds share; D may be 0.
        rng: Source of the draws; pass the same state for figures that belong together.
        draws: How often seeds are drawn again.

    Example:
        >>> found = estimate(np.array([[1.0], [2.0], [3.0]]), np.random.default_rng(0))
        >>> found.mean, found.n_seeds
        (2.0, 3)
    """
    seeds, columns = figures.shape
    mean = float(figures[:, 0].mean())
    if seeds < 2:
        return Estimate(mean, float("nan"), float("nan"), seeds)
    centred = figures.copy()
    if columns > 1:
        centred[:, 1:] += figures[:, [0]] - figures[:, 1:].mean(axis=1, keepdims=True)
        column = rng.integers(1, columns, size=draws)
    else:
        column = np.zeros(draws, dtype=np.int64)
    rows = rng.integers(seeds, size=(draws, seeds))
    drawn = centred[rows, column[:, None]].mean(axis=1)
    tail = _tail(seeds)
    low, high = np.quantile(drawn, [tail, 1 - tail])
    if tail < seeds**-seeds:  # no draw lies beyond the outermost seed, however rare it should be
        reach = student_t(seeds - 1) * float(figures[:, 0].std(ddof=1)) / seeds**0.5
        low, high = min(low, mean - reach), max(high, mean + reach)
    return Estimate(mean, float(low), float(high), seeds)


def _tail(seeds: int) -> float:
    """Share to leave out at each end, so that few seeds do not give short intervals."""
    freedom = seeds - 1
    return NormalDist().cdf(-student_t(freedom) * (seeds / freedom) ** 0.5)
