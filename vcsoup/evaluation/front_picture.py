"""The measured front as a small SVG: the picture on a model card.

Written by hand, so that exporting needs no browser and the file is a few kilobytes. Circles are
soups, the line joins those that no other beats on the two values, the ring is the exported soup.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from vcsoup.evaluation.front import pareto_front

WIDTH, HEIGHT = 640, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 20, 60
_INK, _SOFT, _LINE, _ACCENT = "#24292E", "#6B6F73", "#E2DED4", "#0B6E7F"


@dataclass(frozen=True)
class PicturePoint:
    """One measured soup: mean reward on two values, and what it is."""

    x: float
    y: float
    base: bool = False
    current: bool = False


def front_picture(points: Sequence[PicturePoint], *, x_name: str, y_name: str) -> str:
    """Draw measured soups on two values.

    Args:
        points: At least one.
        x_name: Value on the horizontal axis.
        y_name: Value on the vertical axis.

    Returns:
        An SVG document; names are escaped.
    """
    xs, ys = (Axis([getattr(p, a) for p in points]) for a in "xy")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="13" role="img">',
        f"<title>{len(points)} measured soups on {escape(x_name)} and {escape(y_name)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#FCFBF8"/>',
        *_grid(xs, ys),
        _front_line(points, xs, ys),
        *(_mark(point, xs, ys) for point in points),
        f'<text x="{(WIDTH + _LEFT) / 2:.0f}" y="{HEIGHT - 14}" text-anchor="middle" '
        f'fill="{_SOFT}">mean reward, {escape(x_name)}</text>',
        f'<text transform="translate(18 {(HEIGHT - _BOTTOM) / 2:.0f}) rotate(-90)" '
        f'text-anchor="middle" fill="{_SOFT}">mean reward, {escape(y_name)}</text>',
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


class Axis:
    """A range with some room, and round ticks in it."""

    def __init__(self, numbers: Sequence[float]) -> None:
        low, high = min(numbers), max(numbers)
        room = 0.08 * (high - low) or 0.5
        self.low, self.high = low - room, high + room

    def share(self, number: float) -> float:
        """How far along the axis a number lies, 0 to 1."""
        return (number - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Round numbers inside, about five."""
        rough = (self.high - self.low) / 5
        size = 10.0 ** np.floor(np.log10(rough))
        step = size * next(s for s in (1, 2, 5, 10) if size * s >= rough)
        first = int(np.ceil(self.low / step))
        return [i * step for i in range(first, int(np.floor(self.high / step)) + 1)]


def _at(x: float, y: float, xs: Axis, ys: Axis) -> tuple[float, float]:
    across = _LEFT + xs.share(x) * (WIDTH - _LEFT - _RIGHT)
    down = _TOP + (1 - ys.share(y)) * (HEIGHT - _TOP - _BOTTOM)
    return across, down


def _grid(xs: Axis, ys: Axis) -> list[str]:
    lines = []
    for number in xs.ticks():
        across, _ = _at(number, ys.low, xs, ys)
        lines.append(_rule(across, _TOP, across, HEIGHT - _BOTTOM))
        lines.append(_label(across, HEIGHT - _BOTTOM + 20, "middle", number))
    for number in ys.ticks():
        _, down = _at(xs.low, number, xs, ys)
        lines.append(_rule(_LEFT, down, WIDTH - _RIGHT, down))
        lines.append(_label(_LEFT - 8, down + 4, "end", number))
    return lines


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{_LINE}"/>'


def _label(x: float, y: float, anchor: str, number: float) -> str:
    text = f"{number + 0.0:.4g}".replace("-", "\N{MINUS SIGN}")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{_SOFT}">{text}</text>'


def _front_line(points: Sequence[PicturePoint], xs: Axis, ys: Axis) -> str:
    soups = [point for point in points if not point.base]
    if not soups:
        return ""
    front = pareto_front([[p.x, p.y] for p in soups])
    ordered = sorted((p.x, p.y) for p, on in zip(soups, front, strict=True) if on)
    places = " ".join(f"{a:.1f},{d:.1f}" for a, d in (_at(x, y, xs, ys) for x, y in ordered))
    return f'<polyline points="{places}" fill="none" stroke="{_ACCENT}" stroke-width="2"/>'


def _mark(point: PicturePoint, xs: Axis, ys: Axis) -> str:
    across, down = _at(point.x, point.y, xs, ys)
    if point.base:
        label = f'<text x="{across:.1f}" y="{down + 22:.1f}" text-anchor="middle">base</text>'
        cross = f"M{across - 5:.1f} {down - 5:.1f}l10 10m0 -10l-10 10"
        return f'<path d="{cross}" stroke="{_INK}" stroke-width="2"/>{label}'
    mark = f'<circle cx="{across:.1f}" cy="{down:.1f}" r="5" fill="{_ACCENT}" fill-opacity=".55"/>'
    if point.current:
        mark += (
            f'<circle cx="{across:.1f}" cy="{down:.1f}" r="11" fill="none" stroke="{_INK}" '
            f'stroke-width="2.5"/><text x="{across:.1f}" y="{down - 17:.1f}" text-anchor="middle" '
            f'font-weight="bold">this soup</text>'
        )
    return mark
