"""How many characters a token has, measured with the base's own tokenizer where it is at hand.

Used for "about so many tokens" beside a threshold. Reads `tokenizer.json` with the `tokenizers`
library, which is small; no model library is loaded.
"""

from pathlib import Path

import streamlit as st

from vcsoup.ui.look import Look
from vcsoup.workspace import Project

SAMPLE = 500
USUAL = 4.0
"""Characters per token where no tokenizer can be read; the screens call that a guess."""


def characters_per_token(look: Look, value: str) -> tuple[float, bool]:
    """Measure on up to 500 of a value's pairs, taken in five stretches of the dataset.

    Returns:
        Characters per token, above 0, and whether it was measured or is the usual figure.
    """
    project = look.project
    tokenizer = Path(project.config.base) / "tokenizer.json"
    if not tokenizer.is_file():
        return USUAL, False
    name = (str(tokenizer), look.pair_stamps[value])
    return _measured(*name, _project=project, _value=value, _n=look.sizes[value]), True


@st.cache_data(max_entries=64, show_spinner=False)
def _measured(tokenizer: str, stamp: str, *, _project: Project, _value: str, _n: int) -> float:
    from tokenizers import Tokenizer

    pairs = _project.pair_rows(_value, sample_rows(_n, SAMPLE, stretches=5))
    texts = [*pairs["chosen"], *pairs["rejected"]]
    texts += [turn["content"] for prompt in pairs["prompt"] for turn in prompt]
    encoded = Tokenizer.from_file(tokenizer).encode_batch(texts, add_special_tokens=False)
    tokens = sum(len(one) for one in encoded)
    return sum(map(len, texts)) / tokens if tokens else USUAL


def sample_rows(n: int, size: int, *, stretches: int) -> list[int]:
    """Choose rows in evenly spaced stretches, so that few parts of a large file are read.

    Args:
        n: How many rows there are.
        size: How many are wanted.
        stretches: In how many runs of neighbours.

    Returns:
        Row numbers, going up, at most `size`; all of them when there are no more.

    Example:
        >>> sample_rows(100, 4, stretches=2)
        [0, 1, 50, 51]
    """
    if n <= size:
        return list(range(n))
    length = size // stretches
    return [start * n // stretches + step for start in range(stretches) for step in range(length)]
