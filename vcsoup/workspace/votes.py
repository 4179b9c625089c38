"""Blind votes: which of two anonymous answers somebody preferred."""

import uuid
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, insert, select

from vcsoup.workspace.files import now
from vcsoup.workspace.records import VOTES, Records


class VotedSoup(BaseModel):
    """One side of a vote; weights are all zeros for the base."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str
    weights: dict[str, float]


class Vote(BaseModel):
    """One preference between two soups' answers, given without knowing which is which."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    prompt: str
    seed: int = Field(description="Seed of the sampling of both answers.")
    first: VotedSoup = Field(description="The soup behind answer A.")
    second: VotedSoup = Field(description="The soup behind answer B.")
    answers: tuple[str, str] = Field(description="Answer A and answer B as they were read.")
    winner: Literal["first", "second", "neither"]
    created: str = Field(default_factory=now, description="UTC, ISO 8601.")


class VoteTable:
    """The votes of one project."""

    def __init__(self, records: Records, project: str) -> None:
        self._records = records
        self._project = project

    def save(self, vote: Vote) -> None:
        """Store a vote; one of the same id stays as it is."""
        row = {"project": self._project, "id": vote.id, "created": vote.created}
        statement = insert(VOTES).prefix_with("OR IGNORE")
        with self._records.write() as connection:
            connection.execute(statement.values(**row, content=vote.model_dump_json()))

    def delete(self, vote_id: str) -> None:
        """Take a vote back; does nothing when there is none of that id."""
        gone = delete(VOTES).where(VOTES.c.project == self._project, VOTES.c.id == vote_id)
        with self._records.write() as connection:
            connection.execute(gone)

    def load(self) -> list[Vote]:
        """Return the votes, oldest first."""
        query = select(VOTES.c.content).where(VOTES.c.project == self._project)
        with self._records.read() as connection:
            contents = connection.execute(query.order_by(VOTES.c.created)).scalars().all()
        return [Vote.model_validate_json(content) for content in contents]
