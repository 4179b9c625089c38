"""What scoring costs, before it starts: replies to judge, tokens, time and memory, model by model.

Counting needs no model: distinct replies, less those whose reward is known already. Timing loads
each model once and lets it judge a few real replies of the project; a judge behind an endpoint is
never timed, since it costs money, but its bill is estimated. `score --estimate`, the wizard and
`run` show the result. Imports torch only when something is timed.
"""

import resource
import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from vcsoup.cost import Cost, added
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.pipeline import reward_specs
from vcsoup.preferences.pairs import Prompt
from vcsoup.rewards.bill import estimate
from vcsoup.rewards.cache import RewardCache, reply_key
from vcsoup.rewards.spec import RewardSpec
from vcsoup.workspace import Project, Workspace

SAMPLE = 24
"""Replies that a model judges to be timed, a few more to warm up."""
_WARM_UP = 4

Texts = tuple[list[Prompt], list[str]]
JudgeKind = Literal["model", "endpoint", "rule"]


@dataclass(frozen=True)
class JudgeCost:
    """What one model's (or rule's) pass over the replies costs; several values may read it.

    Attributes:
        values: The values that it judges.
        title: What judges, for people.
        kind: "model", "endpoint", or "rule" for a plain function of the reply, which costs next to
            nothing.
        replies: Distinct replies.
        known: Of these, how many need not be judged again.
        tokens: Tokens of those to judge; None when nothing was timed.
        seconds: Time of those to judge, loading included; None when nothing was timed.
        memory: Bytes that this process took while it was timed; None when nothing was.
        money: What an endpoint asks for it, at most, in the unit of its prices; None without.
    """

    values: tuple[str, ...]
    title: str
    kind: JudgeKind
    replies: int
    known: int
    tokens: int | None = None
    seconds: float | None = None
    memory: int | None = None
    money: float | None = None

    @property
    def passes(self) -> int:
        """Forward passes: replies that a model of this machine has to judge."""
        return self.replies - self.known if self.kind == "model" else 0

    @property
    def requests(self) -> int:
        """Replies that an endpoint has to be asked about."""
        return self.replies - self.known if self.kind == "endpoint" else 0

    @property
    def takes(self) -> str:
        """What has to be done, in words: "24 forward passes", "8 requests"."""
        if self.kind == "rule":
            return "a rule, no forward pass"
        return Cost(passes=self.passes, requests=self.requests).told(nothing="nothing to judge")


def scoring_costs(
    workspace: Workspace,
    project: Project,
    values: Sequence[str] = (),
    *,
    timed: bool = True,
    monitor: Monitor = SILENT,
) -> list[JudgeCost]:
    """Say what scoring some values' pairs costs.

    Args:
        workspace: Where known rewards lie.
        project: Whose pairs and reward models.
        values: Whose pairs; all that have some by default.
        timed: Load each model and time it on a few replies.
        monitor: Hears "timing <model>"; may ask to stop.

    Returns:
        One entry per model or rule, in the order of the values that it judges.

    Raises:
        RewardModelError: a value without a reward model, or one that cannot be loaded.
        NotFoundError: a value without pairs.
        StopRequested: asked to stop.
    """
    from vcsoup.rewards.scoring import sharing_groups

    specs = reward_specs(project)
    asked = {value: spec for value, spec in specs.items() if spec.kind != "column"}
    texts = distinct_replies(project, values or tuple(project.datasets()))
    keys = [reply_key(*both) for both in zip(*texts, strict=True)]
    cache = RewardCache(workspace.reward_cache_root)
    groups = sharing_groups(asked)
    costs = []
    for place, group in enumerate(groups):
        monitor.report("timing reward models" if timed else "counting replies", place, len(groups))
        if monitor.stop_requested:
            raise StopRequested("stopped while reward models were timed")
        todo = _unknown(cache, group, keys)
        spec, titles = next(iter(group.values())), dict.fromkeys(s.title for s in group.values())
        known = len(keys) - len(todo)
        kind: JudgeKind = "rule" if spec.is_function else "model"
        kind = "endpoint" if spec.kind == "endpoint" else kind
        counted = JudgeCost(tuple(group), ", ".join(titles), kind, len(keys), known)
        if kind == "endpoint":
            counted = _billed(counted, spec, _chosen(texts, todo))
        elif timed and counted.passes:
            consents = workspace.consents.keys()
            counted = _timed(counted, spec, _sample(_chosen(texts, todo)), consents=consents)
        costs.append(counted)
    return costs


def judging_cost(costs: Iterable[JudgeCost]) -> Cost | None:
    """What all models and endpoints take together; None when there is nothing to judge."""
    taken = [as_cost(one) for one in costs if one.passes or one.requests]
    return added(taken) if taken else None


def as_cost(one: JudgeCost) -> Cost:
    """What one reward model's pass takes, as a cost."""
    return Cost(
        passes=one.passes,
        requests=one.requests,
        tokens=one.tokens,
        seconds=one.seconds,
        memory=one.memory,
        money=one.money,
    )


def distinct_replies(project: Project, values: Sequence[str]) -> Texts:
    """Return the different (prompt, reply) of some values' pairs: prompts and replies, n each."""
    found: dict[str, tuple[Prompt, str]] = {}
    for value in values:
        pairs = project.pairs(value)
        for side in ("chosen", "rejected"):
            for prompt, reply in zip(pairs["prompt"], pairs[side], strict=True):
                found.setdefault(reply_key(prompt, reply), (prompt, reply))
    both = list(found.values())
    return [prompt for prompt, _ in both], [reply for _, reply in both]


def _chosen(texts: Texts, rows: Iterable[int]) -> Texts:
    places = list(rows)
    return [texts[0][row] for row in places], [texts[1][row] for row in places]


def _sample(texts: Texts) -> Texts:
    """Replies to time: evenly spaced, two by two, since those to one prompt share its pass."""
    first: dict[str, int] = {}
    places = [first.setdefault(str(prompt), row) for row, prompt in enumerate(texts[0])]
    order = np.argsort(np.array(places, dtype=np.intp), kind="stable")
    starts = np.linspace(0, max(len(order) - 2, 0), SAMPLE // 2).astype(int) // 2 * 2
    rows = np.unique(np.concatenate([starts, starts + 1]))
    return _chosen(texts, order[rows[rows < len(order)]])


def _billed(counted: JudgeCost, spec: RewardSpec, texts: Texts) -> JudgeCost:
    asked_for = estimate(spec, *texts)
    tokens = asked_for.input_tokens + asked_for.output_tokens
    return replace(counted, tokens=tokens, money=asked_for.cost)


def _unknown(
    cache: RewardCache, group: Mapping[str, RewardSpec], keys: Sequence[str]
) -> np.ndarray:
    """Rows that some value of a group has no reward for."""
    if any(spec.is_function for spec in group.values()):
        return np.arange(len(keys))
    known = [cache.lookup(spec.fingerprint(), keys) for spec in group.values()]
    return np.flatnonzero(np.isnan(np.stack(known)).any(axis=0))


def _timed(
    counted: JudgeCost, spec: RewardSpec, texts: Texts, *, consents: frozenset[str] | set[str]
) -> JudgeCost:
    from vcsoup.rewards.model import RewardModel  # imported before the clock runs

    began = time.monotonic()
    judge = RewardModel.load(spec, consents=consents)
    loading = time.monotonic() - began
    deque(judge.raw_batches(texts[0][:_WARM_UP], texts[1][:_WARM_UP]), maxlen=0)
    began = time.monotonic()
    deque(judge.raw_batches(*texts), maxlen=0)
    each = (time.monotonic() - began) / len(texts[1])
    tokens = sum(len(row.get("input_ids", ())) for row in judge.encode(*texts)) / len(texts[1])
    return replace(
        counted,
        tokens=round(tokens * counted.passes),
        seconds=loading + each * counted.passes,
        memory=memory_used(),
    )


def memory_used() -> int:
    """Return the most memory that this process has held, in bytes; a GPU's where there is one."""
    told = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    held = told if sys.platform == "darwin" else told * 1024
    torch = sys.modules.get("torch")
    on_gpu = torch.cuda.max_memory_allocated() if torch and torch.cuda.is_available() else 0
    return max(held, int(on_gpu))
