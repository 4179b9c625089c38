"""Pick three weights in a triangle: drag with the mouse, or move with the arrow keys.

The script counts in thousandths that always sum to 1000. It tells Python once, on release, through
a trigger, so the same pick twice is two picks; Python moves the handle by its data alone.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcsoup.ui import mixer, theme
from vcsoup.ui.components.drawn import register, sent

_KEY = "ternary"
_picker = register("ternary", '<div class="ternary"></div>')


def show(
    values: Sequence[str],
    table: pd.DataFrame,
    weights: npt.NDArray[np.float64],
    *,
    locked: Sequence[int],
) -> None:
    """Show the picker.

    Args:
        values: Three value names; the first stands at the lower left, the third on top.
        table: The measured soups (`soups.point_table`), drawn as dots.
        weights: The current soup, shape (3,), on the simplex.
        locked: Places of the values that must not change.
    """
    _picker(
        key=_KEY,
        data=picker_data(values, table, weights, locked=locked) | {"colours": _colours()},
        on_picked_change=lambda: take_picked(sent(_KEY, "picked")),
    )


def picker_data(
    values: Sequence[str],
    table: pd.DataFrame,
    weights: npt.NDArray[np.float64],
    *,
    locked: Sequence[int],
) -> dict[str, object]:
    """Lay out what the script draws.

    Returns:
        values, weights and dots in thousandths, dots as [a, b, c, front: 0 or 1], locked places.
    """
    soups = table[table["role"] != "base"]
    shares = soups[[f"{value}_weight" for value in values]].to_numpy(dtype=float)
    inside = (np.abs(shares.sum(axis=1) - 1) < 1e-3) & (shares >= 0).all(axis=1)
    front = (~soups["beaten"].to_numpy(dtype=bool)).astype(int)
    dots = [
        [*thousandths(row), int(on)] for row, on in zip(shares[inside], front[inside], strict=True)
    ]
    return {
        "values": list(values),
        "weights": thousandths(weights),
        "dots": dots,
        "locked": list(locked),
    }


def thousandths(weights: npt.NDArray[np.float64]) -> list[int]:
    """Round weights on the simplex to whole thousandths that sum to 1000.

    Example:
        >>> thousandths(np.full(3, 1 / 3))
        [334, 333, 333]
    """
    exact = np.asarray(weights, dtype=np.float64) / np.sum(weights) * 1000
    whole = np.floor(exact + 1e-9).astype(int)
    for place in np.argsort(-(exact - whole), kind="stable")[: 1000 - int(whole.sum())]:
        whole[place] += 1
    return [int(count) for count in whole]


def take_picked(picked: Sequence[int] | None) -> None:
    """Make picked thousandths the current weights."""
    if picked is not None:
        mixer.take(np.array(picked, dtype=np.float64) / 1000)


def _colours() -> dict[str, str]:
    shown = theme.colours()
    return {name: getattr(shown, name) for name in ("accent", "ink", "soft", "faint", "line")}
