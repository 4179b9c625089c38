"""Time left, and what strict JSON can hold: expectations worked out by hand."""

import numpy as np
import pytest

from vcsoup.jobs.folder import plain
from vcsoup.jobs.progress import seconds_left


def records(*rows):
    return [{"time": t, "stage": stage, "done": d, "total": n} for t, stage, d, n in rows]


def test_time_left_comes_from_the_present_stage_only():
    """Stage b: 10 units in 5 s is 2 a second; 30 left take 15 s, of which 3 have passed."""
    seen = records((0, "a", 1, 9), (100, "b", 0, 40), (105, "b", 10, 40))
    assert seconds_left(seen, now=108.0) == pytest.approx(12.0)


def test_time_left_is_never_negative_and_unknown_at_the_beginning():
    assert seconds_left([], now=0.0) is None
    assert seconds_left(records((0, "a", 0, 9)), now=1.0) is None
    assert seconds_left(records((0, "a", 0, 9), (1, "a", 8, 9)), now=50.0) == 0.0
    assert seconds_left(records((0, "a", 9, 9)), now=50.0) == 0.0


def test_numbers_become_strict_json():
    got = plain({"a": np.float32(0.5), "b": np.array([1.0, np.nan]), "c": np.inf, "d": np.int64(3)})
    assert got == {"a": 0.5, "b": [1.0, None], "c": None, "d": 3}
    assert type(got["d"]) is int
