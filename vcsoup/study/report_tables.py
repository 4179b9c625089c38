"""The tables of docs/STUDY.md as Markdown: arms by measures, comparisons, worlds, cost."""

from collections.abc import Iterable, Sequence

import pandas as pd

from vcsoup.numbers import plain, signed
from vcsoup.study.published import Published

_WHOLE = {"kept", "trainings", "cpu_seconds", "tokens"}


def measure_table(own: pd.DataFrame, measures: Sequence[str]) -> str:
    """One line per arm, one column per measure, each with its interval and n.

    Args:
        own: Rows of one setting (`Results.rows`).
        measures: Columns; those that no arm has are left out.
    """
    chosen = [name for name in measures if (own["measure"] == name).any()]
    cells = {
        (row.arm, row.measure): _told(row.mean, row.low, row.high, row.measure)
        for row in own.itertuples()
    }
    seeds = own.groupby("arm", sort=False)["n_seeds"].max()
    arms = [arm for arm in seeds.index if any((arm, name) in cells for name in chosen)]
    rows = ([arm, *(cells.get((arm, m), "") for m in chosen), str(seeds[arm])] for arm in arms)
    return markdown_table(["arm", *chosen, "seeds"], rows)


def comparison_table(table: pd.DataFrame) -> str:
    """One line per comparison: world, arms, measure, difference, interval, n."""
    rows = (
        [
            row.setting,
            f"{row.first} minus {row.second}",
            row.measure,
            signed(row.mean),
            f"{signed(row.low)} to {signed(row.high)}",
            row.verdict,
            f"{row.n_seeds} seeds, {row.n_prompts} prompts",
        ]
        for row in table.itertuples()
    )
    names = ["world", "difference", "measure", "mean", "95 % interval", "verdict", "n"]
    return markdown_table(names, rows)


def world_table(known: Published) -> str:
    """One line per world setting."""
    names = ["setting", "noise", "conflict", "quality", "pairs"]
    settings = known.rows[names].drop_duplicates()
    kept = known.rows[known.rows["measure"] == "kept"]
    arms = list(dict.fromkeys(kept[kept["kind"] == "filtered"]["arm"]))
    rows = []
    for row in settings.itertuples():
        counts = kept[kept["setting"] == row.setting].set_index("arm")["mean"]
        told = [number(counts.get(arm), "kept") for arm in arms]
        levels = [
            "as drawn" if level != level or level is None else f"{level:g}" for level in row[3:5]
        ]
        rows.append([row.setting, f"{row.noise:g}", *levels, str(row.pairs), *told])
    return markdown_table(
        [*names, *(f"kept by {arm.removeprefix('filtered-')}" for arm in arms)], rows
    )


def cost_table(known: Published) -> str:
    """Units, CPU time and tokens of the whole study, and of one repetition of each arm."""
    rows = [
        [sort, str(cost["units"]), f"{cost['cpu_seconds'] / 3600:.2f}", f"{cost['tokens']:,}"]
        for sort, cost in known.about["cost"].items()
    ]
    whole = markdown_table(["units", "number", "CPU hours", "tokens"], rows)
    own = known.rows[known.rows["setting"] == known.study.worlds.centre.name]
    arms = own[own["measure"].isin(["trainings", "cpu_seconds", "tokens"])]
    wide = arms.pivot_table(index="arm", columns="measure", values="mean", sort=False)
    lines = (
        [str(arm), *(number(row[name], name) for name in ("trainings", "cpu_seconds", "tokens"))]
        for arm, row in wide.iterrows()
    )
    single = markdown_table(["one repetition of", "trainings", "CPU seconds", "tokens"], lines)
    return f"{whole}\n\n{single}"


def number(figure: float | None, measure: str) -> str:
    """A figure as the tables show it.

    Example:
        >>> number(1234.5, "tokens"), number(0.1234, "utility"), number(None, "kl")
        ('1,234', '0.12', '')
    """
    if figure is None or figure != figure:
        return ""
    return f"{figure:,.0f}" if measure in _WHOLE else plain(figure)


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table of texts.

    Example:
        >>> print(markdown_table(["a", "b"], [["1", "2"]]))
        | a | b |
        |---|---|
        | 1 | 2 |
    """
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def _told(mean: float, low: float, high: float, measure: str) -> str:
    if measure in _WHOLE:
        return number(mean, measure)
    digits = 3 if measure in ("kl", "barrier", "average_error", "igd_plus") else 2
    if low != low:
        return plain(mean, digits)
    return f"{plain(mean, digits)} ({plain(low, digits)} to {plain(high, digits)})"
