"""A table of answers side by side: words marked that the base did not say, rewards with deltas.

Display only; all text goes through `data` and is set by `textContent`.
"""

from collections.abc import Mapping, Sequence

from vcsoup.numbers import signed
from vcsoup.plots.palette import Palette
from vcsoup.ui.components.drawn import ELEMENT, register
from vcsoup.ui.pouring import Round
from vcsoup.word_diff import word_diff

_answers = register("answers", '<div class="answers"></div>', shared=(ELEMENT,))
FLAT = 0.005
"""Differences smaller than this show as no change."""


def show(
    asked: Round,
    replies: Sequence[Sequence[str]],
    rewards: Sequence[Sequence[Mapping[str, float] | None]],
    *,
    colours: Palette,
    whole: bool,
) -> None:
    """Show a table.

    Args:
        asked: What was poured; the first column is the base.
        replies: P lists of S answers so far.
        rewards: P lists of S rewards, None where not scored.
        colours: The theme's palette.
        whole: Whether the answers are complete; only then are words compared.
    """
    data = table_data(asked, replies, rewards, marks=whole)
    _answers(key="answers", data=data | {"up": colours.accent, "down": colours.series[3]})


def table_data(
    asked: Round,
    replies: Sequence[Sequence[str]],
    rewards: Sequence[Sequence[Mapping[str, float] | None]],
    *,
    marks: bool,
) -> dict[str, object]:
    """Lay a table out for the component.

    Returns:
        columns (names); rows of {prompt, cells}, a cell {spans, rewards}: spans as in
        `vcsoup.word_diff`, rewards [value, reward, difference to the base or "", -1 | 0 | 1].
    """
    rows = []
    for prompt, texts, scores in zip(asked.prompts, replies, rewards, strict=True):
        cells = [
            {
                "spans": _spans(texts[0], text, marks=marks and place > 0),
                "rewards": _rewards(score, scores[0] if place else None),
            }
            for place, (text, score) in enumerate(zip(texts, scores, strict=True))
        ]
        rows.append({"prompt": prompt, "cells": cells})
    return {"columns": [glass.name for glass in asked.glasses], "rows": rows}


def _spans(base: str, text: str, *, marks: bool) -> list[list[str]]:
    if not marks:
        return [["same", text]] if text else []
    return [[op, part] for op, part in word_diff(base, text).rejected]


def _rewards(
    score: Mapping[str, float] | None, base: Mapping[str, float] | None
) -> list[list[str | int]]:
    if score is None:
        return []
    rows: list[list[str | int]] = []
    for value, reward in score.items():
        delta = reward - base[value] if base else None
        sign = 0 if delta is None or abs(delta) < FLAT else (1 if delta > 0 else -1)
        rows.append([value, signed(reward), "" if delta is None else signed(delta), sign])
    return rows
