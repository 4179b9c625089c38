"""The lasso's exact test against a winding count in plain Python, and against hand-made shapes."""

import numpy as np
import pytest

from vcsoup.errors import FilterError
from vcsoup.regions import in_polygon


def naive(px, py, polygon):
    """Crossings of a ray to the right, one edge at a time."""
    odd = False
    for (x0, y0), (x1, y1) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (y0 <= py) != (y1 <= py) and px < x0 + (py - y0) * (x1 - x0) / (y1 - y0):
            odd = not odd
    return odd


@pytest.mark.parametrize("corners", [3, 5, 40])
def test_random_shapes(corners):
    rng = np.random.default_rng(corners)
    x, y = rng.normal(size=(2, 500))
    polygon = rng.normal(size=(corners, 2)).tolist()
    expected = [naive(a, b, polygon) for a, b in zip(x, y, strict=True)]
    assert in_polygon(x, y, polygon).tolist() == expected
    assert in_polygon(x, y, polygon[::-1]).tolist() == expected


def test_a_u_has_a_hollow():
    """An U of 3 x 3: its left leg is inside, the hollow between the legs is not."""
    u_shape = [[0, 0], [3, 0], [3, 3], [2, 3], [2, 1], [1, 1], [1, 3], [0, 3]]
    found = in_polygon(np.array([0.5, 1.5, 2.5, 1.5]), np.array([2, 2, 2, 0.5]), u_shape)
    assert found.tolist() == [True, False, True, True]


def test_neighbouring_regions_share_no_point_and_lose_none():
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(0, 4.0), np.arange(0, 4.0)))
    halves = [[[0, 0], [2, 0], [2, 4], [0, 4]], [[2, 0], [4, 0], [4, 4], [2, 4]]]
    inside = [in_polygon(x, y, half) for half in halves]
    assert (inside[0] ^ inside[1]).all()


@pytest.mark.parametrize("polygon", [[], [[0, 0], [1, 1]], [[0, 0], [1, 0], [np.nan, 1]]])
def test_what_is_no_region_is_refused(polygon):
    with pytest.raises(FilterError, match="corners"):
        in_polygon(np.zeros(1), np.zeros(1), polygon)
