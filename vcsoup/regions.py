"""Which points lie inside a drawn region: the exact test behind the gap map's lasso. Pure numpy."""

import numpy as np
import numpy.typing as npt

from vcsoup.errors import FilterError

Points = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]


def in_polygon(x: Points, y: Points, polygon: npt.ArrayLike) -> BoolArray:
    """Say which points lie inside a polygon, by the even-odd rule.

    A ray to the right crosses the outline an odd number of times exactly from inside; so of a
    self-crossing outline the doubly enclosed parts count as outside.

    Args:
        x: Shape (n,).
        y: Shape (n,).
        polygon: Corners in order, shape (c, 2), c >= 3, finite; closed by itself.

    Returns:
        Shape (n,). Points on a left or lower edge count as inside, on a right or upper one not.

    Raises:
        FilterError: fewer than three corners, or one that is not finite.

    Example:
        >>> square = [[0, 0], [2, 0], [2, 2], [0, 2]]
        >>> in_polygon(np.array([1.0, 3.0]), np.array([1.0, 1.0]), square)
        array([ True, False])
    """
    corners = np.asarray(polygon, dtype=np.float64)
    if corners.ndim != 2 or corners.shape[1:] != (2,) or len(corners) < 3:
        raise FilterError(f"a region needs three corners or more, got shape {corners.shape}")
    if not np.isfinite(corners).all():
        raise FilterError("a region's corners must be finite; draw it again")
    found = np.zeros(len(x), dtype=np.bool_)
    (left, low), (right, high) = corners.min(axis=0), corners.max(axis=0)
    near = np.flatnonzero((x >= left) & (x <= right) & (y >= low) & (y <= high))
    found[near] = _odd_crossings(x[near].astype(np.float64), y[near].astype(np.float64), corners)
    return found


def _odd_crossings(x: Points, y: Points, corners: npt.NDArray[np.float64]) -> BoolArray:
    odd = np.zeros(len(x), dtype=np.bool_)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        reached = np.flatnonzero((y0 <= y) != (y1 <= y))
        crossing = x0 + (y[reached] - y0) * ((x1 - x0) / (y1 - y0))
        odd[reached] ^= x[reached] < crossing
    return odd
