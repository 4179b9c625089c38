"""Measured points of one adapter set as a table: roles, who is beaten, the front. No streamlit."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcsoup.evaluation.front import best_balanced, pareto_front
from vcsoup.evaluation.win_rates import WinRate
from vcsoup.front_figures import uneven_prompts
from vcsoup.numbers import SIGMA, plain, plural, share, signed
from vcsoup.soup.weights import format_weights, parse_weights
from vcsoup.workspace import Point
from vcsoup.workspace.points import worst_to_best

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Balance:
    """The best balanced soup.

    Attributes:
        key: Its name (`soup_key`).
        gain: Its smallest gain over the base.
        unit: A sigma for standard deviations of the base's rewards; "" for the models' units.
    """

    key: str
    gain: float
    unit: str


def soup_key(weights: Mapping[str, float], values: Sequence[str]) -> str:
    """Name a soup by its weights, to four decimals; the base is all zeros.

    A name for telling soups apart; `stored_weights` has what was measured.

    Example:
        >>> soup_key({"helpful": 1.0}, ["helpful", "harmless"])
        'helpful=1,harmless=0'
    """
    return format_weights([round(weights.get(value, 0.0), 4) for value in values], values)


def key_of(weights: FloatArray, values: Sequence[str]) -> str:
    """Name a soup by its weights, shape (K,), as `soup_key` does."""
    return soup_key(dict(zip(values, weights.tolist(), strict=True)), values)


def stored_weights(table: pd.DataFrame, key: str, values: Sequence[str]) -> FloatArray:
    """Return the weights with which a soup was measured, to six decimals.

    Args:
        table: From `point_table`.
        key: The soup's name.
        values: The project's values.

    Returns:
        Shape (K,); of a soup that is not in the table (any more) the four decimals of its name.
    """
    rows = table[table["key"] == key]
    if not len(rows):
        return parse_weights(key, values, free=True)
    return rows[[f"{value}_weight" for value in values]].iloc[0].to_numpy(float)


def mix_text(row: pd.Series, values: Sequence[str]) -> str:
    """Write a soup of a point table as people read it; values without weight are left out.

    Example:
        >>> mix_text(pd.Series({"a_weight": 0.25, "b_weight": 0.75, "c_weight": 0.0}), ["a", "b"])
        'a 0.25, b 0.75'
    """
    return weights_told({value: row[f"{value}_weight"] for value in values}, values)


def weights_told(weights: Mapping[str, float], values: Sequence[str]) -> str:
    """Write a soup's weights as `mix_text` does.

    Example:
        >>> weights_told({"a": 0.25, "b": 0.75, "c": 0.0}, ["a", "b", "c"]), weights_told({}, ["a"])
        ('a 0.25, b 0.75', 'base')
    """
    parts = [f"{value} {plain(weights[value])}" for value in values if weights.get(value)]
    return ", ".join(parts) or "base"


def point_table(
    points: Sequence[Point], values: Sequence[str], *, spread: npt.ArrayLike | None = None
) -> pd.DataFrame:
    """Lay the points out as one row per soup.

    Of a soup that was measured more than once one row stays: of the seed that most soups share, so
    that all are compared on the same random numbers, then with most prompts, then the newest.

    Args:
        points: Points of one adapter set.
        values: The project's values, in order.
        spread: Standard deviation of the base's rewards per value, where it is known.

    Returns:
        Columns key, role ("base", "corner", "soup"), label, beaten (on every value, by another
        soup; never for the base), recorded, n_prompts, and per value v: v, v_low, v_high,
        v_weight, v_spread. Empty with the same columns when there are no points.
    """
    best = {soup_key(point.weights, values): point for point in worst_to_best(points)}
    rows = [_row(key, point, values) for key, point in best.items()]
    figures = [f"{value}{part}" for value in values for part in ("", "_low", "_high", "_weight")]
    columns = ["key", "role", "label", "recorded", "n_prompts", *figures]
    table = pd.DataFrame(rows, columns=columns)
    soups = (table["role"] != "base").to_numpy()
    beaten = np.zeros(len(table), dtype=bool)
    if soups.any():
        beaten[soups] = ~np.asarray(pareto_front(table.loc[soups, list(values)].to_numpy(float)))
    spreads = [None] * len(values) if spread is None else np.asarray(spread, dtype=np.float64)
    told = {f"{value}_spread": s for value, s in zip(values, spreads, strict=True)}
    return table.assign(beaten=beaten, **told)


def on_axes(
    table: pd.DataFrame,
    values: Sequence[str],
    *,
    x: str,
    y: str,
    votes: Mapping[str, WinRate] | None = None,
) -> pd.DataFrame:
    """Add the columns that the charts draw: x, y, their intervals, and what the pointer tells.

    Args:
        table: From `point_table`.
        values: The project's values.
        x: Value on the horizontal axis.
        y: Value on the vertical axis.
        votes: Win rates in blind votes by key of the soup, told in the text.

    Returns:
        The table with x, y, x_low, x_high, y_low, y_high, lines (a list of texts), and text (the
        same for Plotly).
    """
    drawn = table.copy()
    for axis, value in (("x", x), ("y", y)):
        for part in ("", "_low", "_high"):
            drawn[f"{axis}{part}"] = table[f"{value}{part}"].astype(float)
    won = votes or {}
    drawn["lines"] = [_told(row, values, won.get(row["key"])) for row in table.to_dict("records")]
    drawn["text"] = [f"<b>{first}</b><br>" + "<br>".join(rest) for first, *rest in drawn["lines"]]
    return drawn


def uneven_told(table: pd.DataFrame) -> str:
    """Say that points of a point table are means over different prompts, as more of a caption."""
    counts = Counter(int(prompts) for prompts in table["n_prompts"])
    told = uneven_prompts(dict(counts.most_common()))
    return f" {told.capitalize()}; their means may differ by that alone." if told else ""


def base_rewards(table: pd.DataFrame, values: Sequence[str]) -> dict[str, float] | None:
    """Return the base's mean reward per value; None while it is not measured."""
    base = table[table["role"] == "base"]
    return {value: float(base[value].iloc[0]) for value in values} if len(base) else None


def balance(table: pd.DataFrame, values: Sequence[str]) -> Balance | None:
    """Find the soup whose worst gain over the base is largest; None while base or soups lack.

    Gains of several values are compared in standard deviations of the base's rewards where these
    are known, as on the Compare page, else in the reward models' units.
    """
    base = base_rewards(table, values)
    soups = table[table["role"] != "base"]
    if base is None or not len(soups):
        return None
    spread = soups[[f"{value}_spread" for value in values]].iloc[0].to_numpy(float)
    known = bool(np.isfinite(spread).all())
    index, gain = best_balanced(
        soups[list(values)].to_numpy(float),
        np.array([base[value] for value in values]),
        scale=spread if known else None,
    )
    return Balance(str(soups["key"].iloc[index]), float(gain), f" {SIGMA}" if known else "")


def _row(key: str, point: Point, values: Sequence[str]) -> dict[str, object]:
    weights = [round(point.weights.get(value, 0.0), 6) for value in values]
    alone = [value for value, weight in zip(values, weights, strict=True) if weight == 1.0]
    role = "base" if not any(weights) else "soup"
    if alone and sum(map(abs, weights)) == 1.0:
        role = "corner"
    row: dict[str, object] = {
        "key": key,
        "role": role,
        "label": {"base": "base", "corner": alone[0] if alone else ""}.get(role, ""),
        "recorded": point.recorded,
        "n_prompts": point.n_prompts,
    }
    for value, weight in zip(values, weights, strict=True):
        row[value] = point.rewards[value]
        row[f"{value}_low"] = point.low[value]
        row[f"{value}_high"] = point.high[value]
        row[f"{value}_weight"] = weight
    return row


def _told(row: Mapping[Hashable, Any], values: Sequence[str], won: WinRate | None) -> list[str]:
    mix = " · ".join(f"{value} {plain(row[f'{value}_weight'])}" for value in values)
    lines = ["base model" if row["role"] == "base" else mix]
    lines += [
        f"{value} {signed(row[value])}  ({signed(row[f'{value}_low'])} to "
        f"{signed(row[f'{value}_high'])})"
        for value in values
    ]
    origin = "recorded" if row["recorded"] else "measured here"
    lines.append(f"{origin}, {row['n_prompts']} prompts")
    if won is not None:
        lines.append(
            f"won {share(won.rate)} of {plural(won.votes, 'blind vote')} "
            f"({share(won.low)} to {share(won.high)})"
        )
    return lines
