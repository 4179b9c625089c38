"""Compose replies from parts, and parse any text back into parts.

A reply is a list of sentences: opening, filler, steps or a refusal, safety advice, a joke. Flaws
are parts as well: a step of another topic, a sentence said twice, rambling. `compose` draws
*unselected* replies, good and bad, the way an unaligned policy would write; `parse` is its inverse
and also reads what a trained model samples, marking each sentence that the grammar does not know.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from vcsoup.demo.world import Prompts, Topic, topics

Kind = Literal[
    "opening", "filler", "rambling", "step", "refusal", "decline", "caution", "joke", "unknown"
]

MAX_WORDS = 50  # longer drafts are drawn again, so that 64 new tokens hold every reply

CHEERFUL = (
    "Happy to help!",
    "Good question.",
    "Sure, let us look at this together.",
    "I am glad you asked.",
    "Here is what I would do.",
)
GENTLE = (
    "I am so sorry that you have to go through this.",
    "That sounds very hard.",
    "Thank you for telling me.",
    "I am here to help you.",
)
FILLERS = (
    "Many people ask about this.",
    "It does not take very long.",
    "Every person has their own way.",
    "There is more than one way to see it.",
)
RAMBLINGS = (
    "Well, there is so much to say about it that I could talk all day and all night.",
    "It all depends, and then again it does not, so who can really tell.",
    "I once knew someone who had a cousin who also had a question, but that is a long story.",
    "As I always say, things are what they are, and that is that.",
)
DECLINES = (
    "I would rather not go into that.",
    "I am not able to help with this one.",
)
REFUSALS = (
    "I would rather not explain that, but {alternative}.",
    "That is not something I should walk you through, though {alternative}.",
)
CONNECTORS = ("First", "Then", "Next", "After that", "Finally")
REPEATS = ("Again", "Once more")

_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_CONNECTOR = re.compile(rf"^(?:{'|'.join(CONNECTORS + REPEATS)}), ", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """One sentence of a reply.

    Attributes:
        kind: What the sentence does.
        topic: Name of the topic that it belongs to, "" when it fits any.
        core: The sentence in lower case, without connector and final punctuation.
    """

    kind: Kind
    topic: str
    core: str


def compose(topic: Topic, rng: np.random.Generator) -> str:
    """Draw one unselected reply to a question about `topic`.

    Args:
        topic: What the reply is about.
        rng: Source of all randomness.

    Returns:
        One to nine capitalised, punctuated sentences, at most `MAX_WORDS` words.
    """
    while True:
        sentences = _draft(topic, rng)
        text = " ".join(sentences)
        if len(text.split()) <= MAX_WORDS:
            return text


def draw_replies(prompts: Prompts, rng: np.random.Generator) -> Iterator[tuple[Topic, str, str]]:
    """Yield (topic, prompt, unselected reply) without end, prompts drawn evenly."""
    while True:
        topic, prompt = prompts[int(rng.integers(len(prompts)))]
        yield topic, prompt, compose(topic, rng)


def edit(reply: str, topic: Topic, rng: np.random.Generator) -> str:
    """Change one thing about a reply: drop, repeat, insert or swap a sentence, or lose words.

    Reward models learn the price of each part from replies that differ in that part alone, and meet
    what half-trained policies sample: flaws in any place, and sentences that nobody would write.

    Args:
        reply: A composed or edited reply.
        topic: What it is about; half of the inserted sentences are on it.
        rng: Source of all randomness.

    Returns:
        The changed reply, at least one word.
    """
    sentences = _sentences(reply)
    at = int(rng.integers(len(sentences)))
    about = topic if rng.random() < 0.5 else topics()[int(rng.integers(len(topics())))]
    other = _pick(_sentences(compose(about, rng)), rng)
    change = rng.choice(["drop", "repeat", "insert", "swap", "lose words"])
    if change == "drop" and len(sentences) > 1:
        del sentences[at]
    elif change == "repeat":
        again = sentences[at]
        if rng.random() < 0.5:
            again = f"{_pick(REPEATS, rng)}, {again[0].lower()}{again[1:]}"
        sentences.insert(int(rng.integers(at + 1, len(sentences) + 1)), again)
    elif change == "lose words":
        *words, last = sentences[at].split()
        sentences[at] = " ".join([*(w for w in words if rng.random() > 0.2), last])
    elif change == "swap":
        sentences[at] = other
    else:
        sentences.insert(at, other)
    return " ".join(sentences)


def parse(text: str) -> list[Part]:
    """Split a text into sentences and name the part that each one is.

    Args:
        text: Any text; one that the grammar did not write gives parts of kind "unknown".

    Returns:
        One `Part` per sentence, in order; empty for an empty text.
    """
    return [_part(sentence) for sentence in _sentences(text)]


def well_formed(text: str) -> bool:
    """Whether the grammar could have written `text`.

    Every sentence is known, openings stand first, the text ends with punctuation and holds a step,
    a refusal or a decline.
    """
    parts = parse(text)
    kinds = [part.kind for part in parts]
    has_body = any(kind in ("step", "refusal", "decline") for kind in kinds)
    ends = text.rstrip().endswith((".", "!"))
    return ends and has_body and "unknown" not in kinds and "opening" not in kinds[1:]


def _draft(topic: Topic, rng: np.random.Generator) -> list[str]:
    lead = [_pick(_openings(topic, rng), rng)] if rng.random() < 0.5 else []
    if rng.random() < 0.2:
        lead.append(_pick(FILLERS, rng))
    if rng.random() < 0.15:
        lead.append(_pick(RAMBLINGS, rng))
    tail = [topic.caution] if rng.random() < 0.3 else []
    if rng.random() < 0.35:
        tail.insert(int(rng.integers(len(tail) + 1)), _pick(topic.jokes, rng))
    return lead + _body(topic, rng) + tail


def _openings(topic: Topic, rng: np.random.Generator) -> tuple[str, ...]:
    gentle = rng.random() < (0.7 if topic.mood == "grave" else 0.1)
    return GENTLE if gentle else CHEERFUL


def _body(topic: Topic, rng: np.random.Generator) -> list[str]:
    draw = rng.random()
    if topic.mood == "touchy" and draw < 0.45:
        return [_pick(REFUSALS, rng).format(alternative=topic.alternative)]
    if draw < 0.05 or (topic.mood == "touchy" and draw < 0.5):
        return [_pick(DECLINES, rng)]
    steps = [topic.steps[i] for i in rng.permutation(len(topic.steps))[: rng.integers(1, 5)]]
    if rng.random() < 0.2:
        other = topics()[rng.integers(len(topics()))]
        steps[rng.integers(len(steps))] = _pick(other.steps, rng)
    if rng.random() < 0.15:
        at = int(rng.integers(len(steps)))
        steps.insert(at, steps[at])
    return _connect(steps, rng)


def _connect(steps: Sequence[str], rng: np.random.Generator) -> list[str]:
    plain = len(steps) == 1 or rng.random() < 0.3
    last = len(steps) - 1
    sentences: list[str] = []
    for i, step in enumerate(steps):
        if step in steps[:i]:
            sentences.append(f"{_pick(REPEATS, rng)}, {step}.")
        elif plain:
            sentences.append(f"{step[0].upper()}{step[1:]}.")
        else:
            word = "First" if i == 0 else "Finally" if i == last else _pick(CONNECTORS[1:4], rng)
            sentences.append(f"{word}, {step}.")
    return sentences


def _pick(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def _sentences(text: str) -> list[str]:
    return [found.strip() for found in _SENTENCE.findall(text) if found.strip()]


def _part(sentence: str) -> Part:
    known = _known_sentences()
    core = _key(sentence)
    if core not in known:
        core = _CONNECTOR.sub("", core)
    kind, topic = known.get(core, ("unknown", ""))
    return Part(kind, topic, core)


def _key(sentence: str) -> str:
    return sentence.rstrip(".!?").casefold()


@cache
def _known_sentences() -> dict[str, tuple[Kind, str]]:
    known: dict[str, tuple[Kind, str]] = {}
    groups: tuple[tuple[Kind, Sequence[str]], ...] = (
        ("opening", CHEERFUL + GENTLE),
        ("filler", FILLERS),
        ("rambling", RAMBLINGS),
        ("decline", DECLINES),
    )
    for kind, texts in groups:
        known.update({_key(text): (kind, "") for text in texts})
    for topic in topics():
        known.update({_key(step): ("step", topic.name) for step in topic.steps})
        known.update({_key(joke): ("joke", topic.name) for joke in topic.jokes})
        known[_key(topic.caution)] = ("caution", topic.name)
        if topic.alternative:
            refusals = [_key(r.format(alternative=topic.alternative)) for r in REFUSALS]
            known.update(dict.fromkeys(refusals, ("refusal", topic.name)))
    return known
