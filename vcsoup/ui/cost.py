"""What training runs cost, before they are started: pairs, epochs, tokens and time.

Times come from a calibration on this machine, else from earlier runs with the same settings, else
from the recorded ones; the text says which. Tokens go by the base's own tokenizer where it lies in
the workspace. Both are labelled "about".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from vcsoup.filtering import PairFilter
from vcsoup.numbers import DASH, count, duration, plain, plural, rough
from vcsoup.training.config import TrainConfig
from vcsoup.ui import state
from vcsoup.ui.look import Look, look_at
from vcsoup.ui.measures import read_in_a_step
from vcsoup.ui.shell import slot
from vcsoup.ui.tokens import characters_per_token
from vcsoup.ui.train_plan import Plan
from vcsoup.workspace import Project
from vcsoup.workspace.datasets import digest
from vcsoup.workspace.held_out import prompt_key

TOKENS_TOLD = "A pair is read as two texts, its prompt with each of its answers."
"""What is counted wherever training is told in tokens."""
SAME_SPEED = ("rank", "targets", "batch_size", "max_length", "precision")
"""Runs that agree in these take about the same time per step."""
_SAME_PACE = (*SAME_SPEED, "micro_batch", "sample_tokens")
"""A calibration holds for what agrees with it in these."""


@dataclass(frozen=True)
class Timing:
    """How long a run takes.

    Attributes:
        seconds: Of one run.
        source: "calibration", "earlier runs" or "recorded runs".
    """

    seconds: float
    source: str


@dataclass(frozen=True)
class Load:
    """What one run works on.

    Attributes:
        value: Which value.
        told: The filter in a few characters.
        kept: Pairs that the filter keeps and whose prompt is not held out for measuring.
        total: Pairs of the value.
        held_out: Pairs that are left out for their held-out prompt, whatever the filter.
        tokens: Of a pair in a step, its prompt with each answer; None when not known.
    """

    value: str
    told: str
    kept: int
    total: int
    held_out: int
    tokens: float | None


def show(project: Project, plan: Plan) -> None:
    """Show what the planned runs would see and how long they would take."""
    st.markdown("**What it costs**")
    if not plan.runs:
        st.caption("Choose at least one value, and the pairs it is trained on.")
        return
    config = plan.config
    seen = config.steps * config.batch_size
    st.markdown(
        f"{config.steps} steps of {config.batch_size} pairs, {count(seen)} in all, per run."
    )
    rows = ["| run | pairs | epochs | about tokens |", "|:--|--:|--:|--:|"]
    too_few, watching = [], 0
    loads = loads_of(project, plan.runs)
    for load in loads:
        trained = config.n_train(load.kept)
        watching = max(watching, load.kept - trained)
        epochs = f"{seen / trained:.1f}" if trained else DASH
        tokens = rough(load.tokens * seen) if load.tokens and trained else DASH
        name = f"{load.value}, {load.told}"
        too_few += [name] if trained < config.batch_size else []
        rows.append(f"| {name} | {count(load.kept)} of {count(load.total)} | {epochs} | {tokens} |")
    with st.container(key="cost"):
        st.markdown("\n".join(rows))
    watch = f"Epochs: without the pairs that only watch a run, {count(watching)} at most. "
    st.caption(f"{watch if watching else ''}Tokens: of all steps of a run. {TOKENS_TOLD}")
    with slot():
        _tell_what_is_hidden(project, plan)
        if left_out := {load.value: load.held_out for load in loads if load.held_out}:
            told = ", ".join(f"{count(n)} of {value}" for value, n in left_out.items())
            st.caption(f"Not counted: pairs whose prompt is held out to measure soups, {told}.")
        if too_few:
            st.warning(
                f"Fewer pairs to train on than one batch of {config.batch_size}: "
                f"{'; '.join(too_few)}. Lower the threshold or the batch size: as it is, "
                f"{'this run' if len(too_few) == 1 else 'these runs'} would fail at once.",
                icon=":material/warning:",
            )
    st.caption(time_told(timing(project, config), len(plan.runs)))


def _tell_what_is_hidden(project: Project, plan: Plan) -> None:
    """Say beforehand that new adapters hide the soups of those that they stand in for."""
    groups = [
        group for group in project.adapter_sets() if group in {wanted for _, wanted in plan.runs}
    ]
    points = {group: len(state.stored_points(project, group)) for group in groups}
    if told := ", ".join(f"{count(n)} of {group}" for group, n in points.items() if n):
        st.caption(
            ":material/info: A new adapter, also of a run that is stopped, stands in for the one "
            f"that its set has now. Measured points that no longer count then: {told}. "
            "They come back with the former adapter, by *Choose adapters* on the Soup page."
        )


def loads_of(project: Project, runs: Sequence[tuple[str, str]]) -> list[Load]:
    """Say what runs, each a value and a group, would see with the project's saved filters."""
    values = list(dict.fromkeys(value for value, _ in runs))
    look, saved = look_at(project, values), project.filters()
    held_out = rows_held_out(project, values)
    return [_load(look, run, saved[run[0]], held_out[run[0]]) for run in runs]


def _load(
    look: Look, run: tuple[str, str], saved: PairFilter, held_out: npt.NDArray[np.intp]
) -> Load:
    value, group = run
    total = look.sizes[value]
    wanted = saved if group == "filtered" else PairFilter(threshold=None)
    if not look.is_scored(value):
        passing = total
        characters = float(read_in_a_step(look.project.lengths(value)).sum(dtype=np.int64))
        kept = total - len(held_out)
    else:
        figures = look.figures(value, wanted)
        passing, characters = figures.trained, float(figures.characters)
        kept = passing - look.trained_among(value, wanted, held_out)
    told = f"filter {filter_told(wanted)}" if group == "filtered" else "unfiltered"
    tokens = None
    if passing:
        ratio, _ = characters_per_token(look, value)
        tokens = characters / passing / ratio
    return Load(value, told, kept, total, len(held_out), tokens)


def rows_held_out(project: Project, values: Sequence[str]) -> dict[str, npt.NDArray[np.intp]]:
    """Return the rows of some values' pairs whose prompt is held out to measure soups.

    Looked up once per content of the pairs and of the held-out prompts.
    """
    keys = [prompt_key(prompt) for prompt in project.held_out_prompts()]
    infos, root = project.datasets(), str(project.root)
    stamps = {value: digest([infos[value].hash, *keys]) for value in values}
    return {value: _held_out(root, value, stamps[value], _project=project) for value in values}


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


def timing(project: Project, config: TrainConfig) -> Timing | None:
    """Say how long a run takes, by the best evidence at hand; None without any."""
    for job in state.jobs().list(kind="calibrate", project=project.name):
        result = job.result
        if result and _alike(result.get("config") or {}, config, _SAME_PACE):
            return Timing(_calibrated(result, config, project), "calibration")
    timed = [
        (info.recorded, float(info.manifest["seconds"]) / int(done))
        for info in project.adapters()
        if info.manifest.get("seconds")
        and (past := info.manifest.get("config") or {})
        and (done := info.manifest.get("steps_done") or past.get("steps"))
        and _alike(past, config, SAME_SPEED)
    ]
    own = [speed for recorded, speed in timed if not recorded]
    speeds = own or [speed for _, speed in timed]
    source = "earlier runs" if own else "recorded runs"
    return Timing(median(speeds) * config.steps, source) if speeds else None


def _calibrated(measured: Mapping[str, Any], config: TrainConfig, project: Project) -> float:
    """Add up what a run does: load, have the base read the pairs, step, look."""
    largest = max(info.n for info in project.datasets().values())
    counts = {
        "seconds_before": 1,
        "seconds_per_step": config.steps,
        "seconds_per_look": -(-config.steps // config.eval_every) if config.holdout else 0,
        "seconds_per_pair": min(largest, config.steps * config.batch_size),
    }
    return sum(float(measured.get(name) or 0.0) * times for name, times in counts.items())


def time_told(found: Timing | None, runs: int) -> str:
    """Say the time of some runs that follow each other.

    Example:
        >>> time_told(Timing(50.0, "calibration"), runs=2)
        'About 50 s per run, 1 min 40 s for 2 runs in turn, as measured on this machine.'
    """
    if found is None:
        return "No run with these settings has been timed yet. A short calibration tells."
    total = f", {duration(found.seconds * runs)} for {plural(runs, 'run')} in turn"
    origin = {
        "calibration": "as measured on this machine",
        "earlier runs": "going by earlier runs on this machine",
        "recorded runs": "going by the recorded runs",
    }[found.source]
    told = f"About {duration(found.seconds)} per run{total if runs > 1 else ''}"
    return f"{told}, {origin}."


def _alike(past: Mapping[str, Any], config: TrainConfig, names: Sequence[str]) -> bool:
    """Whether a past run's settings make its steps as long as those of `config`."""
    present = config.model_dump(mode="json")
    return all(past[name] == present[name] for name in names if name in past)


@st.cache_data(max_entries=64, show_spinner=False)
def _held_out(root: str, value: str, stamp: str, *, _project: Project) -> npt.NDArray[np.intp]:
    return _project.rows_held_out(value)
