"""Rewards behind the points, prompt by prompt: what paired comparisons need.

A point keeps means and intervals; here lies, per soup, the reward of every held-out prompt, one
small parquet file each, so that two soups measured on the same prompts with the same seed can be
compared pairwise. The same soup measured on more prompts replaces its file, on fewer it does not.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcsoup.errors import UnknownValueError
from vcsoup.workspace.files import replacing
from vcsoup.workspace.points import ASIDE, weights_key

FloatArray = npt.NDArray[np.float64]
_PROMPT = "prompt"
_NAME = re.compile(r"(?P<weights>[-\d.,]+)_(?P<seed>\d+)\.parquet")


@dataclass(frozen=True)
class Samples:
    """Rewards of one soup, prompt by prompt.

    Attributes:
        weights: Shape (K,), to six decimals; zeros are the base.
        seed: Seed of the sampling.
        prompts: Content names of the P prompts (`held_out.prompt_key`).
        rewards: Shape (P, K), in the reward models' units.
    """

    weights: FloatArray
    seed: int
    prompts: tuple[str, ...]
    rewards: FloatArray


class SampleShelf:
    """The `samples/` folder of one project."""

    def __init__(self, folder: Path, values: Sequence[str]) -> None:
        self._folder = folder
        self._values = tuple(values)

    def save(
        self,
        set_key: str,
        weights: Mapping[str, float],
        *,
        seed: int,
        prompts: Sequence[str],
        rewards: npt.ArrayLike,
    ) -> None:
        """Store a soup's rewards, unless they are stored for more prompts.

        Args:
            set_key: Which adapters (`Project.set_key`).
            weights: Weight per value; empty or zeros: the base.
            seed: Seed of the sampling.
            prompts: Content names of the P prompts.
            rewards: Shape (P, K).

        Raises:
            UnknownValueError: another number of rewards than of prompts or values.
        """
        table = np.asarray(rewards, dtype=np.float64)
        if table.shape != (len(prompts), len(self._values)):
            raise UnknownValueError(
                f"expected rewards of shape ({len(prompts)}, {len(self._values)}), one row per "
                f"prompt and one column per value, got {table.shape}; measure the soup again"
            )
        path = self._path(set_key, weights, seed)
        if path.is_file() and len(_read(path)) > len(prompts):
            return
        frame = pd.DataFrame(table, columns=list(self._values))
        frame.insert(0, _PROMPT, list(prompts))
        with replacing(path) as aside:
            frame.to_parquet(aside, index=False, compression="zstd")

    def set_aside(self, set_key: str, weights: Mapping[str, float], *, seed: int) -> None:
        """Keep a soup's rewards apart, where it has any, as `PointTable.set_aside` does."""
        former = self._path(set_key, weights, seed)
        if former.is_file():
            target = self._path(f"{set_key}{ASIDE}", weights, seed)
            target.parent.mkdir(parents=True, exist_ok=True)
            former.replace(target)

    def _path(self, set_key: str, weights: Mapping[str, float], seed: int) -> Path:
        return self._folder / set_key / f"{weights_key(weights, self._values)}_{seed}.parquet"

    def load(self, set_key: str) -> list[Samples]:
        """Return what is stored of one adapter set, in the order of the weights."""
        found = []
        for path in sorted((self._folder / set_key).glob("[-0-9]*.parquet")):
            name = _NAME.fullmatch(path.name)
            if name is None:
                continue
            table = _read(path)
            found.append(
                Samples(
                    weights=np.array([float(weight) for weight in name["weights"].split(",")]),
                    seed=int(name["seed"]),
                    prompts=tuple(table[_PROMPT]),
                    rewards=table[list(self._values)].to_numpy(dtype=np.float64, copy=True),
                )
            )
        return found

    def base_spread(self, set_key: str, *, seed: int | None = None) -> FloatArray | None:
        """Return the standard deviation of the base's rewards over the prompts, shape (K,).

        Gains over the base are told in it. Of the seed that most soups share, unless one is given;
        None while the base is not measured prompt by prompt, or where a value's rewards are all
        alike.
        """
        table = self._base(set_key, seed)
        if table is None:
            return None
        rewards = table[list(self._values)].to_numpy(dtype=np.float64)
        # Not by the deviations: the mean of equal numbers may round to another one.
        vary = bool((np.ptp(rewards, axis=0) > 0).all())
        return rewards.std(axis=0, ddof=1) if vary else None

    def base_mean(self, set_key: str, prompts: Sequence[str]) -> FloatArray | None:
        """Return the base's mean rewards over some prompts, shape (K,); None where it lacks one.

        Args:
            set_key: Which adapters.
            prompts: Content names of the prompts.
        """
        table = self._base(set_key)
        if table is None:
            return None
        rows = table[table[_PROMPT].isin(prompts)]
        rewards = rows[list(self._values)].to_numpy(dtype=np.float64)
        return rewards.mean(axis=0) if prompts and len(rows) == len(set(prompts)) else None

    def _base(self, set_key: str, seed: int | None = None) -> pd.DataFrame | None:
        paths = (self._folder / set_key).glob("[-0-9]*.parquet")
        found = [name for path in paths if (name := _NAME.fullmatch(path.name))]
        names = [name for name in found if seed in (None, int(name["seed"]))]
        seeds = Counter(name["seed"] for name in names)
        base = weights_key({}, self._values)
        bases = [name for name in names if name["weights"] == base]
        if not bases:
            return None
        best = max(bases, key=lambda name: (seeds[name["seed"]], -int(name["seed"])))
        return _read(self._folder / set_key / best.string)

    def stamp(self, set_key: str) -> str:
        """Return a key for caches of `load`: it changes when a soup is measured."""
        paths = sorted((self._folder / set_key).glob("[-0-9]*.parquet"))
        newest = max((path.stat().st_mtime_ns for path in paths), default=0)
        return f"{len(paths)}-{newest}"


def _read(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path)
