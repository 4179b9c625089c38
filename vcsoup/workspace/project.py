"""One project: everything that pages, jobs and the command line read and write about it."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from vcsoup.errors import NotFoundError, WorkspaceError
from vcsoup.workspace import adapters as shelf
from vcsoup.workspace import checkups
from vcsoup.workspace.adapters import AdapterInfo, AdapterShelf
from vcsoup.workspace.bookmarks import Bookmark, BookmarkTable
from vcsoup.workspace.config import ProjectConfig
from vcsoup.workspace.consents import ConsentShelf
from vcsoup.workspace.files import read_json, write_json
from vcsoup.workspace.filtered import FilteredPairs
from vcsoup.workspace.held_out import Messages, rows_held_out, top_up
from vcsoup.workspace.names import check_slug
from vcsoup.workspace.points import Point, PointTable
from vcsoup.workspace.records import Records
from vcsoup.workspace.samples import SampleShelf
from vcsoup.workspace.votes import Vote, VoteTable


class Project(FilteredPairs):
    """A project of a workspace; made by `Workspace.project`. Cheap to make, holds no data.

    Pairs, rewards and gaps are in `vcsoup.workspace.scored`, thresholds and filters in
    `vcsoup.workspace.filtered`; here are held-out prompts, adapters, points, bookmarks and
    votes.

    Attributes:
        config: The project's choices.
        root: Its folder.
        samples: The rewards behind its points, prompt by prompt.
        consents: The workspace's consents to run code that ships with models or to send texts.
        reward_cache_root: The workspace's folder of `vcsoup.rewards.cache`.
    """

    def __init__(self, records: Records, config: ProjectConfig, root: Path) -> None:
        super().__init__(records, config, root)
        self._points = PointTable(records, config.name, config.values)
        self._bookmarks = BookmarkTable(records, config.name, config.values)
        self._votes = VoteTable(records, config.name)
        self._shelf = AdapterShelf(records, config.name, root / "adapters")
        self.samples = SampleShelf(root / "samples", config.values)
        self.consents = ConsentShelf(records.path.parent / "consents")
        self.reward_cache_root = records.path.parent / "reward_cache"

    # What the clinic found

    def checkup(self) -> checkups.Checkup | None:
        """Return what the clinic found last; None before the first time."""
        return checkups.load_checkup(self.root)

    def save_checkup(self, checkup: checkups.Checkup) -> None:
        """Store what the clinic found in place of the former record."""
        checkups.save_checkup(self.root, checkup)

    # Held-out prompts

    def held_out_prompts(self) -> list[Messages]:
        """Return the prompts that measure soups, each a list of messages; empty when none."""
        return list(read_json(self.root / "held_out.json") or [])

    def save_held_out_prompts(self, prompts: Sequence[Messages]) -> None:
        """Store the prompts that measure soups in place of the former ones."""
        if not prompts:
            raise WorkspaceError("no held-out prompts given; expected at least one")
        write_json(self.root / "held_out.json", list(prompts))

    def rows_held_out(self, value: str) -> npt.NDArray[np.intp]:
        """Return the rows of a value's pairs whose prompt is held out: nobody trains on them."""

        def read(path: Path) -> pa.ChunkedArray:
            return pq.read_table(path, columns=["prompt"], partitioning=None).column("prompt")

        return rows_held_out(self._datasets.read(value, read), self.held_out_prompts())

    def top_up_held_out(self, value: str) -> int:
        """Hold out prompts of a value's pairs until every value with pairs had its share.

        A project that came with held-out prompts keeps exactly those. No more than a tenth of a
        data set's distinct prompts is taken.

        Returns:
            How many prompts are held out now.
        """
        share = self.config.prompts * len(self.datasets()) / len(self.values)
        former = self.held_out_prompts()
        held_out = top_up(former, self.pairs(value)["prompt"], math.ceil(share))
        if len(held_out) > len(former):
            self.save_held_out_prompts(held_out)
        return len(held_out)

    # Adapters

    def adapters(self) -> list[AdapterInfo]:
        """Return the complete adapters, newest first."""
        return self._shelf.complete()

    def adapter_dir(self, name: str) -> Path:
        """Return the folder of an adapter, existing or not; WorkspaceError for a bad name."""
        return self._shelf.path(name)

    def new_adapter_name(self, value: str, group: str) -> str:
        """Reserve a name such as "helpful-filtered-3"; nobody else gets the same one."""
        self._datasets.check_value(value)
        return self._shelf.reserve(value, check_slug(group, "group"))

    def add_adapter(self, source: Path, name: str, *, recorded: bool = False) -> AdapterInfo:
        """Copy a complete adapter folder into the project; one of that name is kept as it is."""
        return self._shelf.add(source, name, recorded=recorded)

    def choose_adapter(self, name: str) -> AdapterInfo:
        """Let an adapter stand for its value; `AdapterShelf.stand` says what becomes of others."""
        return self._shelf.stand(name)

    def adapter_sets(self) -> dict[str, dict[str, AdapterInfo]]:
        """Return {group: {value: adapter}}: the newest of every value; incomplete groups left out.

        A recorded adapter stands in only where the user has trained none, and none that was put
        aside (`choose_adapter`).
        """
        return shelf.newest_sets(self.adapters(), self.values)

    def adapter_set(self, group: str) -> dict[str, AdapterInfo]:
        """Return the newest adapter of every value in `group`.

        Raises:
            NotFoundError: the group lacks a value; the message lists those that are complete.
        """
        sets = self.adapter_sets()
        if group not in sets:
            raise NotFoundError(
                f"project {self.name} has no complete adapter set {group!r} "
                f"(complete: {', '.join(sets) or 'none yet'}); "
                "train every value with `python -m vcsoup train`"
            )
        return sets[group]

    def set_key(self, adapter_set: Mapping[str, AdapterInfo]) -> str:
        """Name a set of adapters, the base's numbers beside it, and who judges what they say.

        Points and samples are stored under it: other judges start anew, and the former ones find
        theirs again.
        """
        loading = self.config.loading.deciding
        return shelf.set_key(adapter_set, loading, judging=self.config.judging)

    # Points

    def save_point(self, point: Point) -> None:
        """Store a point; the same soup measured on more prompts stays."""
        self._points.save(point)

    def set_aside_points(self, points: Sequence[Point]) -> None:
        """Keep points, and the rewards behind them, apart from what is measured from now on."""
        for point in points:
            self.samples.set_aside(point.set_key, point.weights, seed=point.seed)
        if points:  # usually none; then nobody waits for the write lock
            self._points.set_aside(points)

    def points(self, set_key: str | None = None) -> list[Point]:
        """Return the points, oldest first; only those of one adapter set when given."""
        return self._points.load(set_key)

    # What a page was left with

    def draft(self, name: str) -> dict[str, Any] | None:
        """Return what `keep_draft` kept last; None when there is none, or none that can be read."""
        try:
            kept = read_json(self._draft(name))
        except (OSError, ValueError):
            return None
        return kept if isinstance(kept, dict) else None

    def keep_draft(self, name: str, content: Mapping[str, Any]) -> None:
        """Keep what somebody is about to start, plain JSON; it decides nothing by itself."""
        write_json(self._draft(name), dict(content))

    def _draft(self, name: str) -> Path:
        return self.root / "drafts" / f"{check_slug(name, 'draft')}.json"

    # Bookmarks and votes

    def bookmarks(self) -> list[Bookmark]:
        """Return the named soups, newest first."""
        return self._bookmarks.load()

    def save_bookmark(self, bookmark: Bookmark) -> Bookmark:
        """Store a named soup; WorkspaceError when its name is empty, too long or taken."""
        return self._bookmarks.save(bookmark)

    def delete_bookmark(self, name: str) -> Bookmark:
        """Remove a named soup and return it; NotFoundError when there is none of that name."""
        return self._bookmarks.delete(name)

    def votes(self) -> list[Vote]:
        """Return the blind votes, oldest first."""
        return self._votes.load()

    def save_vote(self, vote: Vote) -> None:
        """Store a blind vote."""
        self._votes.save(vote)

    def delete_vote(self, vote_id: str) -> None:
        """Take a blind vote back."""
        self._votes.delete(vote_id)
