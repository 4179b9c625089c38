"""Rewards prompt by prompt for a project's adapter sets, drawn so that differences are known."""

import numpy as np

from vcsoup.soup.weights import simplex_grid
from vcsoup.workspace import Project


def put_samples(
    project: Project,
    lifts: dict[str, float],
    *,
    steps: int = 2,
    prompts: int = 16,
    seed: int = 0,
    noise: float = 0.05,
) -> None:
    """Store the base and a grid of soups of each group.

    A soup's reward on value k is the base's on that prompt plus `lift * sqrt(weight k)`, plus a
    little noise of its own: paired differences are sharp, although prompts differ by a lot.
    """
    K = len(project.values)
    rng = np.random.default_rng(seed)
    names = [f"prompt {row}" for row in range(prompts)]
    base = rng.normal(0, 1, (prompts, K))
    for group, lift in lifts.items():
        key = project.set_key(project.adapter_sets()[group])
        for weights in [np.zeros(K), *simplex_grid(K, steps)]:
            drawn = rng.normal(0, noise, (prompts, K)) * bool(weights.any())
            project.samples.save(
                key,
                dict(zip(project.values, weights.tolist(), strict=True)),
                seed=seed,
                prompts=names,
                rewards=base + lift * np.sqrt(weights) + drawn,
            )
