"""A scored project of any size, made from nothing: to try the pages at a million pairs.

The rewards are drawn (`vcsoup.demo.synth_pool`), not computed by any model, and the project says
so. Everything is vectorised and written part by part, so memory stays small. Torch-free.
"""

import hashlib
import json
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vcsoup.demo.bundle import bundle_folder
from vcsoup.demo.synth_pool import REPLIES, Draws, Pool, draw, make_pool
from vcsoup.demo.world import VALUES, split_prompts
from vcsoup.errors import NotFoundError, WorkspaceError
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.numbers import plural
from vcsoup.preferences.pairs import PAIR_SCHEMA
from vcsoup.workspace import Project, Workspace, project_config
from vcsoup.workspace.tables import reward_columns

MORE_VALUES = ("concise", "honest", "polite", "curious", "brief")
MOST_PAIRS = 5_000_000

_PART = 65_536
_THRESHOLD = 0.3


def open_synth(
    workspace: Workspace,
    *,
    pairs: int,
    values: int,
    name: str = "",
    seed: int = 0,
    monitor: Monitor = SILENT,
) -> Project:
    """Make a scored project; one that was stopped half-way is finished.

    Args:
        workspace: Where it lives.
        pairs: How many pairs the data set of each value holds, up to `MOST_PAIRS`.
        values: K, from 2 to 8.
        name: Short name; "synth-<pairs>" when empty.
        seed: Source of everything.
        monitor: Hears progress; a stop request keeps the finished data sets.

    Returns:
        The project, every data set scored.

    Raises:
        WorkspaceError: figures out of range, or the name belongs to another project.
        StopRequested: the user asked to stop.
    """
    known = VALUES + MORE_VALUES
    if not (1 <= pairs <= MOST_PAIRS and 2 <= values <= len(known)):
        raise WorkspaceError(
            f"{pairs:,} pairs of {values} values cannot be drawn; choose 1 to {MOST_PAIRS:,} pairs "
            f"and 2 to {len(known)} values"
        )
    split = split_prompts(np.random.default_rng(seed))
    project = _project(workspace, name or f"synth-{pairs}", known[:values], (pairs, seed))
    asked = [[{"role": "user", "content": text}] for _, text in split.held_out]
    project.save_held_out_prompts(asked[: project.config.prompts])
    todo = [value for value in project.values if not project.rewards_stamp(value)]
    pool = make_pool(split.train, values, np.random.default_rng([seed, 1])) if todo else None
    for value in todo:
        assert pool is not None
        place = project.values.index(value)
        draws = draw(pool, place, pairs, np.random.default_rng([seed, 2 + place]))
        _store(project, value, pool, draws, monitor)
    return project


def _project(
    workspace: Workspace, name: str, values: tuple[str, ...], made_from: tuple[int, int]
) -> Project:
    pairs, seed = made_from
    config = project_config(
        name=name,
        title=f"Synthetic, {plural(pairs, 'pair')} per value",
        description=f"Synthetic: {pairs} pairs per value drawn with seed {seed}. The texts are the "
        "embedded world's; the rewards are random numbers, given by no model.",
        values=values,
        base=str(bundle_folder() / "models" / "base"),
    )
    try:
        found = workspace.project(name)
    except NotFoundError:
        made = workspace.create_project(config)
        for value in values:
            made.set_threshold(value, _THRESHOLD)
        return made
    if (found.values, found.config.description) != (values, config.description):
        raise WorkspaceError(f"project {name!r} exists already; choose another --name")
    return found


def _store(project: Project, value: str, pool: Pool, draws: Draws, monitor: Monitor) -> None:
    def parts(stage: str, part: Callable[[Draws], pa.Table]) -> Iterator[pa.Table]:
        n = len(draws.prompt)
        for start in range(0, n, _PART):
            if monitor.stop_requested:
                raise StopRequested(f"stopped while {stage}; the same command goes on")
            rows = slice(start, start + _PART)
            yield part(Draws(draws.prompt[rows], draws.chosen[rows], draws.rejected[rows]))
            monitor.report(stage, min(start + _PART, n), n)

    texts = _Texts(pool)
    source = "synthetic pairs of the embedded world"
    project.save_pairs(value, parts(f"writing the pairs of {value}", texts.pairs), source=source)
    columns = reward_columns(project.values)
    K = len(project.values)

    def rewards(rows: Draws) -> pa.Table:
        sides = [pool.rewards[rows.prompt, side] for side in (rows.chosen, rows.rejected)]
        figures = [sides[i // K][:, i % K] for i in range(2 * K)]
        return pa.table([pa.array(texts.ids(rows)), *figures], names=["id", *columns])

    project.save_rewards(value, parts(f"writing the rewards of {value}", rewards))


class _Texts:
    """The pool's texts in the forms that pairs and their ids are put together from."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        message = PAIR_SCHEMA.field("prompt").type.value_type
        asked = [{"role": "user", "content": text} for text in pool.prompts]
        self._prompts = pa.array(asked, type=message)
        self._replies = pa.array(pool.replies, type=pa.string())
        # `pair_id` hashes the canonical JSON of [prompt, chosen, rejected]; these are its pieces.
        canonical = [json.dumps([turn], sort_keys=True, separators=(",", ":")) for turn in asked]
        self._begun = [hashlib.sha256(f"[{text},".encode()) for text in canonical]
        self._quoted = [json.dumps(text).encode() for text in pool.replies]

    def pairs(self, rows: Draws) -> pa.Table:
        """The rows as a pair table."""
        ends = pa.array(np.arange(len(rows.prompt) + 1, dtype=np.int32))
        prompts = pa.ListArray.from_arrays(
            ends, self._prompts.take(pa.array(rows.prompt)), type=PAIR_SCHEMA.field("prompt").type
        )
        sides = [self._replies.take(pa.array(at)) for at in self._replies_of(rows)]
        return pa.Table.from_arrays([pa.array(self.ids(rows)), prompts, *sides], schema=PAIR_SCHEMA)

    def ids(self, rows: Draws) -> list[str]:
        """The pairs' ids, as `vcsoup.preferences.pairs.pair_id` names them."""
        chosen, rejected = (at.tolist() for at in self._replies_of(rows))
        ids = []
        for prompt, good, bad in zip(rows.prompt.tolist(), chosen, rejected, strict=True):
            sha = self._begun[prompt].copy()
            sha.update(b"%b,%b]" % (self._quoted[good], self._quoted[bad]))
            ids.append(sha.hexdigest()[:16])
        return ids

    def _replies_of(self, rows: Draws) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        first = self._pool.topic_of[rows.prompt] * REPLIES
        return first + rows.chosen, first + rows.rejected
