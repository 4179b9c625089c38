"""Ask policies and judge what they say: the same prompts and random numbers for all of an arm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vcsoup.monitor import Monitor, StopRequested
from vcsoup.rewards.judge import Judge, load_judges
from vcsoup.soup.model import SoupModel
from vcsoup.soup.prompts import draw_uniforms
from vcsoup.soup.sampler import MAX_NEW_TOKENS
from vcsoup.soup.sampling import sample
from vcsoup.study.ground import Ground

FloatArray = npt.NDArray[np.float64]


@dataclass
class Asking:
    """What one measuring works with."""

    ground: Ground
    spec: Mapping[str, Any]
    monitor: Monitor

    def __post_init__(self) -> None:
        self.prompts = self.ground.prompts[: self.spec["prompts"]]
        self.judges: list[Judge] = load_judges(
            list(self.ground.specs.values()), consents=self.ground.consents
        )
        self.vectors = np.array(self.spec["vectors"], dtype=np.float64)
        self.tokens = 0

    def ask(
        self,
        soup: SoupModel,
        weights: npt.ArrayLike,
        *,
        told: Sequence[Sequence[Any]] | None = None,
        seed: int | None = None,
    ) -> list[list[str]]:
        """Replies of m policies (rows of weights) to all P prompts, or to prompts of their own."""
        rows, P = np.asarray(weights, dtype=np.float64), len(self.prompts)
        asked = told or [self.prompts] * len(rows)
        seed = self.spec["seed"] if seed is None else seed
        uniforms = draw_uniforms(self.prompts, MAX_NEW_TOKENS, seed=seed)
        replies = sample(
            soup,
            [prompt for own in asked for prompt in own],
            np.repeat(rows, P, axis=0),
            uniforms=np.tile(uniforms, (len(rows), 1)),
            should_stop=lambda: self.monitor.stop_requested,
        )
        if self.monitor.stop_requested:
            raise StopRequested("stopped; what was finished is kept")
        texts = [len(ids) + 1 for ids in soup.tokenizer(replies)["input_ids"]]
        self.tokens += sum(texts)
        return [replies[start : start + P] for start in range(0, len(replies), P)]

    def judge(self, replies: Sequence[Sequence[str]]) -> dict[str, FloatArray]:
        """Rewards (m, P, K) of replies, and their truth where it is known."""
        places: dict[tuple[int, str], int] = {}
        rows = [
            [places.setdefault((p, text), len(places)) for p, text in enumerate(own)]
            for own in replies
        ]
        prompts, texts = [self.prompts[p] for p, _ in places], [text for _, text in places]
        scored = [np.asarray(judge.score(prompts, texts), float) for judge in self.judges]
        found = {"rewards": np.stack(scored, axis=1)[np.array(rows)]}
        truth = self.ground.truth(prompts, texts)
        return found if truth is None else {**found, "truth": truth[np.array(rows)]}
