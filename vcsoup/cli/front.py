"""How `front` prints what `vcsoup.front_figures` found."""

from collections.abc import Mapping, Sequence
from typing import Any

from vcsoup.cli.output import show, show_table, weights_text
from vcsoup.evaluation.front import approximation
from vcsoup.front_figures import uneven_prompts


def show_front(figures: Mapping[str, Any], values: Sequence[str]) -> None:
    """Print what `front_figures` found."""
    for group, found in figures["sets"].items():
        rows = [
            [weights_text(p["weights"]), *(p["rewards"][v] for v in values), p["n_prompts"]]
            for p in found["front"]
        ]
        title = f"{group}: front, {len(rows)} of {found['points']} points"
        show_table(["soup", *values, "prompts"], rows, title=title)
        rough = approximation(len(values), len(rows))
        unit = f"in the reward models' units{', ' * bool(rough)}{rough}"
        show(f"  hypervolume {found['hypervolume']:.4g} ({unit})")
        if uneven := uneven_prompts(found["prompts"]):
            show(
                f"  {uneven}; their means may differ by that alone, so measure all on as many with "
                "`evaluate --n-prompts`"
            )
        if found["balanced"]:
            best = found["balanced"]
            show(
                f"  best balanced: {weights_text(best['weights'])}, "
                f"worst gain over the base {best['worst_gain']:+.3f} ({best['unit']})"
            )
        if "selected" in found:
            chosen = found["selected"]
            show(
                f"  by constraint: {weights_text(chosen['weights'])}"
                if chosen
                else "  by constraint: no measured soup satisfies it; lower a minimum"
            )
