"""One judge, looked at in the clinic: what it says of ordered examples and of a sample of pairs.

A model is asked about everything; an endpoint about the examples alone, because its answers cost
money; a rule or a column of the data is compared with the labels of its own pairs.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcsoup.monitor import Monitor, StopRequested
from vcsoup.preferences.pairs import AnyPrompt
from vcsoup.rewards.agreement import agreement_finding
from vcsoup.rewards.endpoint import EndpointJudge
from vcsoup.rewards.examples import Example
from vcsoup.rewards.findings import Finding
from vcsoup.rewards.functions import FunctionJudge
from vcsoup.rewards.heads import check_label, read_label
from vcsoup.rewards.inputs import input_findings, padding_finding
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.scoring import column_rewards
from vcsoup.rewards.spec import RewardSpec

FloatArray = npt.NDArray[np.float32]
Examined = tuple[list[Finding], FloatArray]
NOTHING = np.empty(0, dtype=np.float32)


def examine_model(
    value: str,
    spec: RewardSpec,
    model: RewardModel,
    sample: pd.DataFrame,
    examples: Sequence[Example],
    monitor: Monitor,
) -> Examined:
    """Findings on one model, and its rewards: chosen answers, then rejected ones, shape (2n,)."""
    prompts, answers = _asked(examples)
    said = _logits(model, prompts, answers, monitor)
    check_label(spec, said.shape[1])
    shown = read_label(said, spec) * spec.sign
    found = [
        *input_findings(value, model, sample, examples),
        padding_finding(value, model, prompts, answers),
        example_finding(value, spec, examples, shown[: len(examples)] - shown[len(examples) :]),
    ]
    if not len(sample):
        return found, NOTHING
    answers = [*sample["chosen"], *sample["rejected"]]
    logits = _logits(model, [*sample["prompt"]] * 2, answers, monitor)
    n = len(sample)
    told_both = np.isfinite(logits[:n] + logits[n:]).all(axis=1)
    own = np.flatnonzero((sample["value"] == value).to_numpy() & told_both)
    if len(own):
        told = agreement_finding(value, spec, logits[own], logits[n + own])
        if told.level == "ok" and found[-1].level == "warning":  # the pairs say more
            found[-1] = replace(found[-1], level="note", remedy="", fix={})
        found.append(told)
    return found, read_label(logits, spec) * np.float32(spec.sign)


def examine_rule(value: str, spec: RewardSpec, sample: pd.DataFrame) -> Examined:
    """Findings on a function or a column, and its rewards, shape (2n,)."""
    if not len(sample):
        return [Finding("note", "pairs", value, f"{spec.title}: no pairs to look at")], NOTHING
    if spec.is_function:
        raw = FunctionJudge(spec).score([], [*sample["chosen"], *sample["rejected"]])
    else:
        raw = column_rewards(sample, spec)
    n = len(sample)
    own = np.flatnonzero((sample["value"] == value).to_numpy() & np.isfinite(raw[:n] + raw[n:]))
    if not len(own):
        return [], raw
    plain = spec.model_copy(update={"label": 0, "sign": 1})
    told = agreement_finding(value, plain, raw[own, None], raw[n + own, None])
    figures = {name: told.figures[name] for name in ("agreement", "pairs")}
    if spec.is_function or told.level != "fault":
        says = f"{spec.title} {told.says}"
        return [Finding("note", told.check, value, says, figures=figures)], raw
    remedy, fix = f"set sign={-spec.sign}", {"sign": -spec.sign}
    return [Finding("fault", "sign", value, told.says, remedy, figures, fix)], raw


def examine_endpoint(
    value: str, judge: EndpointJudge, examples: Sequence[Example], monitor: Monitor
) -> list[Finding]:
    """Findings on an endpoint; it is asked about the examples alone, because answers cost money."""
    said = judge.score(*_asked(examples), stage=f"asking about {value}", monitor=monitor)
    n = len(examples)
    says = "its answers cost money, so it was asked about the examples and not about the pairs"
    note = Finding("note", "pairs", value, says)
    return [example_finding(value, judge.spec, examples, said[:n] - said[n:]), note]


def _asked(examples: Sequence[Example]) -> tuple[list[str], list[str]]:
    """Prompts and answers to judge: of n examples the better answers, then the worse ones."""
    prompts = [example.prompt for example in examples]
    return prompts * 2, [*(e.better for e in examples), *(e.worse for e in examples)]


def example_finding(
    value: str, spec: RewardSpec, examples: Sequence[Example], gaps: npt.ArrayLike
) -> Finding:
    """Say how many ordered examples a judge orders; gaps are better minus worse, shape (n,)."""
    found = np.asarray(gaps)
    ordered = found > 0
    right, n = int(ordered.sum()), len(ordered)
    figures = {"ordered": right, "examples": n}
    says = f"orders {right} of {n} example answers"
    if right > n / 2:
        return Finding("ok", "examples", value, says, figures=figures)
    first = examples[int(np.flatnonzero(~ordered)[0])]
    says += f"; to {first.prompt!r} it prefers {first.worse!r} to {first.better!r}"
    remedy = "check sign, label and template, if this value is about what the examples show"
    fix = {"sign": -spec.sign} if (found < 0).all() else {}
    return Finding("warning", "examples", value, says, remedy, figures, fix)


def heed(monitor: Monitor) -> None:
    """Stop when somebody asked to.

    Raises:
        StopRequested: somebody did.
    """
    if monitor.stop_requested:
        raise StopRequested("checking was stopped")


def _logits(
    model: RewardModel, prompts: Sequence[AnyPrompt], replies: Sequence[str], monitor: Monitor
) -> FloatArray:
    """All that a model says on n replies, shape (n, heads)."""
    parts = []
    for part in model.logit_batches(prompts, replies):
        heed(monitor)
        parts.append(part)
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    return np.concatenate([said for _, said in parts])[order]
