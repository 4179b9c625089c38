"""The curves of some runs in one board: the component, and how reports become points."""

from collections.abc import Callable, Mapping, Sequence

from vcsoup.plots.palette import Palette
from vcsoup.plots.training import LEARNING, Measure, RunCurves, curve_data, named
from vcsoup.ui.components.drawn import register_drawn, sent
from vcsoup.ui.runs_look import Run, planned_steps
from vcsoup.ui.runs_track import Track

_board = register_drawn("curves", "curves")


def show(
    runs: Sequence[Run],
    *,
    colour_of: Mapping[str, str],
    colours: Palette,
    key: str,
    measures: Sequence[Measure] = LEARNING,
    height: int = 190,
    on_open: Callable[[str], None] | None = None,
) -> None:
    """Show the curves of some runs.

    Args:
        runs: The runs, in the order of the legend.
        colour_of: Colour per value.
        colours: The theme's palette.
        key: Tells boards apart.
        measures: One panel each.
        height: Of a panel, in pixels.
        on_open: Called with the id of a run whose name was clicked.
    """

    def opened() -> None:
        message = sent(key, "opened")
        if message is not None and on_open is not None:
            on_open(str(message["run"]).partition(" ")[0])

    lines = curves_of(runs)
    data = curve_data(lines, measures, colour_of=colour_of, colours=colours, height=height)
    _board(key=key, data=data, on_opened_change=opened)


def curves_of(runs: Sequence[Run], *, points: bool = True) -> list[RunCurves]:
    """Return the curves of some runs; a run of several values has one for each.

    Runs of the same title are told apart by the time of their start. Without `points` they are
    only named.
    """
    titles = [run.job.title for run in runs]
    found = []
    for run in runs:
        label = run.job.title
        if titles.count(label) > 1:
            label += f" ({run.job.created[5:16].replace('T', ' ')})"
        tracks = run.reports.tracks or {run.value: Track(run.value)}
        for name, track in tracks.items():
            found.append(
                RunCurves(
                    key=f"{run.id} {name}",
                    label=label if len(tracks) == 1 else f"{label}: {name}",
                    value=track.value,
                    steps=track.steps or planned_steps(run),
                    twin=(track.group or run.group) == "unfiltered",
                    figures=_points(track) if points else {},
                )
            )
    return found


def signs_of(
    runs: Sequence[Run], *, colour_of: Mapping[str, str], colours: Palette
) -> dict[str, tuple[str, int]]:
    """Return colour and dash of the runs as their curves are drawn, by id."""
    signs: dict[str, tuple[str, int]] = {}
    for name in named(curves_of(runs, points=False), colour_of=colour_of, colours=colours):
        signs.setdefault(name.key.partition(" ")[0], (name.colour, name.dash))
    return signs


def _points(track: Track) -> dict[str, list[tuple[float, float]]]:
    points: dict[str, list[tuple[float, float]]] = {}
    for rows in (track.train, track.looks):
        for row in rows:
            for name, figure in row.items():
                if name != "step":
                    points.setdefault(name, []).append((row["step"], figure))
    return points
