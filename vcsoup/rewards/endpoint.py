"""A judge behind an OpenAI-compatible endpoint: one request for each distinct reply not yet known.

Several requests are under way at once. Answers go into the reward cache in small batches as they
come, so a killed run goes on where it was and nothing is paid for twice. A reply without a usable
answer is asked again, and then has the reward nan; many of those in a row end the run. Where every
reply needs a reward, the error comes when all others are scored and kept.
"""

import math
import time
from collections.abc import Container, Generator, Sequence
from contextlib import closing

import numpy as np
import numpy.typing as npt

from vcsoup.errors import UnscoredRepliesError
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.preferences.pairs import AnyPrompt
from vcsoup.rewards.bill import Bill, Estimate, estimate
from vcsoup.rewards.cache import RewardCache, reply_key
from vcsoup.rewards.consent import check_consent
from vcsoup.rewards.endpoint_asking import Asking
from vcsoup.rewards.saved_answers import SavedAnswers
from vcsoup.rewards.spec import RewardSpec

FloatArray = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]

_SHORTEST_GAP_S = 0.5  # between reports with figures


class EndpointJudge:
    """Scores replies for one value by asking a server; has the methods of a `RewardModel`."""

    def __init__(
        self,
        spec: RewardSpec,
        *,
        cache: RewardCache | None = None,
        consents: Container[str] = (),
    ) -> None:
        """Prepare a judge; nothing is sent yet, and where the cache knows all, no key is needed.

        Args:
            spec: Of kind "endpoint".
            cache: Rewards known already; new ones are added as they come.
            consents: Keys of the consents to send texts to other machines.

        Raises:
            RewardModelError: no consent for this address.
        """
        check_consent(spec, consents)
        self.spec, self._cache = spec, cache
        self.bill = Bill(spec)
        self._asking = Asking(spec, self.bill)
        self._fingerprint = spec.fingerprint()
        self._to_come: Estimate | None = None  # of the last texts, when some were not known

    def check_key(self) -> None:
        """Look for the key now, for whoever would else make replies in vain.

        Raises:
            RewardModelError: no key in the environment.
        """
        self._asking.client()

    def score(
        self,
        prompts: Sequence[AnyPrompt],
        replies: Sequence[str],
        *,
        stage: str = "scoring",
        monitor: Monitor = SILENT,
    ) -> FloatArray:
        """Reward n replies, shape (n,), the sign applied.

        Raises:
            UnscoredRepliesError: replies without a usable answer, when all were asked about.
            RewardModelError: as `rate`.
        """
        rewards = self.rate(prompts, replies, stage=stage, monitor=monitor)
        self._check_usable(rewards)
        return rewards

    def rate(
        self,
        prompts: Sequence[AnyPrompt],
        replies: Sequence[str],
        *,
        stage: str = "scoring",
        monitor: Monitor = SILENT,
    ) -> FloatArray:
        """Like `score`, with nan for a reply without a usable answer.

        Args:
            prompts: n prompts, messages or plain strings.
            replies: n replies.
            stage: Name of this step in progress reports.
            monitor: Hears how far it is, with requests, tokens and cost so far.

        Raises:
            RewardModelError: no key in the environment, the server refuses everything, or the cap
                of the cost is reached; what came until then is in the cache.
            StopRequested: asked to stop.
        """
        rewards = np.full(len(replies), np.nan, dtype=np.float32)
        done, told = 0, -math.inf
        try:
            with closing(self.raw_batches(prompts, replies)) as batches:
                for rows, raw in batches:
                    rewards[rows] = raw * self.spec.sign
                    done, now = done + len(rows), time.monotonic()
                    due, first = now - told > _SHORTEST_GAP_S, math.isinf(told)
                    told = now if due else told
                    figures = self.bill.figures() if due else {}
                    if first and self._to_come:
                        figures["expected"] = self._to_come.words
                    monitor.report(stage, done, len(replies), **figures)
                    if monitor.stop_requested and done < len(replies):
                        raise StopRequested(f"{stage} was stopped at {done} of {len(replies)}")
        finally:
            monitor.report(stage, done, len(replies), **self.bill.figures())
        return rewards

    def batches(
        self,
        prompts: Sequence[AnyPrompt],
        replies: Sequence[str],
        *,
        tokens_per_batch: int = 0,
    ) -> Generator[tuple[Rows, FloatArray]]:
        """Yield (row numbers, rewards with the sign), each row once; no rows while it waits.

        Raises:
            UnscoredRepliesError: as `score`, after all rows that have a reward.
            RewardModelError: as `score`.
        """
        rewards = np.full(len(replies), np.nan, dtype=np.float32)
        with closing(self.raw_batches(prompts, replies)) as batches:
            for rows, raw in batches:
                rewards[rows] = raw * self.spec.sign
                usable = rows[np.isfinite(raw)]
                yield usable, rewards[usable]
        self._check_usable(rewards)

    def raw_batches(
        self, prompts: Sequence[AnyPrompt], replies: Sequence[str]
    ) -> Generator[tuple[Rows, FloatArray]]:
        """Yield (row numbers, raw rewards, nan where unusable), each row once.

        Comes back every tenth of a second, if need be without rows, so that the caller can look at
        other things meanwhile.
        """
        keys = [reply_key(prompt, reply) for prompt, reply in zip(prompts, replies, strict=True)]
        rows_of: dict[str, list[int]] = {}
        for row, key in enumerate(keys):
            rows_of.setdefault(key, []).append(row)
        raw = np.full(len(keys), np.nan, dtype=np.float32)
        if self._cache is not None:
            raw = self._cache.lookup(self._fingerprint, keys)
        todo = {key: rows[0] for key, rows in rows_of.items() if np.isnan(raw[rows[0]])}
        texts = {key: (prompts[row], replies[row]) for key, row in todo.items()}
        self._to_come = estimate(self.spec, *zip(*texts.values(), strict=True)) if texts else None
        known = np.flatnonzero(np.isfinite(raw))
        yield known, raw[known]
        saved = SavedAnswers(self._cache, self._fingerprint)
        with closing(self._asking.scores(texts, saved)) as answers:
            for key, said in answers:
                rows = np.array(rows_of[key] if key else [], dtype=np.intp)
                yield rows, np.full(len(rows), said, dtype=np.float32)

    def _check_usable(self, rewards: FloatArray) -> None:
        unusable = np.flatnonzero(np.isnan(rewards))
        if len(unusable):
            raise UnscoredRepliesError(
                f"{self.spec.title} gave no usable score for {len(unusable):,} of {len(rewards):,} "
                f"replies, the first of them reply {unusable[0] + 1}; the last time: "
                f"{self._asking.reason}. The other scores are kept: start again to ask about these "
                "once more, or take another model",
                rewards,
            )
