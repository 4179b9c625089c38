"""The card of the embedded world: what it is, and every figure that its build measured."""

import json
from pathlib import Path
from typing import Any

from vcsoup.demo.bundle import Bundle
from vcsoup.demo.pairs import LABEL_NOISE, PAIRS_PER_VALUE
from vcsoup.demo.world import topics


def write_card(folder: Path, contents: Bundle, figures: dict[str, Any]) -> None:
    """Write `card.json` (figures as data) and `card.md` (for people) into the bundle."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    figures["megabytes"] = round(size / 1e6, 1)
    (folder / "card.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    (folder / "card.md").write_text(_card(contents, figures), encoding="utf-8")


def _card(contents: Bundle, figures: dict[str, Any]) -> str:
    policy = figures["base policy"]
    minutes = sum(figures["seconds"].values()) / 60
    lines = [
        "# The embedded world",
        "",
        f"Made by `python -m vcsoup demo build --seed {contents.seed}` in {minutes:.0f} minutes; "
        f"{figures['megabytes']} MB. All text comes from the generator in `vcsoup/demo`; nothing "
        "was taken from a real data set.",
        "",
        f"- {len(topics())} topics; {PAIRS_PER_VALUE} pairs for each of "
        f"{', '.join(contents.values)}; {LABEL_NOISE:.0%} of the labels are flipped on purpose.",
        f"- Base policy: {policy['parameters']:,} parameters; {policy['well_formed']:.1%} of "
        f"{policy['samples']} replies sampled at temperature {policy['temperature']:g} are "
        f"well-formed ({policy['well_formed_at_temperature_1']:.1%} at temperature 1), "
        f"{policy['on_topic']:.1%} stay on topic.",
        *(
            f"- Reward model {value}: orders {found['accuracy']:.1%} of {found['comparisons']} "
            "held-out comparisons as the truth does."
            for value, found in figures["reward models"].items()
        ),
        "",
        "## The method, recorded",
        "",
        "Gains are in standard deviations of the base policy's rewards, with 95 % intervals over "
        f"{figures['method']['n_prompts']} held-out prompts; the worst gain is measured "
        "again on fresh samples. One training seed.",
        "",
        "| soups | pairs kept | hypervolume | best balanced soup | its worst gain |",
        "|---|---|---|---|---|",
        *(_row(group, found) for group, found in figures["method"]["sets"].items()),
        "",
        "## What it says",
        "",
        *(f"> **{case['prompt']}** {case['reply']}\n" for case in policy["examples"]),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _row(group: str, found: dict[str, Any]) -> str:
    kept = ", ".join(f"{value} {n}" for value, n in found["pairs"].items())
    weights = ", ".join(f"{v} {w:.2f}" for v, w in found["balanced"]["weights"].items())
    volume, gain = found["hypervolume"], found["balanced"]["fresh"]
    return f"| {group} | {kept} | {_interval(volume)} | {weights} | {_interval(gain)} |"


def _interval(figure: dict[str, float]) -> str:
    return f"{figure['mean']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})"
