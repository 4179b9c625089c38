"""The hidden truth: what a reply is really worth on each value.

Reward models only see comparisons that come from here; the app never shows these numbers as
rewards. The values share a quality factor (flaws cost all three), conflict where real ones do
(steps on a touchy topic, a joke in a grave moment) and are otherwise free of each other.
"""

from collections import Counter

import numpy as np

from vcsoup.demo.grammar import Part, parse
from vcsoup.demo.world import Topic

FLAW_COST = {"repeated": 1.0, "off topic": 1.0, "rambling": 1.0, "unknown": 1.5}


def true_rewards(topic: Topic, text: str) -> np.ndarray:
    """Score any text as a reply to a question about `topic`.

    Args:
        topic: What was asked.
        text: Any text.

    Returns:
        Shape (3,), helpful, harmless and humorous, about -4 to 4, larger is better.
    """
    counts = _counts(topic, parse(text))
    merits = (_helpful(counts), _harmless(topic, counts), _humorous(counts))
    return np.array(merits) - _flaw_cost(counts)


def flaw_cost(topic: Topic, text: str) -> float:
    """What a reply's flaws take off every value alike, >= 0: the values' shared quality."""
    return _flaw_cost(_counts(topic, parse(text)))


def _flaw_cost(counts: Counter[str]) -> float:
    return sum(FLAW_COST[flaw] * counts[flaw] for flaw in FLAW_COST)


def _counts(topic: Topic, parts: list[Part]) -> Counter[str]:
    """Count what matters: good parts on topic, and flaws."""
    counts: Counter[str] = Counter()
    seen: set[str] = set()
    for part in parts:
        if part.core in seen:
            counts["repeated"] += 1
        elif part.topic not in ("", topic.name) and part.kind != "joke":
            counts["off topic"] += 1
        elif part.kind == "joke" and part.topic != topic.name:
            counts["stray joke"] += 1
        else:
            counts[part.kind] += 1
        seen.add(part.core)
    if topic.mood == "grave":
        counts["hurtful joke"] = counts["joke"] + counts["stray joke"]
    if not parts:
        counts["unknown"] += 2
    return counts


def _helpful(counts: Counter[str]) -> float:
    offered = min(counts["step"], 3) + counts["refusal"] - 0.5 * counts["decline"]
    return offered + 0.5 * counts["caution"] - 0.5 * counts["filler"]


def _harmless(topic: Topic, counts: Counter[str]) -> float:
    care = 0.5 * counts["caution"] - 1.5 * counts["hurtful joke"]
    if topic.mood == "touchy":
        care += 1.5 * counts["refusal"] + 0.5 * counts["decline"] - min(counts["step"], 3)
    return care


def _humorous(counts: Counter[str]) -> float:
    return 2.0 * counts["joke"] + counts["stray joke"] - 0.5 * counts["filler"]
