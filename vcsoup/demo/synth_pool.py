"""What synthetic pairs are drawn from: prompts, replies, and a reward for each of both.

The texts come from the embedded world's grammar, and what they are worth on its three values too;
further values like replies at random. The same prompt and reply have one reward in every data set,
as they would from a model. Vectorised; no disk, no torch.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vcsoup.demo.grammar import compose
from vcsoup.demo.truth import true_rewards
from vcsoup.demo.world import Prompts, Topic

REPLIES = 256  # per topic
# How a reward comes about, in standard deviations: what the reply is worth on the value, what any
# reader likes about it, and the reward model's mood.
_WORTH, _APPEAL, _MOOD = 0.75, 0.35, 0.55
_LABEL_NOISE = 0.35


@dataclass(frozen=True)
class Pool:
    """What pairs are drawn from: P prompts, R replies per topic, K values.

    Attributes:
        prompts: P texts.
        replies: All replies, topic after topic, R each.
        topic_of: Which topic each prompt asks about, shape (P,).
        rewards: Reward of reply r of the prompt's topic, shape (P, R, K), float32.
    """

    prompts: tuple[str, ...]
    replies: tuple[str, ...]
    topic_of: npt.NDArray[np.int64]
    rewards: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Draws:
    """n distinct pairs: rows of the pool, shape (n,) each; replies count within the topic."""

    prompt: npt.NDArray[np.int64]
    chosen: npt.NDArray[np.int64]
    rejected: npt.NDArray[np.int64]


def make_pool(prompts: Prompts, K: int, rng: np.random.Generator) -> Pool:
    """Compose replies for every topic, and draw what each reward model gives them.

    Args:
        prompts: (topic, prompt) to draw from.
        K: How many values.
        rng: Source of all randomness.
    """
    topics = list(dict.fromkeys(topic for topic, _ in prompts))
    replies = [_distinct_replies(topic, rng) for topic in topics]
    worth = np.concatenate(
        [
            [true_rewards(topic, reply) for reply in texts]
            for topic, texts in zip(topics, replies, strict=True)
        ]
    )
    worth = (worth - worth.mean(axis=0)) / worth.std(axis=0)
    others = rng.standard_normal((len(worth), max(0, K - worth.shape[1])))
    worth = np.concatenate([worth, others], axis=1)[:, :K].reshape(len(topics), REPLIES, K)
    place = {topic: i for i, topic in enumerate(topics)}
    topic_of = np.array([place[topic] for topic, _ in prompts])
    appeal = rng.standard_normal((len(prompts), REPLIES, 1))
    mood = rng.standard_normal((len(prompts), REPLIES, K))
    rewards = _WORTH * worth[topic_of] + _APPEAL * appeal + _MOOD * mood
    # Reward models have units of their own: an offset and a spread each.
    rewards = rewards * rng.uniform(0.5, 4.0, K) + rng.uniform(-5.0, 5.0, K)
    texts = tuple(reply for group in replies for reply in group)
    return Pool(tuple(text for _, text in prompts), texts, topic_of, rewards.astype(np.float32))


def draw(pool: Pool, place: int, n: int, rng: np.random.Generator) -> Draws:
    """Draw n distinct pairs, labelled by one value's reward with some noise.

    Args:
        pool: Prompts, replies, rewards.
        place: The column of the value whose annotators label the pairs.
        n: How many pairs; no two have the same prompt and replies, either way round.
        rng: Source of all randomness.
    """
    P, R = pool.rewards.shape[:2]
    codes = np.empty(0, dtype=np.int64)
    while len(codes) < n:
        size = int(1.1 * (n - len(codes))) + 64
        prompt, one, other = (rng.integers(limit, size=size) for limit in (P, R, R))
        low, high = np.minimum(one, other), np.maximum(one, other)
        drawn = ((prompt * R + low) * R + high)[low != high]
        codes = np.unique(np.concatenate([codes, drawn]))
    codes = rng.permutation(codes)[:n]
    prompt, one, other = codes // (R * R), codes // R % R, codes % R
    rewards = pool.rewards[:, :, place]
    noise = rng.logistic(scale=_LABEL_NOISE * rewards.std(), size=n)
    first = rewards[prompt, one] - rewards[prompt, other] + noise > 0
    return Draws(prompt, np.where(first, one, other), np.where(first, other, one))


def _distinct_replies(topic: Topic, rng: np.random.Generator) -> list[str]:
    replies: dict[str, None] = {}
    while len(replies) < REPLIES:
        replies[compose(topic, rng)] = None
    return list(replies)
