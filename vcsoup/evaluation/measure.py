"""Measure soups: sample replies to held-out prompts and score them with every reward model.

The step between soups and the front. Rows of many soups share one running batch, all soups share
random numbers (`vcsoup.soup.sampling`), what one soup said is the next one's draft, and a reply
that several soups give is scored once. A reply that a judge cannot score costs its soup the point:
all points stand on the same prompts, or they could not be compared. Means and intervals are
`vcsoup.evaluation.intervals`' business, storing points the caller's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from vcsoup.errors import GapShapeError, UnscoredRepliesError, WeightsError
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.preferences.pairs import AnyPrompt, as_messages
from vcsoup.soup.decoding import MAX_NEW_TOKENS, Reply, Sampler
from vcsoup.soup.model import SoupModel
from vcsoup.soup.prompts import decode_reply, draw_uniforms, encode_prompt
from vcsoup.soup.sampling import ROWS, decode

FloatArray = npt.NDArray[np.float64]
_TOGETHER = 4  # soups scored together


class Scorer(Protocol):
    """What measuring needs of `vcsoup.rewards.model.RewardModel`."""

    def score(self, prompts: Sequence[Any], replies: Sequence[str]) -> npt.NDArray[np.float32]:
        """Rewards of replies, shape (n,), larger is better."""
        ...


@dataclass(frozen=True)
class Measurement:
    """Soups measured on the same prompts.

    Attributes:
        weights: Shape (m, K), the soups that were finished, in the order asked for.
        rewards: Shape (m, P, K), float64, in the reward models' units.
        replies: m lists of P replies.
    """

    weights: FloatArray
    rewards: FloatArray
    replies: list[list[str]]


def measure(
    soup: SoupModel,
    reward_models: Sequence[Scorer],
    prompts: Sequence[AnyPrompt],
    weights: npt.ArrayLike,
    *,
    seed: int = 0,
    max_new_tokens: int = MAX_NEW_TOKENS,
    on_point: Callable[[int, FloatArray], None] | None = None,
    monitor: Monitor = SILENT,
) -> Measurement:
    """Sample every soup on every prompt and score the replies.

    Args:
        soup: The resident model.
        reward_models: One per value, K of them.
        prompts: P held-out prompts.
        weights: Soups, shape (m, K); zeros are the base.
        seed: Fixes the random numbers, shared by all soups.
        max_new_tokens: Longest reply in tokens.
        on_point: Called with (index of the soup, its rewards (P, K)) as soon as one is finished.
        monitor: Hears progress in replies; a stop request ends the measuring with the soups that
            are finished.

    Returns:
        The measurement; fewer soups than asked for after a stop request.

    Raises:
        WeightsError: weights that are not (m, K).
        GapShapeError: a reward that is not finite, or no prompts.
        UnscoredRepliesError: a judge behind an endpoint gave some replies no usable score; comes at
            the end, when every other soup was told to `on_point`.
        StopRequested: asked to stop before any soup was finished.

    Example:
        ```python
        measured = measure(soup, judges, prompts, simplex_grid(3, 4))
        measured.rewards.mean(axis=1)  # one row per soup, one column per value
        ```
    """
    soups = _as_soups(weights, len(reward_models), prompts)
    P, scores = len(prompts), _Scores(reward_models, prompts)
    replies = _replies(soup, prompts, soups, seed=seed, max_new_tokens=max_new_tokens)
    texts: list[list[str]] = []
    rewards = np.empty((0, *soups.shape[1:]))
    ready = 0

    def score(until: int) -> None:
        nonlocal rewards
        for point in range(len(texts), until):
            own = replies[point * P : (point + 1) * P]
            texts.append([decode_reply(soup, reply.tokens) for reply in own])
        new = [text for own in texts[len(rewards) // P :] for text in own]
        rewards = np.concatenate([rewards, scores.of(np.arange(len(new)) % P, new)])
        for point in range(until - len(new) // P, until):
            found = rewards[point * P : (point + 1) * P]
            if on_point and np.isfinite(found).all():
                on_point(point, found)
        tell()

    def tell() -> None:
        monitor.report("measuring", len(rewards), len(replies))

    tell()  # the first reading of prompts may take long
    for _ in decode(soup, replies, rows=ROWS, should_stop=lambda: monitor.stop_requested):
        tell()  # a sign of life, and a look whether to stop: soups are scored several together
        # Streams run ahead: a broken reply may be seen here before its error arrives.
        while ready < len(replies) and replies[ready].whole:
            ready += 1
        if ready // P - len(texts) >= _TOGETHER:
            score(ready // P)
    if ready // P > len(texts):
        score(ready // P)
    scores.check_complete(rewards.reshape(-1, P, soups.shape[1]))
    return _finished(soups, rewards, [text for own in texts for text in own], P)


def _replies(
    soup: SoupModel,
    prompts: Sequence[AnyPrompt],
    soups: FloatArray,
    *,
    seed: int,
    max_new_tokens: int,
) -> list[Reply]:
    """Replies to be made, soup by soup: m * P of them."""
    tokens = [encode_prompt(soup, prompt) for prompt in prompts]
    uniforms = draw_uniforms(prompts, max_new_tokens, seed=seed)
    sampler = Sampler(max_new_tokens)
    return [
        Reply(prompt, weights, numbers, sampler)
        for weights in soups
        for prompt, numbers in zip(tokens, uniforms, strict=True)
    ]


class _Scores:
    """Rewards of (prompt, reply), each asked for once; nan where a judge could not tell."""

    def __init__(self, reward_models: Sequence[Scorer], prompts: Sequence[AnyPrompt]) -> None:
        self._models = reward_models
        self._prompts = [as_messages(prompt) for prompt in prompts]
        self._known: dict[tuple[int, str], FloatArray] = {}
        self._reason = ""

    def of(self, prompt_rows: npt.NDArray[np.int64], replies: Sequence[str]) -> FloatArray:
        """Rewards (n, K) of replies to the prompts of these indices."""
        keys = list(zip(prompt_rows.tolist(), replies, strict=True))
        if new := [key for key in dict.fromkeys(keys) if key not in self._known]:
            asked, answers = [self._prompts[p] for p, _ in new], [reply for _, reply in new]
            found = [self._ask(k, asked, answers) for k in range(len(self._models))]
            self._known.update(zip(new, np.stack(found, axis=1), strict=True))
        return np.stack([self._known[key] for key in keys])

    def _ask(self, k: int, prompts: Sequence[Any], replies: Sequence[str]) -> FloatArray:
        try:
            rewards = np.asarray(self._models[k].score(prompts, replies), dtype=np.float64)
        except UnscoredRepliesError as error:
            self._reason = self._reason or str(error)
            return np.asarray(error.rewards, dtype=np.float64)
        if not np.isfinite(rewards).all():
            raise GapShapeError(
                f"reward model {k + 1} gave a reward that is not finite; check its precision and "
                "label"
            )
        return rewards

    def check_complete(self, rewards: FloatArray) -> None:
        """Refuse soups' rewards, shape (m, P, K), with gaps; says what is behind the first."""
        lacking = int((~np.isfinite(rewards)).any(axis=(1, 2)).sum())
        if lacking:
            raise UnscoredRepliesError(
                f"{lacking} of {len(rewards)} soups have no point, since replies of theirs have no "
                f"score; all others are measured. {self._reason}",
                rewards.astype(np.float32),
            )


def _as_soups(weights: npt.ArrayLike, K: int, prompts: Sequence[AnyPrompt]) -> FloatArray:
    soups = np.array(weights, dtype=np.float64)
    if soups.ndim != 2 or soups.shape[1] != K or not len(soups):
        raise WeightsError(
            f"expected weights of shape (m, {K}), one row per soup and one column per reward "
            f"model, got {soups.shape}; give at least one soup"
        )
    if not len(prompts):
        raise GapShapeError("expected at least one held-out prompt, got none; add prompts first")
    return soups


def _finished(soups: FloatArray, rewards: FloatArray, replies: list[str], P: int) -> Measurement:
    m, K = len(rewards) // P, soups.shape[1]
    if m == 0:
        raise StopRequested("stopped before any soup was measured")
    lists = [replies[point * P : (point + 1) * P] for point in range(m)]
    return Measurement(soups[:m], rewards[: m * P].reshape(m, P, K), lists)
