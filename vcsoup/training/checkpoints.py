"""The checkpoints of one run: which are whole, which of them a run may go on from.

A run's folder holds `checkpoint-N` as transformers writes them, N the step. One is whole when it
has `complete.json`, written last and after everything else is on the disk; a kill at any moment
leaves either a whole one or one that is not listed and is swept away by the next start. The newest
two are kept. `complete.json` also names the run, so that a checkpoint of other pairs, another base
or another configuration is refused. Torch-free; the saving itself is transformers' (`keeper`).
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcsoup.errors import TrainingError

COMPLETE = "complete.json"
KEPT = 2
_NAME = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint: its step, its folder, and the run it belongs to."""

    step: int
    path: Path
    run: Mapping[str, Any]


def whole_checkpoints(folder: Path) -> list[Checkpoint]:
    """Return a run's whole checkpoints, newest first; none when the folder does not exist."""
    found = [_read(path) for path in folder.glob(f"checkpoint-*/{COMPLETE}")]
    return sorted((one for one in found if one), key=lambda one: one.step, reverse=True)


def newest_checkpoint(folder: Path, run: Mapping[str, Any]) -> Checkpoint | None:
    """Return the newest whole checkpoint of `run`; None when there is none at all.

    Args:
        folder: Where the run keeps its checkpoints.
        run: What decides the run's end: flat names and what they must be equal in.

    Raises:
        TrainingError: the newest one belongs to another run; the message names what differs.
    """
    newest = next(iter(whole_checkpoints(folder)), None)
    if newest is None:
        return None
    wanted = json.loads(json.dumps(dict(run)))
    different = [name for name in wanted if newest.run.get(name) != wanted[name]]
    if different:
        name = different[0]
        more = f" and {len(different) - 1} more" if len(different) > 1 else ""
        raise TrainingError(
            f"checkpoint {newest.path} is of another run: {name} was "
            f"{newest.run.get(name)!r}, now {wanted[name]!r}{more}; start a new run, or give what "
            "the former one had"
        )
    return newest


def sweep(folder: Path) -> None:
    """Remove what a kill left half written, and all whole ones but the newest two."""
    kept = {one.path for one in whole_checkpoints(folder)[:KEPT]}
    for path in folder.glob("checkpoint-*"):
        if path.is_dir() and path not in kept:
            _remove(path)


def discard(folder: Path) -> None:
    """Remove all checkpoints of a run, and its folder."""
    for path in folder.glob("checkpoint-*"):
        _remove(path)
    shutil.rmtree(folder, ignore_errors=True)


def mark_whole(path: Path, run: Mapping[str, Any]) -> None:
    """Put everything in a checkpoint on the disk, then write its `complete.json`."""
    for written in path.rglob("*"):
        if written.is_file():
            _sync(written)
    step = _step(path)
    aside = path / f".{COMPLETE}"
    with aside.open("w", encoding="utf-8") as file:
        json.dump({"step": step, "run": dict(run)}, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path / COMPLETE)
    _sync(path)
    _sync(path.parent)


def _remove(path: Path) -> None:
    # The mark goes first: a half-removed folder must not look whole.
    (path / COMPLETE).unlink(missing_ok=True)
    _sync(path)
    shutil.rmtree(path)


def _read(mark: Path) -> Checkpoint | None:
    try:
        content = json.loads(mark.read_text(encoding="utf-8"))
        return Checkpoint(int(content["step"]), mark.parent, dict(content["run"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _step(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise TrainingError(f"{path} is no checkpoint folder; expected checkpoint-N")
    return int(match[1])


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
