"""Is a reward model asked as it wants to be? Shows a wrong sign or template before hours are spent.

Loads each model once and looks at a sample (`vcsoup.rewards.examination`): example answers whose
order is known, one reply alone against the same in a batch, padding, doubled start tokens, cut
inputs; then the labels of the value's own pairs (`vcsoup.rewards.agreement`), relations between
values, outliers. What it finds are sentences with a remedy; nothing is changed.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcsoup.errors import RewardModelError
from vcsoup.monitor import SILENT, Monitor
from vcsoup.rewards.cache import RewardCache
from vcsoup.rewards.endpoint import EndpointJudge
from vcsoup.rewards.examination import (
    NOTHING,
    examine_endpoint,
    examine_model,
    examine_rule,
    heed,
)
from vcsoup.rewards.examples import Example, examples_for
from vcsoup.rewards.findings import (
    LEVELS,
    Answer,
    Finding,
    correlations,
    outlier_findings,
    relation_findings,
)
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.spec import RewardSpec


@dataclass(frozen=True)
class Diagnosis:
    """All that was found.

    Attributes:
        findings: The worst first, then in the order of the values.
        pairs: How many pairs were looked at, by value.
        correlations: How alike the values' gaps are, shape (K, K); see `findings.correlations`.
    """

    findings: tuple[Finding, ...]
    pairs: Mapping[str, int]
    correlations: npt.NDArray[np.float64]

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
    cache: RewardCache | None = None,
    monitor: Monitor = SILENT,
) -> Diagnosis:
    """Examine what judges each value.

    Args:
        specs: Reward model per value, K of them; of any kind.
        pairs: Canonical pairs to look at, by value; all rows are used, so give a sample
            (`sample_pairs`). A value may have none.
        examples: Ordered answers by value, instead of those that fit its name.
        consents: Keys of the consents to run a model's own code or to send texts away.
        cache: Keeps what endpoints answer, so that a second check costs nothing.
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
        heed(monitor)
        try:
            asked = list((examples or {}).get(value) or examples_for(value))
            if spec.kind == "model":
                model = _loaded(spec, models, consents)
                told, raw = examine_model(value, spec, model, sample, asked, monitor)
            elif spec.kind == "endpoint":
                judge = EndpointJudge(spec, cache=cache, consents=consents)
                told, raw = examine_endpoint(value, judge, asked, monitor), NOTHING
            else:
                told, raw = examine_rule(value, spec, sample)
        except RewardModelError as error:
            found.append(Finding("fault", "asking", value, str(error)))
            continue
        found += told
        if len(raw):
            gaps[:, place] = raw[: len(sample)] - raw[len(sample) :]
            found += outlier_findings(value, raw, _answers(sample))
    if len(sample):
        lengths = sample["chosen"].str.len() - sample["rejected"].str.len()
        about = relation_findings(list(specs), gaps, lengths.to_numpy(dtype=np.float64))
        found += [one for one in about if not _is_its_length(one, specs)]
    monitor.report("checking", len(specs), len(specs))
    found.sort(key=lambda finding: LEVELS.index(finding.level))
    counts = {value: len(rows) for value, rows in pairs.items()}
    return Diagnosis(tuple(found), counts, correlations(gaps))


def sample_pairs(pairs: pd.DataFrame, n: int, *, rng: np.random.Generator) -> pd.DataFrame:
    """Draw up to n pairs without repeats, in their order.

    Example:
        >>> table = pd.DataFrame({"id": list("abc")})
        >>> len(sample_pairs(table, 2, rng=np.random.default_rng(0)))
        2
    """
    rows = np.sort(rng.permutation(len(pairs))[:n])
    return pairs.iloc[rows].reset_index(drop=True)


def _is_its_length(finding: Finding, specs: Mapping[str, RewardSpec]) -> bool:
    """Tell whether a finding says of a length rule that it follows the length."""
    return finding.check == "length" and specs[finding.value].kind == "length"


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


def _answers(sample: pd.DataFrame) -> list[Answer]:
    """What the rewards of a sample are of, chosen answers first."""
    rows = list(zip(sample["id"], sample["value"], strict=True))
    return [Answer(side, pair, value) for side in ("chosen", "rejected") for pair, value in rows]
