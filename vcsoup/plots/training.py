"""Curves of training runs: loss, accuracy, margin, KL and more against the step.

Lays out, as plain JSON, what the component `curves` draws: thin lines are running means over the
steps, marks are looks at held-out pairs, dashes tell runs of one colour apart. Nothing is drawn
here, so that a chart that grows every second is never built anew.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import numpy.typing as npt

from vcsoup.plots.palette import Palette

Points = Sequence[tuple[float, float]]
"""(step, figure), steps going up."""

FloatArray = npt.NDArray[np.float64]

_ALL_POINTS, _FEWEST_POINTS = 960, 60
_FEW_RUNS = 3
"""Up to so many runs are drawn with their single steps behind the running mean."""


@dataclass(frozen=True)
class Measure:
    """One panel.

    Attributes:
        name: Key of the figure of every step; "" where only looks have it.
        look: Key of the held-out figure; "" where there is none.
        title: What it is, with its unit.
        format: How its numbers read: "plain", "share", "count" or "fine".
        landmark: A figure worth a line, and its name; None for none.
        optional: Left out where no run has reported it.
    """

    name: str
    look: str
    title: str
    format: str
    landmark: tuple[float, str] | None = None
    optional: bool = False


LEARNING = (
    Measure("loss", "heldout_loss", "DPO loss", "plain", (float(np.log(2)), "base")),
    Measure("accuracy", "heldout_accuracy", "reward accuracy", "share", (0.5, "chance")),
    Measure("margin", "heldout_margin", "reward margin", "plain", (0.0, "base")),
    Measure("", "kl", "KL to the base, nats per token", "fine", (0.0, "base")),
)
"""How a run learns."""
ACCURACY_TOLD = (
    "Reward accuracy starts at 50 %: the policy is still the base, all pairs tie, and a tie counts "
    "half."
)
MACHINE = (
    Measure("tokens_per_s", "", "tokens per second", "count"),
    Measure("memory_mb", "", "memory of the process, MB", "count"),
    Measure("gpu_memory_mb", "", "memory of the GPU, MB", "count", optional=True),
    Measure("lr", "", "learning rate", "fine"),
)
"""What a run costs."""


@dataclass(frozen=True)
class RunCurves:
    """What one run has reported.

    Attributes:
        key: Names the run to the page.
        label: What people call it.
        value: Which value it trains; gives the colour.
        steps: Steps of the whole run.
        twin: Whether it is an unfiltered run; those get broken lines.
        figures: Points by key of `Measure.name` or `Measure.look`.
    """

    key: str
    label: str
    value: str
    steps: int
    twin: bool = False
    figures: Mapping[str, Points] = field(default_factory=dict)


@dataclass(frozen=True)
class Name:
    """An entry of the legend: which run, how it is called and drawn."""

    key: str
    label: str
    colour: str
    dash: int


def curve_data(
    runs: Sequence[RunCurves],
    measures: Sequence[Measure],
    *,
    colour_of: Mapping[str, str],
    colours: Palette,
    height: int = 190,
) -> dict[str, object]:
    """Lay some runs' curves out.

    Args:
        runs: The runs, in the order of the legend.
        measures: One panel each; an optional one only where a run has something for it.
        colour_of: Colour per value.
        colours: The theme's palette.
        height: Of a panel, in pixels.

    Returns:
        {"runs": [key, label, colour, dash], "panels": [title, format, x, y, landmark, told, lines],
        "window", "colours", "height"}; a line is {"run", "raw", "mean", "looks"}, each a pair of
        equally long lists (steps, figures).

    Example:
        >>> from vcsoup.plots.palette import LIGHT
        >>> run = RunCurves("r", "a run", "a", 10, figures={"loss": [(1, 0.7), (2, 0.6)]})
        >>> data = curve_data([run], LEARNING, colour_of={}, colours=LIGHT)
        >>> data["panels"][0]["lines"][0]["mean"]
        [[1, 2], [0.7, 0.6]]
    """
    steps = max((run.steps for run in runs), default=1)
    window = mean_window(steps)
    shown = [one for one in measures if not one.optional or _reported(runs, one)]
    return {
        "runs": [asdict(name) for name in named(runs, colour_of=colour_of, colours=colours)],
        "panels": [_panel(runs, measure, steps=steps, window=window) for measure in shown],
        "window": window,
        "height": height,
        "colours": asdict(colours),
    }


def named(
    runs: Sequence[RunCurves], *, colour_of: Mapping[str, str], colours: Palette
) -> list[Name]:
    """Give each run its colour and dash; unfiltered runs get the odd dashes.

    Example:
        >>> from vcsoup.plots.palette import LIGHT
        >>> runs = [RunCurves("r", "a", "a", 1), RunCurves("s", "a twin", "a", 1, twin=True)]
        >>> [name.dash for name in named(runs, colour_of={}, colours=LIGHT)]
        [0, 1]
    """
    used: dict[tuple[str, bool], int] = {}
    names = []
    for run in runs:
        colour = colour_of.get(run.value, colours.ink)
        place = used.get((colour, run.twin), 0)
        used[colour, run.twin] = place + 1
        names.append(Name(run.key, run.label, colour, 2 * place + run.twin))
    return names


def mean_window(steps: int) -> int:
    """Return over how many steps the running mean goes: a twentieth of the run, at least 1.

    Example:
        >>> mean_window(100), mean_window(8)
        (5, 1)
    """
    return max(1, min(50, steps // 20))


def running_mean(figures: npt.ArrayLike, window: int) -> FloatArray:
    """Mean of each entry and the up to `window - 1` before it.

    Args:
        figures: Shape (n,).
        window: At least 1.

    Returns:
        Shape (n,).

    Example:
        >>> running_mean([1.0, 3.0, 5.0], 2)
        array([1., 2., 4.])
    """
    array = np.asarray(figures, dtype=np.float64)
    total = np.concatenate([[0.0], np.cumsum(array)])
    ends = np.arange(1, len(array) + 1)
    starts = np.maximum(0, ends - window)
    means: FloatArray = (total[ends] - total[starts]) / (ends - starts)
    return means


def _panel(
    runs: Sequence[RunCurves], measure: Measure, *, steps: int, window: int
) -> dict[str, object]:
    lines: list[dict[str, object]] = []
    low, high = np.inf, -np.inf
    most = max(_FEWEST_POINTS, _ALL_POINTS // max(1, len(runs)))
    for place, run in enumerate(runs):
        points = _array(run.figures.get(measure.name, ()) if measure.name else ())
        looks = _array(run.figures.get(measure.look, ()) if measure.look else ())
        mean = np.column_stack([points[:, 0], running_mean(points[:, 1], window)])
        raw = points if len(runs) <= _FEW_RUNS and window > 1 else points[:0]
        drawn = {"raw": raw, "mean": mean, "looks": looks}
        lines.append({"run": place} | {name: _axes(part, most) for name, part in drawn.items()})
        for part in drawn.values():
            low = min(low, part[:, 1].min(initial=np.inf))
            high = max(high, part[:, 1].max(initial=-np.inf))
    return {
        "title": measure.title,
        "format": measure.format,
        "x": [0, steps],
        "y": _range(float(low), float(high), measure),
        "landmark": list(measure.landmark) if measure.landmark else None,
        "told": f"{measure.title} by step, {len(runs)} runs",
        "lines": lines,
    }


def _array(points: Points) -> FloatArray:
    """Shape (n, 2)."""
    return np.asarray(points, dtype=np.float64).reshape(-1, 2)


def _axes(points: FloatArray, most: int) -> list[list[float]]:
    """Steps and figures as two lists; of many, evenly spaced ones and the last."""
    stride = max(1, -(-len(points) // most))
    rows = np.arange(0, len(points), stride)
    if len(points) and rows[-1] != len(points) - 1:
        rows = np.append(rows, len(points) - 1)
    figures = points[rows, 1]
    size = np.abs(figures).max(initial=0.0)
    decimals = 5 - math.ceil(math.log10(size)) if size > 0 else 0
    return [points[rows, 0].astype(int).tolist(), np.round(figures, decimals).tolist()]


def _range(low: float, high: float, measure: Measure) -> list[float]:
    """From the least to the most, the landmark among them, with some room."""
    if measure.landmark:
        low, high = min(low, measure.landmark[0]), max(high, measure.landmark[0])
    if not math.isfinite(low + high):
        return [0.0, 1.0]
    room = (high - low) * 0.06 or abs(high) * 0.1 or 0.1
    below = low - room if low < 0 else max(0.0, low - room)
    return [below, min(1.0, high + room) if measure.format == "share" else high + room]


def _reported(runs: Sequence[RunCurves], measure: Measure) -> bool:
    keys = [key for key in (measure.name, measure.look) if key]
    return any(run.figures.get(key) for run in runs for key in keys)
