"""A workspace filled through its own API with synthetic data: what the pages show in the tests.

`python -m tests.app.fixture_project FOLDER` fills a folder to look at by hand.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from vcsoup.preferences.pairs import make_pairs
from vcsoup.rewards.spec import RewardSpec
from vcsoup.soup.weights import simplex_grid
from vcsoup.workspace import Point, Project, ProjectConfig, Workspace
from vcsoup.workspace.tables import reward_columns

VALUES = ("helpful", "harmless", "humorous")
HAND_GAPS = np.array(
    [[2, 2], [2, 2], [2, 0], [0, 2], [2, -1], [-1, 2], [1, -1], [-1, 1], [-2, -2], [3, 3]],
    dtype=float,
)
"""Ten pairs of two values. Both columns have the same sum of squares, so both are scaled alike and
the cosines stay as written: 1, 1, .707, .707, .316, .316, 0, 0, -1, 1."""


def hand_project(workspace: Workspace) -> Project:
    """Two values whose helpful dataset has the gaps of `HAND_GAPS`; nothing trained."""
    project = workspace.create_project(
        ProjectConfig(name="hand", title="By hand", values=("helpful", "harmless"), base="org/base")
    )
    for value in project.values:
        store_gaps(project, value, HAND_GAPS)
    return project


def full_project(workspace: Workspace, *, n: int = 600, seed: int = 0, prompts: int = 8) -> Project:
    """Three values with scored pairs, thresholds, two recorded adapter sets and their points."""
    project = workspace.create_project(
        ProjectConfig(
            name="demo",
            title="Everyday helper",
            description="Synthetic pairs, adapters and points for the tests of the screens.",
            values=VALUES,
            base="org/base",
            rewards={value: RewardSpec(model=f"org/reward-{value}") for value in VALUES},
        )
    )
    rng = np.random.default_rng(seed)
    for place, value in enumerate(VALUES):
        quality = rng.normal(0.35, 0.8, (n, 1))
        gaps = quality + rng.normal(0, 1.0, (n, len(VALUES)))
        gaps[:, place] += 0.5
        store_gaps(project, value, gaps, level=rng.normal(0, 1.0, (n, 1)))
        project.set_threshold(value, 0.3)
    asked = [f"How do I plan day number {day}?" for day in range(1, prompts + 1)]
    if asked:
        project.save_held_out_prompts([[{"role": "user", "content": text}] for text in asked])
    for group in ("filtered", "unfiltered"):
        for value in VALUES:
            add_adapter(project, value, group, recorded=True, seed=rng.integers(1 << 30))
        _add_points(project, group, rng)
    return project


def add_adapter(project: Project, value: str, group: str, *, recorded: bool, seed: int) -> None:
    """Shelve an adapter folder that has the files of a real one."""
    name = project.new_adapter_name(value, group)
    folder = project.adapter_dir(name)
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    factors = {
        f"base_model.model.layers.{layer}.q_proj.lora_{side}.weight": rng.normal(size=shape)
        for layer in (0, 1)
        for side, shape in (("A", (2, 4)), ("B", (4, 2)))
    }
    save_file(
        {name: factor.astype(np.float32) for name, factor in factors.items()},
        folder / "adapter_model.safetensors",
    )
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    manifest = {
        "value": value,
        "group": group,
        "recorded": recorded,
        "threshold": 0.3 if group == "filtered" else None,
        "seconds": 61.0,
        "config": {"steps": 100, "batch_size": 16, "rank": 16},
        "metrics": {"heldout_accuracy": 0.78},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


def store_gaps(
    project: Project, value: str, gaps: np.ndarray, *, level: np.ndarray | float = 0.0
) -> None:
    """Give a value's dataset n pairs of these gaps, before scaling, shape (n, K)."""
    n = len(gaps)
    level = np.broadcast_to(level, gaps.shape)
    pairs = make_pairs(
        [f"How do I plan day number {row} for {value}?" for row in range(n)],
        [f"Begin the day with a list. Step {row} is to call a friend." for row in range(n)],
        [f"I cannot say. Perhaps {row} clowns know more, ask them." for row in range(n)],
    )
    project.save_pairs(value, pairs, source="synthetic", report={})
    sides = np.hstack([gaps / 2, -gaps / 2]) + np.hstack([level, level])
    table = pd.DataFrame(sides, columns=reward_columns(project.values))
    project.save_rewards(value, table.astype(np.float32).assign(id=pairs["id"].to_numpy()))


def _add_points(project: Project, group: str, rng: np.random.Generator) -> None:
    key = project.set_key(project.adapter_sets()[group])
    lift = 1.0 if group == "filtered" else 0.75
    for weights in [np.zeros(3), *simplex_grid(3, 5)]:
        own = lift * np.sqrt(weights)
        rewards = 0.2 + own - 0.25 * (weights.sum() - weights) + rng.normal(0, 0.04, 3)
        named = dict(zip(VALUES, (float(reward) for reward in rewards), strict=True))
        project.save_point(
            Point(
                set_key=key,
                group=group,
                weights=dict(zip(VALUES, weights.tolist(), strict=True)),
                rewards=named,
                low={value: reward - 0.12 for value, reward in named.items()},
                high={value: reward + 0.12 for value, reward in named.items()},
                n_prompts=64,
                recorded=True,
            )
        )


if __name__ == "__main__":
    full_project(Workspace(Path(sys.argv[1])), n=4000)
