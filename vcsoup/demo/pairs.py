"""Preference data of the embedded world, drawn from a seed.

Per value: two unselected replies to one prompt, labelled by that value's truth, with a fifth of the
labels flipped. Human preference labels are like that: annotators of public preference sets agree
with each other, or with the majority, on about 60 to 80 % of the pairs.
"""

import numpy as np
import pandas as pd

from vcsoup.demo.grammar import compose, draw_replies
from vcsoup.demo.truth import true_rewards
from vcsoup.demo.world import VALUES, Prompts
from vcsoup.preferences.pairs import make_pairs

LABEL_NOISE = 0.2
PAIRS_PER_VALUE = 4000


def draw_pairs(value: str, prompts: Prompts, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw one value's preference dataset.

    Args:
        value: One of `VALUES`.
        prompts: (topic, prompt) to draw from.
        n: Number of pairs.
        rng: Source of all randomness.

    Returns:
        The canonical pair table, n rows; `LABEL_NOISE` of them prefer the worse answer. Pairs on
        which the truth is tied are drawn again.
    """
    k = VALUES.index(value)
    rows: dict[tuple[str, str, str], None] = {}
    draws = draw_replies(prompts, rng)
    while len(rows) < n:
        topic, prompt, first = next(draws)
        second = compose(topic, rng)
        gap = true_rewards(topic, first)[k] - true_rewards(topic, second)[k]
        if gap == 0:
            continue
        first_is_chosen = (gap > 0) != (rng.random() < LABEL_NOISE)
        chosen, rejected = (first, second) if first_is_chosen else (second, first)
        rows[(prompt, chosen, rejected)] = None
    return make_pairs(*zip(*rows, strict=True))
