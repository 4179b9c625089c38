"""Rewards without a model: plain functions of the reply, exact and free.

A value such as "brief" or "plain words" needs no reward model; a sanity value (length) shows what a
learned one may be following. Pure: texts in, numbers out. `FunctionJudge` gives them the face of a
`vcsoup.rewards.model.RewardModel`. Reading ease counts syllables by rule and is meant for English.
"""

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from vcsoup.errors import RewardModelError
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.rewards.spec import RewardSpec

FloatArray = npt.NDArray[np.float32]

_CURLY = "\u2019"  # the apostrophe of typeset text
_WORD = re.compile(rf"\w+(?:['{_CURLY}\-]\w+)*")
_SENTENCE_END = re.compile(r"[.!?…]+(?=\s|$)|\n+")
_VOWELS = re.compile(r"[aeiouyàâäéèêëíîïóôöúûü]+")
_REFUSAL_WITHIN = 240  # a refusal stands at the beginning; later "I can't" is about something else
_REFUSAL = re.compile(
    r"\b(?:i(?:'m| am)(?: \w+)? (?:sorry|afraid|unable|not able|not going to)"
    r"|i (?:can(?:no|')?t|cannot|can not|won't|will not|must decline|have to decline)"
    r"|(?:as|being) an ai\b|i apologi[sz]e)",
    re.IGNORECASE,
)
_ROWS = 4096


def length(reply: str, *, unit: str = "words") -> float:
    """Words or characters of a reply.

    Example:
        >>> length("Well, it's done."), length("Well, it's done.", unit="characters")
        (3.0, 16.0)
    """
    return float(len(_WORD.findall(reply)) if unit == "words" else len(reply))


def reading_ease(reply: str) -> float:
    """Flesch reading ease: about 100 is easy, 0 very hard; long words and sentences lower it.

    `206.835 - 1.015 words / sentences - 84.6 syllables / words` (Flesch 1948). Syllables are
    counted as `syllables` does. A reply without words gets 0.

    Example:
        >>> round(reading_ease("The cat sat on the mat."), 3)
        116.145
    """
    words = _WORD.findall(reply)
    if not words:
        return 0.0
    sentences = sum(1 for part in _SENTENCE_END.split(reply) if _WORD.search(part))
    spoken = sum(syllables(word) for word in words)
    return 206.835 - 1.015 * len(words) / sentences - 84.6 * spoken / len(words)


def syllables(word: str) -> int:
    """Groups of vowels, without a silent e at the end; at least one.

    Example:
        >>> [syllables(word) for word in ("cat", "apple", "made", "reading", "rhythm")]
        [1, 2, 1, 2, 1]
    """
    low = word.lower()
    groups = len(_VOWELS.findall(low))
    if low.endswith("e") and not low.endswith(("le", "ee", "ye")):
        groups -= 1
    return max(1, groups)


def matches(reply: str, pattern: re.Pattern[str]) -> float:
    r"""How often a pattern occurs, counted without overlaps; empty matches count too.

    Example:
        >>> matches("one, two, three", re.compile(r"\bt\w+"))
        2.0
    """
    return float(sum(1 for _ in pattern.finditer(reply)))


def refusal(reply: str) -> float:
    """1 when the reply begins by declining (English phrases within 240 characters), else 0.

    Example:
        >>> refusal("I'm sorry, but I can't help with that."), refusal("Sure, here it is.")
        (1.0, 0.0)
    """
    return float(bool(_REFUSAL.search(reply[:_REFUSAL_WITHIN].replace(_CURLY, "'"))))


class FunctionJudge:
    """A function of the reply with the methods of a `RewardModel`."""

    def __init__(self, spec: RewardSpec) -> None:
        """Take the function that `spec.kind` names.

        Raises:
            RewardModelError: a spec that names a model or a column.
        """
        self.spec = spec
        self._of = _function(spec)

    def score(
        self,
        prompts: Sequence[object],
        replies: Sequence[str],
        *,
        stage: str = "scoring",
        monitor: Monitor = SILENT,
    ) -> FloatArray:
        """Reward n replies, shape (n,), float32, the sign applied; prompts are not looked at."""
        rewards = np.empty(len(replies), dtype=np.float32)
        for rows, scored in self.batches(prompts, replies):
            rewards[rows] = scored
            done = int(rows[-1]) + 1
            monitor.report(stage, done, len(replies))
            if monitor.stop_requested and done < len(replies):
                raise StopRequested(f"{stage} was stopped at {done} of {len(replies)}")
        return rewards

    def batches(
        self,
        prompts: Sequence[object],
        replies: Sequence[str],
        *,
        tokens_per_batch: int = 0,
    ) -> Iterator[tuple[npt.NDArray[np.intp], FloatArray]]:
        """Yield (row numbers, rewards with the sign) in order, each row once."""
        for start in range(0, len(replies), _ROWS):
            told = [self._of(reply) for reply in replies[start : start + _ROWS]]
            rewards = np.array(told, dtype=np.float32) * np.float32(self.spec.sign)
            yield np.arange(start, start + len(told)), rewards


def _function(spec: RewardSpec) -> Callable[[str], float]:
    match spec.kind:
        case "length":
            return lambda reply: length(reply, unit=spec.unit)
        case "readability":
            return reading_ease
        case "pattern":
            pattern = re.compile(spec.pattern)
            return lambda reply: matches(reply, pattern)
        case "refusal":
            return refusal
    raise RewardModelError(
        f"a reward of kind {spec.kind} is no function of the reply; "
        "use kind length, readability, pattern or refusal"
    )
