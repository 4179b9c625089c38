"""One question to an OpenAI-compatible server: `POST /chat/completions`, tried again where it pays.

A busy or failing server (429, 5xx, no connection, no answer in time) is tried again after growing
waits, or after what its Retry-After asks, and then every thread waits. A field that the server does
not know is left out from then on; only the limit of the answer, on which the cap of the cost
counts, is sent under its newer name instead. A refused key, an unknown model or an address at which
nobody has ever answered ends the run. The key goes into the request's header and nowhere else: it
is cut out of whatever the server says back.
"""

import logging
import os
import threading
from dataclasses import dataclass
from typing import Any

import httpx

from vcsoup.errors import RewardModelError
from vcsoup.monitor import StopRequested
from vcsoup.rewards.bill import Bill
from vcsoup.rewards.endpoint_answer import (
    UnusableError,
    body_of,
    retry_after,
    text_of,
    tokens_used,
)
from vcsoup.rewards.endpoint_fields import is_loopback
from vcsoup.rewards.endpoint_question import RESPONSE_FORMAT, Messages, token_estimate
from vcsoup.rewards.pace import Pace
from vcsoup.rewards.spec import RewardSpec

_log = logging.getLogger(__name__)
_TRIES = 6
_TRIES_WHEN_BUSY = 20  # that there is much to do says nothing about this reply
_TRIES_TO_REACH = 3  # where nobody has answered yet: a wrong address, or a server that is not on
_FIRST_WAIT_S = 0.5
_LONGEST_GROWN_S = 30.0
_LONGEST_WAIT_S = 600.0
_BUSY = (408, 409, 425, 429)
_NOT_UNDERSTOOD = (400, 413, 422)
_TOO_LONG = ("too large", "too long", "context length", "context window")
_UNREACHED = (httpx.ConnectError, httpx.ConnectTimeout)
_EXCERPT = 300


@dataclass(frozen=True)
class _Trial:
    """What came of one request: an answer's body, or why there is none and when to try again."""

    body: dict[str, Any] | None = None
    reason: str = ""
    wait: float | None = None  # None: as long as the number of failures says
    tries: int = _TRIES
    reached: bool = True  # somebody has answered at this address, now or before
    dropped: frozenset[str] = frozenset()


class EndpointClient:
    """Asks one server; safe to share between threads."""

    def __init__(self, spec: RewardSpec, bill: Bill) -> None:
        """Read the key from the environment and prepare connections; nothing is sent yet.

        Raises:
            RewardModelError: the variable that `spec.key_env` names holds no usable key.
        """
        self._spec, self._bill = spec, bill
        self._key = _key(spec)
        self._http = httpx.Client(
            base_url=spec.url,
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=httpx.Timeout(spec.timeout, connect=min(spec.timeout, 10.0)),
            limits=httpx.Limits(max_connections=spec.at_once),
            trust_env=not is_loopback(spec.url),  # a proxy has no business on the loopback
        )
        self._pace = Pace(spec.requests_per_minute)
        self._dropped: frozenset[str] = frozenset()
        self._reached = False

    def answer(self, messages: Messages, attempt: int, stopped: threading.Event) -> str:
        """Get the text that the model answers.

        Args:
            messages: The question.
            attempt: 0 asks at temperature 0; later ones are drawn, each with its own seed, since
                the same would come again.
            stopped: Set to give up at once while waiting.

        Raises:
            UnusableError: every try failed, or the answer holds no text.
            RewardModelError: nothing can be got from this server as things are, or the cap of the
                cost is reached.
            StopRequested: `stopped` was set.
        """
        dropped, failures = self._dropped, 0
        while True:
            trial = self._try(messages, attempt, dropped, stopped)
            if trial.body is not None:
                self._dropped |= dropped
                return self._without_key(
                    text_of(trial.body, answer_tokens=self._spec.answer_tokens)
                )
            if trial.dropped:
                dropped |= trial.dropped
                continue
            failures += 1
            if failures >= trial.tries:
                said = f"{trial.reason}, {failures} times"
                if trial.reached:
                    raise UnusableError(said, final=True)
                raise RewardModelError(
                    f"{said}. Start the server, or check the url; what was scored is kept"
                )
            growing = min(_LONGEST_GROWN_S, _FIRST_WAIT_S * 2 ** (failures - 1))
            _sleep(growing if trial.wait is None else trial.wait, stopped)

    def _try(
        self, messages: Messages, attempt: int, dropped: frozenset[str], stopped: threading.Event
    ) -> _Trial:
        """Send one request, when its turn has come and its price is covered."""
        seconds = self._pace.turn()
        while seconds > 0:
            _sleep(seconds, stopped)
            seconds = self._pace.held()
        estimate = token_estimate(messages)
        reserved, sent, answered = self._bill.reserve(estimate), 0, 0
        try:
            response = self._http.post(
                "/chat/completions", json=self._question(messages, attempt, dropped)
            )
            self._reached = True
            if response.is_success:
                body = body_of(response)
                sent, answered = tokens_used(body, estimate)
                return _Trial(body)
            return self._refused(response, dropped)
        except httpx.RequestError as error:
            late = isinstance(error, httpx.ReadTimeout)
            sent = estimate if late else 0  # it may have been worked on
            said = f"no answer within {self._spec.timeout:g} s" if late else f"no answer ({error})"
            reason = f"{self._spec.url} gave {said}"
            if isinstance(error, _UNREACHED) and not self._reached:
                return _Trial(reason=reason, tries=_TRIES_TO_REACH, reached=False)
            return _Trial(reason=reason)
        finally:
            self._bill.release(reserved, sent, answered)

    def _question(self, messages: Messages, attempt: int, dropped: frozenset[str]) -> Any:
        options = {
            "temperature": 0.0 if attempt == 0 else 1.0,
            "seed": attempt,
            "max_tokens": self._spec.answer_tokens,
            "response_format": RESPONSE_FORMAT,
        }
        if "max_tokens" in dropped:
            options["max_completion_tokens"] = options["max_tokens"]
        kept = {name: entry for name, entry in options.items() if name not in dropped}
        return {"model": self._spec.model, "messages": messages, **kept}

    def _refused(self, response: httpx.Response, dropped: frozenset[str]) -> _Trial:
        """What to do about an answer that is an error.

        Raises:
            UnusableError: the server does not take this question.
            RewardModelError: it would take none.
        """
        status, said = response.status_code, self._said(response)
        reason = f"{self._spec.url} answered {status}: {said}"
        if status == 402 or "insufficient_quota" in said:
            raise RewardModelError(f"{reason}. What was scored is kept; pay in, then go on")
        if status in _BUSY or status >= 500:
            wait = retry_after(response)
            if wait is not None and wait > _LONGEST_WAIT_S:
                raise RewardModelError(
                    f"{reason}. It asks to wait {wait:,.0f} s; what was scored is kept, so start "
                    "again after that"
                )
            if wait is not None:
                _log.warning("%s; waiting %.0f s as it asks", reason, wait)
                self._pace.hold(wait)
            tries = _TRIES_WHEN_BUSY if status in _BUSY else _TRIES
            return _Trial(reason=reason, wait=wait, tries=tries)
        if status in _NOT_UNDERSTOOD:
            optional = {"response_format", "seed", "temperature", "max_tokens"} - dropped
            named = {name for name in optional if name in said}
            if any(words in said.lower() for words in _TOO_LONG):
                named -= {"max_tokens"}  # it knows the field; this text leaves too little room
            if unknown := named or optional & {"response_format"}:
                return _Trial(reason=reason, dropped=frozenset(unknown))
            raise UnusableError(reason, final=True)
        raise RewardModelError(f"{reason}. {self._remedy(status)}")

    def _remedy(self, status: int) -> str:
        if status in (401, 403):
            held = f"check the key in {self._spec.key_env}" if self._key else "name key_env"
            return f"It wants another key: {held}"
        if status == 404:
            return f"Check the url, and that the server has a model {self._spec.model!r}"
        return "Check the url; what was scored is kept"

    def _said(self, response: httpx.Response) -> str:
        """The beginning of an error's text, on one line and without the key."""
        text = self._without_key(" ".join(response.text.split()))
        return text[:_EXCERPT] or response.reason_phrase

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def _key(spec: RewardSpec) -> str:
    """The key from the environment; never shown, whatever is wrong with it."""
    if not spec.key_env:
        return ""
    key = os.environ.get(spec.key_env, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise RewardModelError(
            f"{spec.title} needs a key, and the environment variable {spec.key_env} holds none; "
            f"set it where the app or the command is started: export {spec.key_env}=..."
        )
    return key


def _sleep(seconds: float, stopped: threading.Event) -> None:
    if stopped.wait(seconds):
        raise StopRequested("asking the endpoint was stopped")
