"""How long-running functions tell what they are doing, and learn that they should stop.

Scoring, training and measuring take a `Monitor`. A job's worker writes what it hears to
`progress.jsonl` for the pages and to a progress bar for the terminal (`vcsoup.jobs`); library users
may pass nothing.
"""

from typing import Protocol


class StopRequested(Exception):  # noqa: N818 - a request, not an error
    """Raised by long functions that were asked to stop and have nothing to keep."""


class Monitor(Protocol):
    """Hears progress; says whether the user asked to stop."""

    @property
    def stop_requested(self) -> bool:
        """True once the user asked to stop; the function then keeps what it has and returns."""
        ...

    def report(self, stage: str, done: int, total: int, **figures: object) -> None:
        """Tell that `done` of `total` units of `stage` are finished.

        Args:
            stage: What is being done, as a person reads it ("scoring helpful").
            done: Units finished, 0 <= done <= total.
            total: Units in this stage.
            **figures: Numbers or short strings worth drawing, such as `loss=0.61`.
        """
        ...


class Silent:
    """The monitor that nobody listens to."""

    stop_requested = False

    def report(self, stage: str, done: int, total: int, **figures: object) -> None:
        """Ignore the report."""


SILENT: Monitor = Silent()
