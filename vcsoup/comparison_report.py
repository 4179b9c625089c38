"""The Compare page as one HTML file: what was compared, what came of it, and what it was made from.

Assembles parts for `vcsoup.evaluation.report`; the figures are `vcsoup.comparing`'s. Torch-free.
"""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from vcsoup import __version__
from vcsoup.comparing import chord_project
from vcsoup.errors import NotFoundError
from vcsoup.evaluation.chord import Chord
from vcsoup.evaluation.comparison import Comparison, named_differences, sentence
from vcsoup.evaluation.intervals import FEWEST_FOR_VERDICT
from vcsoup.evaluation.report import Chart, Heading, Part, Table, Text, report_html
from vcsoup.front_rows import front_rows
from vcsoup.numbers import signed
from vcsoup.plots.chord import chord_panels
from vcsoup.plots.fronts import two_fronts
from vcsoup.plots.palette import LIGHT, value_colours
from vcsoup.workspace import Project

_MOST_CHARTS = 6  # fronts of more pairs of values are left out, and the report says so
_MOST_PANELS = 4


def comparison_report(project: Project, found: Comparison) -> str:
    """Write the report.

    Args:
        project: The project.
        found: From `vcsoup.comparing.compare_project`.

    Returns:
        An HTML document that needs no network.
    """
    first, second = found.groups
    parts: list[Part] = [
        Text(sentence(found), "lead"),
        Text(
            f"{project.title}: {found.n_same} soups of {first} and of {second} adapters, of equal "
            f"weights, each on the same {found.n_prompts} held-out prompts with the same random "
            "numbers. Gains are in standard deviations of the base policy's rewards, zero "
            "at the base. Intervals are 95 %, by bootstrap over prompts of one training seed; "
            "another seed of training would move the points too."
        ),
        *_fronts(project, found),
        Heading("Differences"),
        _difference_table(found),
        Text(
            f"Paired over prompts. Equal weights: the mean over the {found.n_same} soups.",
            "note",
        ),
        Heading("Best balanced soups"),
        _balanced_table(found),
        *_chords(project, found),
        Heading("What was compared"),
        *_provenance(project, found),
    ]
    return report_html(f"{first} and {second}: {project.title}", parts)


def provenance(project: Project, group: str) -> list[dict[str, Any]]:
    """What made the adapters of a set: one row per value, for tables.

    Returns:
        Rows with value, adapter, content, recorded, pairs, of, threshold, dataset, steps, seed;
        None where the adapter's manifest does not say.
    """
    rows = []
    for value, info in project.adapter_set(group).items():
        manifest, config = info.manifest, info.manifest.get("config", {})
        rows.append(
            {
                "set": group,
                "value": value,
                "adapter": info.name,
                "content": info.hash,
                "origin": "recorded" if info.recorded else "trained here",
                "pairs": manifest.get("n_pairs"),
                "of": manifest.get("n_pairs_all"),
                "threshold": _threshold(manifest),
                "dataset": manifest.get("data_hash"),
                "steps": manifest.get("steps_kept", config.get("steps")),
                "seed": config.get("seed"),
            }
        )
    return rows


def chord_rows(found: Chord, values: Sequence[str]) -> pd.DataFrame:
    """Lay a chord out for `chord_panels`.

    Returns:
        Columns value, place, mean, low, high, line.
    """
    rows = [
        {
            "value": value,
            "place": float(found.places[i]),
            "mean": float(found.measured.mean[i, k]),
            "low": float(found.measured.low[i, k]),
            "high": float(found.measured.high[i, k]),
            "line": float(found.line[i, k]),
        }
        for k, value in enumerate(values)
        for i in range(len(found.places))
    ]
    return pd.DataFrame(rows)


def panel_values(values: Sequence[str], ends: tuple[str, str]) -> list[str]:
    """The values to draw a chord on: its ends' own first, few enough to stay readable.

    Example:
        >>> panel_values(["a", "b", "c", "d", "e"], ("e", "b"))
        ['e', 'b', 'a', 'c']
    """
    return list(dict.fromkeys((*ends, *values)))[:_MOST_PANELS]


def chord_sentence(found: Chord, values: Sequence[str], ends: tuple[str, str]) -> str:
    """Say how far the measured chord hangs below the straight line, value by value.

    In the reward models' units, as the panels are drawn; gains elsewhere are in the base's
    standard deviations.
    """
    told = []
    for k, value in enumerate(values):
        i = found.lowest(k)
        sag, low, high = (float(part[i, k]) for part in found.sag)
        if sag >= 0:
            told.append(f"{value} never falls below the line")
            continue
        known = high < 0 and found.n_prompts >= FEWEST_FOR_VERDICT
        sure = "" if known else ", which may be chance"
        where = f"at {found.places[i] * 100:.0f} % {ends[1]}"
        told.append(f"{value} {signed(sag)} ({signed(low)} to {signed(high)}) {where}{sure}")
    return (
        f"Deepest sag below the straight line from {ends[0]} to {ends[1]}, in the reward "
        f"models' units, paired over {found.n_prompts} prompts: {'; '.join(told)}. The deepest sag "
        "is the worst of the points that were measured; the interval is that of this one point."
    )


def _threshold(manifest: Mapping[str, Any]) -> str | None:
    if "threshold" not in manifest:
        return None
    threshold = manifest["threshold"]
    return "no filter" if threshold is None else f"{threshold:g}"


def _fronts(project: Project, found: Comparison) -> list[Part]:
    pairs = list(itertools.combinations(project.values, 2))
    parts: list[Part] = [Heading("The fronts")]
    for axes in pairs[:_MOST_CHARTS]:
        tables = [
            front_rows(project, group, axes, ringed=found.balanced_weights(group))
            for group in found.groups
        ]
        figure = two_fronts(tables, names=found.groups, axes=axes, colours=LIGHT, height=430)
        told = f"{len(tables[0])} and {len(tables[1])} soups on {axes[0]} and {axes[1]}"
        parts.append(Chart(figure, told))
    parts.append(
        Text(
            "Mean rewards in the reward models' units; right and up is better, dotted lines are "
            "the base. Filled marks were measured on this machine, open ones came recorded.",
            "note",
        )
    )
    if len(pairs) > _MOST_CHARTS:
        parts.append(
            Text(f"{len(pairs) - _MOST_CHARTS} more pairs of values are not drawn.", "note")
        )
    return parts


def _difference_table(found: Comparison) -> Table:
    first, second = found.groups
    rows = [
        [name, signed(d.mean, 3), f"{signed(d.low, 3)} to {signed(d.high, 3)}", d.verdict]
        for name, d in named_differences(found)
    ]
    return Table(["of", f"{first} minus {second}", "95 % interval", f"{first} is"], rows)


def _balanced_table(found: Comparison) -> Table:
    rows = []
    for group in found.groups:
        best = found.summary["sets"][group]["balanced"]
        mix = ", ".join(f"{v} {w:.2f}" for v, w in best["weights"].items() if w)
        gains = [interval_told(best["gains"][value]) for value in found.values]
        rows.append([group, mix, signed(best["worst_gain"], 3), *gains])
    return Table(["set", "weights", "worst gain", *(f"gain in {v}" for v in found.values)], rows)


def _chords(project: Project, found: Comparison) -> list[Part]:
    parts: list[Part] = []
    for group in found.groups:
        for ends in itertools.combinations(project.values, 2):
            try:
                chord = chord_project(project, group, *ends)
            except NotFoundError:
                continue
            rows = chord_rows(chord, project.values)
            shown = rows[rows["value"].isin(panel_values(project.values, ends))]
            figure = chord_panels(
                shown, ends=ends, colour_of=value_colours(project.values, LIGHT), colours=LIGHT
            )
            told = chord_sentence(chord, project.values, ends)
            parts += [Chart(figure, told), Text(f"{group}: {told}", "note")]
    if not parts:
        return []
    about = (
        "On the straight line lies what answering every prompt with one of the two adapters, drawn "
        "by the weights, would give. A chord that sags below it loses by mixing weights."
    )
    return [Heading("Between two adapters"), Text(about), *parts]


def _provenance(project: Project, found: Comparison) -> list[Part]:
    rows = [row for group in found.groups for row in provenance(project, group)]
    judges = [[value, spec.title] for value, spec in project.config.rewards.items()]
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return [
        Table(list(rows[0]), [list(row.values()) for row in rows]),
        Table(["value", "reward model"], judges),
        Text(
            f"Base model {project.config.base}. VC-Soup Lab {__version__}, {moment}. The method is "
            "that of arXiv:2603.18113; the filter and the judge are the same reward models.",
            "note",
        ),
    ]


def interval_told(figures: Mapping[str, float]) -> str:
    """Write a mean with its interval."""
    return f"{signed(figures['mean'])} ({signed(figures['low'])} to {signed(figures['high'])})"
