"""Make the units of a plan, one after the other; any number of processes may work on one study.

Each process takes the next unit that nobody makes and whose needs are met. A helper works as long
as the leader lives. Nothing is kept in memory between units but the ground.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.study.ground import Ground
from vcsoup.study.plan import Plan, Unit
from vcsoup.study.shelf import Shelf
from vcsoup.study.worlds import World, load_world, make_world

_log = logging.getLogger(__name__)
_PATIENCE_S = 0.5  # between two looks at what others make


@dataclass(frozen=True)
class Bench:
    """What the units of a study are made with.

    Attributes:
        plan: What to make.
        shelf: Where it goes.
        ground: Pairs, judges, base, truth.
        rewards: Cache of rewards, shared with the workspace.
        references: Cache of the base's log-probabilities.
        helper: Whether another process leads; this one ends when it does.
    """

    plan: Plan
    shelf: Shelf
    ground: Ground
    rewards: Path
    references: Path
    helper: bool = False


def run_plan(bench: Bench, *, monitor: Monitor = SILENT) -> None:
    """Make what is missing, until every unit is whole.

    Raises:
        StopRequested: asked to stop; whole units stay.
        VcsoupError: a world that cannot be drawn, or a judge that cannot be loaded.
    """
    units = bench.plan.units
    while missing := [unit for unit in units.values() if not bench.shelf.has(unit)]:
        made = 0
        for unit in missing:
            if monitor.stop_requested:
                raise StopRequested("stopped; what was finished is kept")
            if bench.helper and not bench.shelf.is_led:
                return
            ready = all(bench.shelf.has(units[need]) for need in unit.needs)
            if ready and _make(bench, unit, monitor):
                made += 1
                done = sum(bench.shelf.has(one) for one in units.values())
                monitor.report("study", done, len(units), finished=unit.title)
        if not made:
            time.sleep(_PATIENCE_S)


def _make(bench: Bench, unit: Unit, monitor: Monitor) -> bool:
    """Make a unit; False when another process has it."""
    with bench.shelf.claim(unit) as mine:
        if not mine or bench.shelf.has(unit):
            return False
        _log.info("%s", unit.title)
        with bench.shelf.making(unit) as (folder, figures):
            figures |= _work(bench, unit, folder, monitor)
        return True


def _work(bench: Bench, unit: Unit, folder: Path, monitor: Monitor) -> dict[str, Any]:
    if unit.kind == "world":
        return make_world(bench.ground, unit.spec, folder, cache=bench.rewards, monitor=monitor)
    world = _world(bench, unit.spec)
    if unit.kind == "measured":
        return _measure(bench, unit, world, folder, monitor)
    from vcsoup.study.policies import make_conditioned, make_policy

    if unit.kind == "conditioned":
        return make_conditioned(bench.ground, world, unit.spec, folder, monitor=monitor)
    references = bench.references / str(unit.spec["config"]["seed"])
    return make_policy(
        bench.ground, world, unit.spec, folder, references=references, monitor=monitor
    )


def _measure(
    bench: Bench, unit: Unit, world: World, folder: Path, monitor: Monitor
) -> dict[str, Any]:
    from vcsoup.study.measured import make_measured
    from vcsoup.study.policies import ADAPTER

    policies = [bench.plan.units[key] for key in unit.spec["policies"]]
    for policy in policies:
        if error := bench.shelf.record(policy)["figures"].get("error"):
            return {"error": f"{policy.title}: {error}"}
    paths = [bench.shelf.path(policy) / ADAPTER for policy in policies]
    return make_measured(bench.ground, world, unit.spec, paths, folder, monitor=monitor)


def _world(bench: Bench, spec: Mapping[str, Any]) -> World:
    unit = bench.plan.units[spec["world"]]
    return load_world(bench.shelf.path(unit), unit.spec, bench.ground.values)
