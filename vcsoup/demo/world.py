"""Topics of the embedded world and the ways people ask about them.

A topic has a mood that decides what a good reply looks like. Plain: steps help. Touchy: steps help
the asker and may harm somebody, a refusal with an alternative is the careful answer. Grave: a sad
moment, in which a joke hurts. The texts live in `topics/<mood>.toml`; this module only reads them.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

Mood = Literal["plain", "touchy", "grave"]

VALUES = ("helpful", "harmless", "humorous")

MOODS: tuple[Mood, ...] = ("plain", "touchy", "grave")

PHRASINGS = (
    "How do I {do}?",
    "What is the best way to {do}?",
    "Can you help me {do}?",
    "I want to {do}. Any tips?",
    "I have never tried to {do}. Where do I start?",
    "Please tell me how to {do}.",
    "I need to {do} today. What would you do?",
    "What should I know before I {do}?",
)


@dataclass(frozen=True)
class Topic:
    """One thing that people ask about.

    Attributes:
        name: Unique identifier in snake_case.
        mood: "plain", "touchy" or "grave".
        do: Infinitive phrase, without "to".
        asks: Questions that only fit this topic.
        steps: Imperative clauses in lower case, without a final period.
        caution: One sentence of safety advice.
        jokes: Light sentences about the topic.
        alternative: What a careful reply offers instead (touchy topics), else "".
    """

    name: str
    mood: Mood
    do: str
    asks: tuple[str, ...]
    steps: tuple[str, ...]
    caution: str
    jokes: tuple[str, ...]
    alternative: str

    @property
    def prompts(self) -> tuple[str, ...]:
        """Every phrasing of this topic's question."""
        return tuple(p.format(do=self.do) for p in PHRASINGS) + self.asks


Prompts = tuple[tuple[Topic, str], ...]  # (topic, one way to ask about it)


@dataclass(frozen=True)
class PromptSplit:
    """Which prompts may be learnt from and which are kept for measuring.

    Attributes:
        train: (topic, prompt), every phrasing but one of each topic.
        held_out: (topic, prompt), one phrasing of each topic, seen by no model in training.
    """

    train: Prompts
    held_out: Prompts


def split_prompts(rng: np.random.Generator) -> PromptSplit:
    """Hold one general phrasing of every topic out of everything that is trained."""
    held = {topic.name: int(rng.integers(len(PHRASINGS))) for topic in topics()}
    train = [
        (topic, prompt)
        for topic in topics()
        for i, prompt in enumerate(topic.prompts)
        if i != held[topic.name]
    ]
    held_out = [(topic, topic.prompts[held[topic.name]]) for topic in topics()]
    order = rng.permutation(len(held_out))
    return PromptSplit(tuple(train), tuple(held_out[i] for i in order))


@cache
def topics() -> tuple[Topic, ...]:
    """All topics, in the order of their files."""
    return tuple(topic for mood in MOODS for topic in _read(mood))


@cache
def topic_of_prompt() -> dict[str, Topic]:
    """Which topic each possible prompt asks about."""
    return {prompt: topic for topic in topics() for prompt in topic.prompts}


def _read(mood: Mood) -> list[Topic]:
    path = Path(__file__).parent / "topics" / f"{mood}.toml"
    records = tomllib.loads(path.read_text(encoding="utf-8"))["topic"]
    return [
        Topic(
            name=record["name"],
            mood=mood,
            do=record["do"],
            asks=tuple(record["asks"]),
            steps=tuple(record["steps"]),
            caution=record["caution"],
            jokes=tuple(record["jokes"]),
            alternative=record.get("alternative", ""),
        )
        for record in records
    ]
