"""Trained adapters of a project: PEFT folders with a `manifest.json`, which is written last.

A folder without a manifest is unfinished and invisible here. Of several adapters of one value and
group the user's newest stands for the value; `recorded` ones came with a bundle and stand in only
where the user has trained none. `aside.json` names those that were put aside for an earlier one.
"""

import hashlib
import re
import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from vcsoup.errors import NotFoundError, WorkspaceError
from vcsoup.filtering import PairFilter
from vcsoup.fingerprint import model_fingerprint
from vcsoup.workspace.files import read_json, write_json
from vcsoup.workspace.names import check_slug
from vcsoup.workspace.records import ADAPTER_NAMES, Records

MANIFEST = "manifest.json"
_ASIDE = "aside.json"
_LONGEST_STEM = 36
"""Of an adapter's name, in characters; a name has 40, and the rest is for its number."""


@dataclass(frozen=True)
class AdapterInfo:
    """A complete adapter on disk; one that was put `aside` stands only where there is no other."""

    name: str
    value: str
    group: str
    recorded: bool
    created: str
    path: Path
    manifest: Mapping[str, Any] = field(repr=False, compare=False)
    aside: bool = False

    @property
    def pair_filter(self) -> PairFilter | None:
        """The filter that its pairs passed; None for all pairs."""
        recorded, threshold = self.manifest.get("filter"), self.manifest.get("threshold")
        if recorded is None and threshold is None:
            return None
        return PairFilter(**(recorded or {"threshold": threshold}))

    @property
    def hash(self) -> str:
        """16 hex characters that name the adapter's content (its weights and configuration)."""
        return model_fingerprint(str(self.path))


class AdapterShelf:
    """The `adapters/` folder of one project."""

    def __init__(self, records: Records, project: str, folder: Path) -> None:
        self._records = records
        self._project = project
        self.folder = folder

    def complete(self) -> list[AdapterInfo]:
        """Return the adapters that have a manifest, newest first."""
        aside = set(read_json(self.folder / _ASIDE) or ())
        manifests = self.folder.glob(f"[a-z0-9]*/{MANIFEST}")
        found = [
            replace(info, aside=info.name in aside)
            for path in manifests
            if (info := _read(path)) is not None
        ]
        return sorted(found, key=lambda info: (info.created, info.name), reverse=True)

    def path(self, name: str) -> Path:
        """Return the folder of the adapter called `name`, which need not exist.

        Raises:
            WorkspaceError: the name cannot be part of a path.
        """
        return self.folder / check_slug(name, "adapter")

    def stand(self, name: str) -> AdapterInfo:
        """Let an adapter stand for its value in its group; those that went before it are put aside.

        One that is trained afterwards stands again in its place.

        Raises:
            NotFoundError: there is no complete adapter of that name.
        """
        with self._records.write():  # who writes down all that is aside must know of all
            known = self.complete()
            chosen = next((info for info in known if info.name == name), None)
            if chosen is None:
                names = ", ".join(info.name for info in known) or "none yet"
                raise NotFoundError(f"no complete adapter is called {name!r} (there are: {names})")
            alike = candidates(known, chosen.value, chosen.group)
            before = {info.name for info in alike[: alike.index(chosen)]}
            aside = {info.name for info in known if info.aside} | before
            write_json(self.folder / _ASIDE, sorted(aside - {name}))
        return replace(chosen, aside=False)

    def reserve(self, value: str, group: str) -> str:
        """Return a name that nobody else gets: `<value>-<group>-<number>`, numbers going up.

        Of a long value only the beginning: what tells its adapters apart stays in their names.
        """
        room = max(1, _LONGEST_STEM - len(group) - 1)
        stem = check_slug(f"{value[:room].rstrip('-')}-{group}"[:_LONGEST_STEM], "adapter")
        with self._records.write() as connection:
            query = select(ADAPTER_NAMES.c.name).where(ADAPTER_NAMES.c.project == self._project)
            taken = set(connection.execute(query).scalars())
            taken |= {path.name for path in self.folder.glob(f"{stem}-*")}
            name = f"{stem}-{_highest(stem, taken) + 1}"
            connection.execute(insert(ADAPTER_NAMES).values(project=self._project, name=name))
        return name

    def add(self, source: Path, name: str, *, recorded: bool) -> AdapterInfo:
        """Copy a complete adapter folder in, under `name`; an existing one is kept as it is.

        Raises:
            NotFoundError: `source` has no manifest.
            WorkspaceError: the name cannot be part of a path.
        """
        target = self.path(name)
        manifest = read_json(source / MANIFEST)
        if manifest is None:
            raise NotFoundError(f"{source} holds no {MANIFEST}; give the folder of an adapter")
        if not (target / MANIFEST).is_file():
            aside = self.folder / f".{name}.{uuid.uuid4().hex[:8]}"
            shutil.copytree(source, aside, ignore=shutil.ignore_patterns(MANIFEST))
            write_json(aside / MANIFEST, {**manifest, "recorded": recorded})
            _move_unless_there(aside, target)
        info = _read(target / MANIFEST)
        if info is None:
            raise WorkspaceError(f"{source / MANIFEST} names no value and group; train it again")
        return info


def candidates(adapters: Iterable[AdapterInfo], value: str, group: str) -> list[AdapterInfo]:
    """Return the adapters of a value and group, those put aside too, in the order they stand in."""
    alike = [info for info in adapters if (info.value, info.group) == (value, group)]
    return sorted(alike, key=_precedence, reverse=True)


def newest_sets(
    adapters: Iterable[AdapterInfo], values: Sequence[str]
) -> dict[str, dict[str, AdapterInfo]]:
    """Group adapters into sets that can be mixed: per group, the newest adapter of every value.

    A user's own adapter goes before a recorded one, however old, and all before those put aside.
    Groups that lack a value are left out.

    Returns:
        {group: {value: adapter}}, both in a stable order ("filtered" before "unfiltered").
    """
    sets: dict[str, dict[str, AdapterInfo]] = {}
    for info in sorted(adapters, key=lambda one: (not one.aside, *_precedence(one)), reverse=True):
        sets.setdefault(info.group, {}).setdefault(info.value, info)
    return {
        group: {value: sets[group][value] for value in values}
        for group in sorted(sets)
        if set(values) <= set(sets[group])
    }


def newest_of(adapters: Iterable[AdapterInfo], value: str, group: str) -> AdapterInfo | None:
    """Return the adapter that stands for a value in a group, as `newest_sets` chooses; or None."""
    return (
        newest_sets((one for one in adapters if one.value == value), [value])
        .get(group, {})
        .get(value)
    )


def set_key(
    adapters: Mapping[str, AdapterInfo],
    loading: Mapping[str, str] | None = None,
    *,
    judging: str = "",
) -> str:
    """Name a set of adapters by its content: 16 hex characters, the same on every machine.

    Args:
        adapters: Value -> adapter.
        loading: What the base beside them is loaded with, where that changes its numbers.
        judging: Which judges measure them (`ProjectConfig.judging`).
    """
    lines = [f"{value} {adapters[value].hash}" for value in sorted(adapters)]
    lines += [f"base {name} {entry}" for name, entry in sorted((loading or {}).items())]
    lines += [f"judges {judging}"] if judging else []
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _precedence(info: AdapterInfo) -> tuple[bool, str]:
    return not info.recorded, info.created


def _read(path: Path) -> AdapterInfo | None:
    try:
        manifest = read_json(path)
        if manifest is None:
            return None
        modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return AdapterInfo(
            name=path.parent.name,
            value=check_slug(str(manifest["value"]), "value"),
            group=check_slug(str(manifest["group"]), "group"),
            recorded=bool(manifest.get("recorded", False)),
            created=str(manifest.get("created") or modified.isoformat(timespec="microseconds")),
            path=path.parent,
            manifest=manifest,
        )
    except (KeyError, TypeError, ValueError, FileNotFoundError):
        return None


def _move_unless_there(aside: Path, target: Path) -> None:
    try:
        aside.rename(target)
    except OSError:
        # Another process was first: its copy is complete, because it was renamed as a whole.
        shutil.rmtree(aside)
        if not (target / MANIFEST).is_file():
            raise


def _highest(stem: str, names: Iterable[str]) -> int:
    numbers = [re.fullmatch(rf"{re.escape(stem)}-(\d+)", name) for name in names]
    return max((int(match[1]) for match in numbers if match), default=0)
