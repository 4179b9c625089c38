"""Every choice of a training run as a widget, made from the fields of `TrainConfig`.

The widgets show an *origin*: a preset, a loaded file or the run that is duplicated. Another origin
shows in new widgets, so that no earlier entry lingers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor, log10
from typing import Any, Literal, TypedDict, get_args, get_origin

import streamlit as st
from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from vcsoup.training.config import PRESETS, TrainConfig, changed_config
from vcsoup.ui.train_draft import TrainDraft
from vcsoup.ui.train_plan import setting_text
from vcsoup.workspace import Project

FIRST = ("steps", "learning_rate", "seed")
"""Shown at once; the others are behind "More settings"."""
SECTIONS = (
    ("Batches and schedule", ("batch_size", "micro_batch", "warmup", "schedule")),
    ("Adapter", ("rank", "alpha", "dropout", "targets", "init_seed")),
    ("Preference loss", ("beta", "max_length")),
    (
        "Held-out pairs",
        ("holdout", "holdout_max", "eval_every", "patience", "max_drift", "sample_tokens"),
    ),
    ("Machine", ("precision", "checkpoint_every")),
)
ORIGIN = "train_origin"
_LARGEST = 2**31 - 1
_IN_A_ROW = 3


class _Common(TypedDict):
    label: str
    key: str
    help: str | None
    persist_state: Literal["session"]


@dataclass(frozen=True)
class Origin:
    """What the settings start from.

    Attributes:
        turn: Grows with every new origin.
        project: Name of the project that they are for.
        preset: The preset that the command names.
        name: What people call it, such as "demo" or "settings.yaml".
        config: The configuration.
    """

    turn: int
    project: str
    preset: str
    name: str
    config: TrainConfig


def origin(project: Project, usual: str, *, left: TrainDraft | None) -> Origin:
    """Return the origin of this visit.

    Args:
        project: Whose settings; those of another project, for a base of another size, end here.
        usual: The preset that fits it.
        left: What its form showed last; None for a first visit.
    """
    present = st.session_state.get(ORIGIN)
    if present is None or present.project != project.name:
        if left:
            begin_with(project.name, left.preset, left.config, left.origin)
        else:
            begin_with(project.name, usual, PRESETS[usual], usual)
    return st.session_state[ORIGIN]


def begin_with(project: str, preset: str, config: TrainConfig, name: str) -> None:
    """Let the settings of a project start anew from a configuration."""
    former = st.session_state.get(ORIGIN)
    turn = former.turn + 1 if former else 0
    st.session_state[ORIGIN] = Origin(turn, project, preset, name, config)


def show(start: Origin) -> TrainConfig:
    """Show the settings.

    Args:
        start: What they start from.

    Returns:
        The configuration as it stands on the screen.

    Raises:
        TrainingError: the settings contradict each other.
    """
    chosen = dict(_fields(FIRST, start))
    with st.expander("More settings", icon=":material/tune:"):
        for title, names in (*SECTIONS, *_rest()):
            st.caption(f"**{title}**")
            chosen |= dict(_fields(names, start))
    return changed_config(start.config, **chosen)


def _rest() -> list[tuple[str, tuple[str, ...]]]:
    """Fields that no section names."""
    named = {*FIRST, *(name for _, names in SECTIONS for name in names)}
    rest = tuple(name for name in TrainConfig.model_fields if name not in named)
    return [("Others", rest)] if rest else []


def _fields(names: Iterable[str], start: Origin) -> list[tuple[str, Any]]:
    shown = [name for name in names if name in TrainConfig.model_fields]
    found = []
    for first in range(0, len(shown), _IN_A_ROW):
        row = shown[first : first + _IN_A_ROW]
        for column, name in zip(st.columns(_IN_A_ROW), row, strict=False):
            with column:
                found.append((name, _field(name, start)))
    return found


def _field(name: str, start: Origin) -> Any:
    field, usual = TrainConfig.model_fields[name], getattr(start.config, name)
    common: _Common = {
        "label": label_of(name),
        "key": f"set_{start.turn}_{name}",
        "help": field.description,
        "persist_state": "session",
    }
    if get_origin(field.annotation) is Literal:
        options = list(get_args(field.annotation))
        return st.selectbox(**common, options=options, index=options.index(usual))
    if isinstance(usual, int | float):
        return st.number_input(**common, **_limits(field, usual))
    typed = st.text_input(**common, value=setting_text(usual))
    return typed.strip() or None


def label_of(name: str) -> str:
    """Write a field's name for people.

    Example:
        >>> label_of("learning_rate")
        'Learning rate'
    """
    return name.replace("_", " ").capitalize()


def _limits(field: FieldInfo, usual: float) -> dict[str, Any]:
    """What a number input needs; what lies just outside an open end is refused later."""
    whole = isinstance(usual, int)
    kind = int if whole else float
    # Of a limit annotated_types says no more than that it can be compared.
    low: Any = None
    high: Any = _LARGEST if whole else None
    for limit in field.metadata:
        low = limit.ge if isinstance(limit, Ge) else limit.gt if isinstance(limit, Gt) else low
        high = limit.le if isinstance(limit, Le) else limit.lt if isinstance(limit, Lt) else high
    step = 1 if whole else 10.0 ** floor(log10(usual)) if usual > 0 else 0.05
    limits = {"min_value": low, "max_value": high, "value": usual, "step": step}
    typed = {key: kind(limit) for key, limit in limits.items() if limit is not None}
    return typed if whole else {**typed, "format": "%g"}
