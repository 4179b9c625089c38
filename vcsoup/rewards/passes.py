"""One model's pass over distinct replies, for every value that reads a reward off it.

The cache stands in front: only replies that some value does not know yet go through the model, and
what comes out is kept every few seconds and at every stop, so a killed run goes on where it was.
"""

import time
from collections.abc import Container, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from vcsoup.monitor import Monitor, StopRequested
from vcsoup.preferences.pairs import AnyPrompt
from vcsoup.rewards.cache import RewardCache
from vcsoup.rewards.heads import read_label
from vcsoup.rewards.in_use import JudgesInUse
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.spec import RewardSpec

FloatArray = npt.NDArray[np.float32]

_FLUSH_SECONDS = 3.0


class ForwardPass:
    """Scores replies for values that share one model, its template and its settings."""

    def __init__(
        self,
        specs: Mapping[str, RewardSpec],
        cache: RewardCache | None,
        *,
        judges: JudgesInUse,
        monitor: Monitor,
        consents: Container[str] = (),
    ) -> None:
        """Take values whose specs differ in label and sign alone, L of them; `judges` has more."""
        self._judges = judges
        self._values, self._specs = list(specs), list(specs.values())
        self._fingerprints = [spec.fingerprint() for spec in self._specs]
        self._cache, self._monitor, self._consents = cache, monitor, consents
        self._stage = f"scoring {self._values[0]}"

    def score(
        self, prompts: Sequence[AnyPrompt], replies: Sequence[str], keys: Sequence[str]
    ) -> FloatArray:
        """Raw rewards, shape (n, L), the signs not applied; nan or infinite where a model failed.

        The first value's stage tells how far the pass is; the others' are reported as done when
        it ends.
        """
        raw = self._known(keys)
        todo = np.flatnonzero(np.isnan(raw).any(axis=1))
        self._monitor.report(self._stage, len(keys) - len(todo), len(keys))
        if len(todo):
            model = self._judges.model(self._specs[0], consents=self._consents)
            self._fill(raw, todo, model, (prompts, replies, keys))
        for value in self._values[1:]:
            self._monitor.report(f"scoring {value}", len(keys), len(keys))
        return raw

    def _known(self, keys: Sequence[str]) -> FloatArray:
        if self._cache is None:
            return np.full((len(keys), len(self._specs)), np.nan, dtype=np.float32)
        found = [self._cache.lookup(name, keys) for name in self._fingerprints]
        return np.stack(found, axis=1)

    def _fill(
        self,
        raw: FloatArray,
        todo: npt.NDArray[np.intp],
        model: RewardModel,
        texts: tuple[Sequence[AnyPrompt], Sequence[str], Sequence[str]],
    ) -> None:
        prompts, replies, keys = texts
        ask = ([prompts[row] for row in todo], [replies[row] for row in todo])
        fresh: list[int] = []
        done, flushed = len(raw) - len(todo), time.monotonic()
        try:
            for rows, logits in model.logit_batches(*ask):
                raw[todo[rows]] = np.stack([read_label(logits, s) for s in self._specs], axis=1)
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
            for name in self._fingerprints:
                self._cache.compact(name)

    def _flush(self, rows: list[int], raw: FloatArray, keys: Sequence[str]) -> None:
        if self._cache is None:
            return
        for column, name in enumerate(self._fingerprints):
            if known := [row for row in rows if np.isfinite(raw[row, column])]:
                self._cache.add(name, [keys[row] for row in known], raw[known, column])
