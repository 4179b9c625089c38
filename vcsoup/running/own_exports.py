"""What runs of a project exported, so that a later run replaces its own exports and nothing else.

A record in the project's folder holds, per export, its files with size and time of change. What
lies at a path is ours while it holds exactly those; what anybody put there or changed is not. One
that was moved, with its folder or by itself, is ours; a copy is not while the first is still there.
"""

import glob
import shutil
import uuid
from pathlib import Path

from vcsoup.errors import AdapterError
from vcsoup.workspace import Project
from vcsoup.workspace.files import read_json, write_json

Files = dict[str, list[int]]
_RECORD = "exports.json"
_HEX = "[0-9a-f]" * 12


def check_free(project: Project | None, out: Path) -> None:
    """Refuse a path that holds something else than an untouched export of this project.

    Args:
        project: None for one that is still to be made.
        out: Where something is to be exported.

    Raises:
        AdapterError: says what to do.
    """
    around = next((folder for folder in out.parents if folder.exists()), out)
    if not around.is_dir():
        raise AdapterError(f"{out} cannot be made, since {around} is a file; choose another `out:`")
    if not (out.exists() or out.is_symlink()):
        return
    if project is None or not _is_ours(_known(project), out):
        raise AdapterError(
            f"{out} exists, and is no export that a run of this project made and nobody changed; "
            "choose another `out:`, or move it away"
        )


def note(project: Project, out: Path) -> None:
    """Record what has just been exported."""
    write_json(project.root / _RECORD, {**_known(project), str(out): _files(out)})


def remove_unfinished(out: Path) -> None:
    """Remove what killed runs had begun to write for `out`: of a model, many GB that nobody sees.

    `vcsoup.soup.export` writes beside the name that it is given, which was one of `beside`.
    """
    for left in out.parent.glob(f"..{glob.escape(out.name)}.{_HEX}-*"):
        shutil.rmtree(left, ignore_errors=True)


def put_in_place(built: Path, out: Path) -> None:
    """Rename a finished folder to `out`; what was there before goes only once this one is whole."""
    if out.exists():
        out.rename(beside(out))
    built.rename(out)
    for former in out.parent.glob(f".{glob.escape(out.name)}.{_HEX}"):
        shutil.rmtree(former, ignore_errors=True)


def beside(out: Path) -> Path:
    """A hidden name beside `out` that nobody else takes."""
    return out.with_name(f".{out.name}.{uuid.uuid4().hex[:12]}")


def _is_ours(known: dict[str, Files], out: Path) -> bool:
    if str(out) in known:
        return _files(out) == known[str(out)]
    moved = (files for where, files in known.items() if not Path(where).exists())
    return any(_begins_alike(out, files) and _files(out) == files for files in moved)


def _begins_alike(out: Path, files: Files) -> bool:
    """Whether `out` itself holds the names of an export: who asks for `/` wants no look at all."""
    if not out.is_dir():
        return "." in files
    return {path.name for path in out.iterdir()} == {name.partition("/")[0] for name in files}


def _known(project: Project) -> dict[str, Files]:
    return dict(read_json(project.root / _RECORD) or {})


def _files(out: Path) -> Files:
    """Size in bytes and time of change in nanoseconds of every file, by name below `out`."""
    paths = sorted(out.rglob("*")) if out.is_dir() else [out]
    stats = {str(path.relative_to(out)): path.lstat() for path in paths if not path.is_dir()}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}
