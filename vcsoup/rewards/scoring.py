"""Score pairs and replies with every value's reward model; what the cache knows is not asked again.

The result for a dataset of pairs is the rewards table: one row per pair, two columns per value, the
sign applied so that larger is better. `vcsoup.consistency` turns it into gaps. Values that differ
only in label or sign share one forward pass (`vcsoup.rewards.passes`); functions are computed on
the spot, endpoints are asked (`vcsoup.rewards.endpoint`), and columns of the pair table are taken
as they are. Imports torch only where a model is asked.
"""

from collections.abc import Container, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcsoup.errors import RewardModelError
from vcsoup.monitor import SILENT, Monitor
from vcsoup.preferences.pairs import AnyPrompt
from vcsoup.rewards.cache import RewardCache, reply_key
from vcsoup.rewards.endpoint import EndpointJudge
from vcsoup.rewards.functions import FunctionJudge
from vcsoup.rewards.in_use import JudgesInUse
from vcsoup.rewards.spec import RewardSpec

FloatArray = npt.NDArray[np.float32]


def score_pairs(
    pairs: pd.DataFrame,
    specs: Mapping[str, RewardSpec],
    *,
    cache: RewardCache | None = None,
    monitor: Monitor = SILENT,
    consents: Container[str] = (),
    judges: JudgesInUse | None = None,
) -> pd.DataFrame:
    """Make the rewards table of one dataset.

    Args:
        pairs: Canonical pair table (`id, prompt, chosen, rejected`), n rows; further columns only
            where a spec of kind "column" names them.
        specs: Reward model per value, in the project's order.
        cache: Rewards known already; new ones are added as they come.
        monitor: Hears "scoring <value>"; a stop request raises `StopRequested` (the cache keeps
            what was scored).
        consents: Keys of the consents to run a model's own code or to send texts away.
        judges: What the same run has asked before, and takes up again: bills and caps of endpoints
            go on, and a model is not loaded twice in a row. New ones are put in.

    Returns:
        Columns `id`, `<value>_chosen`, `<value>_rejected` (float32), rows as in `pairs`.

        A reward that the model could not give is nan or infinite; it is never cached.

    Raises:
        RewardModelError: a model that cannot be loaded, or that its template does not fit; a column
            that is missing or holds no numbers; an endpoint that refuses or has cost enough.
    """
    prompts = [*pairs["prompt"], *pairs["prompt"]]
    replies = [*pairs["chosen"], *pairs["rejected"]]
    asked = {value: spec for value, spec in specs.items() if spec.kind != "column"}
    found = {value: column_rewards(pairs, specs[value]) for value in specs if value not in asked}
    rewards = score_replies(
        prompts,
        replies,
        asked,
        cache=cache,
        monitor=monitor,
        consents=consents,
        judges=judges,
    )
    for place, value in enumerate(asked):
        found[value] = rewards[:, place]
    table: dict[str, object] = {"id": pairs["id"].to_numpy()}
    for value in specs:
        table[f"{value}_chosen"] = found[value][: len(pairs)]
        table[f"{value}_rejected"] = found[value][len(pairs) :]
    return pd.DataFrame(table)


def score_replies(
    prompts: Sequence[AnyPrompt],
    replies: Sequence[str],
    specs: Mapping[str, RewardSpec],
    *,
    cache: RewardCache | None = None,
    monitor: Monitor = SILENT,
    consents: Container[str] = (),
    judges: JudgesInUse | None = None,
) -> FloatArray:
    """Reward n replies with K models.

    Args:
        prompts: n prompts, messages or plain strings.
        replies: n replies.
        specs: Reward model per value, K of them.
        cache: Rewards known already; new ones are added as they come.
        monitor: As for `score_pairs`.
        consents: As for `score_pairs`.
        judges: As for `score_pairs`.

    Returns:
        Shape (n, K), float32, larger is better, columns in the order of `specs`.

    Raises:
        RewardModelError: as `score_pairs`; a spec of kind "column", which knows no other replies.
    """
    keys = [reply_key(prompt, reply) for prompt, reply in zip(prompts, replies, strict=True)]
    first, _ = pd.factorize(np.array(keys, dtype=object))  # numbered by first appearance
    once = np.unique(first, return_index=True)[1]
    texts = ([prompts[row] for row in once], [replies[row] for row in once])
    places = {value: place for place, value in enumerate(specs)}
    rewards = np.empty((len(replies), len(specs)), dtype=np.float32)
    judges = JudgesInUse() if judges is None else judges
    endpoints = judges.endpoints
    # What is in memory is asked first: the others take its place.
    for group in sorted(sharing_groups(specs), key=lambda one: not _is_held(one, judges)):
        for value, spec in group.items():
            stage = f"scoring {value}"
            if spec.is_function:
                told = FunctionJudge(spec).score(*texts, stage=stage, monitor=monitor)
                rewards[:, places[value]] = told[first]
            elif spec.kind == "endpoint":
                if value not in endpoints:
                    endpoints[value] = EndpointJudge(spec, cache=cache, consents=consents)
                told = endpoints[value].rate(*texts, stage=stage, monitor=monitor)
                rewards[:, places[value]] = told[first]
        if models := {value: spec for value, spec in group.items() if spec.kind == "model"}:
            from vcsoup.rewards.passes import ForwardPass

            run = ForwardPass(models, cache, judges=judges, monitor=monitor, consents=consents)
            raw = run.score(*texts, [keys[row] for row in once])
            for column, (value, spec) in enumerate(models.items()):
                rewards[:, places[value]] = raw[first, column] * spec.sign
    return rewards


def _is_held(group: Mapping[str, RewardSpec], judges: JudgesInUse) -> bool:
    return judges.holds(next(iter(group.values())))


def sharing_groups(specs: Mapping[str, RewardSpec]) -> list[dict[str, RewardSpec]]:
    """Group values whose rewards come out of one forward pass, in order of first appearance.

    Example:
        >>> specs = {v: RewardSpec(model="org/m", label=k) for k, v in enumerate("ab")}
        >>> [list(group) for group in sharing_groups({**specs, "c": RewardSpec(kind="length")})]
        [['a', 'b'], ['c']]
    """
    groups: dict[str, dict[str, RewardSpec]] = {}
    for value, spec in specs.items():
        if spec.kind == "column":
            raise RewardModelError(
                f"{value} is taken from {spec.title}; those are of the pairs in the file alone; "
                "give it a reward model or a function to judge other replies"
            )
        groups.setdefault(spec.pass_fingerprint(), {})[value] = spec
    return list(groups.values())


def column_rewards(pairs: pd.DataFrame, spec: RewardSpec) -> FloatArray:
    """Take rewards from two columns of the pair table.

    Args:
        pairs: n rows, with the columns `<column>_chosen` and `<column>_rejected` for the column
            that `spec` names.
        spec: Of kind "column".

    Returns:
        Rewards of the chosen answers, then of the rejected ones: shape (2n,), the sign applied; nan
        where a cell is empty, infinite where it is beyond float32.

    Raises:
        RewardModelError: a column that is missing or holds no numbers.
    """
    sides = []
    for name in (f"{spec.column}_chosen", f"{spec.column}_rejected"):
        if name not in pairs.columns:
            ends = [str(c) for c in pairs.columns if str(c).endswith("_chosen")]
            known = ", ".join(column.removesuffix("_chosen") for column in ends) or "none"
            raise RewardModelError(
                f"the pairs bring no scores {spec.column!r} to take rewards from (they bring: "
                f"{known}); name scores that every data set has, or give this value a reward model"
            )
        try:
            with np.errstate(over="ignore"):
                sides.append(pd.to_numeric(pairs[name]).to_numpy(dtype=np.float32, na_value=np.nan))
        except (ValueError, TypeError) as error:
            raise RewardModelError(
                f"column {name!r} holds something that is no number ({error}); "
                "name a column of numbers"
            ) from error
    return np.concatenate(sides) * np.float32(spec.sign)
