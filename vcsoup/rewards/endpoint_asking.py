"""Asking an endpoint about many replies, several at once, until all are scored or it is hopeless.

Threads ask; whoever iterates gets answers as they come and can leave at any time: then nothing more
is asked, and the answers that are under way, which are paid for, are still saved.
"""

import logging
import threading
from collections.abc import Generator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

import numpy as np

from vcsoup.errors import RewardModelError
from vcsoup.monitor import StopRequested
from vcsoup.preferences.pairs import AnyPrompt
from vcsoup.rewards.bill import Bill
from vcsoup.rewards.endpoint_answer import UnusableError
from vcsoup.rewards.endpoint_client import EndpointClient
from vcsoup.rewards.endpoint_question import question, read_score
from vcsoup.rewards.saved_answers import SavedAnswers
from vcsoup.rewards.spec import RewardSpec

Text = tuple[AnyPrompt, str]  # prompt and reply

_log = logging.getLogger(__name__)
_ATTEMPTS = 3  # answers to one question
_POLL_S = 0.1
_HOPELESS = 10  # unusable answers in a row before any usable one
_HOPELESS_LATER = 50


class Asking:
    """Puts questions to one endpoint.

    Attributes:
        reason: Why the last unusable answer was one.
    """

    def __init__(self, spec: RewardSpec, bill: Bill) -> None:
        """Prepare; nothing is sent and no key is read yet."""
        self._spec, self._bill = spec, bill
        self._client: EndpointClient | None = None
        self.reason = ""

    def client(self) -> EndpointClient:
        """What sends the questions; the first call reads the key.

        Raises:
            RewardModelError: no key in the environment.
        """
        if self._client is None:
            self._client = EndpointClient(self._spec, self._bill)
        return self._client

    def scores(
        self, texts: Mapping[str, Text], saved: SavedAnswers
    ) -> Generator[tuple[str, float]]:
        """Yield (key, score) as answers come, nan where none can be used.

        Every tenth of a second without an answer an empty key comes, so that the caller can look at
        other things meanwhile.

        Args:
            texts: What is asked about, by `reply_key`.
            saved: Where scores are put at once.

        Raises:
            RewardModelError: no key in the environment; as `EndpointClient.answer`; or too many
                unusable answers in a row.
        """
        if texts:
            self.client()  # before the threads, which all use it
        stopped, at_once = threading.Event(), self._spec.at_once
        pool = ThreadPoolExecutor(at_once, thread_name_prefix="endpoint")
        waiting, under_way = iter(texts), dict[Future[float], str]()
        limit, in_a_row = _HOPELESS, 0
        try:
            while True:
                for key in islice(waiting, at_once - len(under_way)):
                    under_way[pool.submit(self._ask, key, texts[key], saved, stopped)] = key
                if not under_way:
                    return
                finished, _ = wait(under_way, timeout=_POLL_S, return_when=FIRST_COMPLETED)
                if not finished:
                    yield "", np.nan
                for asked in finished:
                    score = asked.result()
                    in_a_row = in_a_row + 1 if np.isnan(score) else 0
                    limit = limit if np.isnan(score) else _HOPELESS_LATER
                    if in_a_row >= limit:
                        raise RewardModelError(self._hopeless(in_a_row))
                    yield under_way.pop(asked), score
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            saved.close()

    def _ask(self, key: str, text: Text, saved: SavedAnswers, stopped: threading.Event) -> float:
        """Score one reply, nan when no answer can be used; runs in a thread."""
        prompt, reply = text
        messages = question(prompt, reply, self._spec.criterion, mark=key[:12])
        reason = ""
        for attempt in range(_ATTEMPTS):
            if stopped.is_set():
                raise StopRequested("asking the endpoint was stopped")
            try:
                said = self.client().answer(messages, attempt, stopped)
            except UnusableError as error:
                reason = str(error)
                if error.final:
                    break
                continue
            score = read_score(said)
            if score is not None:
                saved.add(key, score)
                return score
            reason = f"the answer {said[:60]!r} is no score from 1 to 10"
        self.reason = reason
        _log.warning(
            "%s gave no usable score for the reply %r: %s", self._spec.title, reply[:60], reason
        )
        return float("nan")

    def _hopeless(self, in_a_row: int) -> str:
        return (
            f"{self._spec.title} gave no usable score for {in_a_row} replies in a row; the last "
            f"time: {self.reason}. What was scored is kept: mend this and start again, or take "
            "another model"
        )
