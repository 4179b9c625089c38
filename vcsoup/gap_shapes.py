"""The checks that consistency and retention share: shapes, ranges, finite entries.

Every function returns a float64 view or copy of what it was given, or raises `GapShapeError` with
what was expected, what came, where, and what to do. Shapes: n pairs, K values, t thresholds.
"""

import numpy as np
import numpy.typing as npt

from vcsoup.errors import GapShapeError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


def as_table(numbers: npt.ArrayLike, name: str) -> FloatArray:
    """Rewards or gaps as float64 of shape (n, K), K >= 2, every entry finite.

    Raises:
        GapShapeError: another shape, or a non-finite entry (the first is named by row and column).
    """
    try:
        table = np.asarray(numbers, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise GapShapeError(
            f"{name} must be numbers of shape (n, K), got {error}; give one per pair and value"
        ) from error
    if table.ndim != 2 or table.shape[1] < 2:
        raise GapShapeError(
            f"expected {name} of shape (n, K) with K >= 2 values, got {table.shape}; "
            "give one row per pair and one column per value"
        )
    finite = np.isfinite(table)
    if not finite.all():
        row, column = (int(i) for i in np.unravel_index(int(finite.argmin()), table.shape))
        raise GapShapeError(
            f"{name} must be finite, got {table[row, column]} in row {row}, value column {column}; "
            "score that pair again or leave it out"
        )
    return table


def as_sides(
    rewards_chosen: npt.ArrayLike, rewards_rejected: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Rewards of both sides, of one shape (n, K).

    Raises:
        GapShapeError: as `as_table`, or the two shapes differ.
    """
    chosen = as_table(rewards_chosen, "chosen rewards")
    rejected = as_table(rewards_rejected, "rejected rewards")
    if chosen.shape != rejected.shape:
        raise GapShapeError(
            f"chosen and rejected rewards must have one shape, got {chosen.shape} and "
            f"{rejected.shape}; score both sides of every pair with every reward model"
        )
    return chosen, rejected


def as_consistency(consistency: npt.ArrayLike) -> FloatArray:
    """Consistency as float64 of shape (n,), every entry finite.

    Raises:
        GapShapeError: another shape, or a non-finite entry (the first is named by row).
    """
    vector = np.asarray(consistency, dtype=np.float64)
    if vector.ndim != 1:
        raise GapShapeError(
            f"expected consistency of shape (n,), got {vector.shape}; give one number per pair"
        )
    finite = np.isfinite(vector)
    if not finite.all():
        row = int(finite.argmin())
        raise GapShapeError(
            f"consistency must be finite, got {vector[row]} in row {row}; use finite gaps"
        )
    return vector


def check_thresholds(thresholds: FloatArray) -> None:
    """Refuse thresholds outside [-1, 1], where consistency lives.

    Raises:
        GapShapeError: a threshold outside that range, or nan; or more than one dimension.
    """
    if thresholds.ndim != 1:
        raise GapShapeError(
            f"expected thresholds of shape (t,), got {thresholds.shape}; give a list"
        )
    outside = thresholds[~(np.abs(thresholds) <= 1.0)]
    if len(outside):
        raise GapShapeError(
            f"a threshold must be from -1 to 1, got {outside[0]:g}; -1 keeps every pair"
        )


def check_values(K: int) -> None:
    """Refuse fewer than two values.

    Raises:
        GapShapeError: K < 2.
    """
    if K < 2:
        raise GapShapeError(f"consistency needs K >= 2 values, got {K}; add another value")


def check_pairs(n: int) -> None:
    """Refuse an empty dataset.

    Raises:
        GapShapeError: n < 1.
    """
    if n < 1:
        raise GapShapeError("expected at least one pair, got none; add preference pairs first")
