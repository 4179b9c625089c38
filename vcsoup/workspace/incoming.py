"""Files on their way in, read but not stored: one per value, one for several.

The file of an upload lies here until it is stored or discarded; a file that someone named stays
where it is. What is known about it lies beside it, so that another tab, or this one after a
refresh, goes on where the first one was.
"""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from vcsoup.workspace.files import read_json, write_json
from vcsoup.workspace.names import check_slug

CHOSEN = "chosen"
"""`Incoming.step` of a file that a page looked through and that waits for a word."""
_ABANDONED_AFTER_S = 3 * 86_400.0
_PIECE = 2**22


@dataclass(frozen=True)
class Incoming:
    """A file on its way in.

    Attributes:
        project: The project's name.
        value: The value that it is for; empty for several.
        source: Where it comes from, for people.
        file: Where it lies.
        owned: Whether it is an upload of ours, to be removed at the end.
        job: The job that looks through it; empty for a small file, which the page reads itself.
        store_job: The job that stores it; empty until someone says so.
        options: How it is to be read, as options of `data add`.
        step: What `job` does: "look" at a data set of the hub, "fetch" its rows, or "read" a file;
            "store" while a job for each of several values stores it; `CHOSEN` without a job.
        choices: What was chosen so far of what its columns hold, for the page that asks.
    """

    project: str
    value: str
    source: str
    file: str
    owned: bool
    job: str
    store_job: str = ""
    options: tuple[str, ...] = ()
    step: str = "read"
    choices: Mapping[str, str | bool] = field(default_factory=dict)


class IncomingFiles:
    """The files on their way into a workspace."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def receive(self, content: BinaryIO) -> Path:
        """Keep an upload on disk under a name of ours; what was abandoned days ago goes."""
        for path in self._folder.glob("upload-*"):
            if time.time() - path.stat().st_mtime > _ABANDONED_AFTER_S:
                path.unlink(missing_ok=True)
        path = self._folder / f"upload-{uuid.uuid4().hex}"
        content.seek(0)
        with path.open("wb") as file:
            while piece := content.read(_PIECE):
                file.write(piece)
        return path

    def find(self, project: str, value: str) -> Incoming | None:
        """Return what is on its way to a value ("" for several); None when nothing is there."""
        content = read_json(self._record(project, value))
        if not content or not Path(content["file"]).exists():
            return None
        return Incoming(**{**content, "options": tuple(content.get("options", ()))})

    def put(self, incoming: Incoming) -> None:
        """Note a file in place of the one that was on its way to this value."""
        former = self.find(incoming.project, incoming.value)
        if former is not None and former.file != incoming.file:
            self.drop(former)
        write_json(self._record(incoming.project, incoming.value), vars(incoming))

    def storing(self, incoming: Incoming, job: str) -> None:
        """Note which job stores a file."""
        self.put(replace(incoming, store_job=job))

    def drop(self, incoming: Incoming) -> None:
        """Forget a file; an upload is removed."""
        if incoming.owned:
            Path(incoming.file).unlink(missing_ok=True)
        self._record(incoming.project, incoming.value).unlink(missing_ok=True)

    def drop_chosen(self, project: str, value: str) -> None:
        """Forget a file that waits for a word; one that a job works on stays."""
        kept = self.find(project, value)
        if kept is not None and kept.step == CHOSEN:
            self.drop(kept)

    def _record(self, project: str, value: str) -> Path:
        names = [check_slug(project, "project"), *([check_slug(value, "value")] if value else [])]
        return self._folder / f"{'.'.join(names)}.json"
