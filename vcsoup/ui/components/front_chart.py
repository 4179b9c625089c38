"""The live Pareto chart of the Soup page: measured soups on two values, the current one among them.

Every point was measured, except the one marked as predicted. Drawn by a script of ours: a change
costs the browser a few milliseconds, so a moving soup never holds up the streaming answer.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vcsoup.plots.canvas import LONGEST_LABEL, shortened
from vcsoup.plots.front import joined_front
from vcsoup.plots.palette import Palette
from vcsoup.ui.components.drawn import register, sent

HEIGHT = 340
_TWIN_DASH = "6 4"
_KEY = "front"
_chart = register("front_chart", '<div class="front"></div>')


@dataclass(frozen=True)
class Current:
    """The soup under the sliders.

    Attributes:
        key: Its key; drawn as measured where a point has it.
        guess: Where it is predicted (x, y) while it is not measured, or None.
        spread: Half the widths of the prediction's interval (x, y), or None when not known.
    """

    key: str
    guess: tuple[float, float] | None = None
    spread: tuple[float, float] | None = None


def show(data: Mapping[str, object], on_pick: Callable[[str, str], None]) -> None:
    """Show the chart.

    Args:
        data: From `chart_data`.
        on_pick: Called with key and group of a point that was clicked; the group is "" but for
            points of the twin.
    """

    def picked() -> None:
        if point := sent(_KEY, "picked"):
            on_pick(*point)

    _chart(
        key=_KEY,
        data=dict(data),
        on_picked_change=picked,
    )


def chart_data(
    points: pd.DataFrame,
    twin: pd.DataFrame | None,
    current: Current,
    *,
    names: tuple[str, str, str],
    colours: Palette,
    height: int = HEIGHT,
) -> dict[str, object]:
    """Lay the chart out.

    Args:
        points: As `soups.on_axes` gives them.
        twin: The same for the other group of adapters, of which the front is shown; or None.
        current: The soup under the sliders.
        names: Value across, value up, name of the twin.
        colours: The theme's palette.
        height: Of the chart in sixteenths of the page's type size: pixels, but on the stage.

    Returns:
        x, y (names), points, front and twin (each {x, y, key, group, text, ...}), twinDash,
        current, legend ([name, style]), colours, height, alt.
    """
    x, y, other = names
    others = _front(twin, group=other) if twin is not None else []
    now = _current(points, current)
    return {
        "x": x,
        "y": y,
        "points": [_point(row) for row in points.to_dict("records")],
        "front": _front(points),
        "twin": others,
        "twinDash": _TWIN_DASH,
        "current": now,
        "legend": _legend(points, other if others else "", now, colours),
        "colours": _colours(colours),
        "height": height,
        "alt": f"{len(points)} measured soups by mean reward on {x} and {y}",
    }


def _point(row: Mapping[Hashable, Any], group: str = "") -> dict[str, object]:
    first, *rest = row["lines"]  # of the twin, the same soup has another set's name
    return {
        **{axis: float(row[axis]) for axis in ("x", "y")},
        **{name: str(row[name]) for name in ("key", "role")},
        "label": shortened(str(row["label"]), LONGEST_LABEL),
        **{name: bool(row[name]) for name in ("beaten", "recorded")},
        "text": [f"{first}, {group}" if group else first, *rest],
        "group": group,
    }


def _front(points: pd.DataFrame, group: str = "") -> list[dict[str, object]]:
    soups = joined_front(points[points["role"] != "base"])
    drawn = [_point(row, group) for row in soups.to_dict("records")]
    return [{**point, "label": ""} for point in drawn]


def _current(points: pd.DataFrame, current: Current) -> dict[str, object] | None:
    here = points[points["key"] == current.key]
    if len(here):
        row = here.iloc[0]
        ends: dict[str, float | None] = {
            f"{axis}{end}": float(row[f"{axis}_{end.lower()}"]) for axis, end in _ENDS
        }
        return {"state": "measured", "x": float(row["x"]), "y": float(row["y"]), **ends}
    if current.guess is None:
        return None
    place = dict(zip("xy", current.guess, strict=True))
    half = dict(zip("xy", current.spread, strict=True)) if current.spread else None
    ends = {
        f"{axis}{end}": place[axis] + (half[axis] if end == "High" else -half[axis])
        if half
        else None
        for axis, end in _ENDS
    }
    return {"state": "predicted", **place, **ends}


_ENDS = [("x", "Low"), ("x", "High"), ("y", "Low"), ("y", "High")]


def _legend(
    points: pd.DataFrame, twin: str, current: Mapping[str, object] | None, colours: Palette
) -> list[tuple[str, dict[str, object]]]:
    """Name what is drawn, and nothing else."""
    soups = points[points["role"] == "soup"]
    offers: Sequence[tuple[str, bool, str, str]] = (
        ("beaten by none", bool((~soups["beaten"]).any()), "circle", colours.accent),
        ("beaten by another soup", bool(soups["beaten"].any()), "circle", colours.faint),
        ("one value alone", bool((points["role"] == "corner").any()), "square", colours.accent),
        ("base", bool((points["role"] == "base").any()), "cross", colours.ink),
    )
    named: list[tuple[str, dict[str, object]]] = [
        (name, {"shape": shape, "colour": colour, "filled": False})
        for name, shown, shape, colour in offers
        if shown
    ]
    recorded = points.loc[points["role"] != "base", "recorded"].astype(bool)
    if recorded.any() and not recorded.all():
        named += [
            (name, {"shape": "circle", "colour": colours.soft, "filled": filled})
            for name, filled in (("recorded", False), ("measured here", True))
        ]
    if twin:
        style = {
            "shape": "triangle",
            "colour": colours.series[1],
            "filled": False,
            "line": _TWIN_DASH,
        }
        named.append((f"{twin} front", style))
    if current is not None:
        shape = "diamond" if current["state"] == "predicted" else "circle"
        style = {"shape": shape, "colour": colours.ink, "filled": False, "size": 7}
        named.append((f"this soup, {current['state']}", style))
    return named


def _colours(colours: Palette) -> dict[str, str]:
    shown = {name: getattr(colours, name) for name in ("accent", "ink", "soft", "faint", "line")}
    return {**shown, "twin": colours.series[1]}
