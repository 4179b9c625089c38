"""Means with their intervals as a small SVG: the charts of docs/STUDY.md.

Written by hand like the front on a model card, so that the report needs no browser. One line per
label; several series of one label stand below each other, told apart by shape as well as colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from vcsoup.evaluation.front_picture import Axis
from vcsoup.plots.palette import LIGHT

WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM, _LINE = 760, 240, 24, 44, 52, 22
_COLOURS = (LIGHT.accent, *LIGHT.series)


@dataclass(frozen=True)
class Bar:
    """One mean with its interval; `series` is an index into the picture's series."""

    label: str
    series: int
    mean: float
    low: float
    high: float


def interval_picture(
    bars: Sequence[Bar], *, series: Sequence[str], x_name: str, title: str, zero: bool = True
) -> str:
    """Draw means and intervals, one below the other.

    Args:
        bars: At least one; bars of one label follow each other. Ends may be nan (one seed).
        series: Names of the series; one alone gets no legend.
        x_name: What the axis shows, with its unit.
        title: What the picture shows, for those who cannot see it.
        zero: Whether to draw a line at zero.

    Returns:
        An SVG document; names are escaped.
    """
    known = [end for bar in bars for end in (bar.mean, bar.low, bar.high) if end == end]
    axis = Axis([*known, 0.0] if zero else known)
    height = _TOP + _LINE * len(bars) + _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="13" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="{LIGHT.paper}"/>',
        *_legend(series),
        *_ticks(axis, height),
        *(_bar(bar, row, bars, axis) for row, bar in enumerate(bars)),
        f'<text x="{(WIDTH + _LEFT) / 2:.0f}" y="{height - 10}" text-anchor="middle" '
        f'fill="{LIGHT.soft}">{escape(x_name)}</text>',
    ]
    if zero:
        x = _x(0.0, axis)
        parts.append(
            f'<line x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{height - _BOTTOM}" '
            f'stroke="{LIGHT.soft}" stroke-dasharray="3 3"/>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(bar: Bar, row: int, bars: Sequence[Bar], axis: Axis) -> str:
    y = _TOP + _LINE * row + _LINE / 2
    ink, x = _COLOURS[bar.series % len(_COLOURS)], _x(bar.mean, axis)
    parts = []
    if row == 0 or bars[row - 1].label != bar.label:
        parts.append(
            f'<text x="{_LEFT - 12}" y="{y + 4:.1f}" text-anchor="end" fill="{LIGHT.ink}">'
            f"{escape(bar.label)}</text>"
        )
    if bar.low == bar.low:
        ends = (_x(bar.low, axis), _x(bar.high, axis))
        parts.append(
            f'<line x1="{ends[0]:.1f}" y1="{y:.1f}" x2="{ends[1]:.1f}" y2="{y:.1f}" '
            f'stroke="{ink}" stroke-width="2"/>'
        )
    return "".join([*parts, _mark(x, y, bar.series, ink)])


def _mark(x: float, y: float, series: int, ink: str) -> str:
    if series % 3 == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{ink}"/>'
    if series % 3 == 1:
        return f'<rect x="{x - 4.5:.1f}" y="{y - 4.5:.1f}" width="9" height="9" fill="{ink}"/>'
    points = f"{x:.1f},{y - 6:.1f} {x + 6:.1f},{y + 5:.1f} {x - 6:.1f},{y + 5:.1f}"
    return f'<polygon points="{points}" fill="{ink}"/>'


def _legend(series: Sequence[str]) -> list[str]:
    if len(series) < 2:
        return []
    parts, x = [], float(_LEFT)
    for place, name in enumerate(series):
        ink = _COLOURS[place % len(_COLOURS)]
        parts.append(_mark(x, 18, place, ink))
        parts.append(f'<text x="{x + 12:.0f}" y="22" fill="{LIGHT.ink}">{escape(name)}</text>')
        x += 34 + 7.2 * len(name)
    return parts


def _ticks(axis: Axis, height: int) -> list[str]:
    lines = []
    for number in axis.ticks():
        x, bottom = _x(number, axis), height - _BOTTOM
        label = f"{number + 0.0:.4g}".replace("-", "\N{MINUS SIGN}")
        lines.append(
            f'<line x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{bottom}" stroke="{LIGHT.line}"/>'
            f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" fill="{LIGHT.soft}">'
            f"{label}</text>"
        )
    return lines


def _x(number: float, axis: Axis) -> float:
    return _LEFT + axis.share(number) * (WIDTH - _LEFT - _RIGHT)
