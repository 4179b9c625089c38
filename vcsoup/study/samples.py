"""Read what was measured: per world setting every arm's rewards, seed by seed, prompt by prompt.

Arms that need no work of their own come from others' samples: the single-value policies are the
corners of the unfiltered soup, the factor averages lie beside each soup. Torch-free.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from vcsoup.study.plan import Plan, Row
from vcsoup.study.settings import Setting
from vcsoup.study.shelf import Shelf

FloatArray = npt.NDArray[np.float64]
POINTS = "points.safetensors"
AVERAGED, SINGLE, BASE = " (factor average)", "single values", "base"


@dataclass(frozen=True)
class ArmSamples:
    """One arm in one world, over the seeds that it could be measured with.

    Attributes:
        name: Such as "filtered-0.3".
        kind: What sort of arm.
        filter: Threshold, least norm and scale, or None.
        seeds: S seeds.
        rewards: At the V weight vectors, shape (S, V, P, K).
        truth: The same of the hidden truth, or None.
        grid: Of soups, weights of all m soups, shape (m, K).
        grid_rewards: Their rewards, shape (S, m, P, K).
        kl: Mean over the vectors, shape (S,).
        figures: What else was measured, per seed.
        cost: Trainings, CPU seconds and tokens, per seed.
        errors: Why it has no samples, by seed.
    """

    name: str
    kind: str
    filter: Mapping[str, Any] | None
    seeds: tuple[int, ...]
    rewards: FloatArray
    truth: FloatArray | None
    grid: FloatArray | None = None
    grid_rewards: FloatArray | None = None
    kl: FloatArray | None = None
    figures: Sequence[Mapping[str, float]] = ()
    cost: Sequence[Mapping[str, float]] = ()
    errors: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SettingSamples:
    """All arms in one world.

    Attributes:
        setting: The world.
        vectors: The weight vectors, shape (V, K).
        seeds: S seeds.
        base: Rewards of the base, shape (S, P, K).
        base_truth: Their truth, or None.
        arms: By name, in the plan's order; the base first.
    """

    setting: Setting
    vectors: FloatArray
    seeds: tuple[int, ...]
    base: FloatArray
    base_truth: FloatArray | None
    arms: Mapping[str, ArmSamples]


def read_samples(plan: Plan, shelf: Shelf) -> list[SettingSamples]:
    """Read every setting of a plan whose units are whole.

    Raises:
        NotFoundError: a unit that is not done yet.
    """
    settings = {row.setting.name: row.setting for row in plan.rows}
    return [
        _read_setting(plan, shelf, setting, [row for row in plan.rows if row.setting == setting])
        for setting in settings.values()
    ]


def _read_setting(
    plan: Plan, shelf: Shelf, setting: Setting, rows: Sequence[Row]
) -> SettingSamples:
    base_row = next(row for row in rows if row.arm == BASE)
    spec = plan.units[next(iter(base_row.measured.values()))].spec
    vectors = np.array(spec["vectors"], dtype=np.float64)
    points = [_load(plan, shelf, key) for key in base_row.measured.values()]
    base = np.stack([found["rewards"][0] for found in points])
    truth = np.stack([p["truth"][0] for p in points]) if "truth" in points[0] else None
    seeds = tuple(base_row.measured)
    arms = {BASE: _as_base(base, truth, seeds, vectors, plan, shelf, base_row)}
    for row in rows:
        if row is not base_row:
            arms |= _read_arm(plan, shelf, row, vectors)
    return SettingSamples(setting, vectors, seeds, base, truth, arms)


def _as_base(
    base: FloatArray,
    truth: FloatArray | None,
    seeds: tuple[int, ...],
    vectors: FloatArray,
    plan: Plan,
    shelf: Shelf,
    row: Row,
) -> ArmSamples:
    """The base as an arm: the same replies whatever is asked for."""
    V = len(vectors)
    return ArmSamples(
        BASE,
        BASE,
        None,
        seeds,
        np.repeat(base[:, None], V, axis=1),
        None if truth is None else np.repeat(truth[:, None], V, axis=1),
        kl=np.zeros(len(seeds)),
        figures=[{} for _ in seeds],
        cost=[_cost(plan, shelf, key) for key in row.measured.values()],
    )


def _read_arm(plan: Plan, shelf: Shelf, row: Row, vectors: FloatArray) -> dict[str, ArmSamples]:
    """The arm of a row, and those that come with it."""
    records = {seed: shelf.record(plan.units[key])["figures"] for seed, key in row.measured.items()}
    errors = {seed: found["error"] for seed, found in records.items() if found.get("error")}
    seeds = tuple(seed for seed in row.measured if seed not in errors)
    about: dict[str, Any] = {"kind": row.kind, "filter": row.filter, "seeds": seeds}
    if not seeds:
        empty = np.empty((0, len(vectors), 0, vectors.shape[1]))
        return {row.arm: ArmSamples(row.arm, rewards=empty, truth=None, errors=errors, **about)}
    about["cost"] = [_cost(plan, shelf, row.measured[seed]) for seed in seeds]
    points = [_load(plan, shelf, row.measured[seed]) for seed in seeds]
    weights, rewards, truth = points[0]["weights"], _all(points, "rewards"), _all(points, "truth")
    assert rewards is not None  # every unit that was measured has them
    places = [int(np.abs(weights - vector).sum(axis=1).argmin()) for vector in vectors]
    own = ArmSamples(
        row.arm,
        rewards=rewards[:, places],
        truth=None if truth is None else truth[:, places],
        kl=np.stack([p["kl"][places] for p in points]).mean(axis=1),
        figures=[records[seed] for seed in seeds],
        errors=errors,
        **about,
    )
    averaged = _all(points, "average_rewards")
    if averaged is None:
        return {row.arm: own}
    arms = {
        row.arm: replace(own, grid=weights, grid_rewards=rewards),
        row.arm + AVERAGED: ArmSamples(
            row.arm + AVERAGED,
            rewards=averaged,
            truth=_all(points, "average_truth"),
            **{**about, "kind": "averaged"},
        ),
    }
    if row.arm == "unfiltered":
        nearest = [_corner(weights, vector) for vector in vectors]
        single = ArmSamples(
            SINGLE,
            rewards=rewards[:, nearest],
            truth=None if truth is None else truth[:, nearest],
            **{**about, "kind": "single"},
        )
        arms = {SINGLE: single, **arms}
    return arms


def _all(points: Sequence[Mapping[str, FloatArray]], name: str) -> FloatArray | None:
    """One array of every seed, (S, ...); None where it was not measured."""
    return np.stack([p[name] for p in points]) if name in points[0] else None


def _corner(weights: FloatArray, vector: FloatArray) -> int:
    """The single-value policy of the largest weight."""
    corner = np.eye(len(vector))[int(vector.argmax())]
    return int(np.abs(weights - corner).sum(axis=1).argmin())


def _load(plan: Plan, shelf: Shelf, key: str) -> dict[str, FloatArray]:
    found: dict[str, FloatArray] = load_file(shelf.path(plan.units[key]) / POINTS)
    return found


def _cost(plan: Plan, shelf: Shelf, key: str) -> dict[str, float]:
    """What one repetition of an arm cost from nothing; shared units are counted in full."""
    unit = plan.units[key]
    trainings = [plan.units[need] for need in unit.needs if plan.units[need].kind != "world"]
    costs = [shelf.record(one)["cost"] for one in (*trainings, unit)]
    return {
        "trainings": len(trainings),
        "cpu_seconds": sum(cost["cpu_seconds"] for cost in costs),
        "tokens": sum(cost["tokens"] for cost in costs),
    }
