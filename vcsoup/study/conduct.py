"""Carry a study out: plan, make what is missing, compute the result, keep it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vcsoup.errors import NotFoundError
from vcsoup.monitor import SILENT, Monitor
from vcsoup.study.cost import plan_cost
from vcsoup.study.ground import open_ground
from vcsoup.study.plan import make_plan
from vcsoup.study.published import (
    RESULT,
    TUNING,
    load_published,
    save_results,
    tuning_errors,
    tuning_rows,
)
from vcsoup.study.results import Results, make_results
from vcsoup.study.running import Bench, run_plan
from vcsoup.study.samples import read_samples
from vcsoup.study.shelf import Shelf
from vcsoup.study.study_file import StudyFile
from vcsoup.workspace import Workspace


@dataclass(frozen=True)
class Order:
    """What to do of a study.

    Attributes:
        only: One row alone, from nothing, in a folder of its own.
        seeds: Other seeds than the reporting ones.
        tuning: The tuning seeds, in the centre of the worlds.
        steps: On the tuning seeds: steps of every training, kept in a folder of their own.
        folder: Where units and result go; a folder of the workspace by default.
    """

    only: str | None = None
    seeds: tuple[int, ...] = ()
    tuning: bool = False
    steps: int | None = None
    folder: Path | None = None


def study_bench(
    study: StudyFile, workspace: Workspace, order: Order, *, helper: bool = False
) -> Bench:
    """Plan a study and open its shelf.

    Raises:
        StudyError: no such row, or a project that cannot be studied.
        NotFoundError: no such project.
    """
    ground = open_ground(study, workspace)
    if order.tuning:
        centre = study.worlds.centre
        one = {name: (level,) for name, level in centre.model_dump().items()}
        worlds = study.worlds.model_copy(update=one)
        study = study.model_copy(update={"worlds": worlds, "arms": study.tuning_arms})
    seeds = study.seeds.tuning if order.tuning else order.seeds or study.seeds.reporting
    plan = make_plan(study, ground.identity, ground.values, seeds=seeds)
    root = order.folder or workspace.root / "studies" / study.name
    if order.tuning:
        root = root / (f"{TUNING}-{order.steps}" if order.steps else TUNING)
    if order.only:
        plan = plan.only(order.only)
        root = root / "again" / order.only.replace("/", "--")
    caches = (workspace.reward_cache_root, workspace.reference_cache_root)
    if order.only:  # from nothing: what others computed is not used
        caches = (root / "rewards", root / "references")
    return Bench(plan, Shelf(root), ground, *caches, helper=helper)


def conduct(study: StudyFile, bench: Bench, *, monitor: Monitor = SILENT) -> Results:
    """Make what is missing and compute the result; it is kept in the study's folder.

    Raises:
        StopRequested: asked to stop; whole units stay.
    """
    run_plan(bench, monitor=monitor)
    results = make_results(read_samples(bench.plan, bench.shelf))
    cost = plan_cost(bench.plan, bench.shelf)
    root = bench.shelf.root
    save_results(
        study,
        results,
        root / RESULT,
        cost=cost,
        tuning=tuning_rows(root),
        tuning_errors=tuning_errors(root),
    )
    return results


def repeat_row(bench: Bench, against: Path, *, monitor: Monitor = SILENT) -> pd.DataFrame:
    """Make one row from nothing and look whether it lands inside the interval that was reported.

    Args:
        bench: Of `Order.only`.
        against: A published result (`vcsoup.study.published`), whose yardstick is used.
        monitor: Hears progress.

    Returns:
        Columns measure, reported, low, high, again, inside; cost and errors are left out.

    Raises:
        NotFoundError: no such result, or it lacks the row.
    """
    known = load_published(against)
    run_plan(bench, monitor=monitor)
    again = make_results(read_samples(bench.plan, bench.shelf), sticks=known.sticks())
    return compared_rows(known.rows, again.rows, bench.plan.rows[-1].name)


def compared_rows(known: pd.DataFrame, again: pd.DataFrame, name: str) -> pd.DataFrame:
    """Set the figures of one row beside those reported; see `repeat_row`."""
    left, right = (_of_row(table, name) for table in (known, again))
    if not len(left):
        raise NotFoundError(f"the published result has no row {name}; choose one that it has")
    table = left.merge(right[["measure", "mean"]], on="measure", suffixes=("", "_again"))
    table = table[~table["measure"].isin(["cpu_seconds"])]
    slack = 1e-6 * (1 + table["mean"].abs())  # of intervals without width: rounding differs
    inside = table["mean_again"].between(table["low"] - slack, table["high"] + slack)
    columns = ["measure", "mean", "low", "high", "mean_again"]
    told = table[columns].assign(inside=inside)
    names = {"mean": "reported", "mean_again": "again"}
    return told.rename(columns=names).reset_index(drop=True)


def summary_of(results: Results, measures: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of some measures, plain, for the command line."""
    chosen = results.rows[results.rows["measure"].isin(list(measures))]
    columns = ["setting", "arm", "measure", "mean", "low", "high", "n_seeds", "n_prompts"]
    return list(chosen[columns].to_dict("records"))


def _of_row(table: pd.DataFrame, name: str) -> pd.DataFrame:
    setting, _, arm = name.rpartition("/")
    return table[(table["setting"] == setting) & (table["arm"] == arm)]
