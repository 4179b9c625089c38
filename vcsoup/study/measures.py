"""Every measure of an arm in one world, by seed and by draw of prompts.

Puts the figures of `vcsoup.study.scoring` together with what the units measured themselves (KL,
cosines, barriers) and with the chords of `vcsoup.evaluation.chord`. Pure numpy.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from vcsoup.evaluation.chord import chord, on_chord
from vcsoup.study.samples import ArmSamples, SettingSamples
from vcsoup.study.scoring import Yardstick, balanced, hypervolumes, igd_plus, utility

FloatArray = npt.NDArray[np.float64]
Measures = dict[str, FloatArray]

MEASURES: Mapping[str, str] = {
    "hypervolume": "hypervolume of the points at the weight vectors",
    "igd_plus": "IGD+ to the best front seen (smaller is better)",
    "balanced": "worst value's gain of the best balanced point, chosen and measured apart",
    "utility": "gain by the weights that were asked for",
    "truth_utility": "the same by the hidden truth",
    "truth_balanced": "worst value's true gain, best balanced point chosen by the truth, apart",
    "over_optimisation": "gain by the judges minus gain by the truth",
    "kl": "KL to the base, nats per token",
    "hypervolume_grid": "hypervolume of all soups of the grid",
    "balanced_grid": "worst value's gain of the best balanced soup of the grid",
    "sag": "half-half mixes: measured gain minus the line between the two policies",
    "barrier": "half-half mixes: held-out loss minus the mean of the two policies",
    "delta_cosine": "cosine between the values' adapters",
    "gradient_cosine": "cosine between the values' gradients at the base",
    "average_error": "relative error of the factor average",
    "kept": "pairs per value that were trained on",
    "trainings": "trainings",
    "cpu_seconds": "CPU seconds, trainings and measuring",
    "tokens": "tokens trained on and sampled",
}


def measures(
    arm: ArmSamples, found: SettingSamples, stick: Yardstick, shares: FloatArray
) -> Measures:
    """Every measure of an arm: shape (S, 1 + D), or (S, 1) where prompts play no part."""
    own = [found.seeds.index(seed) for seed in arm.seeds]
    gains = _gains(arm.rewards, found.base[own], stick.unit)
    made = {
        "hypervolume": hypervolumes(gains, shares, stick),
        "igd_plus": igd_plus(gains, shares, stick),
        "balanced": balanced(gains, shares),
        "utility": utility(gains, shares, found.vectors),
    }
    if arm.truth is not None and found.base_truth is not None and stick.truth_unit is not None:
        true = _gains(arm.truth, found.base_truth[own], stick.truth_unit)
        made["truth_utility"] = utility(true, shares, found.vectors)
        made["truth_balanced"] = balanced(true, shares)
        made["over_optimisation"] = made["utility"] - made["truth_utility"]
    if arm.kl is not None and np.isfinite(arm.kl).all():
        made["kl"] = arm.kl[:, None]
    if arm.grid is not None and arm.grid_rewards is not None:
        grid = _gains(arm.grid_rewards, found.base[own], stick.unit)
        made["hypervolume_grid"] = hypervolumes(grid, shares, stick)
        made["balanced_grid"] = balanced(grid, shares)
        sags = _sags(grid, arm.grid)
        if np.isfinite(sags).all():
            made["sag"] = sags[:, None]
    for name in ("barrier", "delta_cosine", "gradient_cosine", "average_error"):
        told = [figures.get(name) for figures in arm.figures]
        if told and all(figure is not None for figure in told):
            made[name] = np.array(told, dtype=np.float64)[:, None]
    if arm.figures and all("kept" in figures for figures in arm.figures):
        kept = [list(figures["kept"].values()) for figures in arm.figures]  # type: ignore[attr-defined]
        made["kept"] = np.mean(kept, axis=1)[:, None]
    for name in ("trainings", "cpu_seconds", "tokens"):
        made[name] = np.array([cost[name] for cost in arm.cost], dtype=np.float64)[:, None]
    return made


def _gains(rewards: FloatArray, base: FloatArray, unit: FloatArray) -> FloatArray:
    return (rewards - base[:, None]) / unit


def _sags(grid: FloatArray, weights: FloatArray) -> FloatArray:
    """Mean over all chords and values of measured minus line at the half-half mix: shape (S,).

    Of a grid without these mixes, such as one of thirds, nan.
    """
    K = weights.shape[1]
    sags = np.full((len(grid), K * (K - 1) // 2), np.nan)
    for column, (first, second) in enumerate(zip(*np.triu_indices(K, k=1), strict=True)):
        places = on_chord(weights, int(first), int(second))
        on = ~np.isnan(places)
        if not (np.abs(places[on] - 0.5) < 1e-4).any():
            continue
        for row, soups in enumerate(grid):
            known = chord(places[on], soups[on], rng=np.random.default_rng(0))
            middle = int(np.abs(known.places - 0.5).argmin())
            sags[row, column] = known.sag.mean[middle].mean()
    return np.asarray(sags.mean(axis=1))
