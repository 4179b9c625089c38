"""Replies for the OpenAI API: one task whose texts are told piece by piece while they grow."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedTokenizerBase

from vcsoup.engine.bench import Benches
from vcsoup.engine.owner import Rows, Steps
from vcsoup.errors import EngineError
from vcsoup.preferences.pairs import Prompt
from vcsoup.soup.decoding import Sampler
from vcsoup.soup.prompts import draw_uniforms, encode_prompt, encode_text

_HALF_A_CHARACTER = "\N{REPLACEMENT CHARACTER}"
Finish = Literal["stop", "length"]


@dataclass(frozen=True)
class CompletionSpec:
    """What to complete.

    Attributes:
        project: Name of the project.
        group: The adapter set.
        weights: The soup, shape (K,).
        prompts: Messages to answer, or raw texts to continue.
        sampler: How tokens are chosen.
        seed: Fixes the random numbers; reply j to a prompt takes those of seed + j.
        n: Replies per prompt.
        stops: A reply ends before the first of these texts.
    """

    project: str
    group: str
    weights: npt.NDArray[np.float64]
    prompts: tuple[Prompt | str, ...]
    sampler: Sampler
    seed: int
    n: int = 1
    stops: tuple[str, ...] = ()


@dataclass(frozen=True)
class Piece:
    """More text of one reply; `finish` says why it ended, with its last piece."""

    choice: int
    text: str
    finish: Finish | None = None


Told = Piece | EngineError | None  # None: all replies are complete


@dataclass
class Completion:
    """Replies under way, `spec.n` to each prompt, in the order of the prompts.

    Attributes:
        tell: Hears every piece, then None, or the error that ended it; called on the owner's
            thread.
        cancelled: Set it when nobody reads any more.
        prompt_tokens: Tokens of the prompts, each counted once.
        completion_tokens: Tokens of the replies so far.
    """

    benches: Benches
    spec: CompletionSpec
    tell: Callable[[Told], None]
    cancelled: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    _growing: list["_Growing"] = field(default_factory=list)

    def fail(self, error: str) -> None:
        """Tell the reader why the work broke off."""
        self.tell(EngineError(error))

    def steps(self) -> Steps:
        """The owner's work."""
        spec = self.spec
        bench = self.benches.bench(spec.project, spec.group)
        tokens = [
            encode_text(bench.soup, prompt)
            if isinstance(prompt, str)
            else encode_prompt(bench.soup, prompt)
            for prompt in spec.prompts
        ]
        self.prompt_tokens = sum(map(len, tokens))
        length, n = spec.sampler.max_new_tokens, spec.n
        uniforms = [draw_uniforms(spec.prompts, length, seed=spec.seed + j) for j in range(n)]
        self._growing = [
            _Growing(choice, spec.stops, bench.soup.tokenizer, self.tell)
            for choice in range(n * len(tokens))
        ]
        yield Rows(
            bench.soup,
            [prompt for prompt in tokens for _ in range(n)],
            np.tile(spec.weights, (n * len(tokens), 1)),
            np.stack(uniforms, axis=1).reshape(-1, length),
            spec.sampler,
            self._hear,
            urgent=n * len(tokens),
        )
        for growing in self._growing:
            growing.end(length)
        self.tell(None)

    def _hear(self, row: int, token: int) -> bool:
        self.completion_tokens += 1
        return self._growing[row].hear(token)


class _Growing:
    """One reply: its text so far, and how much of it was told."""

    def __init__(
        self,
        choice: int,
        stops: tuple[str, ...],
        tokenizer: PreTrainedTokenizerBase,
        tell: Callable[[Told], None],
    ) -> None:
        self._choice, self._stops, self._tokenizer, self._tell = choice, stops, tokenizer, tell
        self._tokens: list[int] = []
        self._text, self._sent, self._stopped = "", 0, False

    def hear(self, token: int) -> bool:
        """Take a token; True when a stop text ends the reply."""
        self._tokens.append(token)
        text = str(self._tokenizer.decode(self._tokens, skip_special_tokens=True))
        cuts = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        self._text, self._stopped = text[: min(cuts)] if cuts else text, bool(cuts)
        # What may be the beginning of a stop text or half a character waits for the next token.
        held = 0 if cuts else max((_overlap(text, stop) for stop in self._stops), default=0)
        if not text.endswith(_HALF_A_CHARACTER):
            self._send(len(self._text) - held)
        return self._stopped

    def end(self, length: int) -> None:
        """Tell what is left, and why the reply ended."""
        full = len(self._tokens) >= length and not self._stopped
        text, self._sent = self._text[self._sent :], len(self._text)
        self._tell(Piece(self._choice, text, "length" if full else "stop"))

    def _send(self, end: int) -> None:
        if end > self._sent:
            self._tell(Piece(self._choice, self._text[self._sent : end]))
            self._sent = end


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of `text` begin `stop`."""
    return next((n for n in range(len(stop) - 1, 0, -1) if text.endswith(stop[:n])), 0)
