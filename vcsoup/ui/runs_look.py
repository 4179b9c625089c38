"""One look at the training runs of a project: state, reports, outcome in a line. No streamlit here.

What was seen of a run at the last look is handed in again, so that a second costs only what was
written in it. A *run* is a training job; it trains one value, or several in turn when its command
was typed so. The job of a project file is one too, from its first training on.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vcsoup.jobs import Job, Jobs
from vcsoup.jobs.job import State
from vcsoup.numbers import count, duration, plain, plural
from vcsoup.ui.runs_track import Reports, Track
from vcsoup.ui.runs_words import accuracy_text, left_told, ordinal

ACTIVE: tuple[State, ...] = ("queued", "running", "stopping")
TRAIN_KIND, FILE_KIND = "train", "run"
"""Kinds of jobs that train."""
_SILENT_S = 30.0


@dataclass(frozen=True)
class Run:
    """A training job as it was seen.

    Attributes:
        job: The job.
        state: How it stands.
        reports: What it has reported; grows from look to look.
        place: Its place in the queue, 0 being the next; None when it does not wait there.
    """

    job: Job
    state: State
    reports: Reports
    place: int | None = None

    @property
    def id(self) -> str:
        """Id of the job."""
        return self.job.id

    @property
    def active(self) -> bool:
        """True while it may still change by itself."""
        return self.state in ACTIVE

    @property
    def value(self) -> str:
        """The value that it trains; the newest of several."""
        track = self.reports.track
        return str(
            self.job.meta.get("value") or (track.value if track else option(self, "--value"))
        )

    @property
    def group(self) -> str:
        """The group of adapters that it makes; the newest of several."""
        track = self.reports.track
        return (track.group if track else "") or group_of(self.job)

    @property
    def values(self) -> tuple[str, ...]:
        """All values that it has begun to train; before that, the one that its command names."""
        told = [track.value for track in self.reports.tracks.values()]
        return tuple(dict.fromkeys(told or [self.value]))

    @property
    def groups(self) -> tuple[str, ...]:
        """All groups of adapters that it has begun to make, or that its command names."""
        told = [track.group for track in self.reports.tracks.values() if track.group]
        return tuple(dict.fromkeys(told or [self.group]))

    @property
    def made(self) -> frozenset[str]:
        """Names of the adapters that a project file's job says that it has made."""
        told = [track.adapter for track in self.reports.tracks.values()]
        return frozenset(filter(None, told))

    @property
    def of_file(self) -> bool:
        """Whether it is the job of a project file, which makes more than adapters."""
        return self.job.kind == FILE_KIND

    @property
    def config(self) -> Mapping[str, Any] | None:
        """The configuration that it was started with; None when its command was typed."""
        return self.job.meta.get("config")


def look(jobs: Jobs, project: str, former: Mapping[str, Run]) -> dict[str, Run]:
    """Look at a project's training jobs.

    Args:
        jobs: Of the workspace.
        project: Name of the project.
        former: What the last look returned.

    Returns:
        Runs by id: those at work first, then the queue in its order, then the others, newest first.
    """
    places = {job.id: place for place, job in enumerate(jobs.queue())}
    found = {}
    for job in jobs.list(project=project):
        if job.kind not in (TRAIN_KIND, FILE_KIND):
            continue
        before = former.get(job.id)
        reports = before.reports if before else Reports()
        state = job.state
        # What has ended reports no more: one last reading, then none.
        if before is None or before.active or state in ACTIVE or before.state != state:
            reports.read(job)
        if job.kind == TRAIN_KIND or reports.tracks:
            found[job.id] = Run(job, state, reports, places.get(job.id))
    return dict(sorted(found.items(), key=lambda entry: _rank(entry[1])))


def group_of(job: Job) -> str:
    """Return the group of adapters that a training job makes, from its command."""
    if "--group" in job.args:
        return job.args[job.args.index("--group") + 1]
    return "unfiltered" if "--unfiltered" in job.args else "filtered"


def option(run: Run, name: str) -> str:
    """Return what a run's command says for an option; "" when it does not."""
    args = run.job.args
    return args[args.index(name) + 1] if name in args[:-1] else ""


def planned_steps(run: Run) -> int:
    """Return how many steps a run is to make, before it has reported any; 1 when not known."""
    return int((run.config or {}).get("steps") or 1)


def share_done(run: Run) -> float | None:
    """Return how much of a run is done, 0 to 1; None for one that has ended or waits."""
    record = run.reports.latest
    if run.state not in ("running", "stopping") or record is None:
        return 0.0 if run.state == "running" else None
    return min(1.0, float(record["done"]) / max(1, int(record["total"])))


def told(run: Run, now: float | None = None) -> str:
    """Say in a line how a run stands.

    Args:
        run: The run.
        now: Seconds since the epoch; the clock's time by default.
    """
    now = time.time() if now is None else now
    if run.state == "queued":
        waits = "next to run" if run.place == 0 else f"{ordinal((run.place or 0) + 1)} in the queue"
        return waits if run.place is not None else "starting"
    if run.state == "stopping":
        return "ends after the present step; the adapter is kept"
    return _progress(run, now) if run.state == "running" else outcome(run)


def outcome(run: Run) -> str:
    """Say in a line how a run ended."""
    step = _steps_told(run.reports.track)
    if run.state == "failed":
        return run.job.error or "failed without a word"
    if run.state == "lost":
        return f"the process is gone{f', at {step}' if step else ''}; it can be resumed"
    if run.state == "stopped":
        return f"stopped at {step}" if step else "stopped before it began"
    seconds = run.job.seconds
    took = f" in {duration(seconds)}" if seconds is not None else ""
    track = run.reports.track
    if run.of_file:
        return f"{plural(len(run.reports.tracks), 'adapter')} trained{took}"
    steps = plural(int(track.train[-1]["step"]), "step") if track and track.train else "done"
    return f"{_quality(track)}{steps}{took}"


def _progress(run: Run, now: float) -> str:
    record = run.reports.latest
    if record is None or float(record["time"]) < _began(run.job):
        step = _steps_told(run.reports.track)
        return f"loading the model{f', goes on from {step}' if step else ''}"
    done, total = int(record["done"]), int(record["total"])
    stage, track = str(record["stage"]), run.reports.track
    if stage.startswith("training "):
        stage = f"{track.value}, {track.group}: step" if track and track.group else "step"
    parts = [f"{stage} {count(done)} of {count(total)}"]
    if "looked_at" in record:
        seen, held_out = int(record["looked_at"]), int(record["to_look_at"])
        parts.append(f"{count(seen)} of {plural(held_out, 'held-out pair')} looked at")
    parts += left_told(done, total, run.reports.seconds_left(now))
    sign = run.job.heartbeat
    if sign is not None and now - sign > _SILENT_S:
        parts = [parts[0], f"no sign of life for {duration(now - sign)}"]
    return ", ".join(parts)


def _began(job: Job) -> float:
    """When the present attempt began: seconds since the epoch."""
    began = job.began
    return datetime.fromisoformat(began).timestamp() if began else 0.0


def _steps_told(track: Track | None) -> str:
    if track is None or not track.train:
        return ""
    return f"step {count(int(track.train[-1]['step']))} of {count(track.steps)}"


def _quality(track: Track | None) -> str:
    """How good the adapter was at the last look, on held-out pairs where there are some."""
    if track is None:
        return ""
    for prefix, said in (("heldout_", "held-out "), ("", "")):
        loss, accuracy = track.newest(f"{prefix}loss"), track.newest(f"{prefix}accuracy")
        if loss is not None and accuracy is not None:
            pairs = track.heldout_pairs if prefix else None
            return f"{said}loss {plain(loss)}, accuracy {accuracy_text(accuracy, pairs)}, "
    return ""


def _rank(run: Run) -> tuple[int, int]:
    if run.place is not None:
        return 1, run.place
    return (0, 0) if run.active else (2, 0)


def newest_of_each(runs: Sequence[Run]) -> list[Run]:
    """Return the newest run of each value and group, and of each project file."""
    found: dict[tuple[str, str], Run] = {}
    for run in sorted(runs, key=lambda run: run.id, reverse=True):
        of = ("", run.job.command) if run.of_file else (run.value, run.group)
        found.setdefault(of, run)
    return list(found.values())
