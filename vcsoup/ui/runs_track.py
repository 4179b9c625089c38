"""What a training job has reported so far, read on from where the last look ended.

A `Reports` belongs to one visitor's session and grows in place: a second look reads only what was
written since. A job that was resumed goes back to its checkpoint; what lies behind it is dropped,
so that a curve never runs twice through the same steps. No streamlit here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any, Protocol

from vcsoup.jobs.progress import Record, seconds_left

STEP_FIGURES = ("loss", "accuracy", "margin", "lr", "tokens_per_s", "memory_mb", "gpu_memory_mb")
"""Reported at every step."""
LOOK_FIGURES = (
    "heldout_loss",
    "heldout_accuracy",
    "heldout_margin",
    "heldout_pairs",
    "drift",
    "kl",
)
"""Reported at every look at the held-out pairs; `heldout_pairs` says how many they are."""
_STAGE = "training "
_RECENT = 60
_PAUSE = 20.0  # times the usual distance of two reports: between them the job was not running


class Reporting(Protocol):
    """What is read here: a job."""

    def progress_since(self, offset: int = 0) -> tuple[list[Record], int]:
        """Return the reports from `offset` on, and the offset for the next call."""
        ...


@dataclass(frozen=True)
class Sample:
    """What the newest model answered to the run's fixed prompt."""

    step: int
    prompt: str
    text: str


@dataclass
class Track:
    """The training of one value.

    Attributes:
        value: Which value.
        group: Which adapter set, where the reports say it; else the job's command does.
        steps: Steps of the whole run.
        train: One entry per step, going up: "step" and what of `STEP_FIGURES` was reported.
        looks: The same for `LOOK_FIGURES`.
        samples: Newest last, at most one per look.
        adapter: Name of the adapter that came of it, where the job has said it.
    """

    value: str
    group: str = ""
    steps: int = 0
    train: list[dict[str, float]] = field(default_factory=list)
    looks: list[dict[str, float]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    adapter: str = ""

    def newest(self, figure: str) -> float | None:
        """Return the newest report of a figure; None when there is none."""
        rows = self.looks if figure in LOOK_FIGURES else self.train
        return next((row[figure] for row in reversed(rows) if figure in row), None)

    @property
    def heldout_pairs(self) -> int | None:
        """How many pairs the held-out figures rest on; None where the reports do not say."""
        pairs = self.newest("heldout_pairs")
        return None if pairs is None else int(pairs)

    def take(self, record: Mapping[str, Any]) -> None:
        """Take one report in."""
        step, self.steps = int(record["done"]), int(record["total"])
        self.adapter = str(record.get("adapter") or self.adapter)
        for names, rows in ((STEP_FIGURES, self.train), (LOOK_FIGURES, self.looks)):
            figures = {name: float(record[name]) for name in names if _is_number(record, name)}
            if figures:
                _cut(rows, step)
                rows.append({"step": step, **figures})
        if isinstance(record.get("sample"), str):
            self.samples = [sample for sample in self.samples if sample.step < step]
            prompt = str(record.get("sample_prompt") or "")
            self.samples.append(Sample(step, prompt, str(record["sample"])))


class Reports:
    """All that one job has reported."""

    def __init__(self) -> None:
        self.tracks: dict[str, Track] = {}
        self.latest: Record | None = None
        self.offset = 0
        self._recent: list[Record] = []

    def read(self, job: Reporting) -> None:
        """Read what was written since the last look."""
        records, self.offset = job.progress_since(self.offset)
        for record in records:
            stage = str(record["stage"])
            if stage.startswith(_STAGE):
                value, group = stage.removeprefix(_STAGE), str(record.get("group") or "")
                name = f"{value}, {group}" if group else value
                self.tracks.setdefault(name, Track(value, group)).take(record)
        if records:
            self.latest = records[-1]
            self._recent = [*self._recent, *records][-_RECENT:]

    @property
    def track(self) -> Track | None:
        """The newest value's training; None before the first report of one."""
        return next(reversed(self.tracks.values()), None)

    def seconds_left(self, now: float) -> float | None:
        """Estimate the seconds left in the present stage; None when nothing can be said yet."""
        stage = self._recent[-1]["stage"] if self._recent else ""
        present = [record for record in self._recent if record["stage"] == stage]
        return seconds_left(_since_pause(present), now)


def _since_pause(records: Sequence[Record]) -> Sequence[Record]:
    """Leave out what was reported before the job last stood still (stopped, lost, resumed)."""
    gaps = [after["time"] - before["time"] for before, after in pairwise(records)]
    if not gaps:
        return records
    pause = max(_PAUSE * median(gaps), 5.0)
    behind = [
        place
        for place, gap in enumerate(gaps, start=1)
        if gap > pause or records[place]["done"] < records[place - 1]["done"]
    ]
    return records[behind[-1] :] if behind else records


def _cut(rows: list[dict[str, float]], step: int) -> None:
    """Drop the entries from a step on: the job has gone back behind them."""
    while rows and rows[-1]["step"] >= step:
        rows.pop()


def _is_number(record: Mapping[str, Any], name: str) -> bool:
    found = record.get(name)
    return isinstance(found, int | float) and not isinstance(found, bool)
