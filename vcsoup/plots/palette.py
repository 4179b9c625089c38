"""The colours of every chart, one place for both themes.

One accent means "kept", "front" and "yours"; the series colours name values; greys are context.
All stay apart under the three common colour deficiencies and stand out against the paper
(`tests/unit/test_palette.py` simulates it). `.streamlit/config.toml` repeats the main ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """Colours of one theme, as hex strings.

    Attributes:
        accent: Kept pairs, the front, the current soup.
        series: One colour per value, in the project's order of values; repeats after six.
        ink: Text and marks on the paper.
        soft: Secondary text, landmark lines.
        faint: Dropped pairs, dominated points.
        line: Grid lines and borders.
        paper: Background of the page.
    """

    accent: str
    series: tuple[str, ...]
    ink: str
    soft: str
    faint: str
    line: str
    paper: str


LIGHT = Palette(
    accent="#0B6E7F",
    series=("#5230A6", "#C47A14", "#2590DA", "#8C1D2B", "#BE3721", "#9310E5"),
    ink="#24292E",
    soft="#6B6F73",
    faint="#C9C5BB",
    line="#E9E6DE",
    paper="#FCFBF8",
)
DARK = Palette(
    accent="#56C2D6",
    series=("#7D75E6", "#E09A35", "#F9E8A0", "#B5563A", "#A9769F", "#7D529C"),
    ink="#E8E6E1",
    soft="#9AA0A5",
    faint="#4B545B",
    line="#2A3136",
    paper="#14181B",
)


def palette(theme: str | None) -> Palette:
    """Pick the colours of a theme.

    Args:
        theme: "dark" or "light"; anything else (not known yet) counts as light.

    Returns:
        The palette.

    Example:
        >>> palette("dark").accent
        '#56C2D6'
    """
    return DARK if theme == "dark" else LIGHT


def value_colours(values: Sequence[str], colours: Palette) -> Mapping[str, str]:
    """Give each value its colour, by its place in the project.

    Args:
        values: Value names in the project's order.
        colours: The theme's palette.

    Returns:
        Colour per value; colours repeat after `len(colours.series)` values.

    Example:
        >>> value_colours(["helpful", "harmless"], LIGHT)["harmless"]
        '#C47A14'
    """
    return {
        value: colours.series[place % len(colours.series)] for place, value in enumerate(values)
    }
