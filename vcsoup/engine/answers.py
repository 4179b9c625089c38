"""What the OpenAI API answers: whole bodies and server-sent events, as its clients read them."""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vcsoup.engine.completion import Piece


@dataclass(frozen=True)
class Head:
    """What all parts of one answer share.

    Attributes:
        kind: "chat.completion" or "text_completion".
        model: The soup's name.
    """

    kind: str
    model: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def chat(self) -> bool:
        """Whether it is the chat endpoint's."""
        return self.kind.startswith("chat")

    def fields(self, *, chunk: bool = False) -> dict[str, Any]:
        """The fields at the top of a body or an event."""
        return {
            "id": f"{'chatcmpl' if self.chat else 'cmpl'}-{self.id}",
            "object": f"{self.kind}.chunk" if chunk and self.chat else self.kind,
            "created": self.created,
            "model": self.model,
        }


def whole(
    head: Head, texts: Sequence[str], finishes: Sequence[str], tokens: tuple[int, int]
) -> dict[str, Any]:
    """The body of an answer that is not streamed.

    Args:
        head: What it answers.
        texts: The replies.
        finishes: Why each ended.
        tokens: Of the prompts, of the replies.
    """
    choices = []
    for index, (text, finish) in enumerate(zip(texts, finishes, strict=True)):
        said = {"message": {"role": "assistant", "content": text}} if head.chat else {"text": text}
        choices.append({"index": index, **said, "logprobs": None, "finish_reason": finish})
    return {**head.fields(), "choices": choices, "usage": _usage(*tokens)}


def event(head: Head, piece: Piece, *, opening: bool) -> str:
    """One event of a stream.

    Args:
        head: What it answers.
        piece: More text of one reply.
        opening: Whether it is this reply's first.
    """
    if head.chat:
        delta: dict[str, str] = {"role": "assistant"} if opening else {}
        if piece.text or not piece.finish:
            delta["content"] = piece.text
        said: Mapping[str, Any] = {"delta": delta}
    else:
        said = {"text": piece.text}
    choice = {"index": piece.choice, **said, "logprobs": None, "finish_reason": piece.finish}
    return _line({**head.fields(chunk=True), "choices": [choice]})


def usage_event(head: Head, prompt_tokens: int, completion_tokens: int) -> str:
    """The last event of a stream whose reader asked for the counts."""
    usage = _usage(prompt_tokens, completion_tokens)
    return _line({**head.fields(chunk=True), "choices": [], "usage": usage})


def _usage(prompt_tokens: int, completion_tokens: int) -> dict[str, int]:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def _line(body: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"
