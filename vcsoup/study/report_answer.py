"""What a study says about filtering, as Markdown: the first part of docs/STUDY.md.

The README's statement about the method's benefit is `statement`, word by word; a test holds them
together. Whatever the intervals say is said.
"""

from typing import Any

import pandas as pd

from vcsoup.numbers import plural, signed
from vcsoup.study.published import Published
from vcsoup.study.report_tables import markdown_table
from vcsoup.study.report_words import centre_of, filtered_arms
from vcsoup.study.results import plain_filter

_PLAIN = "the same threshold, usual scale, no least norm"
# What the filtered soups are compared with, by the pattern of those arms' names.
_RIVALS = {
    "unfiltered": "the unfiltered soup",
    "random-.*": "a random filter of the same size",
    "weighted": "one training per weight vector",
    "conditioned": "reward-conditioned fine-tuning",
    r"filtered-[\d.]+": _PLAIN,
}


def statement(known: Published) -> str:
    """What the study says about filtering, in the centre of its worlds: Markdown."""
    if not known.comparisons["first"].isin(filtered_arms(known)).any():
        return in_short(known)
    where, seeds = known.study.worlds.centre.title, len(known.study.seeds.reporting)
    fewer = "" if known.comparisons["n_seeds"].eq(seeds).all() else " (fewer where it is said)"
    means = f"Means over {seeds} training seeds{fewer} with 95 % intervals over seeds and prompts"
    if seeds == 1:
        means = "Figures of one training seed, which has no interval and so shows no difference"
    return (
        f"{in_short(known)}\n\n"
        f"{_volumes(known)}\n\n"
        f"{means}; the base alone has 1; embedded world, {where}. Every comparison of a "
        f"filtered soup, one per {_varied(known)}, and what its interval allows:\n\n"
        f"{_verdict_table(known)}"
    )


def in_short(known: Published) -> str:
    """The statement's beginning: the verdicts, and whether seeds were lost on the way."""
    gaps = known.comparisons[known.comparisons["setting"] == centre_of(known)]
    gaps = gaps[gaps["first"].isin(filtered_arms(known)) & (gaps["second"] == "unfiltered")]
    n, seeds = gaps["n_seeds"].min(), len(known.study.seeds.reporting)
    lost = (
        f" Some trainings collapsed: {n} of {seeds} seeds could be compared." if n < seeds else ""
    )
    volume, balanced = (
        _counted(_verdicts(known, measure, "unfiltered")) for measure in ("hypervolume", "balanced")
    )
    return (
        f"Soups of filtered policies against soups of unfiltered ones, by hypervolume: {volume}; "
        f"by the worst value's gain: {balanced}.{lost}"
    )


def _volumes(known: Published) -> str:
    """The differences in hypervolume to the controls, a line for each filter."""
    gaps = known.comparisons
    gaps = gaps[(gaps["setting"] == centre_of(known)) & (gaps["measure"] == "hypervolume")]
    arms = filtered_arms(known)
    controls = {
        "unfiltered": lambda arm: "unfiltered",
        "random filter of the same size": lambda arm: arm.replace("filtered", "random", 1),
        _PLAIN: plain_filter,
    }
    seeds = len(known.study.seeds.reporting)
    cells = {
        (row.first, row.second): _gap(row)
        + ("" if row.n_seeds == seeds else f", {row.n_seeds} seeds")
        for row in gaps.itertuples()
    }
    columns = {
        f"hypervolume, minus {name}": [cells.get((arm, control(arm)), "") for arm in arms]
        for name, control in controls.items()
    }
    columns = {name: told for name, told in columns.items() if any(told)}
    filters = [arm.removeprefix("filtered-") for arm in arms]
    return markdown_table(
        [_varied(known), *columns], list(zip(filters, *columns.values(), strict=True))
    )


def _varied(known: Published) -> str:
    """What the study's filters differ in."""
    plain = all(arm == plain_filter(arm) for arm in filtered_arms(known))
    return "threshold" if plain else "filter"


def _gap(row: Any) -> str:
    return f"{signed(row.mean)} ({signed(row.low)} to {signed(row.high)})"


def _verdict_table(known: Published) -> str:
    """What the intervals allow by both primary measures, a line for each rival."""
    elsewhere = known.rows["setting"].nunique() - 1
    columns = ["a filtered soup against", "by hypervolume", "by the worst value's gain"]
    columns += [f"by hypervolume in {plural(elsewhere, 'other world')}"] if elsewhere else []
    rows = []
    for name, told in _RIVALS.items():
        cells = [_verdicts(known, measure, name) for measure in ("hypervolume", "balanced")]
        cells += [_verdicts(known, "hypervolume", name, elsewhere=True)] if elsewhere else []
        if any(map(len, cells)):
            rows.append([told, *map(_counted, cells)])
    return markdown_table(columns, rows)


def _verdicts(known: Published, measure: str, rival: str, *, elsewhere: bool = False) -> pd.Series:
    """Of the filtered arms against the arms whose names match a pattern."""
    table = known.comparisons[known.comparisons["measure"] == measure]
    table = table[(table["setting"] == centre_of(known)) != elsewhere]
    table = table[table["first"].isin(filtered_arms(known))]
    return table[table["second"].str.fullmatch(rival)]["verdict"]


def _counted(verdicts: pd.Series) -> str:
    words = {"higher": "better", "lower": "worse", "unclear": "no clear difference"}
    counts = verdicts.map(words).value_counts()
    told = [f"{word} in {n} of {len(verdicts)}" for word, n in counts.items()]
    return ", ".join(told) or "not compared"
