"""The Consistency page's address: what is on the screen, written so that a link shows the same.

`?project=demo&value=helpful&tau.helpful=0.3&norm=0.5&flip=harmless&scale=shared&view=pairs&pair=..`
Reading never fails: what makes no sense is left out and named in a note. Pure; no streamlit.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from vcsoup.workspace import Scale

Name = TypeVar("Name", bound=str)

SCALES: tuple[Scale, ...] = ("dataset", "shared")
VIEWS = ("gaps", "map", "pairs", "flips", "sweep", "bias")
KEYS = ("value", "norm", "flip", "scale", "view", "pair")
"""The keys that are this page's own, beside `tau.<value>`."""
MOST_NORM = 20.0


@dataclass(frozen=True)
class Asked:
    """What an address asks for; None or empty where it says nothing.

    Attributes:
        value: The dataset to look at.
        thresholds: Threshold by value, in [-1, 1].
        min_norm: Least norm of the gap vector, in sigmas, 0 to `MOST_NORM`.
        flips: The values in whose datasets likely flips are exchanged.
        scale: One of `SCALES`.
        view: One of `VIEWS`.
        pair: A pair id, 16 hex digits.
        notes: What could not be used, a sentence each.
    """

    value: str | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    min_norm: float | None = None
    flips: frozenset[str] | None = None
    scale: Scale | None = None
    view: str | None = None
    pair: str | None = None
    notes: tuple[str, ...] = ()


def own_part(query: Mapping[str, str]) -> dict[str, str]:
    """Return the entries of a query that belong to this page.

    Example:
        >>> own_part({"project": "demo", "tau.helpful": "0.3", "view": "map"})
        {'tau.helpful': '0.3', 'view': 'map'}
    """
    return {key: text for key, text in query.items() if key in KEYS or key.startswith("tau.")}


def read_address(query: Mapping[str, str], values: Sequence[str]) -> Asked:
    """Read a query.

    Args:
        query: Key to text, as it stands in the address.
        values: The values that have scored pairs.

    Returns:
        What it asks for, and notes about what it asks in vain.

    Example:
        >>> read_address({"tau.helpful": "0.3", "norm": "much"}, ["helpful"]).notes
        ("norm 'much' is no number from 0 to 20",)
    """
    notes: list[str] = []
    thresholds = {}
    for key, text in query.items():
        if not key.startswith("tau."):
            continue
        value, tau = key.removeprefix("tau."), _number(text, -1.0, 1.0)
        if value not in values:
            notes.append(f"{value[:40]!r} is no value with scored pairs")
        elif tau is None:
            notes.append(f"threshold {text[:20]!r} of {value} is no number from -1 to 1")
        else:
            thresholds[value] = tau
    min_norm = None
    if "norm" in query and (min_norm := _number(query["norm"], 0.0, MOST_NORM)) is None:
        notes.append(f"norm {query['norm'][:20]!r} is no number from 0 to {MOST_NORM:g}")
    flips = None
    if "flip" in query:
        flips = frozenset(value for value in query["flip"].split(",") if value in values)
    return Asked(
        value=_one_of(query, "value", values, notes),
        thresholds=thresholds,
        min_norm=min_norm,
        flips=flips,
        scale=_one_of(query, "scale", SCALES, notes),
        view=_one_of(query, "view", VIEWS, notes),
        pair=_pair(query, notes),
        notes=tuple(notes),
    )


def write_address(asked: Asked) -> list[tuple[str, str]]:
    """Write what is on the screen; what says nothing is left out.

    Example:
        >>> write_address(Asked(value="helpful", thresholds={"helpful": 0.3}, min_norm=0.0))
        [('value', 'helpful'), ('tau.helpful', '0.3')]
    """
    entries = [("value", asked.value or "")]
    entries += [(f"tau.{value}", f"{tau + 0.0!r}") for value, tau in asked.thresholds.items()]
    entries += [("norm", f"{asked.min_norm:g}" if asked.min_norm else "")]
    entries += [("flip", ",".join(sorted(asked.flips or ())))]
    entries += [
        ("scale", asked.scale or ""),
        ("view", asked.view or ""),
        ("pair", asked.pair or ""),
    ]
    return [(key, text) for key, text in entries if text]


def _number(text: str, low: float, high: float) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and low <= number <= high else None


def _one_of(
    query: Mapping[str, str], key: str, known: Sequence[Name], notes: list[str]
) -> Name | None:
    text = query.get(key)
    found = next((name for name in known if name == text), None)
    if text is not None and found is None:
        notes.append(f"{key} {text[:40]!r} is none of {', '.join(known)}")
    return found


def _pair(query: Mapping[str, str], notes: list[str]) -> str | None:
    text = query.get("pair")
    if text is None or re.fullmatch("[0-9a-f]{16}", text):
        return text
    notes.append(f"pair {text[:20]!r} is no pair id of 16 hex digits")
    return None
