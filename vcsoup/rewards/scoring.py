"""Score pairs and replies with every value's reward model; what the cache knows is not asked again.

The result for a dataset of pairs is the rewards table: one row per pair, two columns per value, the
sign applied so that larger is better. `vcsoup.consistency` turns it into gaps.
"""

import time
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.rewards.cache import RewardCache, reply_key
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.spec import RewardSpec
from vcsoup.rewards.templates import Prompt

FloatArray = npt.NDArray[np.float32]

_FLUSH_SECONDS = 3.0


def score_pairs(
    pairs: pd.DataFrame,
    specs: Mapping[str, RewardSpec],
    *,
    cache: RewardCache | None = None,
    monitor: Monitor = SILENT,
) -> pd.DataFrame:
    """Make the rewards table of one dataset.

    Args:
        pairs: Canonical pair table (`id, prompt, chosen, rejected`), n rows.
        specs: Reward model per value, in the project's order.
        cache: Rewards known already; new ones are added as they come.
        monitor: Hears "scoring <value>"; a stop request raises `StopRequested` (the cache keeps
            what was scored).

    Returns:
        Columns `id`, `<value>_chosen`, `<value>_rejected` (float32), rows as in `pairs`.

        A reward that the model could not give is nan or infinite; it is never cached.

    Raises:
        RewardModelError: a model that cannot be loaded, or that its layout does not fit.
    """
    prompts = [*pairs["prompt"], *pairs["prompt"]]
    replies = [*pairs["chosen"], *pairs["rejected"]]
    rewards = score_replies(prompts, replies, specs, cache=cache, monitor=monitor)
    columns: dict[str, object] = {"id": pairs["id"].to_numpy()}
    for place, value in enumerate(specs):
        columns[f"{value}_chosen"] = rewards[: len(pairs), place]
        columns[f"{value}_rejected"] = rewards[len(pairs) :, place]
    return pd.DataFrame(columns)


def score_replies(
    prompts: Sequence[Prompt],
    replies: Sequence[str],
    specs: Mapping[str, RewardSpec],
    *,
    cache: RewardCache | None = None,
    monitor: Monitor = SILENT,
) -> FloatArray:
    """Reward n replies with K models.

    Args:
        prompts: n prompts, messages or plain strings.
        replies: n replies.
        specs: Reward model per value, K of them.
        cache: Rewards known already; new ones are added as they come.
        monitor: As for `score_pairs`.

    Returns:
        Shape (n, K), float32, larger is better, columns in the order of `specs`.
    """
    keys = [reply_key(prompt, reply) for prompt, reply in zip(prompts, replies, strict=True)]
    first, _ = pd.factorize(np.array(keys, dtype=object))  # numbered by first appearance
    once = np.unique(first, return_index=True)[1]
    rewards = np.empty((len(replies), len(specs)), dtype=np.float32)
    for place, (value, spec) in enumerate(specs.items()):
        run = _Run(spec, cache, f"scoring {value}", monitor)
        raw = run.score(
            [prompts[row] for row in once],
            [replies[row] for row in once],
            [keys[row] for row in once],
        )
        rewards[:, place] = raw[first] * spec.sign
    return rewards


class _Run:
    """One value's scoring of distinct replies, with the cache in front of the model."""

    def __init__(
        self, spec: RewardSpec, cache: RewardCache | None, stage: str, monitor: Monitor
    ) -> None:
        self._spec, self._cache = spec, cache
        self._stage, self._monitor = stage, monitor
        self._fingerprint = spec.fingerprint()

    def score(
        self, prompts: Sequence[Prompt], replies: Sequence[str], keys: Sequence[str]
    ) -> FloatArray:
        """Raw rewards, shape (n,)."""
        raw = self._known(keys)
        todo = np.flatnonzero(np.isnan(raw))
        self._monitor.report(self._stage, len(keys) - len(todo), len(keys))
        if len(todo):
            model = RewardModel.load(self._spec)
            self._fill(raw, todo, model, (prompts, replies, keys))
        return raw

    def _known(self, keys: Sequence[str]) -> FloatArray:
        if self._cache is None:
            return np.full(len(keys), np.nan, dtype=np.float32)
        return self._cache.lookup(self._fingerprint, keys)

    def _fill(
        self,
        raw: FloatArray,
        todo: npt.NDArray[np.intp],
        model: RewardModel,
        texts: tuple[Sequence[Prompt], Sequence[str], Sequence[str]],
    ) -> None:
        prompts, replies, keys = texts
        ask = ([prompts[row] for row in todo], [replies[row] for row in todo])
        fresh: list[int] = []
        done, flushed = len(raw) - len(todo), time.monotonic()
        try:
            for rows, scored in model.raw_batches(*ask):
                raw[todo[rows]] = scored
                fresh.extend(todo[rows].tolist())
                done += len(rows)
                self._monitor.report(self._stage, done, len(raw))
                if self._monitor.stop_requested and done < len(raw):
                    raise StopRequested(f"{self._stage} was stopped at {done} of {len(raw)}")
                if time.monotonic() - flushed > _FLUSH_SECONDS:
                    self._flush(fresh, raw, keys)
                    fresh, flushed = [], time.monotonic()
        finally:
            self._flush(fresh, raw, keys)
        if self._cache is not None:
            self._cache.compact(self._fingerprint)

    def _flush(self, rows: list[int], raw: FloatArray, keys: Sequence[str]) -> None:
        known = [row for row in rows if np.isfinite(raw[row])]
        if self._cache is not None and known:
            self._cache.add(self._fingerprint, [keys[row] for row in known], raw[known])
