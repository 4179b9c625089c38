"""Sample replies from many soups in shared batches.

Random numbers are fixed by (seed, prompt, step), and a token is taken where the cumulative
distribution passes them (`vcsoup.soup.sampler`). So a row's reply does not depend on what else is
in the batch, and all soups share random numbers, which makes their differences far less noisy than
independent samples would. (Kernels round differently at different batch sizes, about 1e-6 in a
probability, so a token in some hundred thousand may still flip.)
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

import numpy.typing as npt
import torch

from vcsoup.preferences.pairs import AnyPrompt
from vcsoup.soup.decoding import MAX_NEW_TOKENS, TEMPERATURE, Decoding, Reply, Sampler
from vcsoup.soup.drafts import Drafts
from vcsoup.soup.model import SoupModel
from vcsoup.soup.prompts import FloatArray, decode_reply, draw_uniforms, encode_prompt
from vcsoup.soup.streams import side_by_side

ROWS = 256  # rows in flight at a time: past this, CPU kernels gain nothing
_TOGETHER = 64  # new rows at a time: about one soup, so that it learns from the one before
_SMALL = 20_000_000  # parameters; in larger models arithmetic, which threads share well, prevails
_REFILL = 4  # new rows come in once a quarter of the places is free: prompts are read together


def sample(
    soup: SoupModel,
    prompts: Sequence[AnyPrompt],
    weights: npt.ArrayLike,
    *,
    seed: int = 0,
    uniforms: FloatArray | None = None,
    max_new_tokens: int = MAX_NEW_TOKENS,
    temperature: float = TEMPERATURE,
    top_p: float = 1.0,
    on_tokens: Callable[[list[tuple[int, int]]], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[str]:
    """Sample one reply per row.

    Args:
        soup: The resident model.
        prompts: B prompts: messages, or a string (one user message).
        weights: Soup weights, shape (B, K).
        seed: Fixes the random numbers of every prompt.
        uniforms: Random numbers in [0, 1), shape (B, steps), instead of `seed`.
        max_new_tokens: Longest reply in tokens; at most as many as `uniforms` has columns.
        temperature: 0 takes the likeliest token; 1 samples the model's own distribution.
        top_p: Nucleus of the distribution, in (0, 1].
        on_tokens: Called after each step with (row, token) of the rows that got one.
        should_stop: Asked before each step; True ends the loop with the replies so far.

    Returns:
        B replies, without special tokens, stripped.

    Raises:
        PromptError: an empty or over-long prompt, or a setting out of range.
        WeightsError: weights that are not (B, K) finite numbers, or give no finite logits.

    Example:
        ```python
        sample(soup, ["How do I boil an egg?"] * 2, [[1, 0], [0, 1]], seed=7)  # one batch
        ```
    """
    if not len(prompts):
        return []
    if uniforms is None:
        uniforms = draw_uniforms(prompts, max_new_tokens, seed=seed)
    sampler = Sampler(min(max_new_tokens, uniforms.shape[1]), temperature, top_p)
    rows = soup.rows(weights, len(prompts)).cpu().double().numpy()
    replies = [
        Reply(encode_prompt(soup, prompt), row, numbers, sampler)
        for prompt, row, numbers in zip(prompts, rows, uniforms, strict=True)
    ]
    places = {id(reply): row for row, reply in enumerate(replies)}
    for new in decode(soup, replies, should_stop=should_stop):
        if on_tokens:
            on_tokens([(places[id(reply)], token) for reply, token in new])
    return [decode_reply(soup, reply.tokens) for reply in replies]


def decode(
    soup: SoupModel,
    replies: Iterable[Reply],
    *,
    rows: int = ROWS,
    drafts: bool = True,
    should_stop: Callable[[], bool] | None = None,
) -> Iterator[list[tuple[Reply, int]]]:
    """Complete replies, at most `rows` at a time; the next ones take the places of the finished.

    Replies to the same prompt with the same random numbers serve each other as drafts. A small
    model decodes many replies in several streams, one per core.

    Args:
        soup: The resident model.
        replies: Any number of them, not begun; they grow in place.
        rows: Most in flight at a time.
        drafts: Whether they do; the replies are the same without.
        should_stop: Asked before each step; True ends the loop with the replies so far.

    Yields:
        After each step, (reply, token) of those that got one; `Reply.finished` tells the end.

    Raises:
        PromptError: an empty or over-long prompt.
        WeightsError: weights at which the model gives no finite numbers.
    """
    line = _Line(replies, drafts=drafts)
    n, threads = min(_streams(soup, len(line)), rows), torch.get_num_threads()
    parts = [_stream(soup, line, rows // n) for _ in range(n)]
    turns = parts[0] if n == 1 else side_by_side(parts, threads=threads)
    with contextlib.closing(turns):
        while not (should_stop and should_stop()):
            if (new := next(turns, None)) is None:
                return
            yield new


def _streams(soup: SoupModel, replies: int) -> int:
    """How many streams decode so many replies fastest."""
    small = soup.model.num_parameters() <= _SMALL
    if soup.device.type != "cpu" or not small or replies <= _TOGETHER:
        return 1
    return torch.get_num_threads()


def _stream(soup: SoupModel, line: "_Line", rows: int) -> Generator[list[tuple[Reply, int]]]:
    """Decode what waits in line, at most `rows` at a time."""
    decoding = Decoding(soup)
    while True:
        flying, free = decoding.replies, rows - len(decoding.replies)
        joining = line.take(min(free, _TOGETHER)) if free * _REFILL >= rows else []
        if not (joining or flying):
            return
        new = decoding.join(joining) if joining else decoding.step()
        finished = [reply for reply in (*flying, *joining) if reply.finished]
        for reply in finished:
            reply.check_whole()
        line.learn(finished)
        yield new


class _Line:
    """The replies that wait, and what finished ones said; streams share it."""

    def __init__(self, replies: Iterable[Reply], *, drafts: bool) -> None:
        self._waiting = deque(replies)
        self._known = Drafts() if drafts else None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, most: int) -> list[Reply]:
        """Take the next replies out, with drafts where some are known."""
        with self._lock:
            taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
            if self._known is not None:
                for reply in taken:
                    reply.draft = reply.draft or self._known.suggest(reply)
        return taken

    def learn(self, finished: Sequence[Reply]) -> None:
        """Let finished replies serve as drafts."""
        with self._lock:
            if self._known is not None:
                for reply in finished:
                    self._known.learn(reply)
