"""`score --estimate`: what scoring would cost, before it starts."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from vcsoup.cli.options import as_job
from vcsoup.cli.output import show, show_json, show_table
from vcsoup.numbers import duration, memory, money
from vcsoup.workspace import Project, Workspace


def estimate_scoring(
    workspace: Workspace, project: Project, values: Sequence[str], *, as_json: bool
) -> None:
    """Count and time, as a job whose result the pages read."""
    from vcsoup.rewards.bill import limit_told
    from vcsoup.scoring_cost import JudgeCost, scoring_costs

    with as_job(workspace, "estimate", "Timing the reward models", project=project.name) as worker:
        costs: list[JudgeCost] = scoring_costs(workspace, project, values, monitor=worker)
        figures: dict[str, Any] = {
            "values": list(values),
            "judges": [
                {**asdict(one), "passes": one.passes, "requests": one.requests} for one in costs
            ],
        }
        worker.finish(figures)
    if as_json:
        show_json(figures)
        return
    if not costs:
        show("Nothing to judge: all scores come with the data.")
        return
    show_table(
        ["judges", "by", "replies", "known", "takes", "tokens", "time", "memory", "money"],
        [
            [
                ", ".join(one.values),
                one.title,
                one.replies,
                one.known,
                one.takes,
                one.tokens,
                None if one.seconds is None else duration(one.seconds),
                None if one.memory is None else memory(one.memory),
                None if one.money is None else money(one.money),
            ]
            for one in costs
        ],
    )
    for one in costs:
        if limit := limit_told(project.config.rewards[one.values[0]], one.money):
            show(f"{', '.join(one.values)}: {limit}.")
    show("Time and memory as measured on a few replies; nothing is scored yet.")
