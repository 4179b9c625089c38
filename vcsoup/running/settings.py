"""What a project file sets otherwise than the project has it: said before it is set."""

from collections.abc import Iterator, Mapping
from typing import Any

from vcsoup.filtering import PairFilter
from vcsoup.workspace import Project, ProjectConfig

_OWN = ("first_judges", "known_as", "known_before")  # the project's own notes, which no file sets


def setting_changes(
    project: Project, config: ProjectConfig, filters: Mapping[str, PairFilter]
) -> list[str]:
    """Say every setting that a run changes, a line each.

    Args:
        project: The project as it is.
        config: Its choices as the file wants them.
        filters: Its filters as the file wants them, by value.

    Returns:
        Lines such as "filter.helpful.threshold: 0.3 instead of 0.5"; none when nothing changes.
    """
    now = project.config.model_dump(mode="json", exclude=set(_OWN))
    wanted = config.model_dump(mode="json", exclude=set(_OWN))
    now |= {"filter": {value: vars(chosen) for value, chosen in project.filters().items()}}
    wanted |= {"filter": {value: vars(chosen) for value, chosen in filters.items()}}
    before, after = dict(_leaves(now)), dict(_leaves(wanted))
    return [
        f"{name}: {_told(after.get(name))} instead of {_told(before.get(name))}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def _leaves(settings: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, setting in settings.items():
        if isinstance(setting, Mapping):
            yield from _leaves(setting, f"{above}{name}.")
        else:
            yield f"{above}{name}", setting


def _told(setting: object) -> str:
    return "none" if setting is None else str(setting)
