"""A workspace whose folder was moved: models inside a project's own folder are found again.

Choices name models by absolute paths. Those that lie within the project, as the embedded world's
do, move with it; the files are the same ones, so rewards and points by them stay current.
"""

from contextlib import suppress
from pathlib import Path

from sqlalchemy import select, update

from vcsoup.errors import WorkspaceError
from vcsoup.workspace.config import ProjectConfig
from vcsoup.workspace.datasets import digest
from vcsoup.workspace.records import PROJECTS, REWARDS, Records


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
    if config.first_judges and not config.judging:  # they are the first ones, back again
        moved = moved.model_copy(update={"first_judges": moved.judges_name})
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
    known, now = digest([former.judges]), digest([moved.judges])
    rewards = select(REWARDS.c.value, REWARDS.c.specs_hash)
    with records.write() as connection:
        stored = connection.execute(select(PROJECTS.c.config).where(of_this)).scalar_one_or_none()
        if stored is None or ProjectConfig.model_validate_json(stored) != former:
            return  # somebody else was first
        written = update(PROJECTS).where(of_this).values(config=moved.model_dump_json())
        connection.execute(written)
        mine = REWARDS.c.project == former.name
        for value, specs_hash in connection.execute(rewards.where(mine)).all():
            judges, space, content = specs_hash.partition(" ")
            if judges == known:
                row = update(REWARDS).where(mine, REWARDS.c.value == value)
                connection.execute(row.values(specs_hash=f"{now}{space}{content}"))
