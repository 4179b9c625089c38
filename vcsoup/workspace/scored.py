"""The first chapter of a project: its pairs, their rewards, and the gaps between them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import select, update

from vcsoup.base_models.settings import BaseLoading
from vcsoup.consistency import pooled_std, value_consistency
from vcsoup.errors import NotFoundError
from vcsoup.rewards.spec import RewardSpec
from vcsoup.set_aside import with_set_aside
from vcsoup.workspace.config import ProjectConfig
from vcsoup.workspace.datasets import DatasetInfo, Datasets, digest
from vcsoup.workspace.filters import Scale
from vcsoup.workspace.records import PROJECTS, Records
from vcsoup.workspace.removed import Bin, RemovedDataset
from vcsoup.workspace.tables import Figures, RewardTables, reward_columns

Floats = NDArray[np.float64]


class ScoredPairs:
    """Pairs, rewards and gaps of a project; use it as a `Project`."""

    def __init__(self, records: Records, config: ProjectConfig, root: Path) -> None:
        self.config = config
        self.root = root
        self._records = records
        self._datasets = Datasets(records, config, root)
        self._rewards = RewardTables(records, config, root, datasets=self._datasets)
        self._bin = Bin(records, config.name, datasets=self._datasets, rewards=self._rewards)

    @property
    def name(self) -> str:
        """The short name."""
        return self.config.name

    @property
    def title(self) -> str:
        """The name for people."""
        return self.config.title or self.config.name

    @property
    def values(self) -> tuple[str, ...]:
        """The values to balance, in order."""
        return self.config.values

    # Models

    def set_reward(self, value: str, spec: RewardSpec | None) -> None:
        """Change what judges a value, None for nothing; rewards by the former judge become stale.

        The files of a local model are read, as far as they were not: it may be the former one at
        another place.

        Raises:
            UnknownValueError: no such value.
        """
        self._datasets.check_value(value)
        if spec is not None:
            with suppress(OSError):  # what cannot be read tells nothing
                spec.fingerprint()

        def changed(config: ProjectConfig) -> ProjectConfig:
            judges = {**config.rewards, value: spec}
            rewards = {name: judge for name in self.values if (judge := judges.get(name))}
            return config.model_copy(update={"rewards": rewards})

        self.change_config(changed)

    def set_base(self, base: str, loading: BaseLoading) -> None:
        """Change the base model or how it is loaded; adapters of another one do not fit it."""
        self.change_config(lambda c: c.model_copy(update={"base": base, "loading": loading}))

    def judges_known_as(self, config: ProjectConfig) -> str:
        """Return the name that other choices' judges have here already; empty for new ones."""
        return self._rewards.known_as(config)

    def change_config(self, change: Callable[[ProjectConfig], ProjectConfig]) -> None:
        """Change the stored choices; what another tab changed meanwhile stays."""
        of_this = PROJECTS.c.name == self.name
        with self._records.write() as connection:
            stored = connection.execute(select(PROJECTS.c.config).where(of_this)).scalar_one()
            former = ProjectConfig.model_validate_json(stored)
            config = change(former)
            config = config.in_place_of(former, known_as=self.judges_known_as(config))
            written = update(PROJECTS).where(of_this).values(config=config.model_dump_json())
            connection.execute(written)
        self.config = self._rewards.config = config

    # Pairs

    def datasets(self) -> dict[str, DatasetInfo]:
        """Return the stored data sets by value, in the project's order."""
        return self._datasets.infos()

    def save_pairs(
        self,
        value: str,
        pairs: pd.DataFrame | Iterable[pd.DataFrame | pa.Table],
        *,
        source: str,
        report: Mapping[str, Any] | None = None,
        title: str = "",
    ) -> DatasetInfo:
        """Store a value's canonical pair table in place of the former one, which goes to the bin.

        Args:
            value: One of the project's values.
            pairs: Columns id, prompt, chosen, rejected; ids unique. A table too large for memory
                may come in parts (also as Arrow tables of `preferences.pairs.PAIR_SCHEMA`).
            source: Where they come from, for people.
            report: What reading them reported (`ReadReport.to_dict()`).
            title: A name for people; the source when empty.

        Raises:
            UnknownValueError: no such value.
            WorkspaceError: no pairs, a missing column or an id twice.
        """
        parts = [pairs] if isinstance(pairs, pd.DataFrame) else pairs
        return self._datasets.save(
            value,
            parts,
            source=source,
            report=report or {},
            title=title,
            before=self._bin.make_way,
        )

    def pairs(self, value: str) -> pd.DataFrame:
        """Return a value's canonical pair table; NotFoundError when it has none."""
        return self._datasets.pairs(value)

    def pair_rows(self, value: str, rows: Sequence[int] | NDArray[np.integer]) -> pd.DataFrame:
        """Return some of a value's pairs, reading little more than those.

        Args:
            value: Whose pairs.
            rows: Positions from 0, in any order.

        Returns:
            The canonical columns, one row per position, in the order asked.

        Raises:
            NotFoundError: no pairs, or a position beyond them.
        """
        return self._datasets.rows(value, rows)

    def row_of(self, value: str, pair_id: str) -> int | None:
        """Return the position of a pair, None when the value has no pair of that id."""
        return self._datasets.row_of(value, pair_id)

    def pair_file(self, value: str) -> Path:
        """Return the parquet file that holds a value's pairs now; to read, not to keep."""
        return self._datasets.read(value, lambda path: path)

    def lengths(self, value: str) -> NDArray[np.int32]:
        """Return characters of prompt (all turns), chosen and rejected, shape (n, 3)."""
        return self._datasets.lengths(value)

    def set_aside(self, value: str) -> pd.DataFrame:
        """Return the pairs that scoring set aside: canonical columns, column and reason."""
        return self._datasets.set_aside(value)

    def save_usable(self, value: str, pairs: pd.DataFrame, aside: pd.DataFrame) -> DatasetInfo:
        """Divide a data set into pairs to use and pairs to set aside; nothing goes to the bin.

        Args:
            value: Whose data set, of which these are all the pairs.
            pairs: The canonical table of the usable ones.
            aside: The others, with `column` (the value whose reward is at fault) and `reason`.
        """
        info = self._datasets.info(value)
        report = with_set_aside(info.report, aside)
        return self._datasets.save(
            value, [pairs], source=info.source, report=report, title=info.title, aside=aside
        )

    def rename_dataset(self, value: str, title: str) -> None:
        """Give a value's data set another name for people: 1 to 60 characters on one line."""
        self._datasets.rename(value, title)

    def remove_dataset(self, value: str) -> int:
        """Put a value's data set and its rewards into the bin; returns what restores it."""
        return self._bin.remove(value)

    def removed_datasets(self) -> list[RemovedDataset]:
        """Return the data sets in the bin, newest first; five per value at most."""
        return self._bin.entries()

    def restore_dataset(self, token: int) -> str:
        """Bring a data set back from the bin; the present one of that value goes there.

        Returns:
            The value.

        Raises:
            NotFoundError: no such entry.
        """
        return self._bin.restore(token)

    # Rewards and gaps

    def save_rewards(self, value: str, table: pd.DataFrame | Iterable[pa.Table]) -> None:
        """Store the rewards of a value's pairs.

        Args:
            value: Whose data set was scored.
            table: Columns id and `<v>_chosen`, `<v>_rejected` for every value v of the project, in
                the reward models' units, larger is better; rows as the stored pairs. Parts (Arrow
                tables) are for tables too large for memory; their ids are not checked.

        Raises:
            WorkspaceError: a missing column, or ids that are not those of the stored pairs.
            GapShapeError: a reward that is not finite, named by row and column.
        """
        if isinstance(table, pd.DataFrame):
            self._rewards.save(value, table)
        else:
            self._rewards.save_parts(value, table)

    def rewards(self, value: str) -> pd.DataFrame | None:
        """Return a value's rewards table; None when not scored or when pairs or models changed."""
        return self._rewards.load(value)

    def pair_rewards(self, value: str, row: int) -> Figures | None:
        """Return the rewards of one pair, reading little more; None when not scored.

        Returns:
            Shape (2, K), float32, in the reward models' units: chosen answer, rejected answer.
        """
        figures = self._rewards.row(value, row, reward_columns(self.values))
        return None if figures is None else figures.reshape(2, len(self.values))

    def equal_rewards(self, value: str) -> dict[str, int]:
        """Count the pairs whose two answers get exactly the same reward, by reward model.

        Raises:
            NotFoundError: not scored.
        """
        return {judge: int(np.equal(*self._sides(value, judge)).sum()) for judge in self.values}

    def was_scored(self, value: str) -> bool:
        """Tell whether a value's pairs have rewards on disk, current ones or stale ones."""
        return value in self._rewards.table.rows()

    def rewards_stamp(self, value: str, *, scale: Scale | None = None) -> str:
        """Return a key for caches of `gaps` and `consistency`; empty when not scored."""
        self._datasets.check_value(value)
        return self.rewards_stamps(scale=scale).get(value, "")

    def rewards_stamps(self, *, scale: Scale | None = None) -> dict[str, str]:
        """Return the stamp of every scored value, in the project's order, at one look."""
        own = self._rewards.hashes()
        if (scale or self.config.scale) == "dataset":
            return own
        beside = [own.get(value, "") for value in self.values]
        return {value: digest([stamp, *beside]) for value, stamp in own.items()}

    def gaps(self, value: str, *, scale: Scale | None = None) -> Floats:
        """Return the reward gaps of a value's pairs in standard deviations.

        Reads the reward columns alone, one value at a time.

        Args:
            value: Whose pairs.
            scale: Divide by the deviation over this data set or over all; None: as the project.

        Returns:
            Shape (n, K), columns in the order of `values`.

        Raises:
            NotFoundError: not scored yet (with a shared scale: any value not scored yet).
            GapShapeError: a reward model gives the same reward everywhere.
        """
        columns = []
        for judge in self.values:
            (chosen, rejected), unit = self._scaled_by(value, judge, scale)
            columns.append((chosen.astype(np.float64) - rejected) / unit)
        return np.stack(columns, axis=1)

    def scaled_rewards(self, value: str, *, scale: Scale | None = None) -> Floats:
        """Return the rewards of a value's pairs in standard deviations; errors as for `gaps`.

        Args:
            value: Whose pairs.
            scale: As for `gaps`.

        Returns:
            Shape (2, n, K): chosen answers, rejected answers. Rewards are scaled, not centred.
        """
        columns = []
        for judge in self.values:
            sides, unit = self._scaled_by(value, judge, scale)
            columns.append(np.stack(sides).astype(np.float64) / unit)
        return np.stack(columns, axis=2)

    def consistency(self, value: str, *, scale: Scale | None = None) -> Floats:
        """Return the value consistency of a value's pairs, shape (n,), in [-1, 1]."""
        return value_consistency(self.gaps(value, scale=scale))

    def _scaled_by(
        self, value: str, judge: str, scale: Scale | None
    ) -> tuple[list[Figures], float]:
        """Rewards of both sides by one value's model, each (n,), and their standard deviation."""
        shared = (scale or self.config.scale) == "shared"
        scaled_by = list(self.values) if shared else [value]
        sides = {v: self._sides(v, judge) for v in dict.fromkeys([value, *scaled_by])}
        pooled = [sides[v][side] for side in (0, 1) for v in scaled_by]
        among, way_out = " in all pairs", "make a project without that value"
        if not shared:
            among = f" in the pairs of {value}"
            way_out = "scale the gaps over all data sets (shared)"
        rewards = np.concatenate(pooled, dtype=np.float64)
        return sides[value], pooled_std(rewards, judge, among=among, way_out=way_out)

    def _sides(self, value: str, judge: str) -> list[Figures]:
        """Rewards of the chosen and the rejected answers by one value's model, each (n,)."""
        figures = self._rewards.figures(value, [f"{judge}_chosen", f"{judge}_rejected"])
        if figures is None:
            raise NotFoundError(
                f"the pairs of {value} have no current rewards; score them with "
                f"`python -m vcsoup score --project {self.name}`"
            )
        return figures
