"""Trained adapters of a project: PEFT folders with a `manifest.json`, which is written last.

A folder without a manifest is unfinished and invisible here. `recorded` adapters came with a
bundle; they stand in only where the user has trained none.
"""

import hashlib
import re
import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class AdapterInfo:
    """A complete adapter on disk."""

    name: str
    value: str
    group: str
    recorded: bool
    created: str
    path: Path
    manifest: Mapping[str, Any] = field(repr=False, compare=False)

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
        manifests = self.folder.glob(f"[a-z0-9]*/{MANIFEST}")
        found = [info for path in manifests if (info := _read(path)) is not None]
        return sorted(found, key=lambda info: (info.created, info.name), reverse=True)

    def path(self, name: str) -> Path:
        """Return the folder of the adapter called `name`, which need not exist.

        Raises:
            WorkspaceError: the name cannot be part of a path.
        """
        return self.folder / check_slug(name, "adapter")

    def reserve(self, value: str, group: str) -> str:
        """Return a name that nobody else gets: `<value>-<group>-<number>`, numbers going up."""
        stem = check_slug(f"{value}-{group}"[:36].rstrip("-"), "adapter")
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


def newest_sets(
    adapters: Iterable[AdapterInfo], values: Sequence[str]
) -> dict[str, dict[str, AdapterInfo]]:
    """Group adapters into sets that can be mixed: per group, the newest adapter of every value.

    A user's own adapter goes before a recorded one, however old. Groups that lack a value are left
    out.

    Returns:
        {group: {value: adapter}}, both in a stable order ("filtered" before "unfiltered").
    """
    own_first = sorted(adapters, key=lambda info: (not info.recorded, info.created), reverse=True)
    sets: dict[str, dict[str, AdapterInfo]] = {}
    for info in own_first:
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
