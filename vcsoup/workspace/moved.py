"""A workspace whose folder was moved: models inside a project's own folder are found again.

Choices name models by absolute paths. Those that lie within the project, as the embedded world's
do, move with it; the files are the same ones, so rewards and points by them stay current.
"""

from contextlib import suppress
from pathlib import Path

from sqlalchemy import select, update

from vcsoup.errors import WorkspaceError
from vcsoup.workspace.config import ProjectConfig
from vcsoup.workspace.records import PROJECTS, Records


def follow_models(records: Records, config: ProjectConfig, root: Path) -> ProjectConfig:
    """Return a project's choices with its own models where they lie now, and store them so.

    Args:
        records: The workspace's database.
        config: The stored choices.
        root: The project's folder.
    """
    base = _here(config.base, root)
    rewards = {
        value: spec.model_copy(update={"model": _here(spec.model, root)})
        for value, spec in config.rewards.items()
    }
    if (base, rewards) == (config.base, config.rewards):
        return config
    moved = config.model_copy(update={"base": base, "rewards": rewards})
    moved = moved.in_place_of(config, known_as=config.judges_name)
    with suppress(WorkspaceError):  # nothing can be stored on a read-only disk
        _store(records, config, moved)
    return moved


def _here(model: str, root: Path) -> str:
    """Where a model of the project lies now; any other name as it is."""
    path, own = Path(model), root / "models"
    if path.parent == own or path.parts[-4:-1] != ("projects", root.name, "models"):
        return model
    return str(own / path.name) if (own / path.name).is_dir() and not path.exists() else model


def _store(records: Records, former: ProjectConfig, moved: ProjectConfig) -> None:
    of_this = PROJECTS.c.name == former.name
    with records.write() as connection:
        stored = connection.execute(select(PROJECTS.c.config).where(of_this)).scalar_one_or_none()
        # Else somebody else was first.
        if stored is not None and ProjectConfig.model_validate_json(stored) == former:
            written = update(PROJECTS).where(of_this).values(config=moved.model_dump_json())
            connection.execute(written)
