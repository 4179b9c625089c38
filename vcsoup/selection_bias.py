"""Does a filter choose longer pairs, or other topics, without being asked to? Pure numpy.

Consistency should choose by agreement alone. Two checks warn when it also chooses by something
else: lengths of the kept pairs against those of all pairs (with an interval), and words that are
over- or under-represented in the kept prompts (log-odds with a prior, Monroe et al. 2008). Both
describe the data; neither proves a cause.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
Z_WORDS = 4.0
"""How many standard errors make a word stand out: about one false alarm in 16,000 words."""
_Z95 = 1.959964
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True)
class LengthShift:
    """How the mean length of kept pairs differs from that of all pairs, in characters.

    Attributes:
        everyone: Mean over all pairs.
        kept: Mean over the kept pairs; nan where none is kept.
        difference: kept - everyone.
        low: Lower end of the difference's 95 % interval (normal approximation).
        high: Its upper end.
        size: Mean over all pairs with signs left aside: `everyone`, except where lengths were
            subtracted, whose mean may be near 0 for differences of any size.
    """

    everyone: float
    kept: float
    difference: float
    low: float
    high: float
    size: float

    def stands_out(self, least: float) -> bool:
        """Whether the interval leaves out 0 and the difference is at least `least` times `size`."""
        return (self.low > 0 or self.high < 0) and abs(self.difference) >= least * self.size


@dataclass(frozen=True)
class WordShift:
    """A word that is more (z > 0) or less (z < 0) frequent in kept prompts than in dropped ones.

    Attributes:
        word: Lower case.
        kept: Share of the kept prompts that hold it, 0 to 1.
        dropped: Share of the dropped prompts that hold it.
        z: Log-odds ratio in standard errors.
    """

    word: str
    kept: float
    dropped: float
    z: float


def length_shift(lengths: npt.NDArray[np.integer], kept: BoolArray) -> LengthShift:
    """Compare the mean length of kept pairs with that of all pairs.

    The kept are part of all, so the difference is (1 - share kept) times that between kept and
    dropped pairs, which are independent. Chosen without a look at the length, both have the same
    variance: it is estimated from all pairs around the two means, so that a few kept pairs that
    happen to be alike do not seem certain.

    Args:
        lengths: Characters, shape (n,), n >= 1; differences of lengths may be negative.
        kept: Keep mask, shape (n,).

    Example:
        >>> shift = length_shift(np.array([10, 10, 20, 20]), np.array([False, False, True, True]))
        >>> shift.everyone, shift.kept, shift.difference
        (15.0, 20.0, 5.0)
    """
    shortest = int(lengths.min())
    above = lengths - shortest
    rows = np.flatnonzero(kept)  # much faster to take by than a mask
    counts = np.bincount(above)
    inside = np.bincount(above.take(rows), minlength=len(counts))
    everyone, _ = _moments(counts)
    size = float(np.dot(np.abs(np.arange(len(counts)) + shortest), counts)) / len(lengths)
    dropped = len(lengths) - len(rows)
    if not len(rows):
        nan = float("nan")
        return LengthShift(shortest + everyone, nan, nan, nan, nan, size)
    mean, spread = _moments(inside)
    shift, reach = mean - everyone, 0.0
    if dropped:
        freedom = len(lengths) - 2
        spread += _moments(counts - inside)[1]
        variance = spread / freedom * (1 / len(rows) + 1 / dropped) if freedom else math.inf
        reach = _Z95 * dropped / len(lengths) * math.sqrt(variance)
    low, high = shift - reach, shift + reach
    return LengthShift(shortest + everyone, shortest + mean, shift, low, high, size)


def _moments(counts: npt.NDArray[np.integer]) -> tuple[float, float]:
    """Mean and sum of the squares around it, from how often 0, 1, 2, ... occur (at least once)."""
    places = np.arange(len(counts), dtype=np.float64)
    mean = float(np.dot(places, counts)) / int(counts.sum())
    return mean, float(np.dot((places - mean) ** 2, counts))


def words_of(text: str) -> frozenset[str]:
    """The different words of a text: letters only, three or more, in lower case.

    Example:
        >>> sorted(words_of("Plan 3 days in the Alps, the cheap way"))
        ['alps', 'cheap', 'days', 'plan', 'the', 'way']
    """
    return frozenset(_WORD.findall(text.lower()))


def word_shifts(
    texts: Sequence[Iterable[str]], kept: BoolArray, *, z: float = Z_WORDS, most: int = 12
) -> list[WordShift]:
    """Find the words that kept and dropped prompts do not share alike.

    Every prompt counts a word once. The log-odds ratio is shrunk by a prior that follows the
    word's frequency over all prompts, so that rare words do not stand out by chance.

    Args:
        texts: The different words of each of n prompts (`words_of`).
        kept: Which of them are kept, shape (n,).
        z: Least |z| of a word that is reported.
        most: How many words to report at most.

    Returns:
        The strongest first; empty where nothing stands out, or all or none are kept.

    Example:
        >>> texts = [{"cats"}] * 200 + [{"dogs"}] * 200
        >>> kept = np.arange(400) < 200
        >>> [shift.word for shift in word_shifts(texts, kept) if shift.z > 0]
        ['cats']
    """
    sizes = int(kept.sum()), int((~kept).sum())
    if not all(sizes):
        return []
    counts: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    for words, stays in zip(texts, kept, strict=True):
        counts[0 if stays else 1].update(words)
    vocabulary = sorted(counts[0] | counts[1])
    inside, outside = (
        np.array([side[word] for word in vocabulary], dtype=np.float64) for side in counts
    )
    scores = _log_odds_z(inside, outside, sizes)
    order = np.argsort(-np.abs(scores), kind="stable")[:most]
    return [
        WordShift(vocabulary[i], inside[i] / sizes[0], outside[i] / sizes[1], float(scores[i]))
        for i in order
        if abs(scores[i]) >= z
    ]


def _log_odds_z(
    inside: npt.NDArray[np.float64], outside: npt.NDArray[np.float64], sizes: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """Difference of the log-odds in standard errors, a prior of one prompt in each side."""
    share = (inside + outside + 0.5) / (sum(sizes) + 1.0)
    logs, variance = [], np.zeros(len(inside))
    for held, size in ((inside, sizes[0]), (outside, sizes[1])):
        with_word, without = held + share, size - held + 1.0 - share
        logs.append(np.log(with_word) - np.log(without))
        variance += 1.0 / with_word + 1.0 / without
    return np.asarray((logs[0] - logs[1]) / np.sqrt(variance))
