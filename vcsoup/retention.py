"""What a threshold would keep of a dataset by chance.

The chance line tells users whether their data are better than luck: real values that agree keep
more pairs than it at every positive threshold. Pure numpy; part of step "filter" of VC-Soup
(arXiv:2603.18113). What thresholds do keep is in `vcsoup.sweep`.
"""

import math

import numpy as np
import numpy.typing as npt

from vcsoup.gap_shapes import FloatArray, check_thresholds, check_values


def chance_retention(thresholds: npt.ArrayLike, K: int) -> FloatArray:
    """Share of pairs that each threshold keeps when the gaps are independent noise.

    The gaps are then a random direction in K dimensions, and the share is the part of the sphere
    within the angle theta = arccos(tau) of the all-ones direction:
    J(theta) / J(pi), J(theta) = integral of sin(a)^(K-2) from 0 to theta. J is summed in closed
    form by its recursion in K; the error is below 1e-12 for K <= 100.

    Args:
        thresholds: tau, shape (t,), in [-1, 1].
        K: How many values, K >= 2.

    Returns:
        Shape (t,), in [0, 1], falling in tau: 1 at -1, one half at 0.

    Raises:
        GapShapeError: K < 2, or a threshold outside [-1, 1].

    Example:
        >>> chance_retention([0.0, 0.5, 0.7], 3)
        array([0.5 , 0.25, 0.15])
    """
    check_values(K)
    tau = np.atleast_1d(np.array(thresholds, dtype=np.float64))
    check_thresholds(tau)
    part = _sine_power_integral(np.arccos(tau), K - 2)
    whole = _sine_power_integral(np.array([math.pi]), K - 2)
    return np.clip(part / whole, 0.0, 1.0)


def _sine_power_integral(theta: FloatArray, power: int) -> FloatArray:
    """Integral of sin(a)^power from 0 to theta, by parts: from power - 2 up to power."""
    if power == 0:
        return theta
    if power == 1:
        return 1.0 - np.cos(theta)
    below = (power - 1) / power * _sine_power_integral(theta, power - 2)
    integral: FloatArray = below - np.cos(theta) * np.sin(theta) ** (power - 1) / power
    return integral
