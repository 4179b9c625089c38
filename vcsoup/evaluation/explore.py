"""Which soups to measure next: those that promise to enlarge the front the most.

Candidates lie on the simplex. Per candidate the expected gain in hypervolume is estimated by
drawing what measuring might show (`vcsoup.evaluation.predict`) and adding each draw to the measured
points. Several soups are chosen one after the other: the first is then taken as measured with its
predicted rewards, so that the second is worth its own measuring. Pure: `vcsoup.exploring` measures.
"""

import numpy as np
import numpy.typing as npt

from vcsoup.errors import GapShapeError
from vcsoup.evaluation.front import hypervolume, pareto_front
from vcsoup.evaluation.predict import Surface, fit_surface
from vcsoup.soup.weights import simplex_grid

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

DRAWS = 48
"""Draws per candidate behind an expected gain."""
SCREENED = 40
"""Candidates whose gain is estimated, out of a few hundred."""
CLOSEST = 0.02
"""A candidate within this distance of a measured soup, in any weight, is not worth measuring."""
_STEPS = {2: 100, 3: 20, 4: 9, 5: 6, 6: 5, 7: 4}
_ROOM = 0.1


def propose(
    weights: npt.ArrayLike, rewards: npt.ArrayLike, n: int, *, rng: np.random.Generator
) -> FloatArray:
    """Choose soups to measure next.

    Args:
        weights: Measured soups on the simplex, shape (m, K); m may be 0.
        rewards: Their mean rewards, shape (m, K).
        n: How many, n >= 1; fewer are proposed when the simplex holds no more candidates.
        rng: Source of the draws.

    Returns:
        Weights, shape (<= n, K), the most promising first. While the points do not carry a
        regression, missing corners come first, then soups far from all others.

    Raises:
        GapShapeError: n < 1, or shapes that do not fit.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> propose(np.zeros((0, 2)), np.zeros((0, 2)), 3, rng=rng).tolist()
        [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]
    """
    soups, got = np.asarray(weights, dtype=np.float64), np.asarray(rewards, dtype=np.float64)
    if n < 1 or soups.ndim != 2 or soups.shape != got.shape:
        raise GapShapeError(
            f"expected n >= 1 and weights and rewards of one shape (m, K), got n={n}, "
            f"{soups.shape} and {got.shape}; give one row per measured soup"
        )
    candidates = _fresh(candidate_soups(soups.shape[1]), soups)
    surface = fit_surface(soups, got) if len(soups) else None
    if surface is None or surface.method != "regression":
        return _spread(candidates, soups, n)
    return _promising(surface, candidates, got, n, rng)


def candidate_soups(K: int) -> FloatArray:
    """The soups that may be proposed: an even grid of a few hundred, shape (c, K).

    Example:
        >>> candidate_soups(3).shape
        (231, 3)
    """
    return simplex_grid(K, _STEPS.get(K, 3))


def expected_gains(
    surface: Surface,
    candidates: npt.ArrayLike,
    rewards: npt.ArrayLike,
    *,
    reference: npt.ArrayLike,
    rng: np.random.Generator,
) -> FloatArray:
    """Expected gain in hypervolume of measuring each candidate, by Monte Carlo.

    Args:
        surface: A regression of the measured soups.
        candidates: Shape (c, K).
        rewards: Measured mean rewards, shape (m, K).
        reference: Reference point of the hypervolume, shape (K,).
        rng: Source of the draws; all candidates share them.

    Returns:
        Shape (c,), >= 0, in the product of the K reward units.
    """
    predicted = surface.predict(candidates)
    measured = np.asarray(rewards, dtype=np.float64)
    front, corner = measured[pareto_front(measured)], np.asarray(reference, dtype=np.float64)
    noise = rng.standard_normal((DRAWS, predicted.mean.shape[1]))
    gains = np.zeros(len(predicted.mean))
    for place, (mean, sd) in enumerate(zip(predicted.mean, predicted.sd, strict=True)):
        draws = mean + sd * noise
        beaten = (front[None] >= draws[:, None]).all(axis=2).any(axis=1)
        useful = draws[~beaten & (draws > corner).all(axis=1)]
        gains[place] = sum(_volume_gained(draw, front, corner) for draw in useful) / DRAWS
    return gains


def reference_point(rewards: npt.ArrayLike) -> FloatArray:
    """A reference a tenth of the range below the worst of each value, so that corners count too.

    Example:
        >>> reference_point([[0.0, 1.0], [1.0, 0.0]]).tolist()
        [-0.1, -0.1]
    """
    points = np.asarray(rewards, dtype=np.float64)
    worst, best = points.min(axis=0), points.max(axis=0)
    return np.asarray(worst - _ROOM * np.maximum(best - worst, 1e-9))


def _promising(
    surface: Surface, candidates: FloatArray, got: FloatArray, n: int, rng: np.random.Generator
) -> FloatArray:
    reference = reference_point(got)
    chosen: list[FloatArray] = []
    while len(chosen) < n and len(candidates):
        hopeful = _hopeful(surface, candidates, got)
        expected = expected_gains(surface, candidates[hopeful], got, reference=reference, rng=rng)
        best = int(hopeful[expected.argmax()])
        if expected.max() <= 0:  # nothing left to gain as far as the draws show: learn instead
            best = int(surface.predict(candidates).sd.sum(axis=1).argmax())
        chosen.append(candidates[best])
        imagined = surface.predict(candidates[best]).mean[0]
        surface, got = surface.given(candidates[best], imagined), np.vstack([got, imagined])
        candidates = _fresh(candidates, candidates[best][None])
    return np.array(chosen).reshape(len(chosen), got.shape[1])


def _hopeful(surface: Surface, candidates: FloatArray, got: FloatArray) -> IntArray:
    """The candidates that rise above the front the most, one standard deviation hoped for.

    A cheap screen, vectorised: only these are worth volumes. The rise is how far a point must sink
    on all values, in units of their ranges, to be beaten.
    """
    predicted = surface.predict(candidates)
    unit = np.maximum(np.ptp(got, axis=0), 1e-12)
    front = got[pareto_front(got)]
    above = (predicted.mean + predicted.sd)[:, None] - front[None]
    rise = (above / unit).max(axis=2).min(axis=1)
    return np.asarray(np.argsort(-rise, kind="stable")[:SCREENED])


def _volume_gained(draw: FloatArray, front: FloatArray, corner: FloatArray) -> float:
    """Volume between the corner and a point that the front does not dominate yet."""
    known = np.minimum(front, draw)
    box = float(np.prod(draw - corner))
    return max(0.0, box - hypervolume(known[pareto_front(known)], corner))  # it may be approximated


def _fresh(candidates: FloatArray, measured: FloatArray) -> FloatArray:
    """The candidates that are not (nearly) measured."""
    if not len(measured):
        return candidates
    apart = np.abs(candidates[:, None] - measured[None]).max(axis=2).min(axis=1)
    return np.asarray(candidates[apart > CLOSEST])


def _spread(candidates: FloatArray, measured: FloatArray, n: int) -> FloatArray:
    """Corners first, then one after the other the candidate farthest from all measured soups."""
    chosen: list[FloatArray] = []
    while len(chosen) < n and len(candidates):
        corner = np.flatnonzero(candidates.max(axis=1) > 1 - 1e-9)
        known = np.vstack([measured, *chosen])
        far = np.linalg.norm(candidates[:, None] - known[None], axis=2) if len(known) else None
        best = int(corner[0]) if len(corner) or far is None else int(far.min(axis=1).argmax())
        chosen.append(candidates[best])
        candidates = _fresh(candidates, candidates[best][None])
    return np.array(chosen).reshape(len(chosen), measured.shape[1])
