"""Which rows of the hub are meant: a data set's id, and the part of it that someone wants.

A text is an id when it looks like one and no file or folder has that name; `hf://datasets/` before
it makes it one in any case, and so does the web address of its page.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcsoup.hub.addresses import data_named
from vcsoup.preferences.shards import is_table

PREFIX = "hf://datasets/"
_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True)
class HubData:
    """A data set of the hub, and which part of it.

    Attributes:
        repo: Its id, "org/name".
        config: Its configuration; empty takes the usual one.
        split: Its split; empty takes "train", or the only one.
        folder: A folder inside it that holds a set of its own (`data_dir`); empty takes all.
        revision: Branch, tag or commit; empty takes "main".
        limit: How many rows at most; 0 takes all, None all of a small set and the first of a large.
    """

    repo: str
    config: str = ""
    split: str = ""
    folder: str = ""
    revision: str = ""
    limit: int | None = None


@dataclass(frozen=True)
class HubOrigin:
    """Where rows came from: enough to fetch the same ones again.

    Attributes:
        repo: The data set's id.
        config: The configuration.
        split: The split.
        folder: The folder inside it; empty for all.
        revision: The commit.
        rows: How many rows were taken.
        of: How many there are; None when that is not known.
        cached: Whether the hub was out of reach and the copy on this machine was read.
    """

    repo: str
    config: str
    split: str
    folder: str
    revision: str
    rows: int
    of: int | None
    cached: bool

    @property
    def words(self) -> str:
        """For people, in a line.

        Example:
            >>> HubOrigin("org/prefs", "default", "train", "", "0123456789ab", 20, 90, False).words
            'org/prefs, split train, first 20 rows of 90, commit 01234567'
        """
        parts = [self.repo, *([f"config {self.config}"] if self.config != "default" else [])]
        parts += [f"folder {self.folder}"] if self.folder else []
        parts += [f"split {self.split}"]
        if self.of is None or self.rows < self.of:
            parts.append(f"first {self.rows:,} rows" + (f" of {self.of:,}" if self.of else ""))
        return ", ".join([*parts, f"commit {self.revision[:8]}"])

    def to_dict(self) -> dict[str, Any]:
        """The origin as plain data."""
        return dict(vars(self))


def hub_id(typed: str) -> str:
    """The id that someone typed; empty when it cannot be one.

    Example:
        >>> hub_id("hf://datasets/imdb"), hub_id(" Anthropic/hh-rlhf "), hub_id("a/b/c")
        ('imdb', 'Anthropic/hh-rlhf', '')
        >>> hub_id("https://huggingface.co/datasets/Anthropic/hh-rlhf")
        'Anthropic/hh-rlhf'
    """
    text = data_named(typed.strip()).removeprefix(PREFIX).strip("/")
    return text if _ID.fullmatch(text) else ""


def as_hub_id(typed: str) -> str:
    """The id of a data set of the hub, where a path could have been typed too; empty for a path.

    Example:
        >>> as_hub_id("Anthropic/hh-rlhf"), as_hub_id("data/pairs.jsonl.gz"), as_hub_id("imdb")
        ('Anthropic/hh-rlhf', '', '')
    """
    text = typed.strip()
    if text.startswith(PREFIX):
        return hub_id(text)
    path = Path(text)
    if "/" not in text or is_table(text) or path.exists() or path.parent.is_dir():
        return ""
    return hub_id(text)
