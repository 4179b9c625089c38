"""What the base thinks of each pair, computed once and shared by all runs that use the pair.

DPO needs the base's log-probability of both answers. trl computes it again for every pair shown and
at every look, about a quarter of the work. Here each pair is read by the base once, in trl's own
layout and with trl's own function (`DPOTrainer.compute_ref_log_probs`), and kept in the workspace:
other epochs, looks, seeds, filters and resumed runs find it. The numbers are the same to float
noise; a pair's sum may differ in the last bit with the length of its neighbours in a batch.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
from accelerate.utils import gather_object
from datasets import Dataset
from transformers import PreTrainedTokenizerBase
from trl import DPOConfig, DPOTrainer

from vcsoup.monitor import Monitor, StopRequested
from vcsoup.rewards.cache import RewardCache
from vcsoup.rewards.templates import without_thoughts
from vcsoup.training.processes import is_main, process_count
from vcsoup.training.rows import Rows, row_key, tokens_of
from vcsoup.training.trainer import policy_of

FloatArray = npt.NDArray[np.float32]

COLUMNS = ("ref_chosen_logps", "ref_rejected_logps")  # trl's names
_SAVE_SECONDS = 10.0  # a pass of a large base takes minutes, which no kill may cost twice


def use_references(
    trainer: DPOTrainer,
    rows: Rows,
    *,
    folder: Path | None,
    base_fingerprint: str,
    stage: str,
    monitor: Monitor,
) -> None:
    """Give the trainer the base's log-probabilities, so that it does not compute them itself.

    Args:
        trainer: Made by `make_trainer`; its data sets get two columns more.
        rows: The pairs behind its data sets.
        folder: Where they are kept for other runs; None keeps none.
        base_fingerprint: Which base.
        stage: What the monitor is told while the base reads.
        monitor: Hears progress; may ask to stop.

    Raises:
        StopRequested: asked to stop while the base reads; what it has read is kept.
    """
    cache = RewardCache(folder) if folder else None
    name = _cache_name(trainer, base_fingerprint)
    assert isinstance(trainer.train_dataset, Dataset)  # `make_trainer` gave it one
    shown = trainer.train_dataset.select(rows.first_places)
    told = [shown, trainer.eval_dataset] if rows.heldout else [shown]
    keys = [row_key(row) for row in [*rows.shown, *rows.heldout]]
    known = _lookup(cache, name, keys)
    reader = _Reader(trainer, told, stage=stage, monitor=monitor)
    kept = _Kept(cache if is_main() else None, name)
    try:
        for places, read in reader.read(np.flatnonzero(np.isnan(known).any(axis=1))):
            known[places] = read
            kept.add([keys[place] for place in places], read)
    finally:
        kept.write()
    n = len(rows.shown)
    trainer.train_dataset = _with_columns(trainer.train_dataset, known[rows.order])
    if rows.heldout:
        trainer.eval_dataset = _with_columns(trainer.eval_dataset, known[n:])
    trainer.precompute_ref_logps = True


class _Kept:
    """Puts what was read into the cache, every few seconds and at the end, whatever that is."""

    def __init__(self, cache: RewardCache | None, name: str) -> None:
        self._cache, self._name = cache, name
        self._keys: list[str] = []
        self._read: list[FloatArray] = []
        self._written = time.monotonic()

    def add(self, keys: Sequence[str], read: FloatArray) -> None:
        """Take the numbers of some pairs, shape (n, 2)."""
        self._keys += keys
        self._read.append(read)
        if time.monotonic() - self._written > _SAVE_SECONDS:
            self.write()

    def write(self) -> None:
        """Write what was taken since the last time."""
        if self._cache and self._keys:
            _add(self._cache, self._name, self._keys, np.concatenate(self._read))
        self._keys, self._read, self._written = [], [], time.monotonic()


class _Reader:
    """Lets the base read rows of some data sets, numbered through."""

    def __init__(
        self, trainer: DPOTrainer, told: Sequence[Dataset], *, stage: str, monitor: Monitor
    ) -> None:
        self._trainer, self._stage, self._monitor = trainer, stage, monitor
        self._rows = [row for dataset in told for row in dataset]

    def read(
        self, places: npt.NDArray[np.int64]
    ) -> Iterator[tuple[npt.NDArray[np.int64], FloatArray]]:
        """Yield places and their log-probabilities, shape (n, 2), a pass at a time."""
        lengths = np.array([tokens_of(self._rows[place]) for place in places])
        places = places[np.argsort(-lengths, kind="stable")]  # the longest first: it needs the most
        size = self._trainer.args.per_device_train_batch_size * process_count()
        for start in range(0, len(places), size):
            if self._monitor.stop_requested and process_count() == 1:
                raise StopRequested("stopped while the base read the pairs")
            part = places[start : start + size]
            yield part, self._read_together(part)
            self._monitor.report(self._stage, start + len(part), len(places))

    def _read_together(self, places: npt.NDArray[np.int64]) -> FloatArray:
        """Read a part, each process its share; all get the whole."""
        rank, count = self._trainer.args.process_index, process_count()
        mine = self._read(places[rank::count])
        if count == 1:
            return mine
        together = np.empty((len(places), 2), dtype=np.float32)
        for other, share in enumerate(gather_object([mine])):
            together[other::count] = share
        return together

    def _read(self, places: npt.NDArray[np.int64]) -> FloatArray:
        if not len(places):
            return np.empty((0, 2), dtype=np.float32)
        policy = policy_of(self._trainer)
        policy.eval()
        batch = self._trainer.data_collator([self._rows[place] for place in places])
        batch = {name: part.to(self._trainer.args.device) for name, part in batch.items()}
        logps = self._trainer.compute_ref_log_probs(policy, batch)
        return np.stack([side.float().cpu().numpy() for side in logps], axis=1)


def _cache_name(trainer: DPOTrainer, base_fingerprint: str) -> str:
    """Everything that the numbers depend on, beside the pair."""
    args = trainer.args
    assert isinstance(args, DPOConfig)  # as a DPO trainer's always are
    assert isinstance(trainer.processing_class, PreTrainedTokenizerBase)  # `make_trainer` gave it
    parts = (
        base_fingerprint,
        args.max_length,
        args.bf16,
        str(policy_of(trainer).dtype),
        version("trl"),
        *without_thoughts(trainer.processing_class),
    )
    return hashlib.sha256(repr((*parts, args.device.type)).encode()).hexdigest()[:16]


def _lookup(cache: RewardCache | None, name: str, keys: Sequence[str]) -> FloatArray:
    if cache is None:
        return np.full((len(keys), 2), np.nan, dtype=np.float32)
    sides = [cache.lookup(name, [f"{key}-{side}" for key in keys]) for side in COLUMNS]
    return np.stack(sides, axis=1)


def _add(cache: RewardCache, name: str, keys: Sequence[str], read: FloatArray) -> None:
    names = [f"{key}-{side}" for side in COLUMNS for key in keys]
    cache.add(name, names, read.T.ravel())
    cache.compact(name)


def _with_columns(dataset: Dataset, logps: FloatArray) -> Dataset:
    for name, column in zip(COLUMNS, logps.T, strict=True):
        dataset = dataset.add_column(name, np.ascontiguousarray(column))
    return dataset
