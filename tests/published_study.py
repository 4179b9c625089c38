"""A small published study with figures that a test can foresee."""

from pathlib import Path

import pandas as pd

from tests.study_text import parse_study
from vcsoup.study.published import save_results
from vcsoup.study.results import Results

STUDY = """
name: small
worlds: {noise: [0.1, 0.2, 0.3], conflict: [0.3, 0.45, 0.6]}
seeds: {tuning: [9], reporting: [1, 2, 3, 4, 5]}
thresholds: [0.3, 0.6]
"""
STUDY_FILE = parse_study(STUDY)
KINDS = {
    "base": ("base", None),
    "unfiltered": ("unfiltered", None),
    "filtered-0.3": ("filtered", 0.3),
    "random-0.3": ("random", 0.3),
    "filtered-0.6": ("filtered", 0.6),
    "random-0.6": ("random", 0.6),
}
# Hypervolume in the centre; elsewhere a tenth of the noise is taken off.
VOLUMES = dict(zip(KINDS, (1.0, 2.0, 2.5, 2.1, 1.6, 1.9), strict=True))
HALF = {"filtered-0.3": 0.2, "filtered-0.6": 0.6}  # half-widths of the intervals


def put_study(folder: Path) -> Results:
    """Publish the study in a folder; every measure has the figures of the hypervolume."""
    rows, comparisons, sticks = [], [], {}
    for setting in STUDY_FILE.worlds.settings():
        about = {"setting": setting.name, **setting.model_dump()}
        sticks[setting.name] = {
            "unit": [1.0] * 3,
            "truth_unit": [1.0] * 3,
            "reference": [-1.0] * 3,
            "ideal": [[1.0] * 3],
        }
        lower = 0.0 if setting == STUDY_FILE.worlds.centre else setting.noise / 10
        for measure in ("hypervolume", "balanced", "utility", "truth_utility"):
            for arm, (kind, threshold) in KINDS.items():
                what = {"arm": arm, "kind": kind, "threshold": threshold, "min_norm": 0.0}
                what |= {"scale": "dataset" if threshold else None, "measure": measure}
                rows.append({**about, **what, **around(VOLUMES[arm] - lower, HALF.get(arm, 0.1))})
            for first, second in pairs():
                gap = around(VOLUMES[first] - VOLUMES[second], HALF[first])
                told = {"first": first, "second": second, "measure": measure}
                comparisons.append({**about, **told, **gap, "verdict": verdict(gap)})
        for arm in KINDS:
            for name, figure in (("trainings", 3.0), ("cpu_seconds", 90.0), ("tokens", 1e6)):
                what = {"arm": arm, "kind": KINDS[arm][0], "threshold": KINDS[arm][1]}
                rows.append({**about, **what, "measure": name, **around(figure, 0.0)})
    table = pd.DataFrame(rows)
    figures = table.assign(seed=1, value=table["mean"])
    results = Results(figures, table, pd.DataFrame(comparisons), sticks, ["one that failed"])
    cost = {"units": 10, "done": 10, "cpu_seconds": 7200.0, "cpu_seconds_left": 0, "tokens": 5}
    tuning = [
        {"arm": arm, "measure": "hypervolume", **around(volume * better, 0.1), "n_seeds": 1}
        | {"steps": steps}
        for steps, better in ((40, 1.0), (70, 1.2))
        for arm, volume in {**VOLUMES, "filtered-0.6 (factor average)": 3.0}.items()
    ]
    save_results(STUDY_FILE, results, folder, cost={"policy": cost, "total": cost}, tuning=tuning)
    return results


def pairs():
    for threshold in ("0.3", "0.6"):
        yield f"filtered-{threshold}", "unfiltered"
        yield f"filtered-{threshold}", f"random-{threshold}"


def around(mean, half):
    return {
        "mean": mean,
        "low": mean - half,
        "high": mean + half,
        "n_seeds": 5,
        "n_prompts": 68,
    }


def verdict(gap):
    return "higher" if gap["low"] > 0 else "lower" if gap["high"] < 0 else "unclear"
