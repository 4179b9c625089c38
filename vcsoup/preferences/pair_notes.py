"""What is worth knowing of pairs that are kept, and the scores that came with them, as tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from vcsoup.preferences.lengths import LengthUnit
from vcsoup.preferences.pair_format import Pair

LONG_CHARACTERS = 8_192
"""Pairs above this are counted as long: about 2,048 tokens of English."""
_CHARACTERS = LengthUnit("characters", len)


def notes_of(pairs: Sequence[Pair]) -> dict[str, int]:
    """Count the pairs with several turns, and the long ones."""
    turns = (sum(turn["role"] != "system" for turn in pair.prompt) for pair in pairs)
    return {
        "multi-turn": sum(count > 1 for count in turns),
        "long": sum(_CHARACTERS.of(pair) > LONG_CHARACTERS for pair in pairs),
    }


def scores_of(ids: "pd.Series[str]", pairs: Sequence[Pair]) -> pd.DataFrame:
    """The scores of n pairs as a table.

    Args:
        ids: Their n ids.
        pairs: The pairs.

    Returns:
        `id`, then `<name>_chosen` and `<name>_rejected` per score, NaN where a pair has none.
    """
    names = dict.fromkeys(name for pair in pairs for name in pair.scores)
    columns: dict[str, Any] = {"id": ids}
    for name in names:
        both = [pair.scores.get(name, (np.nan, np.nan)) for pair in pairs]
        columns |= {
            f"{name}_{side}": np.array([entry[k] for entry in both], dtype=np.float64)
            for k, side in enumerate(("chosen", "rejected"))
        }
    return pd.DataFrame(columns)
