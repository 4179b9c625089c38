"""A first look at a data set of the hub: configurations, splits, and the first rows of one of them.

The rows are streamed, so that a look costs little for a large set; they are shown like those of any
file (`vcsoup.preferences.look`).
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcsoup.errors import HubError, PreferenceFormatError
from vcsoup.hub.dataset_id import HubData
from vcsoup.hub.fetching import FIRST_ROWS, WHOLE_BYTES, Wanted, write_rows
from vcsoup.hub.finding import HubFound, chosen, configs, find, splits
from vcsoup.preferences.look import LOOKED_AT_ROWS, FileLook, look_at

Splits = dict[str, int | None]


@dataclass(frozen=True)
class HubLook:
    """What a data set of the hub holds.

    Attributes:
        found: Where it can be read.
        configs: Configuration -> its splits -> their rows, where that is written down.
        config: The configuration that was looked into.
        split: The split that was looked into.
        file: Its first rows; None when they cannot be read.
        problem: Why they cannot; empty when they can.
    """

    found: HubFound
    configs: dict[str, Splits]
    config: str
    split: str
    file: FileLook | None
    problem: str

    def to_dict(self) -> dict[str, Any]:
        """The look as plain data, without the rows."""
        found = self.found
        large = found.bytes > WHOLE_BYTES
        return {
            "repo": found.data.repo,
            "revision": found.revision,
            "bytes": found.bytes,
            "cached": found.cached,
            "folders": list(found.folders),
            "folder": found.data.folder,
            "configs": self.configs,
            "config": self.config,
            "split": self.split,
            "first_rows": FIRST_ROWS if large else 0,
            "problem": self.problem,
        }


def look_at_hub(data: HubData) -> HubLook:
    """Look at a data set of the hub, and into one of its splits.

    Args:
        data: Which one; its limit says nothing here.

    Raises:
        HubError: the hub refused, or it holds nothing that can be read.
    """
    found = find(data)
    known = {config: _splits(found, config) for config in configs(found)}
    try:
        config, split, _ = chosen(found)
        return HubLook(found, known, config, split, _first(found, (config, split)), "")
    except (HubError, PreferenceFormatError) as error:
        return HubLook(found, known, data.config, data.split, None, str(error))


def _splits(found: HubFound, config: str) -> Splits:
    """The splits of a configuration; none where its files are not there."""
    try:
        return splits(found, config)
    except HubError:
        return {}


def _first(found: HubFound, part: tuple[str, str]) -> FileLook:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        write_rows(found, part, path, wanted=Wanted(LOOKED_AT_ROWS))
        return look_at(path, name=found.data.repo)
