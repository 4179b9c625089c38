"""The cockpit: one strip per dataset with its histogram of consistency and a threshold to drag.

The browser part is `components/cockpit.js`; it recolours and counts by itself while a handle moves.
Here its data are put together from cached counts, and its moves become steps of the draft.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from vcsoup.consistency import agreement_threshold, chance_retention
from vcsoup.numbers import THIN, count, duration, plain, share, signed
from vcsoup.plots.palette import Palette
from vcsoup.training.config import PRESETS, TrainConfig
from vcsoup.ui import cost, drafting, theme
from vcsoup.ui.address import KEYS
from vcsoup.ui.components.drawn import colour_data, register_drawn, sent
from vcsoup.ui.drafting import Desk
from vcsoup.ui.look import Look
from vcsoup.ui.measures import BARS, GRID
from vcsoup.ui.retained import Figures, Retention
from vcsoup.ui.tokens import characters_per_token
from vcsoup.workspace import Project

_cockpit = register_drawn("cockpit", "cockpit")
_KEY = "cockpit"
Run = tuple[TrainConfig, cost.Timing | None, int]
"""A usual training run, how long one takes where that is known, and kept pairs that it skips."""
_WIDE_VALUES = 4
"""Up to so many values every strip lists its mean gaps; beyond, the view "Gaps" does."""


def show(project: Project, desk: Desk) -> None:
    """Show the strips and take in what the hand does."""
    held_out = _kept_but_held_out(project, desk)
    # By this key app.css keeps room for so many strips.
    with st.container(key=f"cockpit_of_{len(desk.scored)}"):
        _cockpit(
            key=_KEY,
            data=panel_data(project, desk, theme.colours(), held_out),
            on_moved_change=_moved,
            on_asked_change=_asked,
        )
    st.caption(
        "Filled: kept. Striped: dropped. Dotted: what values that do not know of each other would "
        "show. Drag a handle or use the arrow keys; a name opens its dataset below. "
        f"Tokens: of the pairs that are trained on, each once. {cost.TOKENS_TOLD}"
        f"{_left_out(held_out)}"
    )


def _kept_but_held_out(project: Project, desk: Desk) -> dict[str, int]:
    """Count the kept pairs of each dataset that no run sees: their prompt measures soups."""
    rows = cost.rows_held_out(project, desk.scored)
    return {
        value: desk.look.trained_among(value, desk.draft.filter_of(value), rows[value])
        for value in desk.scored
    }


def _left_out(held_out: Mapping[str, int]) -> str:
    told = ", ".join(f"{count(n)} of {value}" for value, n in held_out.items() if n)
    if not told:
        return ""
    return f" Kept, yet not trained on, as their prompt is held out to measure soups: {told}."


def panel_data(
    project: Project, desk: Desk, colours: Palette, held_out: Mapping[str, int]
) -> dict[str, object]:
    """Lay out what the strips show.

    Args:
        project: The project.
        desk: What is on the screen.
        colours: The theme's palette.
        held_out: See `_kept_but_held_out`.

    Returns:
        Plain JSON, a few kilobytes per dataset whatever its size.
    """
    saved = project.thresholds()
    config = PRESETS[cost.usual_preset(project)]
    run = (config, cost.timing(project, config))
    sets = [
        _strip(project, desk, value, saved[value], (*run, held_out[value])) for value in desk.scored
    ]
    sets[0]["first"] = sets[-1]["last"] = True
    return {
        "seq": desk.seq,
        "sets": sets,
        "axis": _axis(len(project.values)),
        "colours": colour_data(colours),
        "address": {"keys": list(KEYS), "query": [list(entry) for entry in desk.address]},
    }


def _strip(
    project: Project,
    desk: Desk,
    value: str,
    saved: float,
    run: Run,
) -> dict[str, object]:
    draft, focus = desk.draft, value == desk.focus
    wanted = draft.filter_of(value)
    exact = desk.look.figures(value, wanted)
    counts = desk.look.retention(value, min_norm=draft.min_norm)
    roomy = len(project.values) <= _WIDE_VALUES
    return {
        "value": value,
        "n": counts.n,
        "focus": focus,
        "tau": draft.thresholds[value],
        "exact": exact.kept,
        "exact_flips": exact.flips,
        "kept": counts.kept.tolist(),
        "flips": counts.flips.tolist() if value in draft.flips else None,
        "chance": _by_chance(counts, len(project.values), flip=value in draft.flips),
        "bins": counts.bars.tolist(),
        "passing": counts.passing,
        "saved": saved,
        "lines": _costs(desk.look, value, exact, run),
        "gaps": _gaps(project.values, exact) if roomy else [],
        "height": _height(len(desk.scored), len(project.values)),
        "first": False,
        "last": False,
    }


def _costs(look: Look, value: str, exact: Figures, run: Run) -> list[str]:
    ratio, measured = characters_per_token(look, value)
    config, timing, skipped = run
    trained = config.n_train(exact.trained - skipped)
    characters = exact.characters * trained / exact.trained if trained else 0.0
    tokens = count(int(round(characters / ratio, -2 if characters > 10_000 else 0)))
    lines = [f"about {tokens} tokens an epoch" + ("" if measured else " (guess)")]
    epochs = config.steps * config.batch_size / trained if trained else None
    told = _epochs_told(epochs) if epochs is not None else "nothing to train on"
    if timing and epochs:
        told += f", about {duration(timing.seconds).replace(' ', THIN)}"  # kept in one line
    lines.append(told)
    return lines


def _epochs_told(epochs: float) -> str:
    if epochs < 1.0:
        return f"a run sees {share(epochs)}"
    return f"{plain(epochs, 1)} epochs a run"


def _gaps(values: Sequence[str], exact: Figures) -> list[list[str]]:
    before, after = exact.all_gaps, exact.mean_gaps
    return [[value, signed(before[k]), signed(after[k])] for k, value in enumerate(values)]


def _height(sets: int, values: int) -> int:
    """Pixels of a strip: room for its figures, more where there are few."""
    figures = 80 + (17 * values if values <= _WIDE_VALUES else 0)
    return max(figures, 150 - 12 * (sets - 2))


def _axis(K: int) -> dict[str, object]:
    edges = np.linspace(-1.0, 1.0, BARS + 1)
    chance = chance_retention(edges, K)
    landmarks = [[0.0, "values cancel"], [agreement_threshold(K), "all values agree"]]
    return {
        "ticks": [-1, -0.5, 0, 0.5, 1],
        "landmarks": landmarks,
        "chance": np.round(chance[:-1] - chance[1:], 6).tolist(),
    }


def _by_chance(counts: Retention, K: int, *, flip: bool) -> list[float]:
    """The share of all pairs that values would keep which know nothing of each other."""
    kept = chance_retention(GRID, K) * counts.passing / counts.n
    exchanged = np.where(flip & (GRID > 0), kept, 0.0)  # as many lie below minus a threshold
    return np.round(kept + exchanged, 4).tolist()


def _moved() -> None:
    move = sent(_KEY, "moved")
    if move is None:
        return
    drafting.draw_up(lambda draft: draft.moved(checked(move["thresholds"])))
    desk = drafting.desk()
    focus = move["focus"] if move["focus"] in desk.scored else desk.focus
    pair = desk.pair if focus == desk.focus else None
    drafting.put(replace(desk, focus=focus, pair=pair, seq=max(desk.seq, int(move["seq"]))))


def checked(thresholds: dict[str, float]) -> dict[str, float]:
    """Return the thresholds of a message from the browser that are numbers from -1 to 1.

    Example:
        >>> checked({"a": 0.5, "b": 7})
        {'a': 0.5}
    """
    return {value: float(tau) for value, tau in thresholds.items() if -1.0 <= tau <= 1.0}


def _asked() -> None:
    asked = sent(_KEY, "asked")
    if asked is None:
        return
    desk = drafting.desk()
    steps = {"undo": desk.history.undo, "redo": desk.history.redo}
    if asked["command"] in steps:
        history = steps[asked["command"]]()
        drafting.put(replace(desk, history=history, seq=max(desk.seq, int(asked["seq"]))))
