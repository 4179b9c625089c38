"""The words and signs for the state of a job, the same on every screen. No streamlit here."""

from collections.abc import Mapping
from typing import Literal

from vcsoup.jobs import Job
from vcsoup.numbers import count, duration, plain, plural, share

Colour = Literal["red", "orange", "blue", "green", "gray"]
"""Of a chip, as Streamlit names it."""
CHIPS: Mapping[str, tuple[Colour, str]] = {
    "queued": ("gray", ":material/schedule:"),
    "running": ("blue", ":material/play_circle:"),
    "stopping": ("orange", ":material/pending:"),
    "stopped": ("orange", ":material/stop_circle:"),
    "done": ("green", ":material/check_circle:"),
    "failed": ("red", ":material/error:"),
    "lost": ("red", ":material/help:"),
}
"""Colour and icon of each state; the chip also names the state, so colour never stands alone."""


def icon_name(state: str) -> str:
    """Return the name of a state's icon in the icon font.

    Example:
        >>> icon_name("done")
        'check_circle'
    """
    return CHIPS[state][1].removeprefix(":material/").removesuffix(":")


def progress_text(job: Job) -> tuple[float, str]:
    """Say how far a job is.

    Args:
        job: The job.

    Returns:
        Share done, 0 to 1, and a line such as "step 42 of 100, loss 0.61, 35 s left".
    """
    record = job.latest()
    if record is None:
        return 0.0, "waiting for its turn" if job.state == "queued" else "starting"
    done, total = int(record["done"]), max(1, int(record["total"]))
    parts = [f"{record['stage']}: {count(done)} of {count(total)}"]
    parts += [f"loss {plain(record['loss'])}"] if isinstance(record.get("loss"), float) else []
    if isinstance(record.get("accuracy"), float):
        parts.append(f"accuracy {share(record['accuracy'])}")
    parts += left_told(done, total, job.seconds_left())
    return min(1.0, done / total), ", ".join(parts)


def left_told(done: int, total: int, seconds: float | None) -> list[str]:
    """Say how much longer a stage takes; nothing while nobody can tell.

    What follows its last step, such as saving and looking at held-out pairs, is no part of it. A
    step that takes longer than those before it leaves no time by their speed: nobody can tell.

    Example:
        >>> left_told(4, 10, 30.0), left_told(10, 10, 0.0), left_told(0, 10, None)
        (['30 s left'], ['finishing'], [])
        >>> left_told(2, 3, 0.0)
        []
    """
    if done >= total:
        return ["finishing"]
    return [] if seconds is None or round(seconds) == 0 else [f"{duration(seconds)} left"]


FEW_HELDOUT = 20
"""Fewer held-out pairs tell little: one of them moves the accuracy by more than 5 %."""


def accuracy_text(accuracy: float, pairs: int | None) -> str:
    """Write a held-out accuracy with what it rests on.

    Args:
        accuracy: 0 to 1.
        pairs: How many pairs are held out; None when not known.

    Example:
        >>> accuracy_text(2 / 3, 3).split()
        ['66.7', '%', 'of', '3', 'pairs']
    """
    return share(accuracy) + (f" of {plural(pairs, 'pair')}" if pairs else "")


def heldout_told(pairs: int) -> str:
    """Say on how many pairs held-out figures rest, and what to think of few.

    Args:
        pairs: At least 1.

    Example:
        >>> heldout_told(64)
        'Held-out figures rest on 64 pairs.'
        >>> heldout_told(1)
        'Held-out figures rest on 1 pair, too few to tell runs apart.'
    """
    few = ", too few to tell runs apart" if pairs < FEW_HELDOUT else ""
    return f"Held-out figures rest on {plural(pairs, 'pair')}{few}."


def ordinal(place: int) -> str:
    """Write a place in a row.

    Example:
        >>> [ordinal(place) for place in (1, 2, 3, 4, 11, 22)]
        ['1st', '2nd', '3rd', '4th', '11th', '22nd']
    """
    ends = {1: "st", 2: "nd", 3: "rd"}
    end = "th" if 10 <= place % 100 <= 20 else ends.get(place % 10, "th")
    return f"{place}{end}"
