"""A preference file on its way in: looked through first, stored only when someone says so.

Between the readers (`vcsoup.preferences`) and the workspace. `data add` and the Data page call the
same two functions. What is previewed is what is stored: the file's hash can be asked for again. A
file that was fetched from the hub says its origin, which is stored with the pairs.
"""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from vcsoup.errors import NotFoundError, PreferenceFormatError
from vcsoup.home_paths import from_home, from_known_home
from vcsoup.hub.fetching import origin_of
from vcsoup.monitor import SILENT, Monitor
from vcsoup.preferences.files import data_files
from vcsoup.preferences.lengths import LengthUnit, base_lengths
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
        origin: Where on the hub its rows were fetched (`HubOrigin`); empty for any other file.
        how: How it was read.
        path: Where the file lies; empty for an upload.
    """

    value: str
    source: str
    sha256: str
    report: ReadReport
    pairs: pd.DataFrame
    scores: pd.DataFrame
    origin: dict[str, Any] = field(default_factory=dict)
    how: Reading = USUAL
    path: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The preview as plain data: figures, the first pairs and every problem."""
        return {
            "value": self.value,
            "n": len(self.pairs),
            "source": self.source,
            "sha256": self.sha256,
            "scores": score_names(self.scores),
            "first": self.pairs.head(FIRST_PAIRS).drop(columns="id").to_dict("records"),
            "report": self.full_report(),
        }

    def full_report(self) -> dict[str, Any]:
        """The report as plain data, with what it takes to read the same pairs again."""
        columns = self.how.columns.written() if self.how.columns else ""
        asked: dict[str, Any] = {"path": self.path, "sha256": self.sha256}
        asked |= {"columns": columns, "longest": self.how.longest}
        read = {"read": {name: entry for name, entry in asked.items() if entry}}
        return self.report.to_dict() | read | ({"origin": self.origin} if self.origin else {})


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
        file: The file, a folder of data files, or one that `datasets.save_to_disk` wrote.
        how: Which of its preferences, by which columns, how long at most.
        sha256: The content that is expected; empty takes any.
        source: Where it comes from, for people; its place on the hub or its path by default.
        monitor: Hears "reading rows".

    Raises:
        NotFoundError: no such file.
        PreferenceFormatError: no preference file, no usable pair, or another content than expected.
    """
    found = content_hash(Path(file))
    if sha256 and found != sha256:
        raise PreferenceFormatError(
            f"{readable(Path(file).name)} is not the file that was looked through "
            f"(its hash begins with {found[:8] or 'nothing'}, not {sha256[:8]}); look it through "
            "again"
        )
    origin = origin_of(file)
    where = source or (origin.words if origin else readable(str(file)))
    name = origin.repo if origin else Path(source).name
    read = read_preferences(file, how, name=name, monitor=monitor)
    about = origin.to_dict() if origin else {}
    path = "" if origin else _path_of(source or file)
    return Preview(value, where, found, read.report, read.pairs, read.scores, about, how, path)


def _path_of(source: Path | str) -> str:
    """Where a source lies; empty for the name of an upload, however long it is."""
    here = from_home(source)
    try:
        return str(here.resolve()) if here.exists() else ""
    except OSError:
        return ""


def lengths_of(project: Project) -> LengthUnit:
    """What the lengths of a project's pairs are counted in: its base's tokens, else words."""
    return base_lengths(project.config.base, project.config.loading.revision)


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
    report = keep_problems(project.root, read.full_report())
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
    return (from_home(chosen) if chosen else Path.home()).resolve()


def allowed_file(typed: str, root: Path) -> Path:
    """The file that someone typed into the app, when it lies below the allowed root.

    Links are followed before the look, so that none leads out.

    Args:
        typed: A path; taken from `root` when it is not absolute.
        root: The allowed root, resolved.

    Returns:
        The resolved path of an existing file, or of a folder of data files.

    Raises:
        PreferenceFormatError: outside the root, a folder without data, or with a link that leads
            out.
        NotFoundError: no such file.
    """
    try:
        path = (root / from_known_home(typed.strip())).resolve()
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
    if folder:
        _check_inside(path, root)
    return path


def _check_inside(folder: Path, root: Path) -> None:
    """Refuse a folder whose data files lead out of the allowed root."""
    for file in data_files(folder, readable(str(folder))):
        if not file.resolve().is_relative_to(root):
            raise PreferenceFormatError(
                f"{readable(str(file))} is a link that leads out of {root}; copy the file itself"
            )


def content_hash(file: Path) -> str:
    """The hash of a file, or of those of a folder with their names; empty when there is none."""
    if file.is_dir():
        parts = data_files(file, readable(file.name))
        said = "".join(f"{part.relative_to(file)}\n{content_hash(part)}\n" for part in parts)
        return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()
    if not file.is_file():
        return ""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
