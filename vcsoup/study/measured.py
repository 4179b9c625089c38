"""The unit "measured": every policy of one arm sampled on the same prompts with the same numbers.

Replies are judged by every reward model and, in the embedded world, by the hidden truth that no
reward model ever saw. Sampling, judging and merging are those of the app; what is of the study
alone is which policies are asked for what.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from vcsoup.errors import GapShapeError
from vcsoup.evaluation.summary import gain_unit
from vcsoup.monitor import Monitor
from vcsoup.soup.adapters import Adapter
from vcsoup.soup.merge import merge_factor_average
from vcsoup.soup.model import SoupModel
from vcsoup.study.asking import Asking
from vcsoup.study.conditioned import asked_levels, steered
from vcsoup.study.geometry import delta_cosine, gradient_cosine, loss_barrier
from vcsoup.study.ground import Ground
from vcsoup.study.samples import POINTS
from vcsoup.study.sequences import mean_kl
from vcsoup.study.settings import StudyError
from vcsoup.study.worlds import World, taken

FloatArray = npt.NDArray[np.float64]
_SEED_STEP = 1_000_003  # between the samples of best-of-n


def make_measured(
    ground: Ground,
    world: World,
    spec: Mapping[str, Any],
    policies: Sequence[Path],
    folder: Path,
    *,
    monitor: Monitor,
) -> dict[str, Any]:
    """Measure one arm.

    Writes `points.safetensors`: weights (m, K), rewards and truth (m, P, K), kl (m,), and for
    soups average_rewards and average_truth (V, P, K), the factor average at the weight vectors.

    Args:
        ground: Prompts, judges, truth.
        world: For held-out pairs and gradients.
        spec: Of a "measured" unit.
        policies: Its adapters.
        folder: Where to write.
        monitor: Hears of a stop.

    Returns:
        tokens, and for soups delta_cosine, gradient_cosine, barrier, average_error, kept.
    """
    asking = Asking(ground, spec, monitor)
    if spec["arm"] == "base":
        arrays, figures = _base(asking)
    elif "best_of" in spec:
        arrays, figures = _best_of(asking)
    elif spec["arm"] == "conditioned":
        arrays, figures = _conditioned(asking, policies)
    elif spec["arm"] == "weighted":
        arrays, figures = _weighted(asking, policies)
    else:
        arrays, figures = _soups(asking, world, policies)
    save_file(
        {name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / POINTS
    )
    return {**figures, "tokens": asking.tokens}


Found = tuple[dict[str, FloatArray], dict[str, Any]]


def _base(asking: Asking) -> Found:
    soup = SoupModel.load(asking.ground.base, [])
    found = asking.judge(asking.ask(soup, np.zeros((1, 0))))
    values = asking.ground.values
    try:
        gain_unit(found["rewards"][0], values)
    except GapShapeError as error:
        raise StudyError(str(error)) from error
    return {"weights": np.zeros((1, len(values))), "kl": np.zeros(1), **found}, {}


def _best_of(asking: Asking) -> Found:
    """The best of n base replies by weighted reward, for every weight vector."""
    soup, n = SoupModel.load(asking.ground.base, []), asking.spec["best_of"]
    seeds = [asking.spec["seed"] + i * _SEED_STEP for i in range(n)]
    found = asking.judge([asking.ask(soup, np.zeros((1, 0)), seed=seed)[0] for seed in seeds])
    rewards = found["rewards"]  # (n, P, K)
    unit = rewards.reshape(-1, rewards.shape[2]).std(axis=0, ddof=1)
    best = ((rewards / unit) @ asking.vectors.T).argmax(axis=0)  # (P, V)
    places = np.arange(len(best))
    chosen = {
        name: np.stack([array[row, places] for row in best.T]) for name, array in found.items()
    }
    return {"weights": asking.vectors, "kl": np.full(len(best.T), np.nan), **chosen}, {}


def _weighted(asking: Asking, policies: Sequence[Path]) -> Found:
    """One policy per weight vector."""
    soup = SoupModel.load(asking.ground.base, policies)
    one_hot = np.eye(len(policies))
    replies = asking.ask(soup, one_hot)
    kl = [
        mean_kl(soup, row.tolist(), asking.prompts, asking.prompts, own)
        for row, own in zip(one_hot, replies, strict=True)
    ]
    return {"weights": asking.vectors, "kl": np.array(kl), **asking.judge(replies)}, {}


def _conditioned(asking: Asking, policies: Sequence[Path]) -> Found:
    """One policy, asked for other reward levels for every weight vector."""
    soup, values = SoupModel.load(asking.ground.base, policies), asking.ground.values
    wanted = [
        dict(zip(values, asked_levels(vector, asking.spec["levels"]), strict=True))
        for vector in asking.vectors.tolist()
    ]
    told = [[steered(prompt, levels) for prompt in asking.prompts] for levels in wanted]
    replies = asking.ask(soup, np.ones((len(told), 1)), told=told)
    kl = [
        mean_kl(soup, [1.0], asked, asking.prompts, own)
        for asked, own in zip(told, replies, strict=True)
    ]
    return {"weights": asking.vectors, "kl": np.array(kl), **asking.judge(replies)}, {}


def _soups(asking: Asking, world: World, policies: Sequence[Path]) -> Found:
    """Mixes of the K policies: the grid and the weight vectors, exact and factor-averaged."""
    soup = SoupModel.load(asking.ground.base, policies)
    soups = np.unique(np.concatenate([asking.spec["grid"], asking.vectors]).round(9), axis=0)
    replies = asking.ask(soup, soups)
    places = [int(np.abs(soups - vector).sum(axis=1).argmin()) for vector in asking.vectors]
    kl = np.full(len(soups), np.nan)
    for place in places:
        kl[place] = mean_kl(
            soup, soups[place].tolist(), asking.prompts, asking.prompts, replies[place]
        )
    found = asking.judge(replies)
    averaged, error = _averaged(asking, soup.adapters, found, places)
    take, seed = asking.spec["take"], asking.spec["seed"]
    taking = {value: taken(world, value, take, seed) for value in world.values}
    rng = np.random.default_rng([seed, 6])
    figures = {
        "kept": {value: len(pairs) for value, pairs in taking.items()},
        "delta_cosine": delta_cosine(policies),
        "gradient_cosine": gradient_cosine(asking.ground.base, taking, rng=rng),
        "barrier": loss_barrier(soup, world.heldout, beta=asking.spec["beta"]),
        "average_error": error,
    }
    return {"weights": soups, "kl": kl, **found, **averaged}, figures


def _averaged(
    asking: Asking,
    adapters: Sequence[Adapter],
    exact: Mapping[str, FloatArray],
    places: Sequence[int],
) -> tuple[dict[str, FloatArray], float]:
    """The factor average at the weight vectors, and its mean relative error where it mixes.

    At a corner it is the policy itself, so those points are the exact soup's.
    """
    arrays = {f"average_{name}": array[places] for name, array in exact.items()}
    mixed = [row for row, vector in enumerate(asking.vectors) if vector.max() < 1]
    if not mixed:
        return arrays, 0.0
    merges = [merge_factor_average(adapters, asking.vectors[row]) for row in mixed]
    made = [
        replace(adapters[0], name=f"average-{row}", factors=merge.factors)
        for row, merge in zip(mixed, merges, strict=True)
    ]
    plain = SoupModel.load(asking.ground.base, [])
    soup = SoupModel(plain.model, plain.tokenizer, made)
    for name, array in asking.judge(asking.ask(soup, np.eye(len(made)))).items():
        arrays[f"average_{name}"][mixed] = array
    return arrays, float(np.mean([merge.relative_error for merge in merges]))
