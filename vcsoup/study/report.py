"""docs/STUDY.md, written from the result: answer, tables, charts, cost, how to repeat a row.

Everything in it is computed from the published tables. The answer is `report_answer`'s, the other
sentences `report_words`', the tables `report_tables`', the charts `pictures`'.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from vcsoup.study import report_words as words
from vcsoup.study.pictures import Bar, interval_picture
from vcsoup.study.published import Published, load_published
from vcsoup.study.report_answer import statement
from vcsoup.study.report_tables import (
    comparison_table,
    cost_table,
    measure_table,
    world_table,
)
from vcsoup.study.results import COMPARED, PRIMARY
from vcsoup.workspace.files import replacing


def write_report(result: Path, docs: Path, *, file: str) -> list[Path]:
    """Write the report of a result.

    Args:
        result: Folder of a published result.
        docs: Where STUDY.md goes; pictures and the list of all comparisons go to `study/` in it.
        file: The study file, as the commands that repeat it name it.

    Returns:
        The files that were written.
    """
    known = load_published(result)
    texts = {
        **{f"study/{name}.svg": svg for name, svg in pictures(known).items()},
        "study/comparisons.md": _all_comparisons(known),
        "STUDY.md": page(known, file=file),
    }
    for name, text in texts.items():
        with replacing(docs / name) as aside:
            aside.write_text(text, encoding="utf-8")
    return [docs / name for name in texts]


def page(known: Published, *, file: str) -> str:
    """The report as Markdown; see `write_report`."""
    primary = known.comparisons[known.comparisons["measure"].isin(PRIMARY)]
    parts = [
        "# Does it hold? The study",
        "Written by `python -m vcsoup study` from its own tables; do not edit by hand.",
        "## The answer",
        statement(known),
        *(f"![{name}](study/{name}.svg)" for name in pictures(known)),
        "## How it was measured",
        words.method(known),
        *_tuning(known),
        "## The worlds",
        words.WORLDS,
        world_table(known),
        *_centre(known),
        *_elsewhere(known),
        "## Primary comparisons",
        f"{len(primary):,} of {len(known.comparisons):,}; all of them, with their n, are in "
        "[study/comparisons.md](study/comparisons.md).",
        comparison_table(primary),
        "## What could not be done",
        words.errors(known.about["errors"]),
        "## What it cost",
        cost_table(known),
        "## Repeat one row",
        words.repeat(known, file),
    ]
    return "\n\n".join(parts) + "\n"


def pictures(known: Published) -> dict[str, str]:
    """The report's charts as SVG, by name."""
    own = known.rows[known.rows["setting"] == words.centre_of(known)]
    drawn = {
        "hypervolume": interval_picture(
            [_bar(row, row.arm) for row in own[own["measure"] == "hypervolume"].itertuples()],
            series=["hypervolume"],
            x_name="hypervolume (the base alone has 1)",
            title="Hypervolume of every arm in the centre of the worlds",
            zero=False,
        )
    }
    if worlds := list(_world_bars(known)):
        drawn["worlds"] = interval_picture(
            worlds,
            series=words.filtered_arms(known),
            x_name="hypervolume, filtered minus unfiltered",
            title="Filtered minus unfiltered in every world",
        )
    truth = own[own["measure"].isin(["utility", "truth_utility"])]
    if (truth["measure"] == "truth_utility").any():
        drawn["truth"] = interval_picture(
            [_bar(r, r.arm, int(r.measure == "truth_utility")) for r in truth.itertuples()],
            series=("by the judges", "by the hidden truth"),
            x_name=f"gain by the weights asked for, in {words.SIGMAS}",
            title="Gain of every arm by the judges and by the hidden truth",
        )
    return drawn


def _tuning(known: Published) -> Iterator[str]:
    rows = pd.DataFrame(known.about.get("tuning", []))
    if not len(rows):
        return
    own = known.study.config(0).steps
    yield "## What was chosen, and on what"
    yield " ".join([words.chosen(rows, own), words.chosen_steps(rows, own)]).strip()
    steps = rows["steps"].map(lambda tried: "" if tried == own else f", {tried} steps")
    yield measure_table(rows.assign(arm=rows["arm"] + steps), COMPARED)


def _centre(known: Published) -> Iterator[str]:
    centre = known.rows[known.rows["setting"] == words.centre_of(known)]
    yield "## Every arm in the centre of the worlds"
    yield f"Means over seeds with 95 % intervals. Gains are in {words.SIGMAS}, zero at the base."
    yield measure_table(centre, ("hypervolume", "igd_plus", "balanced", "utility"))
    yield "### Against the hidden truth"
    yield (
        "Reward models can be fooled, the truth of the embedded world cannot. What judges see "
        "beyond the truth is over-optimisation."
    )
    truth = ("utility", "truth_utility", "over_optimisation", "truth_balanced", "kl")
    yield measure_table(centre, truth)
    yield "### Whole grids of soups, and how the policies lie to each other"
    yield measure_table(centre, ("hypervolume_grid", "balanced_grid", "sag", "barrier"))
    yield measure_table(centre, ("kept", "delta_cosine", "gradient_cosine", "average_error"))


def _elsewhere(known: Published) -> Iterator[str]:
    titles = {setting.name: setting.title for setting in known.study.worlds.settings()}
    others = known.rows[known.rows["setting"] != words.centre_of(known)]
    if len(others):
        yield "## The other worlds"
    for name, rows in others.groupby("setting", sort=False):
        yield f"### {titles.get(name, name)}"
        yield measure_table(rows, COMPARED)


def _all_comparisons(known: Published) -> str:
    n = len(known.comparisons)
    head = f"{n:,} paired differences, first minus second, with 95 % intervals."
    table = comparison_table(known.comparisons)
    return f"# Every comparison of the study\n\n{head}\n\n{table}\n"


def _world_bars(known: Published) -> Iterator[Bar]:
    arms = words.filtered_arms(known)
    titles = {setting.name: setting.title for setting in known.study.worlds.settings()}
    table = known.comparisons
    table = table[(table["measure"] == "hypervolume") & (table["second"] == "unfiltered")]
    for row in table[table["first"].isin(arms)].itertuples():
        yield _bar(row, titles.get(row.setting, row.setting), arms.index(row.first))


def _bar(row: pd.Series, label: str, series: int = 0) -> Bar:
    return Bar(label, series, row.mean, row.low, row.high)
