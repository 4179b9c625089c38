"""The chord: places on a segment, the straight line, sags with paired intervals."""

import numpy as np
import pytest

from vcsoup.errors import GapShapeError, UnknownValueError
from vcsoup.evaluation.chord import chord, chord_weights, on_chord

VALUES = ["helpful", "harmless", "humorous"]


def test_weights_run_from_one_value_to_the_other():
    soups = chord_weights(VALUES, "humorous", "helpful", 4)
    assert soups.tolist() == [
        [0.0, 0.0, 1.0],
        [0.25, 0.0, 0.75],
        [0.5, 0.0, 0.5],
        [0.75, 0.0, 0.25],
        [1.0, 0.0, 0.0],
    ]
    assert on_chord(soups, 2, 0).tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_soups_beside_the_segment_have_no_place():
    soups = [[0.5, 0.5, 0.0], [0.4, 0.4, 0.2], [0.5, 0.4, 0.0], [1.5, -0.5, 0.0], [0.0, 0.0, 0.0]]
    places = on_chord(soups, 0, 1)
    assert places[0] == 0.5
    assert np.isnan(places[1:]).all()


@pytest.mark.parametrize(
    ("ends", "steps", "error", "said"),
    [
        (("helpful", "funny"), 4, UnknownValueError, "'funny' is no value"),
        (("helpful", "helpful"), 4, UnknownValueError, "helpful twice"),
        (("helpful", "harmless"), 0, GapShapeError, "at least 1 step"),
    ],
)
def test_mistakes(ends, steps, error, said):
    with pytest.raises(error, match=said):
        chord_weights(VALUES, *ends, steps)


def test_line_and_sag_by_hand():
    """Two prompts, one value: ends 0, 2 and 4, 6; the middle 1, 3 and the line 2, 4: sag -1.

    The sag is the same on both prompts, so its interval has no width, while the mean's does.
    """
    rewards = np.array([[[0.0], [2.0]], [[1.0], [3.0]], [[4.0], [6.0]]])
    found = chord([0.0, 0.5, 1.0], rewards, rng=np.random.default_rng(0))
    assert found.line[:, 0].tolist() == [1.0, 3.0, 5.0]
    assert found.measured.mean[:, 0].tolist() == [1.0, 2.0, 5.0]
    assert found.sag.mean[:, 0].tolist() == [0.0, -1.0, 0.0]
    assert (found.sag.low[1, 0], found.sag.high[1, 0]) == (-1.0, -1.0)
    assert found.measured.low[1, 0] < 2.0 < found.measured.high[1, 0]
    assert (found.lowest(0), found.n_prompts) == (1, 2)


def test_order_does_not_matter():
    rewards = np.random.default_rng(0).normal(size=(4, 8, 2))
    places = np.array([0.0, 0.25, 0.75, 1.0])
    straight = chord(places, rewards, rng=np.random.default_rng(1))
    order = [2, 0, 3, 1]
    mixed = chord(places[order], rewards[order], rng=np.random.default_rng(1))
    np.testing.assert_array_equal(straight.sag.low, mixed.sag.low)
    assert mixed.places.tolist() == places.tolist()


def test_a_missing_end_is_refused():
    with pytest.raises(GapShapeError, match="both of its ends"):
        chord([0.0, 0.5], np.zeros((2, 3, 1)), rng=np.random.default_rng(0))
    with pytest.raises(GapShapeError, match=r"\(m, P, K\)"):
        chord([0.0, 1.0], np.zeros((2, 3)), rng=np.random.default_rng(0))
