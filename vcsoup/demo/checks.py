"""Is the embedded world any good? Figures that a build measures and prints on its card.

Everything here goes through the library as a user's models would: the reward models through
`vcsoup.rewards`, the base policy through `vcsoup.soup`, on prompts that no model was trained on.
"""

from pathlib import Path
from typing import Any

import numpy as np

from vcsoup.demo.bundle import judge_spec
from vcsoup.demo.grammar import compose, parse, well_formed
from vcsoup.demo.truth import true_rewards
from vcsoup.demo.world import VALUES, PromptSplit
from vcsoup.rewards.model import RewardModel
from vcsoup.soup.decoding import MAX_NEW_TOKENS, TEMPERATURE
from vcsoup.soup.model import SoupModel
from vcsoup.soup.sampling import sample

COMPARISONS = 1500
SAMPLES_PER_PROMPT = 8


def reward_model_figures(
    bundle: Path, split: PromptSplit, rng: np.random.Generator
) -> dict[str, dict[str, float]]:
    """Share of held-out comparisons that each reward model orders as the truth does.

    Comparisons are two fresh unselected replies to a held-out prompt; ties of the truth are drawn
    again.

    Returns:
        Per value `accuracy` in [0, 1] and `comparisons`, their number.
    """
    figures = {}
    for k, value in enumerate(VALUES):
        prompts, first, second, wins = _comparisons(k, split, rng)
        judge = RewardModel.load(judge_spec(bundle / "models", value))
        rewards = judge.score(prompts * 2, first + second)
        ordered = (rewards[:COMPARISONS] > rewards[COMPARISONS:]) == np.array(wins)
        figures[value] = {"accuracy": float(ordered.mean()), "comparisons": COMPARISONS}
    return figures


def policy_figures(bundle: Path, split: PromptSplit, *, seed: int) -> dict[str, Any]:
    """How well the base policy writes: shares of sampled replies to held-out prompts.

    Returns:
        `parameters`, `samples`, `well_formed` (the parser knows every sentence), `on_topic` (no
        sentence of another topic), both at the usual temperature, and three `examples`.
    """
    soup = SoupModel.load(bundle / "models" / "base", [])
    asked = [pair for pair in split.held_out for _ in range(SAMPLES_PER_PROMPT)]
    uniforms = np.random.default_rng([seed, 8]).random((len(asked), MAX_NEW_TOKENS))

    def replies_at(temperature: float) -> list[str]:
        return sample(
            soup,
            [prompt for _, prompt in asked],
            np.zeros((len(asked), 0)),
            uniforms=uniforms,
            temperature=temperature,
        )

    replies, plain = replies_at(TEMPERATURE), replies_at(1.0)
    on_topic = [
        all(part.topic in ("", topic.name) for part in parse(reply))
        for (topic, _), reply in zip(asked, replies, strict=True)
    ]
    return {
        "parameters": sum(p.numel() for p in soup.model.parameters()),
        "samples": len(replies),
        "temperature": TEMPERATURE,
        "well_formed": float(np.mean([well_formed(reply) for reply in replies])),
        "well_formed_at_temperature_1": float(np.mean([well_formed(reply) for reply in plain])),
        "on_topic": float(np.mean(on_topic)),
        "examples": [
            {"prompt": asked[i][1], "reply": replies[i]} for i in (0, len(asked) // 2, -1)
        ],
    }


def _comparisons(
    k: int, split: PromptSplit, rng: np.random.Generator
) -> tuple[list[list[dict[str, str]]], list[str], list[str], list[bool]]:
    prompts: list[list[dict[str, str]]] = []
    first, second, wins = [], [], []
    while len(prompts) < COMPARISONS:
        topic, prompt = split.held_out[int(rng.integers(len(split.held_out)))]
        a, b = compose(topic, rng), compose(topic, rng)
        gap = true_rewards(topic, a)[k] - true_rewards(topic, b)[k]
        if gap != 0:
            prompts.append([{"role": "user", "content": prompt}])
            first.append(a)
            second.append(b)
            wins.append(bool(gap > 0))
    return prompts, first, second, wins
