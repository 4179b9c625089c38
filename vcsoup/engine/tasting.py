"""A tasting: a soup answers one prompt while it is measured on held-out prompts.

The answer streams token by token, and joins the batch before everything that nobody watches. The
held-out prompts are answered in the same batch; the first 16 are scored first, so that a measured
figure shows early, and it is refined from there on. The point of all prompts is stored in the
project, unless replies of another length than all other points' were asked for.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from vcsoup.engine.batch import ROWS
from vcsoup.engine.bench import Bench, Benches
from vcsoup.engine.owner import Rows, Steps
from vcsoup.engine.task_state import TaskState
from vcsoup.errors import NotFoundError, UnknownValueError
from vcsoup.preferences.pairs import AnyPrompt
from vcsoup.soup.decoding import MAX_NEW_TOKENS, Sampler
from vcsoup.soup.prompts import as_asked, decode_reply, draw_uniforms, encode_prompt
from vcsoup.soup.weights import check_weights, without_specks
from vcsoup.workspace import Point, Project
from vcsoup.workspace.points import MOST_SEED

FloatArray = npt.NDArray[np.float64]
FIRST_STEP = 16  # held-out prompts behind the first figure


class TastingRequest(BaseModel):
    """What to taste."""

    model_config = ConfigDict(extra="forbid")

    project: str
    group: str = "filtered"
    weights: dict[str, float] = Field(description="Weight per value; all zeros is the base.")
    prompt: str = Field(
        min_length=1,
        max_length=100_000,
        description="A user's message, or a held-out prompt as it reads.",
    )
    n_prompts: int = Field(64, ge=2, le=4096, description="Held-out prompts to measure on.")
    seed: int = Field(0, ge=0, le=MOST_SEED)
    max_new_tokens: int = Field(
        MAX_NEW_TOKENS,
        ge=1,
        le=4096,
        description="Longest reply. Another one than the default's is measured, but not stored: "
        "points are compared, and all are of the default.",
    )
    free: bool = Field(False, description="Allow weights off the simplex.")

    @property
    def comparable(self) -> bool:
        """Whether what is measured can stand among the project's points."""
        return self.max_new_tokens == MAX_NEW_TOKENS


def checked_weights(
    project: Project, weights: Mapping[str, float], *, free: bool = False
) -> FloatArray:
    """Weights per value as a vector in the project's order; all zeros is the base.

    A weight that six decimals cannot tell from zero is zero: its point would be another soup's.

    Raises:
        UnknownValueError: a value that the project does not have.
        WeightsError: weights off the simplex (unless free or all zero), or not finite.
    """
    for value in weights:
        if value not in project.values:
            raise UnknownValueError(
                f"unknown value {value!r}; project {project.name} has {', '.join(project.values)}"
            )
    vector = [weights.get(value, 0.0) for value in project.values]
    return without_specks(check_weights(vector, len(vector), free=free or not any(vector)))


@dataclass
class Tasting(TaskState):
    """One tasting: a task of the owner, looked at from request handlers while it goes on.

    Attributes:
        request: What was asked for.
        weights: The soup, shape (K,).
        state: How it stands.
        text: The answer so far.
        point: What is measured so far.
        error: Why it failed, in one line.
    """

    benches: Benches
    request: TastingRequest
    weights: FloatArray
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: str = "queued"
    text: str = ""
    point: Point | None = None
    error: str | None = None
    seconds_to_first_token: float | None = None
    seconds_to_point: float | None = None
    _begun: float = field(default_factory=time.monotonic)
    _answer: list[int] = field(default_factory=list)

    def seen(self) -> dict[str, Any]:
        """What `GET /tastings/{id}` answers."""
        shown = {"set_key", "rewards", "low", "high", "n_prompts", "recorded"}
        return {
            "id": self.id,
            "state": self.state,
            "text": self.text,
            "point": None if self.point is None else self.point.model_dump(include=shown),
            "seconds_to_first_token": self.seconds_to_first_token,
            "seconds_to_point": self.seconds_to_point,
            "error": self.error,
        }

    def steps(self) -> Steps:
        """The owner's work: sample, score, refine, store."""
        self.move_to("sampling")
        bench = self.benches.bench(self.request.project, self.request.group)
        held_out = _held_out(bench.project, self.request.n_prompts)
        asked = self.request
        known = bench.known_point(self.weights, seed=asked.seed) if asked.comparable else None
        if known is not None and known.n_prompts >= len(held_out):
            self.point = known  # nothing is measured, so there is no time that it took
            yield self._rows(bench, [self._asked(bench)])
        else:
            yield from self._measure(bench, held_out)
        self.move_to("done")

    def _measure(self, bench: Bench, held_out: Sequence[AnyPrompt]) -> Steps:
        rewards: list[FloatArray] = []
        judged = ""
        for start in range(0, len(held_out), ROWS):
            part = held_out[start : start + ROWS]
            answers = [] if start else [self._asked(bench)]
            replies = yield self._rows(bench, [*answers, *part], answers=len(answers))
            assert replies is not None  # the owner answers rows with their tokens
            self.move_to("measuring")
            judged = judged or bench.judged(len(held_out))  # before the judges are asked
            texts = [decode_reply(bench.soup, tokens) for tokens in replies[len(answers) :]]
            for piece in _growing(len(part), start):
                new = yield from self.benches.scoring(bench, part[piece], texts[piece])
                rewards.append(new)
                measured = np.concatenate(rewards)
                self._show(bench.point(self.weights, measured, seed=self.request.seed))
        if self.point is not None and self.request.comparable and not self.cancelled:
            bench.keep(self.point, judged)

    def _asked(self, bench: Bench) -> AnyPrompt:
        return as_asked(self.request.prompt, bench.project.held_out_prompts())

    def _rows(self, bench: Bench, prompts: list[AnyPrompt], *, answers: int = 1) -> Rows:
        asked = self.request

        def hear(row: int, token: int) -> None:
            if row < answers:
                self._append(bench, token)

        return Rows(
            bench.soup,
            [encode_prompt(bench.soup, prompt) for prompt in prompts],
            np.tile(self.weights, (len(prompts), 1)),
            uniforms=draw_uniforms(prompts, asked.max_new_tokens, seed=asked.seed),
            sampler=Sampler(asked.max_new_tokens),
            on_token=hear,
            urgent=answers,
        )

    def _append(self, bench: Bench, token: int) -> None:
        self._answer.append(token)
        self.text = decode_reply(bench.soup, self._answer)
        if self.seconds_to_first_token is None:
            self.seconds_to_first_token = time.monotonic() - self._begun

    def _show(self, point: Point) -> None:
        self.point = point
        if self.seconds_to_point is None:
            self.seconds_to_point = time.monotonic() - self._begun


def _growing(n: int, before: int) -> list[slice]:
    """Cut n prompts into pieces after which a figure shows: a small one first, then the rest.

    Example:
        >>> _growing(64, 0), _growing(64, 64)
        ([slice(0, 16, None), slice(16, 64, None)], [slice(0, 64, None)])
    """
    cut = 0 if before or n <= FIRST_STEP else FIRST_STEP
    return [*([slice(0, cut)] if cut else []), slice(cut, n)]


def _held_out(project: Project, n_prompts: int) -> Sequence[AnyPrompt]:
    prompts = project.held_out_prompts()[:n_prompts]
    if len(prompts) < 2:
        raise NotFoundError(
            f"project {project.name} has {len(prompts)} held-out prompts, measuring needs at least "
            "2; add a dataset first"
        )
    return prompts
