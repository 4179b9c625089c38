"""What tells runs apart: settings, pairs and outcome side by side. No streamlit here."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from vcsoup.filtering import PairFilter
from vcsoup.numbers import DASH, count, duration, plain, share
from vcsoup.ui.runs_lineage import filter_words
from vcsoup.ui.runs_look import Run
from vcsoup.ui.train_plan import setting_text
from vcsoup.workspace import AdapterInfo


def settings_of(run: Run, adapters: Sequence[AdapterInfo]) -> dict[str, str]:
    """Return what a run was told to do, field to text.

    Args:
        run: The run.
        adapters: What it made, newest first; a run typed on the command line says its settings only
            there.
    """
    recorded: Mapping[str, Any] = adapters[0].manifest if adapters else {}
    config = recorded.get("config") or run.config or {}
    found = {
        "value": ", ".join(run.values),
        "pairs": ", ".join(run.groups),
        "attempts": str(run.job.attempt),
    }
    if recorded:
        kept = recorded.get("filter")
        found["filter"] = filter_words(PairFilter(**kept)) if kept else "none"
    for name, label in (("data_hash", "dataset"), ("base_fingerprint", "base")):
        if recorded.get(name):
            found[label] = str(recorded[name])[:8]
    return found | {name: setting_text(setting) for name, setting in config.items()}


def outcome_of(run: Run) -> dict[str, str]:
    """Return how a run did, figure to text."""
    track = run.reports.track
    found: dict[str, str] = {"state": run.state}
    if track is None:
        return found
    found["steps done"] = str(int(track.train[-1]["step"])) if track.train else DASH
    for name, label, write in (
        ("heldout_loss", "held-out loss", plain),
        ("heldout_accuracy", "held-out accuracy", share),
        ("heldout_margin", "held-out margin", plain),
        ("heldout_pairs", "held-out pairs", lambda pairs: count(int(pairs))),
        ("kl", "KL to the base", lambda kl: plain(kl, 3)),
        ("tokens_per_s", "tokens/s", lambda speed: plain(speed, 0)),
    ):
        figure = track.newest(name)
        if figure is not None:
            found[label] = write(figure)
    seconds = run.job.seconds
    return found | ({"took": duration(seconds)} if seconds is not None else {})


def differences(columns: Mapping[str, Mapping[str, str]], *, all_rows: bool) -> pd.DataFrame:
    """Put what is known of some runs side by side.

    Args:
        columns: Field to text, by name of the run.
        all_rows: Whether rows in which all agree are kept.

    Returns:
        One row per field, one column per run; an en dash where nothing is known, which counts as
        no difference.

    Example:
        >>> runs = {"a": {"seed": "0", "rank": "16"}, "b": {"seed": "1", "rank": "16"}}
        >>> differences(runs, all_rows=False).to_dict("index")
        {'seed': {'a': '0', 'b': '1'}}
    """
    names = list(dict.fromkeys(field for fields in columns.values() for field in fields))
    table = pd.DataFrame(
        {run: [fields.get(name, DASH) for name in names] for run, fields in columns.items()},
        index=pd.Index(names, name="field", dtype=object),
    )
    if all_rows or table.shape[1] < 2:
        return table
    return table[table.where(table != DASH).nunique(axis=1) > 1]
