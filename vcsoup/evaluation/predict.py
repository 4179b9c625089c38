"""What an unmeasured soup is likely to score, from the soups measured so far.

Between "a slider was released" and "the soup is measured" the Soup page shows a predicted point,
and `vcsoup.evaluation.explore` asks where measuring promises most. Per value, rewards are a line in
the weights plus a smooth Gaussian process plus noise (universal kriging). A few points do not tell
how the rewards bend, so predictions are averaged over lengths of the wiggles and shares of noise,
each weighed by its restricted likelihood, and the variance, which is estimated too, makes intervals
Student's. With too few points to tell anything but the straight line, it is the line between the
corners.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from vcsoup.errors import GapShapeError
from vcsoup.student import student_t

FloatArray = npt.NDArray[np.float64]
Method = Literal["regression", "straight line"]

LENGTHS = (0.2, 0.35, 0.6, 1.0, 1.7)
"""Distances in weights over which rewards may bend."""
NOISES = (1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0, 10.0)
"""Variance of the noise in units of the bending's variance."""
SPARE = 3
"""Points needed beyond those that fix the straight line, before it is a regression."""
_LEAST_SHARE = 0.02  # of the likeliest bending; less changes nothing that is seen


@dataclass(frozen=True)
class Prediction:
    """Predicted mean rewards of q soups.

    Attributes:
        mean: Shape (q, K), in the reward models' units.
        sd: Standard deviation of what measuring would show, shape (q, K); nan for a straight line,
            which knows nothing of its error.
        reach: Half the width of the 95 % interval, shape (q, K); nan for a straight line.
    """

    mean: FloatArray
    sd: FloatArray
    reach: FloatArray


@dataclass(frozen=True)
class Surface:
    """Rewards as a function of the weights; made by `fit_surface`.

    Attributes:
        method: "regression", or "straight line" while there are too few points.
        points: How many measured soups it was made from.
        error: Root of the mean squared leave-one-out error, shape (K,); nan for a straight line.
    """

    method: Method
    points: int
    error: FloatArray
    _parts: "tuple[_Average, ...]"
    _freedom: int = 0
    _line: FloatArray | None = None

    def predict(self, weights: npt.ArrayLike) -> Prediction:
        """Predict soups that need not be measured.

        Args:
            weights: Shape (q, K).

        Returns:
            Means and standard deviations, each (q, K).

        Example:
            >>> line = fit_surface(np.eye(2), [[1.0, 0.0], [0.0, 1.0]])
            >>> line.method, line.predict([[0.25, 0.75]]).mean.tolist()
            ('straight line', [[0.25, 0.75]])
        """
        asked = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        if self._line is not None:
            mean = asked @ self._line
            unknown = np.full_like(mean, np.nan)
            return Prediction(mean, unknown, unknown)
        found = [part.predict(asked) for part in self._parts]
        means, sds = (np.stack(figures, axis=1) for figures in zip(*found, strict=True))
        return Prediction(means, sds, student_t(self._freedom) * sds)

    def given(self, weights: npt.ArrayLike, rewards: npt.ArrayLike) -> "Surface":
        """The surface as if one more soup were measured, with the bending and noise as they are.

        Args:
            weights: Shape (K,).
            rewards: Shape (K,).

        Returns:
            A new surface; a straight line stays as it is.
        """
        soup, got = np.asarray(weights, dtype=np.float64), np.asarray(rewards, dtype=np.float64)
        parts = tuple(part.given(soup, y) for part, y in zip(self._parts, got, strict=False))
        return replace(self, points=self.points + 1, _parts=parts)


def fit_surface(weights: npt.ArrayLike, rewards: npt.ArrayLike) -> Surface | None:
    """Fit the rewards of measured soups.

    Args:
        weights: Measured soups, shape (m, K), none twice. Leave the base (zeros) out as long as
            only the simplex is asked for: alone off the simplex, it tells nothing about it.
        rewards: Their mean rewards, shape (m, K).

    Returns:
        A regression where there are enough points; else the straight line between the corners;
        None while a corner is missing too.

    Raises:
        GapShapeError: shapes that do not fit, or an entry that is not finite.
    """
    soups, got = _checked(weights, rewards)
    trend = _Trend.of(soups)
    if len(soups) < trend.rank + SPARE:
        line = _corner_line(soups, got)
        unknown = np.full(got.shape[1], np.nan)
        if line is None:
            return None
        return Surface("straight line", len(soups), unknown, (), _line=line)
    parts = tuple(_Average.of(soups, column, trend) for column in got.T)
    error = np.sqrt([np.mean(part.left_out() ** 2) for part in parts])
    return Surface("regression", len(soups), error, parts, len(soups) - trend.rank)


@dataclass(frozen=True)
class _Trend:
    """The straight line's directions: an orthonormal basis of [1, weights] as far as it varies."""

    turn: FloatArray  # (K + 1, rank)

    @classmethod
    def of(cls, soups: FloatArray) -> "_Trend":
        _, sizes, rows = np.linalg.svd(_with_one(soups), full_matrices=False)
        return cls(rows[sizes > 1e-8 * sizes[0]].T)

    @property
    def rank(self) -> int:
        return int(self.turn.shape[1])

    def columns(self, soups: FloatArray) -> FloatArray:
        return _with_one(soups) @ self.turn


@dataclass(frozen=True)
class _Bend:
    """How one value's rewards bend: over which distance, how noisy, of which variance.

    `scale` is found from the points when None.
    """

    length: float
    noise: float
    scale: float | None = None


class _Kriging:
    """One value's fit with fixed bending and noise; everything is solved once."""

    def __init__(self, soups: FloatArray, rewards: FloatArray, trend: _Trend, bend: _Bend) -> None:
        self._soups, self._rewards, self._trend, self._bend = soups, rewards, trend, bend
        F = trend.columns(soups)
        V = _correlation(soups, soups, bend.length) + bend.noise * np.eye(len(F))
        self._log_det = float(np.linalg.slogdet(V)[1])
        self._inverse = np.linalg.inv(V)
        self._information = F.T @ self._inverse @ F
        self._slope = np.linalg.solve(self._information, F.T @ self._inverse @ rewards)
        rest = rewards - F @ self._slope
        self._pull = self._inverse @ rest
        own = max(float(rest @ self._pull) / (len(F) - F.shape[1]), 1e-18)
        self._scale = own if bend.scale is None else bend.scale

    def likelihood(self) -> float:
        """The restricted log likelihood, up to a constant."""
        freedom = len(self._rewards) - self._trend.rank
        log_information = float(np.linalg.slogdet(self._information)[1])
        return -0.5 * (freedom * float(np.log(self._scale)) + self._log_det + log_information)

    def predict(self, asked: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Means and standard deviations of measurements, each (q,)."""
        near = _correlation(asked, self._soups, self._bend.length)
        F = self._trend.columns(self._soups)
        asked_trend, known = self._trend.columns(asked), near @ self._inverse
        open_slope = asked_trend - known @ F
        mean = asked_trend @ self._slope + near @ self._pull
        explained = (known * near).sum(axis=1)
        doubt = (open_slope * np.linalg.solve(self._information, open_slope.T).T).sum(axis=1)
        variance = self._scale * np.maximum(1.0 + self._bend.noise - explained + doubt, 0.0)
        return mean, np.sqrt(variance)

    def left_out(self) -> FloatArray:
        """Leave-one-out errors, shape (m,), in closed form."""
        F = self._trend.columns(self._soups)
        side = self._inverse @ F
        Q = self._inverse - side @ np.linalg.solve(self._information, side.T)
        return np.asarray((Q @ self._rewards) / np.maximum(np.diag(Q), 1e-12))

    def given(self, soup: FloatArray, reward: float) -> "_Kriging":
        """With one more point, everything that was found kept."""
        bend = replace(self._bend, scale=self._scale)
        soups, rewards = np.vstack([self._soups, soup]), np.append(self._rewards, reward)
        return _Kriging(soups, rewards, self._trend, bend)


@dataclass(frozen=True)
class _Average:
    """One value's fits with every bending that is likely, weighed by how likely each is."""

    shares: FloatArray  # (b,), sums to 1
    fits: tuple[_Kriging, ...]

    @classmethod
    def of(cls, soups: FloatArray, column: FloatArray, trend: _Trend) -> "_Average":
        bends = [_Bend(length, noise) for length in LENGTHS for noise in NOISES]
        fits = [_Kriging(soups, column, trend, bend) for bend in bends]
        heights = np.array([fit.likelihood() for fit in fits])
        shares = np.exp(heights - heights.max())
        kept = np.flatnonzero(shares >= _LEAST_SHARE)
        return cls(shares[kept] / shares[kept].sum(), tuple(fits[place] for place in kept))

    def predict(self, asked: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Means and standard deviations of measurements, each (q,)."""
        found = [fit.predict(asked) for fit in self.fits]
        means, sds = (np.stack(figures) for figures in zip(*found, strict=True))  # (b, q)
        mean = self.shares @ means
        return mean, np.sqrt(self.shares @ (sds**2 + (means - mean) ** 2))

    def left_out(self) -> FloatArray:
        """Leave-one-out errors, shape (m,), with the shares that all points gave."""
        return np.asarray(self.shares @ np.stack([fit.left_out() for fit in self.fits]))

    def given(self, soup: FloatArray, reward: float) -> "_Average":
        """With one more point, everything that was found kept."""
        return replace(self, fits=tuple(fit.given(soup, reward) for fit in self.fits))


def _correlation(left: FloatArray, right: FloatArray, length: float) -> FloatArray:
    squared = ((left[:, None, :] - right[None, :, :]) ** 2).sum(axis=2)
    return np.asarray(np.exp(-squared / (2 * length**2)))


def _with_one(soups: FloatArray) -> FloatArray:
    return np.hstack([np.ones((len(soups), 1)), soups])


def _corner_line(soups: FloatArray, rewards: FloatArray) -> FloatArray | None:
    """Rewards of the K corners, shape (K, K), rows in the order of values; None when one lacks."""
    rows = []
    for corner in np.eye(soups.shape[1]):
        found = np.flatnonzero(np.abs(soups - corner).max(axis=1) < 1e-6)
        if not len(found):
            return None
        rows.append(rewards[found[-1]])
    return np.stack(rows)


def _checked(weights: npt.ArrayLike, rewards: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    soups, got = np.array(weights, dtype=np.float64), np.array(rewards, dtype=np.float64)
    if soups.ndim != 2 or got.ndim != 2 or len(soups) != len(got):
        raise GapShapeError(
            f"expected weights (m, K) and rewards (m, K), got {soups.shape} and {got.shape}; "
            "give one row per measured soup"
        )
    if not (np.isfinite(soups).all() and np.isfinite(got).all()):
        raise GapShapeError("weights and rewards must be finite; measure that soup again")
    return soups, got
