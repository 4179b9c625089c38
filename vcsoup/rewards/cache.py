"""Rewards that were computed once, kept by content, so that a killed run goes on where it was.

A reward is found by the fingerprint of its model (`RewardSpec.fingerprint`) and a hash of prompt
and reply. One folder per fingerprint holds parquet shards, each written aside and renamed: a
shard that exists is whole, and any number of processes may write at once. Holds raw rewards,
sign not applied.
"""

import hashlib
import json
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcsoup.preferences.pairs import AnyPrompt, as_messages

FloatArray = npt.NDArray[np.float32]

_MANY_SHARDS = 16


def reply_key(prompt: AnyPrompt, reply: str) -> str:
    """Name a prompt with its reply: 32 hex characters.

    Example:
        >>> reply_key("hi", "ho") == reply_key([{"role": "user", "content": "hi"}], "ho")
        True
    """
    text = json.dumps([as_messages(prompt), reply], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class RewardCache:
    """Raw rewards on disk, under one root folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def lookup(self, fingerprint: str, keys: Sequence[str]) -> FloatArray:
        """Find raw rewards.

        Args:
            fingerprint: Which model.
            keys: `reply_key`s, n of them; repeats are fine.

        Returns:
            Shape (n,), float32; NaN where nothing is known.
        """
        known = self._read(fingerprint)
        return known.reindex(pd.Index(keys, dtype="str")).to_numpy(dtype=np.float32, copy=True)

    def stamp(self, fingerprint: str) -> str:
        """Return what changes whenever more becomes known of a model; empty when nothing is."""
        return " ".join(shard.stem for shard in self._shards(fingerprint))

    def add(self, fingerprint: str, keys: Sequence[str], rewards: FloatArray) -> None:
        """Keep raw rewards, shape (n,), under their keys; on disk when this returns."""
        if not len(keys):
            return
        table = pd.DataFrame({"key": list(keys), "reward": np.asarray(rewards, dtype=np.float32)})
        self._write(fingerprint, table)

    def compact(self, fingerprint: str) -> None:
        """Merge a model's shards into one, when there are many."""
        shards = self._shards(fingerprint)
        if len(shards) < _MANY_SHARDS:
            return
        try:
            table = _concat(shards)
        except FileNotFoundError:  # another process is merging them
            return
        self._write(fingerprint, table.drop_duplicates("key"))
        for shard in shards:
            shard.unlink(missing_ok=True)

    def _read(self, fingerprint: str) -> pd.Series:
        while True:
            try:
                table = _concat(self._shards(fingerprint))
            except FileNotFoundError:  # merged away by another process since it was listed
                continue
            return table.drop_duplicates("key").set_index("key")["reward"]

    def _shards(self, fingerprint: str) -> list[Path]:
        return sorted((self.root / fingerprint).glob("*.parquet"))

    def _write(self, fingerprint: str, table: pd.DataFrame) -> None:
        folder = self.root / fingerprint
        folder.mkdir(parents=True, exist_ok=True)
        name = uuid.uuid4().hex
        aside = folder / f".{name}.partial"
        table.to_parquet(aside, index=False)
        aside.replace(folder / f"{name}.parquet")


def _concat(shards: Sequence[Path]) -> pd.DataFrame:
    empty = pd.DataFrame({"key": pd.Series(dtype="str"), "reward": pd.Series(dtype=np.float32)})
    tables = [pd.read_parquet(shard) for shard in shards]
    return pd.concat(tables, ignore_index=True) if tables else empty
