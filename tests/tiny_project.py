"""A project whose base, adapters and reward models are tiny but real: sampled, scored, served."""

import json
from pathlib import Path

from tests.tiny_models import random_adapter, tiny_causal, tiny_classifier
from vcsoup.rewards.spec import RewardSpec
from vcsoup.workspace import Project, ProjectConfig, Workspace

VALUES = ("helpful", "harmless")


def tiny_project(
    workspace: Workspace, folder: Path, *, prompts: int = 20, name: str = "demo"
) -> Project:
    """Two values, one complete adapter set "filtered", reward models and held-out prompts."""
    base = tiny_causal("llama", folder / "base")
    rewards = {
        value: RewardSpec(model=str(tiny_classifier(folder / f"reward-{value}", seed=k)))
        for k, value in enumerate(VALUES)
    }
    project = workspace.create_project(
        ProjectConfig(name=name, values=VALUES, base=str(base), rewards=rewards)
    )
    asked = [[{"role": "user", "content": f"How do I plan day {day}?"}] for day in range(prompts)]
    project.save_held_out_prompts(asked)
    for k, value in enumerate(VALUES):
        shelve_adapter(project, value, folder / f"{value}-{k}", seed=k)
    return project


def shelve_adapter(project: Project, value: str, folder: Path, *, seed: int) -> None:
    """Put a random adapter of one value on the project's shelf, in the group "filtered"."""
    random_adapter(Path(project.config.base), folder, seed=seed)
    manifest = {"value": value, "group": "filtered"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    project.add_adapter(folder, project.new_adapter_name(value, "filtered"))
