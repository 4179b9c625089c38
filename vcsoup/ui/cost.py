"""What a training run costs: pairs, passes and time, before it is started."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import streamlit as st

from vcsoup.filtering import PairFilter
from vcsoup.training.config import TrainConfig
from vcsoup.ui import state
from vcsoup.ui.numbers import DASH, count, duration, plain
from vcsoup.workspace import Project


def show(project: Project, values: Sequence[str], config: TrainConfig, *, filtered: bool) -> None:
    """Show what one run per value would see and how long it would take.

    Args:
        project: The project.
        values: The values to train.
        config: What each run does.
        filtered: Whether the saved filters leave pairs out.
    """
    seen = config.steps * config.batch_size
    st.markdown("**What it costs**")
    if not values:
        st.caption("Choose at least one value.")
        return
    st.markdown(
        f"{config.steps} steps of {config.batch_size} pairs, {count(seen)} in all, per run."
    )
    rows = ["| value | filter | pairs | passes |", "|:--|--:|--:|--:|"]
    for value in values:
        total = project.datasets()[value].n
        counts = state.saved_figures(project, value) if filtered else None
        kept = counts.trained if counts else total
        passes = f"{seen / kept:.1f}" if kept else DASH
        told = filter_told(project.filters()[value]) if counts else DASH
        rows.append(f"| {value} | {told} | {count(kept)} of {count(total)} | {passes} |")
    with st.container(key="cost"):
        st.markdown("\n".join(rows))
    st.caption(_time_told(seconds_per_run(project, config), len(values)))


def filter_told(kept: PairFilter) -> str:
    """Say a filter in a few characters: its threshold, and norm and flips where it has them.

    Example:
        >>> filter_told(PairFilter(threshold=0.5, min_norm=1, flip=True))
        '0.50, norm 1.00, flips'
    """
    parts = ["all" if kept.threshold is None else plain(kept.threshold)]
    parts += [f"norm {plain(kept.min_norm)}"] if kept.min_norm else []
    parts += ["flips"] if kept.flip else []
    return ", ".join(parts)


def usual_preset(project: Project) -> str:
    """Return the preset that fits the project's base: the light one for a base of the workspace."""
    inside = Path(project.config.base).is_relative_to(state.workspace().root)
    return "demo" if inside else "paper"


def seconds_per_run(project: Project, config: TrainConfig) -> tuple[float, bool] | None:
    """Estimate a run's time from the adapters that exist.

    Args:
        project: The project.
        config: What the run will do.

    Returns:
        Seconds, and whether only recorded adapters were at hand; None without any.
    """
    timed = [
        (info.recorded, float(info.manifest["seconds"]) / int(done))
        for info in project.adapters()
        if info.manifest.get("seconds")
        and (past := info.manifest.get("config") or {})
        and (done := info.manifest.get("steps_done") or past.get("steps"))
        and all(past.get(field) == getattr(config, field) for field in ("rank", "batch_size"))
    ]
    own = [speed for recorded, speed in timed if not recorded]
    speeds = own or [speed for _, speed in timed]
    return (median(speeds) * config.steps, not own) if speeds else None


def _time_told(estimate: tuple[float, bool] | None, runs: int) -> str:
    if estimate is None:
        return "No run with these settings has been timed yet; the first one tells."
    seconds, recorded = estimate
    origin = "the recorded runs" if recorded else "earlier runs on this machine"
    total = f", {duration(seconds * runs)} for all" if runs > 1 else ""
    return f"About {duration(seconds)} per run{total}, going by {origin}."
