"""The unit "world": one draw of every value's pairs, scored by every judge, labels turned round.

A policy trains on some of a world's pairs (`taken`); the last few of each value are kept from all
training, for the loss barrier.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcsoup.consistency import reward_gaps, reward_scale
from vcsoup.filtering import exchange_answers, keep_pairs, pair_filter
from vcsoup.monitor import Monitor
from vcsoup.preferences.pairs import load_pairs, save_pairs
from vcsoup.rewards.cache import RewardCache
from vcsoup.rewards.scoring import score_pairs
from vcsoup.study.ground import Ground
from vcsoup.study.settings import Setting

FloatArray = npt.NDArray[np.float64]


def make_world(
    ground: Ground, spec: Mapping[str, Any], folder: Path, *, cache: Path, monitor: Monitor
) -> dict[str, Any]:
    """Draw and score a world.

    Args:
        ground: Where pairs and judges come from.
        spec: Of a "world" unit.
        folder: Where to write the pairs and rewards.
        cache: Rewards known already.
        monitor: Hears progress; a stop request raises `StopRequested`.

    Returns:
        Per value how many pairs there are to train on.
    """
    setting, heldout = Setting(**spec["setting"]), spec["heldout"]
    counts = {}
    for value in ground.values:
        drawn = ground.draw(value, setting, setting.pairs + heldout, spec["seed"])
        scored = score_pairs(
            drawn.pairs,
            ground.specs,
            cache=RewardCache(cache),
            monitor=monitor,
            consents=ground.consents,
        )
        # Scored before labels are turned, so that all noise levels share the judges' work.
        wrong = np.flatnonzero(drawn.doubt < setting.noise)
        save_pairs(exchange_answers(drawn.pairs, wrong), folder / f"{value}.parquet")
        sides = _sides(scored, ground.values)
        sides[:, wrong] = sides[::-1, wrong]
        np.save(folder / f"{value}-rewards.npy", sides.astype(np.float32), allow_pickle=False)
        counts[value] = len(drawn.pairs) - heldout
    return {"pairs": counts}


@dataclass(frozen=True)
class World:
    """A world that was drawn.

    Attributes:
        values: The K values.
        pairs: Per value the pairs to train on, n rows.
        heldout: Per value the pairs kept from training.
        rewards: Per value the rewards of the former, shape (2, n, K): chosen, rejected.
    """

    values: tuple[str, ...]
    pairs: Mapping[str, pd.DataFrame]
    heldout: Mapping[str, pd.DataFrame]
    rewards: Mapping[str, FloatArray]

    def gaps(self, value: str, scale: str) -> FloatArray:
        """Scaled reward gaps of a value's pairs, shape (n, K); scale is "dataset" or "shared"."""
        own = [value] if scale == "dataset" else list(self.values)
        unit = reward_scale(*(np.concatenate([self.rewards[v][s] for v in own]) for s in (0, 1)))
        return reward_gaps(*self.rewards[value]) / unit


def load_world(folder: Path, spec: Mapping[str, Any], values: Sequence[str]) -> World:
    """Read a world that `make_world` wrote."""
    tables = {value: load_pairs(folder / f"{value}.parquet") for value in values}
    sides = {value: np.load(folder / f"{value}-rewards.npy") for value in values}
    ends = {value: len(table) - spec["heldout"] for value, table in tables.items()}
    return World(
        tuple(values),
        {value: table.iloc[: ends[value]] for value, table in tables.items()},
        {v: table.iloc[ends[v] :].reset_index(drop=True) for v, table in tables.items()},
        {v: sides[v][:, : ends[v]].astype(np.float64) for v in values},
    )


def taken(world: World, value: str | None, take: Mapping[str, Any], seed: int) -> pd.DataFrame:
    """The pairs that a policy trains on.

    Args:
        world: Where from.
        value: Whose pairs; None takes all values' together.
        take: `kind` "all"; "filtered" with threshold, min_norm and scale; "random" with the same,
            as many pairs as that filter keeps; "weighted" with weights.
        seed: Decides which pairs "random" takes.
    """
    if take["kind"] == "weighted" or value is None:
        return weighted_pairs(world, take["weights"])
    pairs = world.pairs[value]
    if take["kind"] == "all":
        return pairs
    kept = pair_filter(threshold=take["threshold"], min_norm=take["min_norm"])
    gaps = world.gaps(value, take["scale"])
    if take["kind"] == "filtered":
        return keep_pairs(pairs, gaps, pair_filter=kept)
    rng = np.random.default_rng([seed, world.values.index(value), 4])
    rows = np.sort(rng.choice(len(pairs), size=kept.count(gaps), replace=False))
    return pairs.iloc[rows].reset_index(drop=True)


def weighted_pairs(world: World, weights: Sequence[float]) -> pd.DataFrame:
    """All values' pairs, labelled by the weighted sum of their gaps.

    The scalarised reward sum_k weight_k r_k / sigma_k (sigma over all data sets) decides which
    answer is chosen, whatever the label was: what a policy for this one weight vector is trained
    on. Pairs on which it is tied are left out; a pair that two data sets share counts once.
    """
    parts = []
    for value in world.values:
        score = world.gaps(value, "shared") @ np.asarray(weights, dtype=np.float64)
        turned = exchange_answers(world.pairs[value], np.flatnonzero(score < 0))
        parts.append(turned.loc[score != 0])
    return pd.concat(parts).drop_duplicates("id").reset_index(drop=True)


def _sides(scored: pd.DataFrame, values: Sequence[str]) -> FloatArray:
    """Rewards of chosen and rejected answers, shape (2, n, K)."""
    columns = [[f"{value}_{side}" for value in values] for side in ("chosen", "rejected")]
    return np.stack([scored[names].to_numpy(dtype=np.float64) for names in columns])
