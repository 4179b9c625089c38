"""How far a scoring run is, over all its stages. Pure; reads a job's progress records.

A run scores D data sets with K reward models: D * K stages in a row, each with its own count of
distinct replies; scores that come with the data are no stage. What the first report of a stage says
is done came from the cache.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vcsoup.rewards.spec import RewardSpec

_SCORING = "scoring "
_SPENT = ("requests", "under_way", "tokens", "cost")


@dataclass(frozen=True)
class StageProgress:
    """One reward model on one data set.

    Attributes:
        model: Whose reward model.
        cached: Rewards that were known at the beginning.
        done: Rewards known now.
        total: Rewards wanted.
        began: When the first report came, seconds since the epoch.
        latest: When the last report came.
        spent: What the run has asked of its endpoint so far, earlier data sets and attempts
            included: requests, tokens, cost where prices are set, and of the requests those that
            had no answer when this was told ("under_way"), which no tokens and cost are known of.
        told: The figures of the last report, which begin anew with each attempt.
    """

    model: str
    cached: int
    done: int
    total: int
    began: float
    latest: float
    spent: Mapping[str, float] = field(default_factory=dict)
    told: Mapping[str, float] = field(default_factory=dict)


def scoring_stages(
    records: Iterable[Mapping[str, Any]], former: Sequence[StageProgress] = ()
) -> tuple[StageProgress, ...]:
    """Sum records up by stage.

    Args:
        records: Further records of a job, oldest first.
        former: The stages so far, to go on with.

    Returns:
        The stages that have begun, in order.

    Example:
        >>> report = {"time": 1.0, "stage": "scoring helpful", "done": 5, "total": 20}
        >>> scoring_stages([report, {**report, "time": 3.0, "done": 9}])[0].cached
        5
    """
    stages = list(former)
    for record in records:
        if not str(record["stage"]).startswith(_SCORING):
            continue
        model, done = str(record["stage"]).removeprefix(_SCORING), int(record["done"])
        total, time = int(record["total"]), float(record["time"])
        news = {name: float(record[name]) for name in _SPENT if name in record}
        same = [stage for stage in stages if stage.model == model]
        spent, told = _spent(same[-1], news) if same else (news, news)
        if stages and _is_same(stages[-1], model, done, total):
            cached, began = stages.pop().cached, same[-1].began
        else:
            cached, began = done, time
        stages.append(StageProgress(model, cached, done, total, began, time, spent, told))
    return tuple(stages)


def expected_stages(rewards: Mapping[str, "RewardSpec"], data_sets: int) -> int:
    """How many stages a run has: scores that come with the data are looked up in none.

    Example:
        >>> from vcsoup.rewards.spec import RewardSpec
        >>> rules = {"a": RewardSpec(kind="length"), "b": RewardSpec(kind="column", column="s")}
        >>> expected_stages(rules, 3)
        3
    """
    return data_sets * sum(spec.kind != "column" for spec in rewards.values())


def share_done(stages: Sequence[StageProgress], expected: int) -> float:
    """Share of the whole run, every stage counted alike, in [0, 1].

    Args:
        stages: Those that have begun.
        expected: How many there will be.

    Example:
        >>> share_done([StageProgress("a", 0, 10, 20, 0.0, 5.0)], expected=2)
        0.25
    """
    parts = sum(stage.done / max(1, stage.total) for stage in stages)
    return min(1.0, parts / max(1, expected))


def seconds_left(stages: Sequence[StageProgress], expected: int) -> float | None:
    """Estimate when the whole run ends, from the rewards computed so far.

    Stages that have not begun count as long as the mean of those that have: as if the cache knew
    nothing, but a stage that had nothing to compute (a rule, one more head of a model) is no work.

    Returns:
        Seconds; None before anything was computed.

    Example:
        >>> seconds_left([StageProgress("a", 0, 10, 20, 0.0, 5.0)], expected=2)
        15.0
    """
    computed = sum(stage.done - stage.cached for stage in stages)
    spent = sum(stage.latest - stage.began for stage in stages)
    if computed <= 0 or spent <= 0:
        return None
    mean = sum(stage.total for stage in stages if stage.cached < stage.total) / len(stages)
    open_now = sum(stage.total - stage.done for stage in stages)
    to_come = mean * max(0, expected - len(stages))
    return (open_now + to_come) * spent / computed


def known_rewards(stages: Sequence[StageProgress]) -> tuple[int, int]:
    """Rewards that need not be computed again, and rewards wanted, over the stages that began.

    Example:
        >>> known_rewards([StageProgress("a", 2, 10, 20, 0.0, 5.0)])
        (10, 20)
    """
    return sum(stage.done for stage in stages), sum(stage.total for stage in stages)


def spent_so_far(*runs: Sequence[StageProgress]) -> dict[str, float]:
    """Sum up what runs have asked of endpoints; empty when they asked none.

    Args:
        runs: The stages of each.

    Example:
        >>> asked = StageProgress("a", 0, 9, 9, 0.0, 1.0, {"requests": 9, "tokens": 945})
        >>> spent_so_far([asked, StageProgress("b", 0, 9, 9, 1.0, 2.0)])
        {'requests': 9, 'tokens': 945}
    """
    total: dict[str, float] = {}
    for stages in runs:
        latest = {stage.model: stage.spent for stage in stages if stage.spent}
        for spent in latest.values():
            for name, figure in spent.items():
                total[name] = total.get(name, 0) + figure
    return total


def _is_same(last: StageProgress, model: str, done: int, total: int) -> bool:
    """Whether a report is of the last stage; one that had ended does not fall back."""
    return (last.model, last.total) == (model, total) and (last.done < total or done == total)


def _spent(
    last: StageProgress, told: Mapping[str, float]
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Add a report's figures to what a model had taken; fewer requests than before begin anew."""
    if not told:
        return last.spent, last.told
    goes_on = told["requests"] >= last.told.get("requests", 0)
    counted = last.told if goes_on else {}
    added = {name: last.spent.get(name, 0) + x - counted.get(name, 0) for name, x in told.items()}
    return {**last.spent, **added}, told
