"""The OpenAI completions and chat API: the soup is part of the model's name.

"soup:helpful=0.5,harmless=0.5" mixes the default project's filtered adapters, "base" is its base;
"soup:demo/unfiltered:helpful=1" names project and group. Weights may leave the simplex here.
"""

import json
import secrets
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field

from vcsoup.engine.bench import Benches
from vcsoup.engine.completion import Completion, CompletionSpec
from vcsoup.engine.owner import Owner
from vcsoup.errors import EngineError, NotFoundError
from vcsoup.preferences.pairs import Prompt, as_messages
from vcsoup.soup.decoding import MAX_NEW_TOKENS, Sampler
from vcsoup.soup.weights import corners, format_weights, parse_weights
from vcsoup.workspace import Project, Workspace

FloatArray = npt.NDArray[np.float64]
DEFAULT_GROUP = "filtered"


class Asked(BaseModel):
    """What both endpoints take; settings that OpenAI clients send besides are left aside."""

    model: str
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float = Field(1.0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    seed: int | None = Field(None, ge=0)
    stop: str | list[str] | None = None
    stream: bool = False
    n: int = 1


class AskedChat(Asked):
    """POST /v1/chat/completions."""

    messages: list[dict[str, Any]] = Field(min_length=1)


class AskedText(Asked):
    """POST /v1/completions."""

    prompt: str


def parse_model(name: str, workspace: Workspace) -> tuple[Project, str, FloatArray]:
    """Project, group and weights (K,) that a model name stands for.

    Raises:
        EngineError: not a soup's name.
        NotFoundError: no such project.
        UnknownValueError: a value that the project does not have.
        WeightsError: a weight that is no number.
    """
    kind, *rest = name.split(":")
    mixed = kind == "soup" and len(rest) in (1, 2)
    if not mixed and not (kind == "base" and len(rest) <= 1):
        raise EngineError(
            f"unknown model {name!r}; name a soup such as soup:helpful=0.5,harmless=0.5, or base"
        )
    place = rest[0] if len(rest) > mixed else ""
    project_name, _, group = place.partition("/")
    project = workspace.project(project_name) if project_name else _default_project(workspace)
    weights = np.zeros(len(project.values))
    if mixed:
        weights = parse_weights(rest[-1], project.values, free=True)
    return project, group or DEFAULT_GROUP, weights


def model_names(workspace: Workspace) -> list[str]:
    """Names worth listing: the base, corners and even mix of every complete set of adapters."""
    names = ["base"]
    for project in workspace.projects():
        K = len(project.values)
        for group in project.adapter_sets():
            for weights in (*corners(K), [1 / K] * K):
                text = format_weights(weights, project.values)
                names.append(f"soup:{project.name}/{group}:{text}")
    return names


def router(workspace: Workspace, benches: Benches, owner: Owner) -> APIRouter:
    """The /v1 endpoints."""
    routes = APIRouter(prefix="/v1")

    def begin(asked: Asked, prompt: Prompt) -> Completion:
        completion = Completion(benches, _spec(asked, prompt, workspace))
        owner.submit(completion)
        return completion

    @routes.get("/models")
    def models() -> dict[str, Any]:
        listed = [
            {"id": name, "object": "model", "created": 0, "owned_by": "vcsoup"}
            for name in model_names(workspace)
        ]
        return {"object": "list", "data": listed}

    @routes.post("/chat/completions")
    def chat(asked: AskedChat) -> Response:
        messages = as_messages([_plain(turn) for turn in asked.messages])
        return _answer(asked, begin(asked, messages), kind="chat.completion")

    @routes.post("/completions")
    def complete(asked: AskedText) -> Response:
        return _answer(asked, begin(asked, asked.prompt), kind="text_completion")

    return routes


def openai_error(message: str, status: int) -> JSONResponse:
    """An error in the form that OpenAI clients read."""
    body = {"error": {"message": message, "type": "invalid_request_error", "code": None}}
    return JSONResponse(body, status_code=status)


def _spec(asked: Asked, prompt: Prompt, workspace: Workspace) -> CompletionSpec:
    if asked.n != 1:
        raise EngineError(f"expected n = 1, got {asked.n}; ask once per reply")
    project, group, weights = parse_model(asked.model, workspace)
    if group not in project.adapter_sets():
        raise NotFoundError(f"project {project.name} has no complete adapter set {group!r}")
    stops = [asked.stop] if isinstance(asked.stop, str) else asked.stop or []
    length = asked.max_completion_tokens or asked.max_tokens or MAX_NEW_TOKENS
    return CompletionSpec(
        project=project.name,
        group=group,
        weights=weights,
        prompt=prompt,
        sampler=Sampler(length, asked.temperature, asked.top_p),
        seed=secrets.randbits(32) if asked.seed is None else asked.seed,
        stops=tuple(filter(None, stops)),
    )


def _default_project(workspace: Workspace) -> Project:
    projects = {project.name: project for project in workspace.projects()}
    if not projects:
        raise NotFoundError(f"workspace {workspace.root} has no project; create one first")
    return projects.get("demo") or next(iter(projects.values()))


def _plain(turn: Mapping[str, Any]) -> dict[str, Any]:
    """A message with its content as text; clients may send a list of text parts."""
    content = turn.get("content")
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content if isinstance(part, Mapping))
    return {"role": turn.get("role"), "content": content}


def _answer(asked: Asked, completion: Completion, *, kind: str) -> Response:
    head = {
        "id": f"{'chatcmpl' if kind.startswith('chat') else 'cmpl'}-{uuid.uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": asked.model,
    }
    pieces = completion.pieces()
    if asked.stream:
        first = next(pieces, "")  # an error before the first piece is an error status
        events = _events(head, completion, first, pieces)
        return StreamingResponse(events, media_type="text/event-stream")
    text = "".join(pieces)
    body = {"message": {"role": "assistant", "content": text}} if _is_chat(head) else {"text": text}
    choice = {"index": 0, **body, "logprobs": None, "finish_reason": completion.finish_reason}
    usage = {
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "total_tokens": completion.prompt_tokens + completion.completion_tokens,
    }
    return JSONResponse({**head, "choices": [choice], "usage": usage})


def _events(
    head: Mapping[str, Any], completion: Completion, first: str, pieces: Iterator[str]
) -> Iterator[str]:
    """Server-sent events; a reader that goes away ends the reply."""
    chat = _is_chat(head)
    if chat:
        head = {**head, "object": "chat.completion.chunk"}

    def event(piece: str, finish: str | None = None, role: Mapping[str, str] | None = None) -> str:
        delta = {"content": piece} if piece or not finish else {}
        body = {"delta": {**(role or {}), **delta}} if chat else {"text": piece}
        choice = {"index": 0, **body, "logprobs": None, "finish_reason": finish}
        return f"data: {json.dumps({**head, 'choices': [choice]}, ensure_ascii=False)}\n\n"

    try:
        yield event(first, role={"role": "assistant"})
        for piece in pieces:
            yield event(piece)
        yield event("", finish=completion.finish_reason)
        yield "data: [DONE]\n\n"
    except EngineError as error:
        yield f"data: {json.dumps({'error': {'message': str(error)}})}\n\n"
    finally:
        completion.cancelled = True


def _is_chat(head: Mapping[str, Any]) -> bool:
    return str(head["object"]).startswith("chat")
