"""A table of answers: the same prompts put to several soups, all rows in one batch per model.

A task like a tasting (`vcsoup.engine.tasting`): it is started, looked at while its answers grow,
and cancelled. Every answer is sampled with the random numbers of its prompt, so the soups differ by
their weights alone. With `score` the answers are scored by every reward model once they are whole.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from vcsoup.engine.bench import Bench, Benches
from vcsoup.engine.owner import Owner, Rows, Steps
from vcsoup.engine.task_state import Tasks, TaskState
from vcsoup.engine.tasting import checked_weights
from vcsoup.preferences.pairs import AnyPrompt, as_messages
from vcsoup.soup.decoding import MAX_NEW_TOKENS, Sampler
from vcsoup.soup.prompts import as_asked, decode_reply, draw_uniforms, encode_prompt
from vcsoup.workspace import Workspace

FloatArray = npt.NDArray[np.float64]
MOST_ANSWERS = 256
MOST_URGENT = 8
"""Up to so many answers are read while they grow, so they join the batch before others."""
_MOST_TABLES = 50  # older ones that ended are forgotten


class TableSoup(BaseModel):
    """One column: a soup of one adapter set; all zeros is the base."""

    model_config = ConfigDict(extra="forbid")

    group: str = "filtered"
    weights: dict[str, float]


class TableRequest(BaseModel):
    """Which prompts to put to which soups."""

    model_config = ConfigDict(extra="forbid")

    project: str
    prompts: list[str] = Field(min_length=1, max_length=64)
    soups: list[TableSoup] = Field(min_length=1, max_length=16)
    seed: int = Field(0, ge=0)
    max_new_tokens: int = Field(MAX_NEW_TOKENS, ge=1, le=4096)
    free: bool = Field(False, description="Allow weights off the simplex.")
    score: bool = Field(True, description="Score the answers with every reward model.")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if any(not prompt.strip() for prompt in self.prompts):
            raise ValueError("a prompt is empty; write some text")
        if len(self.prompts) * len(self.soups) > MOST_ANSWERS:
            raise ValueError(f"more than {MOST_ANSWERS} answers; ask fewer prompts or soups")
        return self


@dataclass
class AnswerTable(TaskState):
    """One table: a task of the owner, looked at from request handlers while it goes on.

    Attributes:
        request: What was asked for.
        weights: The soups, shape (S, K).
        replies: Answers so far, P lists of S texts.
        rewards: Reward per value of each answer, P lists of S; None until scored.
    """

    benches: Benches
    request: TableRequest
    weights: FloatArray
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: str = "queued"
    error: str | None = None
    replies: list[list[str]] = field(default_factory=list)
    rewards: list[list[dict[str, float] | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Lay the empty table out."""
        P, S = len(self.request.prompts), len(self.request.soups)
        self.replies = [[""] * S for _ in range(P)]
        self.rewards = [[None] * S for _ in range(P)]

    def seen(self) -> dict[str, Any]:
        """What `GET /tables/{id}` answers."""
        return {
            "id": self.id,
            "state": self.state,
            "replies": [list(row) for row in self.replies],
            "rewards": [list(row) for row in self.rewards],
            "error": self.error,
        }

    def steps(self) -> Steps:
        """The owner's work: sample group by group, then score."""
        self.move_to("sampling")
        groups = list(dict.fromkeys(soup.group for soup in self.request.soups))
        for group in groups:
            bench = self.benches.bench(self.request.project, group)
            columns = [c for c, soup in enumerate(self.request.soups) if soup.group == group]
            yield self._rows(bench, columns)
        if self.request.score and not self.cancelled:
            self.move_to("scoring")
            yield from self._score(bench)
        self.move_to("done")

    def _asked(self, bench: Bench) -> list[AnyPrompt]:
        known = bench.project.held_out_prompts()
        return [as_asked(prompt, known) for prompt in self.request.prompts]

    def _rows(self, bench: Bench, columns: list[int]) -> Rows:
        asked, S = self.request, len(columns)
        prompts = [prompt for prompt in self._asked(bench) for _ in columns]
        heard: list[list[int]] = [[] for _ in prompts]

        def hear(row: int, token: int) -> None:
            heard[row].append(token)
            self.replies[row // S][columns[row % S]] = decode_reply(bench.soup, heard[row])

        return Rows(
            bench.soup,
            [encode_prompt(bench.soup, prompt) for prompt in prompts],
            np.tile(self.weights[columns], (len(asked.prompts), 1)),
            uniforms=draw_uniforms(prompts, asked.max_new_tokens, seed=asked.seed),
            sampler=Sampler(asked.max_new_tokens),
            on_token=hear,
            urgent=len(prompts) if len(prompts) <= MOST_URGENT else 0,
        )

    def _score(self, bench: Bench) -> Steps:
        S = len(self.request.soups)
        asked = [as_messages(prompt) for prompt in self._asked(bench) for _ in range(S)]
        replies = [reply for row in self.replies for reply in row]
        found = yield from self.benches.scoring(bench, asked, replies)
        for place, row in enumerate(found.tolist()):
            named = dict(zip(bench.project.values, row, strict=True))
            self.rewards[place // S][place % S] = named


def table_router(workspace: Workspace, benches: Benches, owner: Owner) -> APIRouter:
    """The engine's routes for tables: start, look, cancel."""
    router, tables = APIRouter(), Tasks[AnswerTable]("table", _MOST_TABLES)

    @router.post("/tables")
    def start(asked: TableRequest) -> dict[str, str]:
        project = workspace.project(asked.project)
        rows = [checked_weights(project, s.weights, free=asked.free) for s in asked.soups]
        table = AnswerTable(benches, asked, np.stack(rows))
        owner.submit(table)
        tables.add(table)
        return {"id": table.id}

    @router.get("/tables/{table_id}")
    def look(table_id: str) -> dict[str, Any]:
        return tables.get(table_id).seen()

    @router.delete("/tables/{table_id}")
    def cancel(table_id: str) -> dict[str, Any]:
        table = tables.get(table_id)
        table.cancel()
        return table.seen()

    return router
