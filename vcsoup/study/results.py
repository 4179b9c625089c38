"""The result of a study: a tidy table of figures, rows with intervals, and every comparison.

`figures`: one line per setting, arm, seed and measure. `rows`: means over seeds with their 95 %
intervals. `comparisons`: paired differences between arms, all that were made, none left out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcsoup.study.bootstrap import Estimate, estimate, prompt_shares
from vcsoup.study.measures import Measures, measures
from vcsoup.study.samples import AVERAGED, BASE, ArmSamples, SettingSamples
from vcsoup.study.scoring import Yardstick, yardstick
from vcsoup.study.settings import Setting

FloatArray = npt.NDArray[np.float64]

COMPARED = ("hypervolume", "balanced", "utility", "truth_utility")
PRIMARY = ("hypervolume", "balanced")
_COMPARISON = (
    *("setting", *Setting.model_fields, "first", "second", "measure"),
    *("mean", "low", "high", "n_seeds", "n_prompts", "verdict"),
)


@dataclass(frozen=True)
class Results:
    """What a study found.

    Attributes:
        figures: Tidy: setting, noise, conflict, quality, pairs, arm, kind, threshold, min_norm,
            scale, seed, measure, value.
        rows: The same without seed and value, with mean, low, high, n_seeds, n_prompts.
        comparisons: setting, ..., first, second, measure, mean, low, high, verdict, n_seeds,
            n_prompts.
        yardsticks: By setting: unit, truth_unit, reference and ideal.
        errors: What could not be trained or measured.
    """

    figures: pd.DataFrame
    rows: pd.DataFrame
    comparisons: pd.DataFrame
    yardsticks: Mapping[str, Any]
    errors: Sequence[str]


def make_results(
    samples: Sequence[SettingSamples], *, sticks: Mapping[str, Yardstick] | None = None
) -> Results:
    """Compute every figure, row and comparison of a study.

    Args:
        samples: Of every setting.
        sticks: Yardsticks by setting to use instead of this study's own, to repeat a row.
    """
    figures: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    comparisons: list[dict[str, Any]] = []
    errors: list[str] = []
    used = {}
    for found in samples:
        stick = (sticks or {}).get(found.setting.name) or _own_stick(found)
        used[found.setting.name] = _plain_stick(stick)
        shares = prompt_shares(found.base.shape[1], np.random.default_rng(0))
        measured = {
            name: measures(arm, found, stick, shares)
            for name, arm in found.arms.items()
            if arm.seeds
        }
        for name, own in measured.items():
            about = _about(found, found.arms[name])
            figures += _figures(about, found.arms[name], own)
            rows += _rows(about, own, found)
        comparisons += _comparisons(found, measured)
        errors += [
            f"{found.setting.name}, {arm.name}, seed {seed}: {why}"
            for arm in found.arms.values()
            for seed, why in arm.errors.items()
        ]
    compared = pd.DataFrame(comparisons, columns=_COMPARISON)  # maybe none
    tables = (pd.DataFrame(figures), pd.DataFrame(rows), compared)
    return Results(*tables, used, errors)


def pairs_to_compare(arms: Mapping[str, ArmSamples]) -> Iterator[tuple[str, str]]:
    """Which arms are compared, decided before anything is measured."""
    names = [name for name, arm in arms.items() if arm.seeds]
    filtered = [name for name in names if arms[name].kind == "filtered"]
    for first in filtered:
        random = first.replace("filtered", "random", 1)
        plain = plain_filter(first)
        for second in ("unfiltered", random, "weighted", "conditioned", plain):
            if second in names and second != first:
                yield first, second
    for first in names:
        if arms[first].kind == "random" and "unfiltered" in names:
            yield first, "unfiltered"
    for first in ("weighted", "conditioned", "single values", BASE):
        if first in names and "unfiltered" in names:
            yield "unfiltered", first
    for first in ("unfiltered", *filtered):
        if first + AVERAGED in names:
            yield first, first + AVERAGED


def plain_filter(arm: str) -> str:
    """The arm of the same threshold with the usual scale and no least norm.

    Example:
        >>> plain_filter("filtered-0.3-norm1.5-shared"), plain_filter("filtered-0.3")
        ('filtered-0.3', 'filtered-0.3')
    """
    return re.sub(r"(-norm[\d.]+)?(-shared)?$", "", arm)


def _comparisons(
    found: SettingSamples, measured: Mapping[str, Measures]
) -> Iterator[dict[str, Any]]:
    setting = _setting(found)
    for first, second in pairs_to_compare(found.arms):
        one, other = found.arms[first], found.arms[second]
        both = [seed for seed in one.seeds if seed in other.seeds]
        for name in COMPARED:
            if not both or name not in measured[first] or name not in measured[second]:
                continue
            gap = (
                measured[first][name][[one.seeds.index(seed) for seed in both]]
                - measured[second][name][[other.seeds.index(seed) for seed in both]]
            )
            known = _estimated(gap)
            yield {
                **setting,
                "first": first,
                "second": second,
                "measure": name,
                **_told(known, found),
                "verdict": known.verdict,
            }


def _own_stick(found: SettingSamples) -> Yardstick:
    """From all arms with all seeds of the setting; those that lack a seed count with the rest."""
    arms = [arm for arm in found.arms.values() if arm.seeds]
    full = [arm for arm in arms if arm.seeds == found.seeds]
    every = [arm.rewards for arm in full]
    every += [arm.grid_rewards for arm in full if arm.grid_rewards is not None]
    return yardstick(found.base, found.base_truth, every)


def _plain_stick(stick: Yardstick) -> dict[str, Any]:
    return {
        "unit": stick.unit.tolist(),
        "truth_unit": None if stick.truth_unit is None else stick.truth_unit.tolist(),
        "reference": stick.reference.tolist(),
        "ideal": stick.ideal.tolist(),
    }


def read_stick(told: Mapping[str, Any]) -> Yardstick:
    """A yardstick from its plain form."""
    truth = None if told["truth_unit"] is None else np.array(told["truth_unit"])
    return Yardstick(
        np.array(told["unit"]), truth, np.array(told["reference"]), np.array(told["ideal"])
    )


def _setting(found: SettingSamples) -> dict[str, Any]:
    return {"setting": found.setting.name, **found.setting.model_dump()}


def _about(found: SettingSamples, arm: ArmSamples) -> dict[str, Any]:
    kept = arm.filter or {"threshold": None, "min_norm": None, "scale": None}
    return {**_setting(found), "arm": arm.name, "kind": arm.kind, **kept}


def _figures(about: Mapping[str, Any], arm: ArmSamples, own: Measures) -> list[dict[str, Any]]:
    return [
        {**about, "seed": seed, "measure": name, "value": float(table[row, 0])}
        for name, table in own.items()
        for row, seed in enumerate(arm.seeds)
    ]


def _rows(about: Mapping[str, Any], own: Measures, found: SettingSamples) -> list[dict[str, Any]]:
    return [
        {**about, "measure": name, **_told(_estimated(table), found)} for name, table in own.items()
    ]


def _told(known: Estimate, found: SettingSamples) -> dict[str, Any]:
    ends = {"mean": known.mean, "low": known.low, "high": known.high}
    return {**ends, "n_seeds": known.n_seeds, "n_prompts": found.base.shape[1]}


def _estimated(table: FloatArray) -> Estimate:
    # The same draws for all: differences and their parts belong together.
    return estimate(table, np.random.default_rng(1))
