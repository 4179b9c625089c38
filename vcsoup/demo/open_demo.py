"""Put the embedded world into a workspace as an ordinary project.

Copies the models, stores pairs and their rewards, and shelves the adapters and points that came
with the bundle as "recorded". Torch-free and done in seconds; opening it again changes nothing.
"""

import json
import shutil
import uuid
from pathlib import Path

import pandas as pd

from vcsoup.demo.bundle import Bundle, adapter_name, bundle_folder, judge_spec, read_bundle
from vcsoup.demo.samples import add_samples
from vcsoup.errors import NotFoundError
from vcsoup.preferences.pairs import load_pairs
from vcsoup.workspace import AdapterInfo, Point, Project, ProjectConfig, Workspace

NAME = "demo"


def open_demo(
    workspace: Workspace,
    *,
    name: str = NAME,
    bundle: Path | None = None,
    recorded: bool = True,
) -> Project:
    """Return the demo project, made from the bundle when the workspace has none yet.

    Args:
        workspace: Where the project lives.
        name: Short name of the project.
        bundle: Bundle folder; None takes the one that ships.
        recorded: Also bring the recorded rewards, adapters and points.

    Returns:
        The project. An existing one keeps everything that was done in it; a removed one is back.

    Raises:
        NotFoundError: the bundle is missing.
    """
    folder = bundle or bundle_folder()
    contents = read_bundle(folder)
    project = _existing(workspace, name) or _create(workspace, name, folder, contents)
    if not project.held_out_prompts():
        _fill(project, folder, contents)
    if recorded and not project.config.judging:  # what is recorded is by the first judges
        _add_recorded(project, folder, contents)
    return project


def _existing(workspace: Workspace, name: str) -> Project | None:
    if name in workspace.bin.names():
        workspace.bin.restore(name)
    try:
        return workspace.project(name)
    except NotFoundError:
        return None


def _create(workspace: Workspace, name: str, folder: Path, contents: Bundle) -> Project:
    models = workspace.root / "projects" / name / "models"
    if not models.exists():
        aside = models.with_name(f".models.{uuid.uuid4().hex[:8]}")
        shutil.copytree(folder / "models", aside)
        aside.rename(models)
    config = ProjectConfig(
        name=name,
        title="Everyday helper (demo)",
        description="An embedded world: three values, real models, offline.",
        values=contents.values,
        base=str(models / "base"),
        rewards={value: judge_spec(models, value) for value in contents.values},
        prompts=64,
    )
    return workspace.create_project(config)


def _fill(project: Project, folder: Path, contents: Bundle) -> None:
    """Store pairs and thresholds; the held-out prompts come last and mark the end."""
    for value in contents.values:
        pairs = load_pairs(folder / "data" / f"{value}.parquet")
        project.save_pairs(value, pairs, source="embedded world")
        project.set_threshold(value, contents.thresholds[value])
    prompts = [[{"role": "user", "content": text}] for text in contents.held_out]
    project.save_held_out_prompts(prompts[: project.config.prompts])


def _add_recorded(project: Project, folder: Path, contents: Bundle) -> None:
    for value in contents.values:
        rewards = folder / "data" / f"{value}-rewards.parquet"
        if rewards.is_file() and project.rewards(value) is None:
            project.save_rewards(value, pd.read_parquet(rewards))
    for name in contents.adapters:
        if not (project.adapter_dir(name) / "manifest.json").is_file():
            _add_adapter(project, folder / "adapters" / name, name)
    _add_points(project, contents)
    add_samples(project, folder, _recorded_sets(project, contents))


def _add_adapter(project: Project, source: Path, name: str) -> None:
    """Shelve a copy whose configuration names this project's base model."""
    staged = project.root / f".{name}.{uuid.uuid4().hex[:8]}"
    shutil.copytree(source, staged)
    path = staged / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = project.config.base
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")
    project.add_adapter(staged, name, recorded=True)
    shutil.rmtree(staged)


def _recorded_sets(project: Project, contents: Bundle) -> dict[str, dict[str, AdapterInfo]]:
    shelved = {info.name: info for info in project.adapters()}
    return {
        group: {value: shelved[adapter_name(value, group)] for value in contents.values}
        for group in sorted({point.group for point in contents.points})
    }


def _add_points(project: Project, contents: Bundle) -> None:
    for group, adapters in _recorded_sets(project, contents).items():
        key = project.set_key(adapters)
        known = [point.weights for point in project.points(key)]
        for point in contents.points:
            if point.group == group and point.weights not in known:
                project.save_point(Point(set_key=key, recorded=True, **point.model_dump()))
