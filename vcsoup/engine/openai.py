"""The OpenAI completions and chat API; the soup is the model's name (`vcsoup.engine.model_names`).

Handlers only queue a task and read what it tells, on the event loop: no thread waits for a reply,
so hundreds of them may be open. A reader that goes away ends its replies.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from vcsoup.engine.answers import Head, event, usage_event, whole
from vcsoup.engine.bench import Benches
from vcsoup.engine.completion import Completion, CompletionSpec, Piece, Told
from vcsoup.engine.guard import refusal
from vcsoup.engine.model_names import model_names, parse_model
from vcsoup.engine.owner import Owner
from vcsoup.errors import EngineError
from vcsoup.preferences.pairs import Prompt, as_messages
from vcsoup.soup.decoding import MAX_NEW_TOKENS, Sampler
from vcsoup.workspace import Workspace

MOST_REPLIES = 64  # of one request: prompts times n
_LOOK_SECONDS = 0.5  # how often a request that waits is asked whether its reader is still there
# Settings that change what a reply is, and that soups do not know; others are left aside.
_UNKNOWN = (
    "tools functions logprobs top_logprobs logit_bias echo suffix best_of presence_penalty "
    "frequency_penalty"
).split()


class Asked(BaseModel):
    """What both endpoints take; settings that OpenAI clients send besides are left aside."""

    model_config = ConfigDict(extra="allow")

    model: str
    max_tokens: int | None = Field(None, ge=1, le=4096)
    max_completion_tokens: int | None = Field(None, ge=1, le=4096)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    seed: int | None = Field(None, ge=0)
    stop: str | list[str] | None = None
    stream: bool = False
    stream_options: dict[str, Any] | None = None
    n: int | None = Field(None, ge=1, le=MOST_REPLIES)

    @model_validator(mode="after")
    def _known(self) -> "Asked":
        for name in _UNKNOWN:
            if (self.model_extra or {}).get(name):
                raise ValueError(f"soups do not know the setting {name}; leave it out")
        if isinstance(self.stop, list) and len(self.stop) > 16:
            raise ValueError("expected at most 16 stop texts; leave some out")
        return self


class AskedChat(Asked):
    """POST /v1/chat/completions."""

    messages: list[dict[str, Any]] = Field(min_length=1)


class AskedText(Asked):
    """POST /v1/completions."""

    prompt: str | list[str]


def router(workspace: Workspace, benches: Benches, owner: Owner) -> APIRouter:
    """The /v1 endpoints."""
    routes = APIRouter(prefix="/v1")

    async def answer(
        request: Request, asked: Asked, prompts: tuple[Prompt | str, ...], kind: str
    ) -> Response:
        loop, told = asyncio.get_running_loop(), asyncio.Queue[Told]()

        def tell(news: Told) -> None:
            loop.call_soon_threadsafe(told.put_nowait, news)

        spec = await asyncio.to_thread(_spec, asked, prompts, workspace)
        completion = Completion(benches, spec, tell)
        owner.submit(completion)
        head = Head(kind, asked.model)
        if asked.stream:
            return await _streamed(request, asked, head, completion, told)
        return await _whole(request, head, completion, told)

    @routes.get("/models")
    def models() -> dict[str, Any]:
        return {"object": "list", "data": [_listed(name) for name in model_names(workspace)]}

    @routes.get("/models/{name:path}")
    def model(name: str) -> dict[str, Any]:
        parse_model(name, workspace)
        return _listed(name)

    @routes.post("/chat/completions")
    async def chat(request: Request, asked: AskedChat) -> Response:
        messages = as_messages([_plain(turn) for turn in asked.messages])
        return await answer(request, asked, (messages,), "chat.completion")

    @routes.post("/completions")
    async def complete(request: Request, asked: AskedText) -> Response:
        prompts = (asked.prompt,) if isinstance(asked.prompt, str) else tuple(asked.prompt)
        return await answer(request, asked, prompts, "text_completion")

    return routes


def _listed(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "vcsoup"}


def _spec(asked: Asked, prompts: tuple[Prompt | str, ...], workspace: Workspace) -> CompletionSpec:
    n = asked.n or 1
    if not 1 <= n * len(prompts) <= MOST_REPLIES:
        raise EngineError(
            f"expected 1 to {MOST_REPLIES} replies (prompts times n), got {n * len(prompts)}; "
            "ask for them in several requests"
        )
    project, group, weights = parse_model(asked.model, workspace)
    project.adapter_set(group)  # says what is missing
    stops = [asked.stop] if isinstance(asked.stop, str) else asked.stop or []
    length = asked.max_completion_tokens or asked.max_tokens or MAX_NEW_TOKENS
    temperature = 1.0 if asked.temperature is None else asked.temperature
    return CompletionSpec(
        project=project.name,
        group=group,
        weights=weights,
        prompts=prompts,
        sampler=Sampler(length, temperature, asked.top_p or 1.0),
        seed=secrets.randbits(32) if asked.seed is None else asked.seed,
        n=n,
        stops=tuple(filter(None, stops)),
    )


def _plain(turn: Mapping[str, Any]) -> dict[str, Any]:
    """A message with its content as text; clients may send a list of text parts."""
    content = turn.get("content")
    if isinstance(content, list):
        content = "".join(map(_text_of, content))
    return {"role": turn.get("role"), "content": content}


def _text_of(part: Any) -> str:
    """The text of a part of a message; what is none changes the answer, so it is not left out."""
    fields = part if isinstance(part, Mapping) else {}
    if fields.get("type", "text") == "text" and isinstance(text := fields.get("text"), str):
        return text
    raise EngineError(
        f"soups read text alone, got a part of a message that is {str(part)[:60]!r}; send parts "
        "such as {'type': 'text', 'text': ...}"
    )


async def _next(
    request: Request, completion: Completion, told: asyncio.Queue[Told]
) -> Piece | None:
    """The next news; when the reader goes away instead, the task is cancelled.

    Raises:
        EngineError: the work broke off, or nobody reads any more.
    """
    while True:
        try:
            news = await asyncio.wait_for(told.get(), _LOOK_SECONDS)
        except TimeoutError:
            if await request.is_disconnected():
                completion.cancelled = True
                raise EngineError("the reader went away") from None
            continue
        if isinstance(news, EngineError):
            raise news
        return news


async def _whole(
    request: Request, head: Head, completion: Completion, told: asyncio.Queue[Told]
) -> Response:
    count = completion.spec.n * len(completion.spec.prompts)
    texts, finishes = [""] * count, [""] * count
    try:
        while (piece := await _next(request, completion, told)) is not None:
            texts[piece.choice] += piece.text
            finishes[piece.choice] = piece.finish or ""
    finally:
        completion.cancelled = True
    tokens = completion.prompt_tokens, completion.completion_tokens
    return JSONResponse(whole(head, texts, finishes, tokens))


async def _streamed(
    request: Request,
    asked: Asked,
    head: Head,
    completion: Completion,
    told: asyncio.Queue[Told],
) -> Response:
    try:
        first = await _next(request, completion, told)  # an early error is an error status
    except BaseException:
        completion.cancelled = True
        raise
    with_usage = bool((asked.stream_options or {}).get("include_usage"))
    events = _events(request, head, completion, told, first=first, with_usage=with_usage)
    return StreamingResponse(events, media_type="text/event-stream")


async def _events(
    request: Request,
    head: Head,
    completion: Completion,
    told: asyncio.Queue[Told],
    *,
    first: Piece | None,
    with_usage: bool,
) -> AsyncIterator[str]:
    """Server-sent events; a reader that goes away ends the replies."""
    begun: set[int] = set()
    piece = first
    try:
        while piece is not None:
            yield event(head, piece, opening=piece.choice not in begun)
            begun.add(piece.choice)
            piece = await _next(request, completion, told)
        if with_usage:
            yield usage_event(head, completion.prompt_tokens, completion.completion_tokens)
        yield "data: [DONE]\n\n"
    except EngineError as error:
        body = bytes(refusal("/v1/", str(error), 500).body).decode()
        yield f"data: {body}\n\n"
    finally:
        completion.cancelled = True
