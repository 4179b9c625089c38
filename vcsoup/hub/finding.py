"""Where a data set of the hub can be read, and what it holds: configurations, splits, folders.

The hub is asked first. When it is out of reach, the copy that `huggingface_hub` keeps on this
machine is taken, at the revision that was asked for, and whoever asks is told. `datasets` decides
which files make which split; code that ships with a data set is never run.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from vcsoup.errors import HubError, HubUnreachableError
from vcsoup.hub.dataset_id import HubData
from vcsoup.hub.refusals import hub_errors

_MOST_CONFIGS = 24
_MOST_FOLDERS = 200
_USUAL_SPLIT = "train"
_COPY = "the copy on this machine of "  # which may lack what the hub has


@dataclass(frozen=True)
class HubFound:
    """A data set that can be read.

    Attributes:
        data: What was asked for.
        revision: The commit.
        place: Its id, or the folder of the copy on this machine.
        bytes: Size of all its files.
        cached: Whether the hub was out of reach, so that the copy is read.
        folders: Folders inside it that hold data.
    """

    data: HubData
    revision: str
    place: str
    bytes: int
    cached: bool
    folders: tuple[str, ...]

    @property
    def asked(self) -> dict[str, Any]:
        """What every call of `datasets` about it needs."""
        here = self.place == self.data.repo
        revision = {"revision": self.revision} if here else {}
        return {**revision, **({"data_dir": self.data.folder} if self.data.folder else {})}


def find(data: HubData) -> HubFound:
    """Ask the hub about a data set, or look for the copy on this machine.

    Raises:
        HubError: gated, private, missing, no such revision or folder; or out of reach and no copy
            is here.
    """
    from huggingface_hub import HfApi

    api, revision = HfApi(), data.revision or None
    try:
        with hub_errors(data.repo, revision=revision):
            api.auth_check(data.repo, repo_type="dataset")
            info = api.dataset_info(data.repo, revision=revision, files_metadata=True)
    except HubUnreachableError as error:
        return _cached(data, error)
    files = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    commit = str(info.sha)
    _check_folder(data, files)
    return HubFound(data, commit, data.repo, sum(files.values()), False, _folders(files))


@lru_cache(maxsize=64)
def configs(found: HubFound) -> tuple[str, ...]:
    """The configurations of a data set, the usual one first.

    Raises:
        HubError: it holds nothing that can be read.
    """
    from datasets import get_dataset_config_names, get_dataset_default_config_name

    with reading_errors(found):
        names = get_dataset_config_names(found.place, **found.asked)
        usual = get_dataset_default_config_name(found.place, **found.asked)
    return tuple(sorted(names, key=lambda name: name != usual))[:_MOST_CONFIGS]


@lru_cache(maxsize=64)
def splits(found: HubFound, config: str) -> dict[str, int | None]:
    """The splits of a configuration, each with its number of rows where that is written down.

    Raises:
        HubError: it holds nothing that can be read.
    """
    from datasets import get_dataset_config_info

    with reading_errors(found):
        about = get_dataset_config_info(found.place, config_name=config, **found.asked)
    rows = {name: getattr(split, "num_examples", None) for name, split in about.splits.items()}
    return {name: count or None for name, count in rows.items()}


def chosen(found: HubFound) -> tuple[str, str, int | None]:
    """The configuration and the split that were asked for, or the usual ones.

    Returns:
        Configuration, split, and the split's number of rows where that is written down.

    Raises:
        HubError: it has no such configuration or split, or several splits and no "train".
    """
    data = found.data
    config = _one_of(found, "configuration", data.config, configs(found))
    known = splits(found, config)
    usual = [_USUAL_SPLIT] if _USUAL_SPLIT in known else list(known)
    if not data.split and len(usual) != 1:
        raise HubError(
            f"{data.repo} ({config}) has the splits {', '.join(known)}; choose one with --split"
        )
    split = _one_of(found, "split", data.split, (*usual, *known))
    return config, split, known[split]


def _words(error: Exception) -> str:
    """What a library says on one line, without the names that Python gives to open files.

    Example:
        >>> _words(ValueError("cannot read <_io.BytesIO object at 0x7f1c>"))
        'cannot read one of its files'
    """
    said = re.sub(r"<[\w.]+ object at 0x\w+>", "one of its files", str(error))
    return " ".join(said.split())[:160] or type(error).__name__


@contextmanager
def reading_errors(found: HubFound) -> Iterator[None]:
    """Say in one sentence what `datasets` cannot read.

    Raises:
        HubError: whatever the reason.
    """
    import pyarrow as pa
    from datasets.exceptions import DatasetsError

    repo = found.data.repo
    if found.cached:
        advice = f"connect, or fetch all of it once with `hf download --repo-type dataset {repo}`"
    else:
        advice = "download its file and add it by its path"
    try:
        with hub_errors(repo, revision=found.revision):
            yield
    except (DatasetsError, pa.ArrowException, ValueError, RuntimeError, OSError) as error:
        if isinstance(error, HubError):
            raise
        said = _words(error)
        where = _COPY if found.cached else ""
        raise HubError(f"{where}{repo} cannot be read as a table ({said}); {advice}") from error


def _cached(data: HubData, why: HubUnreachableError) -> HubFound:
    """The copy on this machine, at the revision that was asked for."""
    from huggingface_hub import snapshot_download

    try:
        with hub_errors(data.repo, revision=data.revision or None):
            folder = snapshot_download(
                data.repo,
                repo_type="dataset",
                revision=data.revision or None,
                local_files_only=True,
            )
    except HubUnreachableError as error:
        raise HubUnreachableError(
            f"{str(why).partition(';')[0]}, and no whole copy of {data.repo} is in the cache of "
            f"this machine; connect, or fetch it once with `hf download --repo-type dataset "
            f"{data.repo}`"
        ) from error
    place = Path(folder)
    here = [path for path in place.rglob("*") if path.is_file()]
    files = {str(path.relative_to(place)): path.stat().st_size for path in here}
    _check_folder(data, files, where=_COPY)
    return HubFound(data, place.name, folder, sum(files.values()), True, _folders(files))


def _check_folder(data: HubData, files: Mapping[str, int], where: str = "") -> None:
    folder = PurePosixPath(data.folder)
    if not data.folder or any(folder in PurePosixPath(name).parents for name in files):
        return
    known = ", ".join(_folders(files))
    remedy = f"; choose one of {known}" if known else ", and none to choose; leave it out"
    raise HubError(f"{where}{data.repo} has no folder {data.folder!r}{remedy}")


def _folders(files: Mapping[str, int]) -> tuple[str, ...]:
    """Folders with files of their own; hidden ones are none."""
    above = (str(PurePosixPath(name).parent) for name in sorted(files))
    seen = dict.fromkeys(name for name in above if name == "." or not name.startswith("."))
    return tuple(name for name in seen if name != ".")[:_MOST_FOLDERS]


def _one_of(found: HubFound, what: str, wanted: str, known: tuple[str, ...]) -> str:
    if not wanted:
        return known[0]
    if wanted not in known:
        listed = ", ".join(dict.fromkeys(known))
        raise HubError(f"{found.data.repo} has no {what} {wanted!r}; choose one of {listed}")
    return wanted
