"""Progress for whoever looks at the worker's standard error: bars on a terminal, else lines."""

import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

_LINE_EVERY_S = 5.0


class Display(Protocol):
    """Shows reports to a person."""

    def show(self, stage: str, done: int, total: int, figures: Mapping[str, Any]) -> None:
        """Show one report."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


def make_display() -> Display:
    """Return bars when standard error is a terminal, plain lines otherwise."""
    return Bars() if sys.stderr.isatty() else Lines()


class Bars:
    """One bar per stage, with the time left."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}
        self._progress.start()

    def show(self, stage: str, done: int, total: int, figures: Mapping[str, Any]) -> None:
        """Move the bar of a stage."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, figures="")
        self._progress.update(
            self._tasks[stage], completed=done, total=total, figures=figures_text(figures)
        )

    def close(self) -> None:
        """Stop drawing."""
        self._progress.stop()


class Lines:
    """A line at the beginning and end of a stage, and every five seconds between."""

    def __init__(self) -> None:
        self._stage = ""
        self._began = self._said = 0.0
        self._first = 0

    def show(self, stage: str, done: int, total: int, figures: Mapping[str, Any]) -> None:
        """Print a line when one is due."""
        now = time.monotonic()
        if new := stage != self._stage:
            self._stage, self._began, self._first = stage, now, done
        if not (new or done >= total or now - self._said >= _LINE_EVERY_S):
            return
        self._said = now
        parts = [f"{stage}: {done}/{total}", self._left(done, total, now), figures_text(figures)]
        sys.stderr.write(", ".join(part for part in parts if part) + "\n")
        sys.stderr.flush()

    def close(self) -> None:
        """Nothing to tidy up."""

    def _left(self, done: int, total: int, now: float) -> str:
        if done <= self._first or done >= total:
            return ""
        seconds = (now - self._began) * (total - done) / (done - self._first)
        return f"{seconds:.0f} s left"


def figures_text(figures: Mapping[str, Any]) -> str:
    """Return figures as people read them.

    Example:
        >>> figures_text({"loss": 0.61234, "value": "helpful", "draft": None})
        'loss 0.612, value helpful'
    """
    shown = {name: f"{x:.3g}" if isinstance(x, float) else x for name, x in figures.items()}
    return ", ".join(f"{name} {text}" for name, text in shown.items() if text is not None)
