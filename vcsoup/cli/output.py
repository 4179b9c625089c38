"""How figures are shown: as tables for people, as JSON for programs."""

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from vcsoup.jobs.folder import plain


def show_json(figures: Any) -> None:
    """Print figures as JSON; numbers that are not finite become null."""
    sys.stdout.write(json.dumps(plain(figures), ensure_ascii=False, indent=1) + "\n")


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """Print a table; numbers stand to the right."""
    rows = [list(row) for row in rows]
    table = Table(title=title or None, title_justify="left", title_style="bold", box=None)
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(number(cell) for cell in row))
    # Piped output has no width; wide enough that no row is broken.
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False)
    with console.capture() as printed:
        console.print(table)
    sys.stdout.write(printed.get())  # rich itself would turn a closed pipe into status 1


def show(text: str) -> None:
    """Print a sentence."""
    sys.stdout.write(text + "\n")


def number(cell: object) -> str:
    """Return a cell as people read it.

    Example:
        >>> number(0.12345), number(1200), number("x"), number(None), number(float("nan"))
        ('0.123', '1,200', 'x', '-', '-')
    """
    if cell is None:
        return "-"
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return str(cell)
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:.3f}" if math.isfinite(cell) else "-"


def interval(figures: Mapping[str, float]) -> str:
    """Return a mean with its interval.

    Example:
        >>> interval({"mean": 1.0, "low": 0.5, "high": 1.25})
        '1.000 [0.500, 1.250]'
    """
    return f"{figures['mean']:.3f} [{figures['low']:.3f}, {figures['high']:.3f}]"


def weights_text(weights: Mapping[str, float]) -> str:
    """Return weights in short.

    Example:
        >>> weights_text({"helpful": 0.5, "harmless": 0.5}), weights_text({"helpful": 0.0})
        ('helpful 0.5 + harmless 0.5', 'base')
    """
    parts = [f"{value} {weight:.3g}" for value, weight in weights.items() if weight]
    return " + ".join(parts) or "base"
