"""A pair as text: the prompt's turns and both answers side by side, differing words marked.

Display only. The text goes through `data`; the script sets it by `textContent`, shows control and
direction-changing characters by their names, and gives every text its own direction.
"""

from collections.abc import Mapping, Sequence

import streamlit as st

from vcsoup.numbers import count
from vcsoup.ui.components.drawn import ELEMENT, register
from vcsoup.word_diff import word_diff

SHOWN = 20_000
"""Characters of a text that are shown until someone asks for all of them."""

_pair = register("word_diff", '<div class="pair"></div>', shared=(ELEMENT,))


def show(
    prompt: Sequence[Mapping[str, str]], chosen: str, rejected: str, *, key: str, marks: bool = True
) -> None:
    """Show a pair for reading.

    Args:
        prompt: The turns before the answers, each with role and content.
        chosen: The preferred answer.
        rejected: The other one.
        key: Key of the component, unique on the page.
        marks: Whether the differing words are marked.
    """
    longest = max(len(chosen), len(rejected), *(len(turn["content"]) for turn in prompt))
    whole = longest <= SHOWN or st.toggle(
        f"Show all {count(longest)} characters of the longest text", key=f"{key}_whole"
    )
    _pair(
        key=key,
        data=pair_data(prompt, chosen, rejected, marks=marks, most=None if whole else SHOWN),
    )


def pair_data(
    prompt: Sequence[Mapping[str, str]],
    chosen: str,
    rejected: str,
    *,
    marks: bool = True,
    most: int | None = SHOWN,
) -> dict[str, object]:
    """Lay a pair out for the component.

    Args:
        prompt: The turns before the answers.
        chosen: The preferred answer.
        rejected: The other one.
        marks: Whether to compare the words that are shown.
        most: Characters of each text to show; None shows all.

    Returns:
        turns [{"role", "text", "left"}], and for each answer {"name", "spans", "left"}, where left
        is the number of characters that are not shown; note, a sentence or "".
    """
    sides = {"chosen": chosen, "rejected": rejected}
    shown = {side: text[:most] for side, text in sides.items()}
    found = word_diff(shown["chosen"], shown["rejected"]) if marks else None
    spans = {s: getattr(found, s) if found else (("same", text),) for s, text in shown.items()}
    note = "" if found is None or found.complete else "Striped words were too many to compare."
    return {
        "turns": [
            {
                "role": turn["role"],
                "text": turn["content"][:most],
                "left": _left(turn["content"], most),
            }
            for turn in prompt
        ],
        "answers": [
            {
                "name": f"{side.capitalize()} answer",
                "spans": [list(span) for span in spans[side]],
                "left": _left(text, most),
            }
            for side, text in sides.items()
        ],
        "note": note,
    }


def _left(text: str, most: int | None) -> int:
    return 0 if most is None else max(0, len(text) - most)
