"""The first long step on a project: every reward model judges both answers of every pair.

Reads pairs from the workspace, asks `vcsoup.rewards`, stores the rewards table per value. Pairs for
which a model gives no finite number are set aside (`vcsoup.set_aside`). Imports torch only when
called.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from vcsoup.errors import RewardModelError
from vcsoup.monitor import SILENT, Monitor
from vcsoup.preferences.pairs import PAIR_COLUMNS
from vcsoup.set_aside import divide
from vcsoup.workspace import Project, Workspace

if TYPE_CHECKING:
    from vcsoup.rewards.spec import RewardSpec


def score_project(
    workspace: Workspace,
    project: Project,
    values: Sequence[str] = (),
    *,
    monitor: Monitor = SILENT,
) -> dict[str, int]:
    """Score the pairs of some values (all that have pairs by default) with every reward model.

    Rewards found in the workspace's cache are not computed again, so a killed run goes on where it
    stopped. Pairs for which a model gives no finite number are set aside and listed in the data
    set's report; those of an earlier run get another chance.

    Returns:
        Number of pairs scored, by value.

    Raises:
        RewardModelError: a value without a reward model, or a model that fails on most pairs.
        NotFoundError: a value without pairs.
    """
    from vcsoup.rewards.cache import RewardCache
    from vcsoup.rewards.in_use import JudgesInUse
    from vcsoup.rewards.scoring import score_pairs

    specs = reward_specs(project)
    cache = RewardCache(workspace.reward_cache_root)
    judges = JudgesInUse()  # one bill for the whole run
    counts = {}
    for value in values or tuple(project.datasets()):
        former = project.set_aside(value)
        pairs = pd.concat([project.pairs(value), former[list(PAIR_COLUMNS)]], ignore_index=True)
        table = score_pairs(
            with_scores(project, value, pairs, specs),
            specs,
            cache=cache,
            monitor=monitor,
            consents=workspace.consents.keys(),
            judges=judges,
        )
        usable, aside = divide(pairs, table, specs)
        if len(aside):
            from vcsoup.rewards.chat_refusals import name_refusals

            aside = name_refusals(aside, specs)
        if len(aside) or len(former):
            project.save_usable(value, pairs.loc[usable].reset_index(drop=True), aside)
        project.save_rewards(value, table.loc[usable].reset_index(drop=True))
        counts[value] = int(usable.sum())
    return counts


def with_scores(
    project: Project, value: str, pairs: pd.DataFrame, specs: "Mapping[str, RewardSpec]"
) -> pd.DataFrame:
    """Return pairs of a value with the scores that its file brought, where a spec asks for them.

    Args:
        project: Whose data set.
        value: Which value's.
        pairs: Some of its pairs, n rows; they keep their order.
        specs: Reward model per value.
    """
    if all(spec.kind != "column" for spec in specs.values()):
        return pairs
    from vcsoup.workspace.ready_scores import load_scores

    scores = load_scores(project.root, project.datasets()[value].report)
    return pairs.merge(scores, on="id", how="left", validate="many_to_one")


def reward_specs(project: Project) -> "dict[str, RewardSpec]":
    """Return the reward model of every value, in the project's order.

    Raises:
        RewardModelError: a value has none.
    """
    missing = [value for value in project.values if value not in project.config.rewards]
    if missing:
        raise RewardModelError(
            f"project {project.name} has no reward model for {', '.join(missing)}; "
            "name one per value when creating the project (--reward value=model)"
        )
    return {value: project.config.rewards[value] for value in project.values}
