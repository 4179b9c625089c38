"""One reply for the OpenAI API: a task whose text is read while it grows."""

import queue
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vcsoup.engine.bench import Benches
from vcsoup.engine.owner import Rows, Steps
from vcsoup.errors import EngineError
from vcsoup.preferences.pairs import Prompt
from vcsoup.soup.decoding import Sampler
from vcsoup.soup.prompts import draw_uniforms, encode_prompt, encode_text

_HALF_A_CHARACTER = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class CompletionSpec:
    """What to complete.

    Attributes:
        project: Name of the project.
        group: The adapter set.
        weights: The soup, shape (K,).
        prompt: Messages to answer, or a raw text to continue.
        sampler: How tokens are chosen.
        seed: Fixes the random numbers.
        stops: The reply ends before the first of these texts.
    """

    project: str
    group: str
    weights: npt.NDArray[np.float64]
    prompt: Prompt
    sampler: Sampler
    seed: int
    stops: tuple[str, ...] = ()


@dataclass
class Completion:
    """A reply under way.

    Attributes:
        finish_reason: "stop" or "length" once it ended well.
        prompt_tokens: Tokens of the prompt.
        completion_tokens: Tokens of the reply so far.
    """

    benches: Benches
    spec: CompletionSpec
    cancelled: bool = False
    finish_reason: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    _pieces: "queue.SimpleQueue[str | Exception | None]" = field(default_factory=queue.SimpleQueue)
    _text: str = ""
    _sent: int = 0
    _stopped: bool = False

    def pieces(self) -> Iterator[str]:
        """The reply as it comes, piece by piece; blocks until it ends.

        Raises:
            EngineError: the work broke off.
        """
        while (piece := self._pieces.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def fail(self, error: str) -> None:
        """Tell the reader why the work broke off."""
        self._pieces.put(EngineError(error))

    def steps(self) -> Steps:
        """The owner's work."""
        spec = self.spec
        bench = self.benches.bench(spec.project, spec.group)
        raw = isinstance(spec.prompt, str)
        tokens = (encode_text if raw else encode_prompt)(bench.soup, spec.prompt)
        self.prompt_tokens = len(tokens)
        heard: list[int] = []

        def hear(_row: int, token: int) -> bool:
            heard.append(token)
            self.completion_tokens = len(heard)
            return self._grow(bench.soup.tokenizer.decode(heard, skip_special_tokens=True))

        uniforms = draw_uniforms([spec.prompt], spec.sampler.max_new_tokens, seed=spec.seed)
        yield Rows(bench.soup, [tokens], spec.weights[None], uniforms, spec.sampler, hear)
        self._send(len(self._text))
        full = len(heard) >= spec.sampler.max_new_tokens and not self._stopped
        self.finish_reason = "length" if full else "stop"
        self._pieces.put(None)

    def _grow(self, text: str) -> bool:
        """Take the text so far; True when a stop text ends it."""
        cuts = [at for stop in self.spec.stops if (at := text.find(stop)) >= 0]
        self._text, self._stopped = text[: min(cuts)] if cuts else text, bool(cuts)
        # What may be the beginning of a stop text or half a character waits for the next token.
        held = 0 if cuts else max((_overlap(text, stop) for stop in self.spec.stops), default=0)
        if not text.endswith(_HALF_A_CHARACTER):
            self._send(len(self._text) - held)
        return self._stopped

    def _send(self, end: int) -> None:
        if end > self._sent:
            self._pieces.put(self._text[self._sent : end])
            self._sent = end


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of `text` begin `stop`."""
    return next((n for n in range(len(stop) - 1, 0, -1) if text.endswith(stop[:n])), 0)
