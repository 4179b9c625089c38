"""Puts rewards into the cache in small batches as they come, from any thread.

Each has cost time and money, so at most one batch is lost when the process dies.
"""

import threading
import time

import numpy as np

from vcsoup.rewards.cache import RewardCache

BATCH = 8
_SECONDS = 1.0
_BATCHES_PER_MERGE = 64  # many small files make a start slow


class SavedAnswers:
    """Raw rewards of one judge on their way to the disk."""

    def __init__(self, cache: RewardCache | None, fingerprint: str) -> None:
        """Save under a fingerprint; without a cache nothing is kept."""
        self._cache, self._fingerprint = cache, fingerprint
        self._waiting: dict[str, float] = {}
        self._saved, self._batches, self._closed = time.monotonic(), 0, False
        self._lock = threading.Lock()

    def add(self, key: str, reward: float) -> None:
        """Take a raw reward; it is on disk after a batch, after a second, or at once if closed."""
        with self._lock:
            self._waiting[key] = reward
            late = time.monotonic() - self._saved > _SECONDS
            if late or self._closed or len(self._waiting) >= BATCH:
                self._save()

    def close(self) -> None:
        """Save what waits; answers that still come are saved one by one."""
        with self._lock:
            self._closed = True
            self._save()
            if self._cache is not None:
                self._cache.compact(self._fingerprint)

    def _save(self) -> None:
        if self._cache is not None and self._waiting:
            rewards = np.array([*self._waiting.values()], dtype=np.float32)
            self._cache.add(self._fingerprint, [*self._waiting], rewards)
            self._batches += 1
            if self._batches % _BATCHES_PER_MERGE == 0:
                self._cache.compact(self._fingerprint)
        self._waiting, self._saved = {}, time.monotonic()
