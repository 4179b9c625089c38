"""Reading what an OpenAI-compatible server answers: text, tokens used, how long to wait. Pure.

Servers differ in what they leave out; nothing here trusts a field to be there or to be of a type.
"""

import time
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from vcsoup.rewards.endpoint_question import read_score

_SHORT_ANSWER = 8  # tokens of a score


class UnusableError(Exception):
    """No answer, or none that can be used; says why. Concerns one reply, not the run.

    Attributes:
        final: True when asking again would not help.
    """

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


def body_of(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer; an empty one when it is something else.

    Example:
        >>> body_of(httpx.Response(200, text="<html>"))
        {}
    """
    try:
        body = response.json()
    except (ValueError, RecursionError):
        body = None
    return body if isinstance(body, dict) else {}


def text_of(body: dict[str, Any], *, answer_tokens: int) -> str:
    """Return the text of a chat completion.

    Args:
        body: The answer.
        answer_tokens: Where the answer was cut, if it was.

    Raises:
        UnusableError: no chat completion, no text, or a text that was cut before it made sense.

    Example:
        >>> text_of({"choices": [{"message": {"content": "7"}}]}, answer_tokens=64)
        '7'
    """
    try:
        choice = body["choices"][0]
        text, ended = choice["message"]["content"], choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise UnusableError("the answer is no chat completion") from None
    if ended == "length" and read_score(str(text)) is None:
        raise UnusableError(f"the answer was cut at {answer_tokens} tokens; raise answer_tokens")
    if not isinstance(text, str) or not text.strip():
        raise UnusableError("the answer is empty (a refusal, or a filter of the server)")
    return text


def tokens_used(body: dict[str, Any], estimate: int) -> tuple[int, int]:
    """Return the tokens sent and answered, as the server counts them, else as estimated.

    Example:
        >>> tokens_used({"usage": {"prompt_tokens": 120, "completion_tokens": 6}}, 99)
        (120, 6)
        >>> tokens_used({"usage": None}, 99)
        (99, 8)
    """
    told = body.get("usage")
    used = told if isinstance(told, dict) else {}
    counted = [used.get(name) for name in ("prompt_tokens", "completion_tokens")]
    sent, answered = (n if isinstance(n, int) and n >= 0 else None for n in counted)
    return (estimate if sent is None else sent), (_SHORT_ANSWER if answered is None else answered)


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that a server asks to wait, by number or date; None when it does not.

    Example:
        >>> retry_after(httpx.Response(429, headers={"Retry-After": "2.5"}))
        2.5
    """
    told = response.headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
