"""What a study costs: measured where units are done, estimated where they are not."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from vcsoup.study.plan import Plan, Unit
from vcsoup.study.shelf import Shelf

# CPU seconds of a unit on one thread in the embedded world, where none like it is done yet:
# a fixed part, and one per optimiser step.
_USUAL: Mapping[str, tuple[float, float]] = {
    "world": (33.0, 0.0),
    "policy": (3.0, 0.55),
    "conditioned": (5.0, 0.80),
    "measured soup": (27.0, 0.0),
    "measured points": (8.0, 0.0),
}


def plan_cost(plan: Plan, shelf: Shelf) -> dict[str, Any]:
    """Count units and CPU time of a plan.

    Returns:
        By sort of unit `units`, `done`, `cpu_seconds` (spent), `cpu_seconds_left` (estimated) and
        `tokens`; the same of all under "total".
    """
    sorts: dict[str, list[Unit]] = defaultdict(list)
    for unit in plan.units.values():
        sorts[_sort(unit)].append(unit)
    table = {sort: _sum(sort, units, shelf) for sort, units in sorts.items()}
    names = ("units", "done", "cpu_seconds", "cpu_seconds_left", "tokens")
    return {**table, "total": {name: sum(row[name] for row in table.values()) for name in names}}


def _sum(sort: str, units: list[Unit], shelf: Shelf) -> dict[str, float]:
    done = [shelf.record(unit)["cost"] for unit in units if shelf.has(unit)]
    left = [unit for unit in units if not shelf.has(unit)]
    spent = sum(cost["cpu_seconds"] for cost in done)
    expected = spent / len(done) * len(left) if done else sum(_usual(sort, unit) for unit in left)
    return {
        "units": len(units),
        "done": len(done),
        "cpu_seconds": round(spent, 1),
        "cpu_seconds_left": round(expected, 1),
        "tokens": sum(cost["tokens"] for cost in done),
    }


def _sort(unit: Unit) -> str:
    if unit.kind != "measured":
        return unit.kind
    return "measured soup" if "grid" in unit.spec else "measured points"


def _usual(sort: str, unit: Unit) -> float:
    fixed, per_step = _USUAL[sort]
    steps = unit.spec["config"]["steps"] if "config" in unit.spec else 0
    return fixed + per_step * steps
