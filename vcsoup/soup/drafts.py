"""Replies that soups gave before, as drafts for the soups to come.

All soups answer a prompt with the same random numbers, so soups that lie close together often say
the same, word for word. A draft is checked by its new soup in one pass over all its tokens
(`vcsoup.soup.decoding`), and only what differs is decoded anew: the reply is exactly the one that
decoding token by token gives, however bad the draft.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence

import numpy as np

from vcsoup.soup.decoding import Reply
from vcsoup.soup.prompts import FloatArray

_PER_PROMPT = 32  # newest replies kept for a prompt and its random numbers
_TOKENS = 2_000_000  # kept in all, prompts included; those unused for longest are forgotten first

_Name = tuple[tuple[int, ...], float, float, float]
_Known = deque[tuple[FloatArray, tuple[int, ...]]]


class Drafts:
    """The newest replies of one model, by prompt and random numbers."""

    def __init__(self, *, most_tokens: int = _TOKENS) -> None:
        """Begin without any.

        Args:
            most_tokens: Bound on the memory they take.
        """
        self._most, self._held = most_tokens, 0
        self._known: OrderedDict[_Name, _Known] = OrderedDict()

    def suggest(self, reply: Reply) -> Sequence[int]:
        """What the nearest soup said to the same prompt with the same random numbers."""
        known = self._known.get(_name(reply))
        if not known:
            return ()
        weights = np.array([weights for weights, _ in known])
        return known[int(np.abs(weights - reply.weights).sum(axis=1).argmin())][1]

    def learn(self, reply: Reply) -> None:
        """Remember a finished reply."""
        name = _name(reply)
        if name not in self._known:
            self._held += len(reply.prompt)
        known = self._known.setdefault(name, deque())
        self._known.move_to_end(name)
        known.append((np.asarray(reply.weights), tuple(reply.tokens)))
        self._held += len(reply.tokens)
        if len(known) > _PER_PROMPT:
            self._held -= len(known.popleft()[1])
        while self._held > self._most:
            (prompt, *_), oldest = self._known.popitem(last=False)
            self._held -= len(prompt) + sum(len(tokens) for _, tokens in oldest)


def _name(reply: Reply) -> _Name:
    sampler = reply.sampler
    return tuple(reply.prompt), float(reply.uniforms[0]), sampler.temperature, sampler.top_p
