"""The batch in flight: replies of any soups and lengths that join and leave at any step.

A reply joins with its prompt and, where there is one, a draft: what a soup close by said. One pass
over both gives the first token that differs from the draft, or the whole reply. From there on each
step gives every reply in flight one token. The random numbers belong to the reply
(`vcsoup.soup.prompts`), never to the batch: what a reply says depends neither on its draft nor on
who else is there. The owner calls `join` and `step`; finished replies leave at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from transformers import DynamicCache

from vcsoup.base_models.anatomy import context_of, stop_tokens
from vcsoup.errors import WeightsError
from vcsoup.rewards.model import length_batches
from vcsoup.soup.cache import RowCache
from vcsoup.soup.model import SoupModel
from vcsoup.soup.prompts import FloatArray, PromptError
from vcsoup.soup.sampler import (
    MAX_NEW_TOKENS,
    NO_TOKEN,
    TEMPERATURE,
    Sampler,
    choose_tokens,
)

__all__ = ["MAX_NEW_TOKENS", "TEMPERATURE", "Decoding", "Reply", "Sampler", "check_lengths"]

READ_TOKENS = 2048  # of prompts and drafts read in one pass, padding included
_LOGITS = 2**26  # most numbers that one pass may give out: 256 MiB
_OWN_PASS = 16  # replies of one soup from which on they are read apart from other soups


@dataclass(eq=False)
class Reply:
    """One reply, growing.

    Attributes:
        prompt: Its prompt's tokens, at least one.
        weights: The soup, shape (K,).
        uniforms: Its random numbers in [0, 1), shape (>= max_new_tokens,).
        sampler: How its tokens are chosen.
        draft: What the reply may turn out to be; read once, on joining.
        tokens: The reply so far, without the end token.
        finished: Whether it is complete, or broke off.
        broken: Whether it broke off: the model gives no finite numbers at these weights.
    """

    prompt: Sequence[int]
    weights: FloatArray
    uniforms: FloatArray
    sampler: Sampler
    draft: Sequence[int] = ()
    tokens: list[int] = field(default_factory=list)
    finished: bool = False
    broken: bool = False

    @property
    def whole(self) -> bool:
        """Whether it is complete and did not break off."""
        return self.finished and not self.broken

    def check_whole(self) -> None:
        """Refuse a reply that broke off.

        Raises:
            WeightsError: names the weights.
        """
        if self.broken:
            shown = ", ".join(f"{weight:g}" for weight in self.weights)
            raise WeightsError(
                f"the model gives no finite numbers at the weights ({shown}); take smaller weights"
            )


class Decoding:
    """Replies in flight on one model.

    Attributes:
        replies: Those not finished, one per row.
    """

    def __init__(self, soup: SoupModel) -> None:
        """Prepare an empty batch.

        Raises:
            AdapterError: a model whose memory cannot be kept row by row.
        """
        self.replies: list[Reply] = []
        self._soup, self._stops = soup, stop_tokens(soup.model, soup.tokenizer)
        self._cache = RowCache(soup.model.config, soup.device)
        self._tokens = torch.zeros(0, dtype=torch.int64, device=soup.device)
        self._weights = torch.zeros(0, soup.K, device=soup.device)

    @torch.inference_mode()
    def join(self, replies: Sequence[Reply]) -> list[tuple[Reply, int]]:
        """Take new replies in; returns (reply, token) for their first tokens, as `step` does.

        Raises:
            PromptError: an empty prompt, or one that leaves no room for the reply.
            WeightsError: weights that are not (K,) finite numbers.
        """
        for reply in replies:
            check_lengths(self._soup, [reply.prompt], reply.sampler.max_new_tokens)
        return [pair for part in self._parts(replies) for pair in self._read(part)]

    @torch.inference_mode()
    def step(self) -> list[tuple[Reply, int]]:
        """Choose a token for every reply; returns (reply, token) without end tokens."""
        self.drop_finished()
        if not self.replies:
            return []
        logits = self._soup.next_logits(self._tokens, self._weights, self._cache)
        numbers = np.array([reply.uniforms[len(reply.tokens)] for reply in self.replies])
        self._tokens = self._choose(logits, self.replies, numbers)
        chosen = zip(self.replies, self._tokens.tolist(), strict=True)
        new = [pair for reply, token in chosen for pair in self._record(reply, token)]
        self.drop_finished()
        return new

    def drop_finished(self) -> None:
        """Let the finished replies go; a step does so by itself."""
        gone = [row for row, reply in enumerate(self.replies) if reply.finished]
        if not gone:
            return
        order = self._cache.leave(gone)
        self.replies = [self.replies[row] for row in order]
        keep = torch.from_numpy(order).to(self._tokens.device)
        self._tokens, self._weights = self._tokens[keep], self._weights[keep]

    def _parts(self, replies: Sequence[Reply]) -> Iterator[list[Reply]]:
        """Replies that are read together: of one soup where that fills a pass, of like length."""
        soups: dict[bytes, list[Reply]] = {}
        for reply in replies:
            soups.setdefault(np.asarray(reply.weights, np.float64).tobytes(), []).append(reply)
        alone = [group for group in soups.values() if len(group) >= _OWN_PASS]
        rest = [reply for group in soups.values() if len(group) < _OWN_PASS for reply in group]
        budget = min(READ_TOKENS, _LOGITS // self._soup.model.config.get_text_config().vocab_size)
        for group in [*alone, rest]:
            lengths = [len(reply.prompt) + len(reply.draft) for reply in group]
            for places in length_batches(np.array(lengths, dtype=np.int64), budget):
                yield [group[place] for place in places]

    def _read(self, replies: list[Reply]) -> list[tuple[Reply, int]]:
        """Run prompts and drafts in one pass; take the tokens it settles, and append the rows."""
        soup = self._soup
        drafts = [list(reply.draft[: reply.sampler.max_new_tokens - 1]) for reply in replies]
        fed = [[*reply.prompt, *draft] for reply, draft in zip(replies, drafts, strict=True)]
        weights = soup.rows([reply.weights for reply in replies], len(replies))
        longest = max(map(len, fed))
        # Padded on the right: with causal attention no token sees what follows it.
        ids = torch.tensor([tokens + [0] * (longest - len(tokens)) for tokens in fed])
        counts = [len(draft) + 1 for draft in drafts]
        rows = np.repeat(np.arange(len(replies)), counts)
        columns = np.concatenate(
            [np.arange(len(f) - n, len(f)) for f, n in zip(fed, counts, strict=True)]
        )
        numbers = np.concatenate([r.uniforms[:n] for r, n in zip(replies, counts, strict=True)])
        cache = DynamicCache()
        chosen: list[int] = []
        for logits in soup.read(ids.to(soup.device), weights, cache, (rows, columns)):
            part = slice(len(chosen), len(chosen) + len(logits))
            asking = [replies[row] for row in rows[part]]
            chosen += self._choose(logits, asking, numbers[part]).tolist()
        new = []
        for reply, draft, tokens in zip(replies, drafts, _cut(chosen, counts), strict=True):
            for place, token in enumerate(tokens):
                new += self._record(reply, token)
                if reply.finished or draft[place : place + 1] != [token]:
                    break
        self._append(replies, weights, cache)
        return new

    def _append(self, replies: list[Reply], weights: torch.Tensor, cache: DynamicCache) -> None:
        """Give rows to the replies that go on; their last token enters with the next step."""
        rows = [row for row, reply in enumerate(replies) if not reply.finished]
        going = [replies[row] for row in rows]
        self._cache.add([len(r.prompt) + len(r.tokens) - 1 for r in going], cache, rows)
        last = torch.tensor([reply.tokens[-1] for reply in going], dtype=torch.int64)
        self._tokens = torch.cat([self._tokens, last.to(self._tokens.device)])
        self._weights = torch.cat([self._weights, weights[rows]])
        self.replies += going

    def _choose(
        self, logits: torch.Tensor, replies: Sequence[Reply], numbers: FloatArray
    ) -> torch.Tensor:
        """Tokens for rows of logits; rows of one sampler are chosen together."""
        uniforms = torch.from_numpy(numbers).to(logits.device)
        kinds = [(reply.sampler.temperature, reply.sampler.top_p) for reply in replies]
        if len(set(kinds)) == 1:
            return choose_tokens(logits, uniforms, sampler=replies[0].sampler)
        chosen = torch.empty(len(replies), dtype=torch.int64, device=logits.device)
        for kind in set(kinds):
            rows = [row for row, other in enumerate(kinds) if other == kind]
            sampler = replies[rows[0]].sampler
            chosen[rows] = choose_tokens(logits[rows], uniforms[rows], sampler=sampler)
        return chosen

    def _record(self, reply: Reply, token: int) -> list[tuple[Reply, int]]:
        if token == NO_TOKEN:
            reply.broken = reply.finished = True  # in this order: other threads look
            return []
        if token in self._stops:
            reply.finished = True
            return []
        reply.tokens.append(token)
        reply.finished = len(reply.tokens) >= reply.sampler.max_new_tokens
        return [(reply, token)]


def _cut(tokens: list[int], counts: Sequence[int]) -> Iterator[list[int]]:
    start = 0
    for count in counts:
        yield tokens[start : start + count]
        start += count


def check_lengths(soup: SoupModel, prompts: Iterable[Sequence[int]], new: int) -> None:
    """Refuse prompts that are empty or leave no room for `new` tokens.

    Raises:
        PromptError: names the prompt's length and the model's context.
    """
    context = context_of(soup.model.config.get_text_config())
    for prompt in prompts:
        if not len(prompt):
            raise PromptError("a prompt is empty; write some text")
        if context and len(prompt) + new > context:
            raise PromptError(
                f"a prompt has {len(prompt)} tokens, with {new} new ones more than the "
                f"model's context of {context}; shorten the prompt or ask for fewer new tokens"
            )
