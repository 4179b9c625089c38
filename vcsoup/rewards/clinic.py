"""Is a reward model asked as it wants to be? Shows a wrong sign or template before hours are spent.

Loads each model once and looks at a sample: example answers whose order is known, one reply alone
against the same in a batch, padding, doubled start tokens, cut inputs; then the labels of the
value's own pairs (`vcsoup.rewards.agreement`), relations between values, outliers. What it finds
are sentences with a remedy; nothing is changed.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcsoup.errors import RewardModelError
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.rewards.agreement import agreement_finding
from vcsoup.rewards.examples import Example, examples_for
from vcsoup.rewards.findings import LEVELS, Finding, outlier_findings, relation_findings
from vcsoup.rewards.functions import FunctionJudge
from vcsoup.rewards.heads import check_label, read_label
from vcsoup.rewards.inputs import input_findings, padding_finding
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.scoring import column_rewards
from vcsoup.rewards.spec import RewardSpec

FloatArray = npt.NDArray[np.float32]
PAIRS = 64  # looked at per value


@dataclass(frozen=True)
class Diagnosis:
    """All that was found.

    Attributes:
        findings: The worst first, then in the order of the values.
        pairs: How many pairs were looked at, by value.
    """

    findings: tuple[Finding, ...]
    pairs: Mapping[str, int]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that spoil the result."""
        return tuple(finding for finding in self.findings if finding.level == "fault")


def check_rewards(
    specs: Mapping[str, RewardSpec],
    pairs: Mapping[str, pd.DataFrame],
    *,
    examples: Mapping[str, Sequence[Example]] | None = None,
    consents: Container[str] = (),
    monitor: Monitor = SILENT,
) -> Diagnosis:
    """Examine what judges each value.

    Args:
        specs: Reward model per value, K of them; of any kind.
        pairs: Canonical pairs to look at, by value; all rows are used, so give a sample
            (`sample_pairs`). A value may have none.
        examples: Ordered answers by value, instead of those that fit its name.
        consents: Keys of the consents to run a model's own code.
        monitor: Hears "checking <value>".

    Returns:
        The diagnosis. A model that cannot be loaded is a finding, not an error.

    Raises:
        StopRequested: asked to stop.
    """
    found: list[Finding] = []
    sample = _joined(pairs)
    gaps = np.full((len(sample), len(specs)), np.nan)
    models: dict[str, RewardModel] = {}
    for place, (value, spec) in enumerate(specs.items()):
        monitor.report(f"checking {value}", place, len(specs))
        if monitor.stop_requested:
            raise StopRequested("checking was stopped")
        try:
            asked = list((examples or {}).get(value) or examples_for(value))
            if spec.kind == "model":
                model = _loaded(spec, models, consents)
                told, raw = _examine(value, spec, model, sample, asked)
            else:
                told, raw = _compute(value, spec, sample)
        except RewardModelError as error:
            found.append(Finding("fault", "asking", value, str(error)))
            continue
        found += told
        if len(sample):
            gaps[:, place] = raw[: len(sample)] - raw[len(sample) :]
            found += outlier_findings(value, raw, _names(sample))
    if len(sample):
        lengths = sample["chosen"].str.len() - sample["rejected"].str.len()
        found += relation_findings(list(specs), gaps, lengths.to_numpy(dtype=np.float64))
    monitor.report("checking", len(specs), len(specs))
    found.sort(key=lambda finding: LEVELS.index(finding.level))
    return Diagnosis(tuple(found), {value: len(rows) for value, rows in pairs.items()})


def sample_pairs(pairs: pd.DataFrame, n: int, *, rng: np.random.Generator) -> pd.DataFrame:
    """Draw up to n pairs without repeats, in their order.

    Example:
        >>> table = pd.DataFrame({"id": list("abc")})
        >>> len(sample_pairs(table, 2, rng=np.random.default_rng(0)))
        2
    """
    rows = np.sort(rng.permutation(len(pairs))[:n])
    return pairs.iloc[rows].reset_index(drop=True)


def example_finding(value: str, examples: Sequence[Example], gaps: npt.ArrayLike) -> Finding:
    """Say how many ordered examples a model orders; gaps are better minus worse, shape (n,)."""
    ordered = np.asarray(gaps) > 0
    right, n = int(ordered.sum()), len(ordered)
    figures = {"ordered": right, "examples": n}
    says = f"orders {right} of {n} example answers"
    if right > n / 2:
        return Finding("ok", "examples", value, says, figures=figures)
    first = examples[int(np.flatnonzero(~ordered)[0])]
    says += f"; to {first.prompt!r} it prefers {first.worse!r} to {first.better!r}"
    remedy = "check sign, label and template, if this value is about what the examples show"
    return Finding("warning", "examples", value, says, remedy, figures)


def _joined(pairs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """All pairs in one table, with `value`: whose they are."""
    parts = [rows.assign(value=value) for value, rows in pairs.items() if len(rows)]
    if not parts:
        return pd.DataFrame(columns=["id", "prompt", "chosen", "rejected", "value"])
    return pd.concat(parts, ignore_index=True)


def _loaded(
    spec: RewardSpec, models: dict[str, RewardModel], consents: Container[str]
) -> RewardModel:
    """The model of a spec; only the one that was used last is kept."""
    name = spec.pass_fingerprint()
    if name not in models:
        models.clear()
        models[name] = RewardModel.load(spec, consents=consents)
    return models[name]


def _examine(
    value: str,
    spec: RewardSpec,
    model: RewardModel,
    sample: pd.DataFrame,
    examples: Sequence[Example],
) -> tuple[list[Finding], FloatArray]:
    """Findings on one model, and its rewards: chosen answers, then rejected ones, shape (2n,)."""
    prompts = [example.prompt for example in examples]
    answers = [*(e.better for e in examples), *(e.worse for e in examples)]
    said = _logits(model, prompts * 2, answers)
    check_label(spec, said.shape[1])
    shown = read_label(said, spec) * spec.sign
    found = [
        *input_findings(value, model, sample, examples),
        padding_finding(value, model, prompts * 2, answers),
        example_finding(value, examples, shown[: len(examples)] - shown[len(examples) :]),
    ]
    if not len(sample):
        return found, np.empty(0, dtype=np.float32)
    logits = _logits(model, [*sample["prompt"]] * 2, [*sample["chosen"], *sample["rejected"]])
    own = np.flatnonzero((sample["value"] == value).to_numpy())
    if len(own):
        told = agreement_finding(value, spec, logits[own], logits[len(sample) + own])
        if told.level == "ok" and found[-1].level == "warning":  # the pairs say more
            found[-1] = replace(found[-1], level="note", remedy="")
        found.append(told)
    return found, read_label(logits, spec) * np.float32(spec.sign)


def _compute(
    value: str, spec: RewardSpec, sample: pd.DataFrame
) -> tuple[list[Finding], FloatArray]:
    """Findings on a function or a column, and its rewards, shape (2n,)."""
    if not len(sample):
        return [Finding("note", "pairs", value, f"{spec.title}: no pairs to look at")], np.empty(0)
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
    if spec.is_function or told.level != "fault":
        return [Finding("note", told.check, value, f"{spec.title} {told.says}")], raw
    return [Finding("fault", "sign", value, told.says, f"set sign={-spec.sign}")], raw


def _logits(model: RewardModel, prompts: Sequence[object], replies: Sequence[str]) -> FloatArray:
    """All that a model says on n replies, shape (n, heads)."""
    parts = list(model.logit_batches(list(prompts), list(replies)))
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    return np.concatenate([said for _, said in parts])[order]


def _names(sample: pd.DataFrame) -> list[str]:
    sides = ("chosen", "rejected")
    rows = zip(sample["value"], sample["id"], strict=True)
    named = [f"answer of pair {pair} of {value}" for value, pair in rows]
    return [f"the {side} {name}" for side in sides for name in named]
