"""The second long step on a project: one adapter per value, on the pairs that a filter keeps.

Reads pairs and gaps from the workspace, calls `vcsoup.training`, and puts the adapter on the
project's shelf with a manifest that says what it was made from. Imports torch only when called.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from vcsoup.filtering import PairFilter, keep_pairs
from vcsoup.machine import give_memory_back
from vcsoup.monitor import SILENT, Monitor
from vcsoup.training.config import TrainConfig
from vcsoup.training.processes import is_main, told_by_main
from vcsoup.workspace import AdapterInfo, Project
from vcsoup.workspace.held_out import not_held_out


def kept_pairs(project: Project, value: str, pair_filter: PairFilter | None) -> pd.DataFrame:
    """Return the pairs of `value` that a run trains on.

    Pairs that the filter drops are left out (None keeps all, scored or not), and so are those whose
    prompt is held out for measuring.
    """
    pairs = project.pairs(value)
    usable = np.array(not_held_out(pairs["prompt"], project.held_out_prompts()), dtype=bool)
    if pair_filter is None:
        return pairs.loc[usable].reset_index(drop=True)
    gaps = project.gaps(value)[usable]
    return keep_pairs(pairs.loc[usable], gaps, pair_filter=pair_filter)


def train_project(
    project: Project,
    value: str,
    config: TrainConfig,
    *,
    group: str,
    pair_filter: PairFilter | None,
    monitor: Monitor = SILENT,
    job: str | None = None,
    checkpoints: Path | None = None,
    references: Path | None = None,
) -> AdapterInfo:
    """Train one value's adapter on the pairs that a filter keeps, and shelve it.

    An adapter of this value and group that the same job has finished before is returned as it is.

    Args:
        project: Whose pairs, base model and shelf.
        value: Which value.
        config: Every choice of the run.
        group: The set that the adapter belongs to, such as "filtered".
        pair_filter: Which pairs; None takes all.
        monitor: Hears progress; a stop request keeps the adapter of that moment.
        job: The job's id, noted in the manifest.
        checkpoints: The job's folder of checkpoints; the value's are in a folder of its own, and a
            run goes on from the newest whole one. None keeps none.
        references: `Workspace.reference_cache_root`; None keeps nothing for other runs.

    Returns:
        The adapter on the shelf.
    """
    from vcsoup.training.dpo import train_value

    found = finished_adapter(project, value, group=group, job=job) if job else None
    if name := told_by_main(found.name if found else None):
        return _adapter(project, name)
    pairs = kept_pairs(project, value, pair_filter)
    name = told_by_main(project.new_adapter_name(value, group) if is_main() else None)
    manifest = {
        "name": name,
        "job": job,
        "value": value,
        "group": group,
        "threshold": pair_filter.threshold if pair_filter else None,
        "filter": pair_filter.model_dump() if pair_filter else None,
        "scale": project.config.scale,
        "data_hash": project.datasets()[value].hash,
        "reward_stamp": project.rewards_stamp(value) if pair_filter else None,
        "n_pairs_all": project.datasets()[value].n,
    }
    try:
        train_value(
            pairs,
            config,
            base=project.config.base,
            out=project.adapter_dir(name),
            manifest=manifest,
            monitor=monitor,
            checkpoints=checkpoints / value if checkpoints else None,
            references=references,
            loading=project.config.loading,
        )
    finally:
        give_memory_back()
    told_by_main(None)  # the others wait here until the main process has put it on the shelf
    return _adapter(project, name)


def finished_adapter(project: Project, value: str, *, group: str, job: str) -> AdapterInfo | None:
    """Return the adapter of one value that `job` trained to its end, None while it has not."""
    return next(
        (
            info
            for info in project.adapters()
            if (info.value, info.group) == (value, group)
            and info.manifest.get("job") == job
            and not info.manifest.get("stopped")
        ),
        None,
    )


def _adapter(project: Project, name: str) -> AdapterInfo:
    return next(info for info in project.adapters() if info.name == name)
