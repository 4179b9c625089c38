"""A preference file on its way in: looked through first, stored only when someone says so.

Between the readers (`vcsoup.preferences`) and the workspace. `data add` and the Data page call the
same two functions. What is previewed is what is stored: the file's hash can be asked for again.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vcsoup.errors import NotFoundError, PreferenceFormatError
from vcsoup.monitor import SILENT, Monitor
from vcsoup.preferences.arrow_rows import is_saved, saved_files
from vcsoup.preferences.read_report import ReadReport
from vcsoup.preferences.readers import USUAL, Reading, read_preferences
from vcsoup.preferences.rows import readable
from vcsoup.workspace import Project
from vcsoup.workspace.names import check_title
from vcsoup.workspace.problems import forget_problems, keep_problems
from vcsoup.workspace.ready_scores import forget_scores, keep_scores, score_names

FIRST_PAIRS = 3


@dataclass(frozen=True)
class Preview:
    """What a file would become, before it is stored.

    Attributes:
        value: The value that it is about.
        source: Where it comes from, for people.
        sha256: Hash of the file's content, 64 hex digits.
        report: What became of its rows.
        pairs: The canonical pairs, n rows.
        scores: The scores that the file holds beside them (`ReadResult.scores`), n rows.
    """

    value: str
    source: str
    sha256: str
    report: ReadReport
    pairs: pd.DataFrame
    scores: pd.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """The preview as plain data: figures, the first pairs and every problem."""
        return {
            "value": self.value,
            "n": len(self.pairs),
            "source": self.source,
            "sha256": self.sha256,
            "scores": score_names(self.scores),
            "first": self.pairs.head(FIRST_PAIRS).drop(columns="id").to_dict("records"),
            "report": self.report.to_dict(),
        }


def preview_file(
    value: str,
    file: Path,
    how: Reading = USUAL,
    *,
    sha256: str = "",
    source: str = "",
    monitor: Monitor = SILENT,
) -> Preview:
    """Read a file as the pairs of a value, and store nothing.

    Args:
        value: The value that it is about.
        file: The file, or a folder that `datasets.save_to_disk` wrote.
        how: Which of its preferences, by which columns, how long at most.
        sha256: The content that is expected; empty takes any.
        source: Where it comes from, for people; the file's path by default.
        monitor: Hears "reading rows".

    Raises:
        NotFoundError: no such file.
        PreferenceFormatError: no preference file, no usable pair, or another content than expected.
    """
    found = _hash(Path(file))
    if sha256 and found != sha256:
        raise PreferenceFormatError(
            f"{readable(Path(file).name)} is not the file that was looked through "
            f"(its hash begins with {found[:8] or 'nothing'}, not {sha256[:8]}); look it through "
            "again"
        )
    read = read_preferences(file, how, name=Path(source).name, monitor=monitor)
    where = source or readable(str(file))
    return Preview(value, where, found, read.report, read.pairs, read.scores)


def store_pairs(project: Project, value: str, read: Preview, *, title: str = "") -> dict[str, Any]:
    """Store a previewed file as the data set of a value, in place of the former one.

    Args:
        project: The project.
        value: The value.
        read: The preview.
        title: Name of the data set for people; empty keeps the usual one.

    Returns:
        {"held_out_prompts": how many are held out now}.
    """
    report = keep_problems(project.root, read.report.to_dict())
    report = keep_scores(project.root, read.scores, report)
    name = check_title(title, "data set") if title else ""
    project.save_pairs(value, read.pairs, source=read.source, report=report, title=name)
    known = [*project.datasets().values(), *(old.dataset for old in project.removed_datasets())]
    forget_problems(project.root, [info.report for info in known])
    forget_scores(project.root, [info.report for info in known])
    return {"held_out_prompts": project.top_up_held_out(value)}


def data_root() -> Path:
    """The folder below which the app may read files: $VCSOUP_DATA_ROOT, else the home folder."""
    chosen = os.environ.get("VCSOUP_DATA_ROOT")
    return (Path(chosen).expanduser() if chosen else Path.home()).resolve()


def allowed_file(typed: str, root: Path) -> Path:
    """The file that someone typed into the app, when it lies below the allowed root.

    Links are followed before the look, so that none leads out.

    Args:
        typed: A path; taken from `root` when it is not absolute.
        root: The allowed root, resolved.

    Returns:
        The resolved path of an existing file, or of a folder that `datasets.save_to_disk` wrote.

    Raises:
        PreferenceFormatError: outside the root, or another folder.
        NotFoundError: no such file.
    """
    try:
        path = (root / Path(typed.strip()).expanduser()).resolve()
        inside, there, folder = path.is_relative_to(root), path.exists(), path.is_dir()
    except (OSError, ValueError, RuntimeError) as error:
        raise PreferenceFormatError(f"this is no path of a file ({error}); type one") from error
    if not inside:
        raise PreferenceFormatError(
            f"files are read only below {root}, and this one is outside; move it there, or start "
            "the app with VCSOUP_DATA_ROOT set to its folder"
        )
    if not there:
        raise NotFoundError(f"{readable(str(path))} does not exist; check the path")
    if folder and not is_saved(path):
        raise PreferenceFormatError(f"{readable(str(path))} is a folder; type the path of a file")
    return path


def _hash(file: Path) -> str:
    """The hash of a file, or of those of a saved folder; empty when there is none."""
    if file.is_dir():
        parts = saved_files(file, readable(file.name)) if is_saved(file) else []
        return hashlib.sha256("".join(map(_hash, parts)).encode()).hexdigest() if parts else ""
    if not file.is_file():
        return ""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
