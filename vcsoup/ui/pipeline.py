"""Where a project stands: the five stages of the method with counts, stale marks and next steps.

Read by Home's cards and by the chip of every screen. No streamlit here; the pages pass in cached
readings.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from vcsoup.errors import EqualRewardsError
from vcsoup.filtering import PairFilter
from vcsoup.numbers import count, plain, plural, share, signed
from vcsoup.ui.retained import Figures
from vcsoup.ui.soups import balance
from vcsoup.workspace import AdapterInfo, Project

MAIN_GROUP = "filtered"


@dataclass(frozen=True)
class Stage:
    """One stage of the pipeline as a card shows it.

    Attributes:
        name: What the stage makes ("pairs").
        figure: The number that matters, formatted.
        detail: One line behind the number.
        done: Whether the next stage can start.
        stale: What is out of date, or None.
        step: What to do here, as the text of a link.
        page: The page that does it.
    """

    name: str
    figure: str
    detail: str
    done: bool
    stale: str | None
    step: str
    page: str


@dataclass(frozen=True)
class Standing:
    """Where a project stands, for the chip."""

    project: str
    text: str
    complete: bool


@dataclass(frozen=True)
class Readings:
    """Cached readers that the stages need.

    Attributes:
        figures: What a value's saved filter keeps, None when it is not scored.
        points: The point table of a group of adapters.
    """

    figures: Callable[[str], Figures | None]
    points: Callable[[str], pd.DataFrame]


def stages(project: Project, readings: Readings) -> list[Stage]:
    """Describe the five stages, in order: pairs, thresholds, adapters, soups, front."""
    scored: dict[str, Figures] = {}
    alike: dict[str, list[str]] = {}  # judge -> data sets whose answers it cannot tell apart
    for value in project.values:
        try:
            counts = readings.figures(value)
        except EqualRewardsError as error:
            alike.setdefault(error.judge, []).append(value)
        else:
            scored |= {value: counts} if counts is not None else {}
    sets = project.adapter_sets()
    group = main_group(sets)
    table = readings.points(group) if group else None
    return [
        _pairs(project, scored, alike),
        _thresholds(project, scored),
        _adapters(project, sets),
        _soups(table, group),
        _front(project, table),
    ]


def standing(project: Project, found: Sequence[Stage]) -> Standing:
    """Sum the stages up in a few words: the first one that is not done, or that all are."""
    open_stage = next((stage for stage in found if not stage.done), None)
    if open_stage is None:
        return Standing(project.title, f"front of {found[-1].figure}", True)
    place = found.index(open_stage) + 1
    return Standing(project.title, f"step {place} of {len(found)}, {open_stage.name}", False)


def main_group(sets: Mapping[str, object]) -> str | None:
    """Pick the adapter set to speak of first: "filtered" where it exists, else the first one.

    Example:
        >>> main_group({"unfiltered": {}, "filtered": {}})
        'filtered'
    """
    return MAIN_GROUP if MAIN_GROUP in sets else next(iter(sets), None)


def stale_filters(
    adapters: Mapping[str, AdapterInfo], saved: Mapping[str, PairFilter]
) -> list[str]:
    """Name the values whose adapter was trained with another filter than the saved one."""
    return [
        value
        for value, info in adapters.items()
        if (used := info.pair_filter) is not None and used != saved[value]
    ]


def stale_pairs(adapters: Mapping[str, AdapterInfo], project: Project) -> list[str]:
    """Name the values whose adapter was trained on pairs that have been replaced since."""
    present = {value: info.hash for value, info in project.datasets().items()}
    return [
        value
        for value, info in adapters.items()
        if info.manifest.get("data_hash", present.get(value)) != present.get(value)
    ]


def _pairs(
    project: Project, scored: Mapping[str, Figures], alike: Mapping[str, list[str]]
) -> Stage:
    datasets = project.datasets()
    total = sum(info.n for info in datasets.values())
    missing = [value for value in project.values if value not in datasets]
    known = {*scored, *(value for sets in alike.values() for value in sets)}
    unscored = [value for value in datasets if value not in known]
    detail, stale = ", ".join(f"{count(info.n)} {value}" for value, info in datasets.items()), None
    if missing:
        detail = f"no pairs yet: {', '.join(missing)}"
    elif alike:
        stale = "; ".join(
            f"the judge of {judge} says the same of all answers in the pairs of {', '.join(sets)}"
            for judge, sets in alike.items()
        )
    elif any(project.was_scored(value) for value in unscored):
        stale = f"no current rewards: {', '.join(unscored)}"
    elif unscored:
        detail = f"not scored yet: {', '.join(unscored)}"
    done = not (missing or unscored or alike)
    return Stage(
        name="pairs",
        figure=count(total),
        detail=detail,
        done=done,
        stale=stale,
        step="Add pairs" if missing else "Score pairs" if unscored else "Read pairs",
        page="data",
    )


def _thresholds(project: Project, scored: Mapping[str, Figures]) -> Stage:
    saved = project.thresholds()
    kept = sum(counts.trained for counts in scored.values())
    total = sum(counts.n for counts in scored.values())
    distinct = sorted(set(saved.values()))
    shown = " to ".join(plain(tau) for tau in dict.fromkeys((distinct[0], distinct[-1])))
    return Stage(
        name="thresholds",
        figure=shown if scored else "none",
        detail=f"keep {plural(kept, 'pair')}, {share(kept / total)}"
        if total
        else "wait for rewards",
        done=bool(scored),
        stale=None,
        step="Tune",
        page="consistency",
    )


def _adapters(project: Project, sets: Mapping[str, Mapping[str, AdapterInfo]]) -> Stage:
    adapters = project.adapters()
    own = [info for info in adapters if not info.recorded]
    recorded = len(adapters) - len(own)
    parts = [f"{len(own)} trained here", f"{recorded} recorded"]
    main = sets.get(MAIN_GROUP, {})
    filters, pairs = stale_filters(main, project.filters()), stale_pairs(main, project)
    stale = [f"trained on former pairs: {', '.join(pairs)}"] if pairs else []
    stale += [f"trained with another filter: {', '.join(filters)}"] if filters else []
    return Stage(
        name="adapters",
        figure=count(len(adapters)),
        detail=", ".join(parts) if adapters else "one LoRA adapter per value",
        done=bool(sets),
        stale="; ".join(stale) or None,
        step="Train",
        page="train",
    )


def _soups(table: pd.DataFrame | None, group: str | None) -> Stage:
    measured = 0 if table is None else int((table["role"] != "base").sum())
    recorded = 0 if table is None else int(table["recorded"][table["role"] != "base"].sum())
    detail = f"{group} adapters, {recorded} recorded" if group else "mixes of the adapters"
    return Stage(
        name="soups",
        figure=count(measured),
        detail=detail,
        done=measured > 0,
        stale=None,
        step="Mix",
        page="soup",
    )


def _front(project: Project, table: pd.DataFrame | None) -> Stage:
    soups = table[table["role"] != "base"] if table is not None else None
    size = int((~soups["beaten"]).sum()) if soups is not None else 0
    best = balance(table, project.values) if table is not None else None
    detail = "soups that no other beats"
    if best:
        worst = f"{signed(best.gain)}{best.unit}"
        detail = f"best balanced: {worst} on its worst value, on the prompts that chose it"
    return Stage(
        name="front",
        figure=plural(size, "soup") if size else "none",
        detail=detail,
        done=size > 1,
        stale=None,
        step="Choose",
        page="soup",
    )
