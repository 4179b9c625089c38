"""An OpenAI-compatible judge on this machine, for tests: a real server that misbehaves on order.

Its honest answer to a question is the number of letters of the reply, cut to the scale. A test
names other answers by `script`: one per request, the first requests first.
"""

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from vcsoup.rewards.spec import RewardSpec

_REPLY = re.compile(r"<<<reply (\w+)>>>\n(.*)\n<<<end \1>>>\Z", re.DOTALL)
USAGE = {"prompt_tokens": 100, "completion_tokens": 5}


@dataclass(frozen=True)
class Told:
    """What the server does about one request.

    Attributes:
        status: Of the answer.
        text: What the model says where the status is 200, else the error's message; None for the
            honest score.
        headers: Further headers.
        delay: Seconds before it answers.
        finish: Why the model stopped.
    """

    status: int = 200
    text: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    finish: str = "stop"


@dataclass
class StandinJudge:
    """What the server does, and what it was asked.

    Attributes:
        script: What it does about the first requests, one each.
        always: What it does about all others.
        refuses: Fields that it does not take.
        context: Tokens that a question and its longest answer may have together; None for any.
        bodies: The requests, in the order in which they came.
        headers: Their headers.
        times: When they came, in seconds.
        at_once: Most requests that were ever under way together.
    """

    url: str = ""
    script: list[Told] = field(default_factory=list)
    always: Told = Told()
    refuses: tuple[str, ...] = ()
    context: int | None = None
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    at_once: int = 0
    _under_way: int = 0

    def spec(self, **fields: Any) -> RewardSpec:
        """A judge that asks this server."""
        named = {"url": self.url, "model": "stand-in", "criterion": "how long it is"}
        return RewardSpec(kind="endpoint", **{**named, **fields})

    def replies(self) -> list[str]:
        """The replies that it was asked about."""
        return [reply_of(body) for body in self.bodies]

    async def answer(self, request: Request) -> Response:
        """Do what the script says."""
        body = await request.json()
        place = len(self.bodies)
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        self.times.append(time.monotonic())
        told = self.script[place] if place < len(self.script) else self.always
        self._under_way += 1
        self.at_once = max(self.at_once, self._under_way)
        await asyncio.sleep(told.delay)
        self._under_way -= 1
        if unknown := [name for name in self.refuses if name in body]:
            said = {"error": {"message": f"unsupported parameter: {unknown[0]}"}}
            return JSONResponse(said, 400)
        if self.context is not None and (much := _too_much(body, self.context)):
            return JSONResponse({"error": {"message": much, "code": 400}}, 400)
        if told.status != 200:
            said = {"error": {"message": told.text or "out of order"}}
            return JSONResponse(said, told.status, told.headers)
        text = f'{{"score": {honest(reply_of(body))}}}' if told.text is None else told.text
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": told.finish}
        return JSONResponse({"object": "chat.completion", "choices": [choice], "usage": USAGE})


def reply_of(body: dict[str, Any]) -> str:
    """The reply that a request asks about."""
    found = _REPLY.search(body["messages"][-1]["content"])
    assert found, body
    return found[2]


def _too_much(body: dict[str, Any], context: int) -> str:
    """What vLLM says about a question that leaves too little room for an answer; else nothing."""
    sent = sum(len(turn["content"]) // 4 for turn in body["messages"])
    limit = body.get("max_tokens", body.get("max_completion_tokens", 0))
    if sent + limit <= context:
        return ""
    return (
        f"'max_tokens' or 'max_completion_tokens' is too large: {limit}. This model's maximum "
        f"context length is {context} tokens and your request has {sent} input tokens "
        f"({limit} > {context} - {sent})."
    )


def honest(reply: str) -> int:
    """The score that the stand-in gives."""
    return min(10, max(1, len(reply)))


@contextmanager
def standin_judge() -> Iterator[StandinJudge]:
    """Serve a judge on a free port of this machine."""
    judge, app = StandinJudge(), FastAPI()
    app.post("/v1/chat/completions")(judge.answer)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive()
    port = server.servers[0].sockets[0].getsockname()[1]
    judge.url = f"http://127.0.0.1:{port}/v1"
    try:
        yield judge
    finally:
        server.should_exit = True
        thread.join(10)
