"""Units on disk: each whole or not there, made by one process at a time.

    <study>/units/<kind>-<key>/unit.json   its inputs, figures and cost, with what the unit made
    <study>/locks/<key>                    flock held while it is made
    <study>/lead                           flock held by the process that leads the others

A unit is made in a folder beside and renamed when it is whole. A kill loses the unit that is being
made and nothing else; the kernel drops its lock, so that any other process takes it up.
"""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vcsoup.errors import NotFoundError
from vcsoup.jobs.folder import holding, is_locked, plain
from vcsoup.study.plan import Unit
from vcsoup.workspace.files import write_json

MANIFEST = "unit.json"


class Shelf:
    """The units of one study folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("units", "locks"):
            (root / name).mkdir(parents=True, exist_ok=True)

    def path(self, unit: Unit) -> Path:
        """Where a whole unit lies."""
        return self.root / "units" / f"{unit.kind}-{unit.key}"

    def has(self, unit: Unit) -> bool:
        """Whether the unit is whole."""
        return (self.path(unit) / MANIFEST).is_file()

    def record(self, unit: Unit) -> dict[str, Any]:
        """Inputs, figures and cost of a whole unit.

        Raises:
            NotFoundError: it is not made yet.
        """
        try:
            text = (self.path(unit) / MANIFEST).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise NotFoundError(f"{unit.title} is not done yet; run the study on") from None
        found: dict[str, Any] = json.loads(text)
        return found

    @contextmanager
    def claim(self, unit: Unit) -> Iterator[bool]:
        """Hold the right to make a unit for the block; False when somebody else makes it."""
        with holding(self.root / "locks" / unit.key) as lock:
            yield lock is not None

    @contextmanager
    def making(self, unit: Unit) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Give a folder to make a claimed unit in, and a record for its figures.

        When the block ends well, cost and record are written and the folder takes its place.
        """
        aside = self.root / "units" / f".{unit.kind}-{unit.key}"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        cpu, wall = time.process_time(), time.monotonic()
        figures: dict[str, Any] = {}
        yield aside, figures
        cost = {
            "cpu_seconds": round(time.process_time() - cpu, 3),
            "wall_seconds": round(time.monotonic() - wall, 3),
            "tokens": int(figures.pop("tokens", 0)),
        }
        record = {"kind": unit.kind, "key": unit.key, "title": unit.title, "spec": dict(unit.spec)}
        write_json(aside / MANIFEST, plain({**record, "cost": cost, "figures": figures}))
        shutil.rmtree(self.path(unit), ignore_errors=True)
        aside.rename(self.path(unit))

    @contextmanager
    def leading(self) -> Iterator[bool]:
        """Lead the helpers for the block; False when another process leads already."""
        with holding(self.root / "lead", patience=1.0) as lock:
            yield lock is not None

    @property
    def is_led(self) -> bool:
        """Whether a process leads: helpers end when it does."""
        return is_locked(self.root / "lead")
